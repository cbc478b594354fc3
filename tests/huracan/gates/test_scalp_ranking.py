"""Signals of one moment compete for the places that are free: the fastest edge gets them."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from huracan.gates.contract import ABSTAIN, BLOCK, PASS, Gate
from huracan.gates.scalp_ranking import MaximumPositions, ScalpRankingGateSettings
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.columns import shown, with_column
from tests.huracan.gates.conftest import Fitter, one

Maker = Callable[..., pa.Table]


def _gate(places: int) -> Gate:
    """Every trade made 40 before costs, and lasted 20 minutes."""
    past = with_column(hourly_ledger(40), "gross_bps", np.full(40, 40.0))
    settings = {"scalp_ranking": ScalpRankingGateSettings(maximum_positions=MaximumPositions(places, places))}
    return one("scalp_ranking", past, settings=settings)


def _signals(costs: list[float], minutes: list[int]) -> pa.Table:
    trades = with_column(hourly_ledger(len(costs)), "estimated_cost_bps", costs)
    start = trades["signal_time"][0].as_py()
    trades = with_column(trades, "symbol", [f"S{row}/USDT" for row in range(len(costs))])
    return with_column(trades, "signal_time", [start + timedelta(minutes=each) for each in minutes])


def test_the_fastest_of_a_moment_get_the_places() -> None:
    given = _gate(2).judge(shown(_signals([30.0, 10.0, 20.0], [0, 0, 0])))
    assert given.answer == (BLOCK, PASS, PASS)
    assert given.value == pytest.approx(np.array([10.0, 30.0, 20.0]) / 1200)
    # Each against its rival: the best without a place, or the worst with one.
    assert given.threshold == pytest.approx(np.array([20.0, 10.0, 10.0]) / 1200)
    assert given.reason[0] == (
        "Number 3 of 3 at its moment, by 8.333 bps in 1,000 s, and 2 places free: it would pass above 16.667."
    )


def test_positions_that_are_open_hold_their_places_and_later_ones_none() -> None:
    free = _gate(2).judge(shown(_signals([10.0, 5.0, 7.0], [0, 19, 20]), held=1))
    assert free.answer == (PASS, PASS, PASS)
    taken = _gate(2).judge(shown(_signals([10.0], [0]), held=2))
    assert (
        taken.answer == (BLOCK,) and "0 places free: positions that are open hold them all" in taken.reason[0]
    )
    # More than there are places for were opened while more were allowed.
    assert _gate(2).judge(shown(_signals([10.0], [0]), held=5)).answer == (BLOCK,)


def test_with_room_for_all_the_ranking_refuses_none_not_even_what_loses() -> None:
    given = _gate(3).judge(shown(_signals([90.0, 10.0, 20.0], [0, 0, 0])))
    assert set(given.answer) == {PASS} and np.isnan(given.threshold).all()


def test_equals_are_served_by_name_whatever_order_they_come_in() -> None:
    trades = _signals([10.0, 10.0], [0, 0])
    there, back = (_gate(1).judge(shown(each)).answer for each in (trades, trades.take(pa.array([1, 0]))))
    assert there == (PASS, BLOCK) and back == (BLOCK, PASS)


def test_explored_entries_do_not_compete_and_a_short_past_ranks_none(
    make_ledger: Maker, fit_all: Fitter
) -> None:
    explored = _gate(1).judge(shown(_signals([10.0, 10.0], [0, 0]), book="explored"))
    assert set(explored.answer) == {ABSTAIN} and "have an account each" in explored.reason[0]
    short = fit_all(make_ledger(29))["scalp_ranking"].judge(shown(make_ledger(2)))
    assert set(short.answer) == {ABSTAIN} and "29 past trades" in short.reason[0]
