"""Acting is refused where it is too probably the worse choice, and smaller where it is the likelier one."""

from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.gates.contract import ABSTAIN, BLOCK, PASS, resize
from huracan.gates.regret import MaximumRegret, RegretGateSettings
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.columns import shown, with_column
from tests.huracan.gates.conftest import Fitter, one

Maker = Callable[..., pa.Table]


def _past() -> pa.Table:
    """A day of trades: gross 22 +- 10 in the mean, by turns, in every regime alike."""
    past = hourly_ledger(40, minutes_apart=10)
    return with_column(past, "gross_bps", np.tile([12.0] * 4 + [32.0] * 4, 5))


GATE = one("regret", _past())
ERROR = 10.0 / np.sqrt(10 + 20)
"""Ten trades a regime and side, and twenty that all weigh."""


def _signals(*costs: float) -> pa.Table:
    return shown(with_column(hourly_ledger(len(costs)), "estimated_cost_bps", list(costs)))


def test_it_passes_resizes_and_refuses_by_hand() -> None:
    given = GATE.judge(_signals(22.0 - ERROR, 22.0 + ERROR, 22.0 + 2 * ERROR))
    normal = NormalDist()
    assert given.value == pytest.approx([normal.cdf(1), normal.cdf(-1), normal.cdf(-2)])
    assert given.threshold == pytest.approx([0.05] * 3)
    assert given.answer == (PASS, resize(0.7), BLOCK)
    assert "made 22.0 bps before costs, give or take 1.8, and this one costs 25.7" in given.reason[2]
    assert "would pass with more than 0.027 more" in given.reason[2]


def test_at_the_threshold_it_refuses_and_at_a_half_it_makes_smaller() -> None:
    at = NormalDist().inv_cdf(0.95)
    assert GATE.judge(_signals(22.0 + (at + 1e-6) * ERROR)).answer == (BLOCK,)
    assert GATE.judge(_signals(22.0 + (at - 1e-6) * ERROR)).answer == (resize(0.7),)
    assert GATE.judge(_signals(22.0)).answer == (resize(0.7),)


def test_a_runner_bears_less_regret() -> None:
    settings = {"regret": RegretGateSettings(profile="runner", maximum_regret=MaximumRegret(0.95, 0.8))}
    assert one("regret", _past(), settings=settings).judge(_signals(22.0 + ERROR)).answer == (BLOCK,)


@settings(max_examples=25)
@given(st.floats(0.0, 60.0), st.floats(0.0, 60.0))
def test_a_dearer_signal_is_never_regretted_less(one: float, two: float) -> None:
    low, high = sorted((one, two))
    value = GATE.judge(_signals(low, high)).value
    assert value[0] >= value[1]


def test_trades_of_one_day_that_are_alike_say_less(make_ledger: Maker) -> None:
    past = make_ledger(48)  # two days, an hour apart
    alike = with_column(past, "gross_bps", np.repeat([12.0, 32.0], 24))
    mixed = with_column(past, "gross_bps", np.tile([12.0, 32.0], 24))
    errors = [one("regret", each).gross.usual.error for each in (alike, mixed)]  # type: ignore[attr-defined]
    assert errors[1] == pytest.approx(10.0 / np.sqrt(48))
    # Two days say as much as two trades, with one degree of freedom.
    assert errors[0] == pytest.approx(10.0)


def test_a_signal_without_a_regime_and_too_short_a_past(make_ledger: Maker, fit_all: Fitter) -> None:
    lost = shown(with_column(make_ledger(1), "regime", [None]))
    assert "The signal has no regime: the mean of all is taken." in GATE.judge(lost).reason[0]
    given = fit_all(make_ledger(29))["regret"].judge(shown(make_ledger(2)))
    assert set(given.answer) == {ABSTAIN} and "29 past trades say too little" in given.reason[0]
