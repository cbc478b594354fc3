"""An entry rests in the book where resting is expected to make more than taking."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.gates.contract import ABSTAIN, Gate, OrderType, order
from huracan.gates.fill_probability import FillProbabilityGateSettings, PatienceBars, resting_fills
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.columns import shown, with_column
from tests.huracan.gates.conftest import Fitter, one

Maker = Callable[..., pa.Table]
LIMIT, MARKET = order(OrderType.LIMIT), order(OrderType.MARKET)


def _gate(edge_bps: float = 40.0, **settings: object) -> Gate:
    past = with_column(hourly_ledger(40), "gross_bps", np.full(40, edge_bps))
    own = {"fill_probability": FillProbabilityGateSettings(**settings)}
    return one("fill_probability", past, settings=own)


def test_it_rests_where_fills_are_sure_and_takes_where_nobody_comes() -> None:
    signals = shown(hourly_ledger(3), buy_fill_chance=[1.0, 0.5, 0.0])
    given = _gate(resting_cost_bps=2.0).judge(signals)
    # Edge 40, round trip 22, of which 11 for the exit: taking makes 18, resting p (40 - 11 - 2) = 27 p.
    assert given.threshold.tolist() == [18.0] * 3
    assert given.value == pytest.approx([27 * 60.5 / 61, 27 * 30.5 / 61, 27 * 0.5 / 61])
    assert given.answer == (LIMIT, MARKET, MARKET)
    assert (
        "Filled in time with 99%, after 1.0 bars" in given.reason[0]
        and "bps less by resting" in given.reason[0]
    )
    assert "4.5 bps more by resting would turn it" in given.reason[1]


def test_what_a_fill_says_of_the_price_counts_against_resting() -> None:
    signals = shown(hourly_ledger(2), buy_fill_chance=1.0, buy_fill_drift_bps=[0.0, -9.0])
    assert _gate(resting_cost_bps=2.0).judge(signals).answer == (LIMIT, MARKET)


def test_where_both_make_the_same_it_takes() -> None:
    nothing = _gate(edge_bps=22.0, resting_cost_bps=11.0).judge(shown(hourly_ledger(1)))
    assert nothing.value.tolist() == nothing.threshold.tolist() == [0.0] and nothing.answer == (MARKET,)
    # Twice as many bars would be needed: 27 x p = 18 at p = 2 / 3, which is 40.167 of 60 bars.
    share = (2 / 3 * 61 - 0.5) / 60
    assert _gate(resting_cost_bps=2.0).judge(
        shown(hourly_ledger(1), buy_fill_chance=share - 1e-9)
    ).answer == (MARKET,)
    assert _gate(resting_cost_bps=2.0).judge(
        shown(hourly_ledger(1), buy_fill_chance=share + 1e-9)
    ).answer == (LIMIT,)


def test_a_runner_waits_for_more_bars_and_a_short_has_the_other_side() -> None:
    signals = shown(hourly_ledger(1), buy_fill_chance=0.5, sell_fill_chance=0.1)
    patient = _gate(resting_cost_bps=2.0, profile="runner", patience_bars=PatienceBars(1, 3))
    assert patient.judge(signals).value == pytest.approx([27 * (1 - 0.5**3)])
    short = shown(with_column(hourly_ledger(1), "side", ["short"]), buy_fill_chance=0.5, sell_fill_chance=0.1)
    assert resting_fills(short)[0] == pytest.approx([6.5 / 61])


@settings(max_examples=25)
@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_surer_fill_never_makes_resting_worse(one: float, two: float) -> None:
    low, high = sorted((one, two))
    value = _SHARED.judge(shown(hourly_ledger(2), buy_fill_chance=[low, high])).value
    assert value[0] <= value[1]


_SHARED = _gate()


def test_a_market_that_is_not_known_and_too_short_a_past_give_no_opinion(
    make_ledger: Maker, fit_all: Fitter
) -> None:
    given = _gate().judge(shown(make_ledger(1), buy_fill_chance=[None]))
    assert given.answer == (ABSTAIN,) and "not known" in given.reason[0]
    given = fit_all(make_ledger(29))["fill_probability"].judge(shown(make_ledger(1)))
    assert given.answer == (ABSTAIN,) and "29 past trades give no expected edge" in given.reason[0]
