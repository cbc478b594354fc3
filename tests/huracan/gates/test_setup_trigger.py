"""A kind of setup and trigger that surely loses, and more than others, is refused."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from huracan.gates.contract import ABSTAIN, BLOCK, PASS, Gate
from huracan.gates.setup_trigger import KINDS, SetupTriggerGateSettings
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.columns import facts, shown, with_column
from tests.huracan.gates.conftest import Fitter, one

Maker = Callable[..., pa.Table]
BY_KIND = {"compression": [0.5, 0.5, 1.0, 1.0], "last_move": [1.0, 0.0, 1.0, 0.0]}
"""Signals of the four kinds, in the order of KINDS."""


def _kinds(trades: pa.Table, **settings: object) -> list[str | None]:
    market = facts(trades, long_move=[2.0, -2.0, 2.0, -2.0], **BY_KIND)
    return SetupTriggerGateSettings(**settings).kinds(trades, market)


def _gate(net: list[float], rows: int = 160, **settings: object) -> Gate:
    past = with_column(hourly_ledger(rows, minutes_apart=5), "net_bps", np.resize(net, rows))
    market = facts(past, **{name: np.tile(values, rows // 4) for name, values in BY_KIND.items()})
    own = {"setup_trigger": SetupTriggerGateSettings(**settings)}
    return one("setup_trigger", past, settings=own, facts=market)


def test_a_scalp_is_set_up_by_quiet_and_a_runner_by_a_trend_the_signals_way() -> None:
    trades = hourly_ledger(4)
    assert _kinds(trades) == list(KINDS)
    assert _kinds(trades, profile="runner") == [KINDS[0], KINDS[3], KINDS[0], KINDS[3]]
    shorts = with_column(trades, "side", ["short"] * 4)
    # What sets off a long entry does not set off a short one.
    assert _kinds(shorts) == [KINDS[1], KINDS[1], KINDS[3], KINDS[3]]
    assert _kinds(shorts, profile="runner") == [KINDS[3], KINDS[1], KINDS[3], KINDS[1]]
    assert _kinds(trades, trigger_activity=1.01) == [KINDS[1], KINDS[1], KINDS[3], KINDS[3]]


def test_the_kind_that_loses_is_refused_and_says_why() -> None:
    given = _gate([10.0, 10.0, 10.0, -50.0]).judge(shown(hourly_ledger(4), **BY_KIND))
    assert given.answer == (PASS, PASS, PASS, BLOCK)
    assert given.threshold.tolist() == [-5.0] * 4
    # (40 x -50 + 20 x -5) / 60, and 2.326 errors of a spread of 26 above it.
    assert given.value[3] == pytest.approx(-35.0 + 2.3263479 * np.sqrt(675.0 / 60))
    assert "Of signals with neither setup nor trigger: mean -35.0 bps of 40 past trades." in given.reason[3]


def test_where_all_lose_alike_none_is_refused_until_at_the_threshold() -> None:
    signals = shown(hourly_ledger(4), **BY_KIND)
    assert set(_gate([-10.0] * 4 + [-50.0] * 4).judge(signals).answer) == {PASS}
    # At a certainty of a half the upper end is the mean: what is as bad as all is refused, as it must exceed.
    assert set(_gate([-30.0] * 4, certainty=0.5).judge(signals).answer) == {BLOCK}


def test_what_is_not_known_is_not_judged(make_ledger: Maker, fit_all: Fitter) -> None:
    gate = _gate([10.0, 10.0, 10.0, -50.0])
    lost = gate.judge(shown(make_ledger(1), compression=[None]))
    assert lost.answer == (ABSTAIN,) and "The market at the signal is not known." in lost.reason[0]
    short = fit_all(make_ledger(29))["setup_trigger"].judge(shown(make_ledger(2)))
    assert set(short.answer) == {ABSTAIN} and "29 past trades" in short.reason[0]
    seldom = _gate([10.0, 10.0, 10.0, -50.0], rows=36).judge(shown(make_ledger(4), **BY_KIND))
    assert set(seldom.answer) == {ABSTAIN} and "9 past trades say too little" in seldom.reason[0]
