"""A signal is refused where past ones like it met their stops too often, and more often than others."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from huracan.gates.contract import ABSTAIN, BLOCK, PASS, Gate
from huracan.gates.triple_barrier import TripleBarrierGateSettings
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.columns import shown, with_column
from tests.huracan.gates.conftest import Fitter, one

Maker = Callable[..., pa.Table]


def _past(trend: list[bool], others: list[bool], win: float = 30.0, loss: float = -20.0) -> pa.Table:
    """Trades ten minutes apart, by turns of the four regimes; whether each met its target first."""
    rows = len(trend)
    hit = np.array([[a, b, b, b] for a, b in zip(trend, others, strict=True)]).ravel()
    past = hourly_ledger(4 * rows, minutes_apart=10)
    past = with_column(past, "exit_reason", np.where(hit, "TARGET", "STOP").tolist())
    return with_column(past, "net_bps", np.where(hit, win, loss))


def _gate(past: pa.Table, **settings: object) -> Gate:
    return one("triple_barrier", past, settings={"triple_barrier": TripleBarrierGateSettings(**settings)})


def test_a_regime_of_stops_is_refused_and_the_others_pass() -> None:
    gate = _gate(_past([False] * 40, [True, False] * 20), certainty=0.9)
    given = gate.judge(shown(hourly_ledger(4)))
    assert given.answer == (BLOCK, PASS, PASS, PASS)
    # All: 60 of 160 in 160; trend (0 + 20 x 0.375) / 60; 20 bps lost and 30 won pay at 0.4.
    assert given.threshold == pytest.approx([0.375] * 4)
    error = np.sqrt(0.375 * 0.625 / 60)
    assert given.value[0] == pytest.approx(0.125 + 1.2815516 * error)
    assert "Of 40 like it 12% met the target first; all do in 38%, and 40% pay." in given.reason[0]


def test_where_every_stop_is_paid_for_nothing_is_refused_and_at_the_threshold_it_is() -> None:
    past = _past([False] * 40, [True, False] * 20, win=500.0)
    assert set(_gate(past, certainty=0.9).judge(shown(hourly_ledger(4))).answer) == {PASS}
    # Nobody ever met a target in trend; with a certainty of a half the upper end is the mean itself.
    even = _gate(_past([True, False] * 20, [True, False] * 20), certainty=0.5)
    given = even.judge(shown(hourly_ledger(4)))
    assert (given.value == 0.5).all() and given.threshold == pytest.approx([0.4] * 4)
    alike = _gate(_past([True, False] * 20, [True, False] * 20, win=20.0), certainty=0.5)
    assert set(alike.judge(shown(hourly_ledger(4))).answer) == {BLOCK}


def test_what_trades_made_that_time_ended_counts_for_the_share_that_pays() -> None:
    """A half of all trades ended by time: what they made is spread over the others, one for each."""
    past = _past([False] * 40, [True, False] * 20)
    ended = pa.concat_tables([past, with_column(past, "exit_reason", ["TIME_OUT"] * 160)])
    for made, threshold in ((0.0, 0.375), (5.0, (20.0 - 5.0) / 50.0), (25.0, 0.0), (-5.0, 0.375)):
        net = np.append(past["net_bps"].to_numpy(), np.full(160, made))
        given = _gate(with_column(ended, "net_bps", net), certainty=0.9).judge(shown(hourly_ledger(4)))
        # Never above the share of all, 60 of 160.
        assert given.threshold == pytest.approx([threshold] * 4), made


def test_trades_that_ended_by_time_or_by_the_policy_say_nothing(make_ledger: Maker) -> None:
    past = _past([False] * 40, [True, False] * 20)
    left = with_column(past, "exit_reason", ["TIME_OUT", "POLICY_EXIT"] * 80)
    given = _gate(left).judge(shown(make_ledger(2)))
    assert set(given.answer) == {ABSTAIN} and "0 past trades that ended at target or stop" in given.reason[0]


def test_a_kind_that_is_hardly_known_and_one_without_a_regime_are_not_judged(
    make_ledger: Maker, fit_all: Fitter
) -> None:
    gate = _gate(_past([False] * 40, [True, False] * 20))
    short = shown(with_column(make_ledger(1), "side", ["short"]))
    assert gate.judge(short).answer == (ABSTAIN,)
    lost = gate.judge(shown(with_column(make_ledger(1), "regime", [None])))
    assert (
        lost.answer == (ABSTAIN,) and "The signal has no regime: no past trade is like it." in lost.reason[0]
    )
    assert set(fit_all(make_ledger(29))["triple_barrier"].judge(shown(make_ledger(2))).answer) == {ABSTAIN}


def test_why_there_is_no_share_that_pays_is_told_case_by_case(make_ledger: Maker) -> None:
    signal, alike = shown(make_ledger(1)), [True, False] * 20

    def reason(past: pa.Table) -> str:
        given = _gate(past).judge(signal)
        assert given.answer == (ABSTAIN,)
        return given.reason[0]

    assert "No past trade met its target" in reason(_past([False] * 40, [False] * 40))
    assert "No past trade met its stop" in reason(_past([True] * 40, [True] * 40))
    assert "lost nothing at their stops" in reason(_past(alike, alike, loss=0.0))
    short = shown(with_column(make_ledger(1), "side", ["short"]))
    (few,) = _gate(_past(alike, alike)).judge(short).reason
    assert few.startswith("Too few past trades are like it to judge it by (10 needed). Of 0 like it")
