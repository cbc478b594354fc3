"""Two policies decide in turn, or nobody does; every trade names who was in charge."""

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from huracan.market.actions import ENTER_FULL_INDEX, EXIT_INDEX
from huracan.market.paper.session import trade_session
from huracan.market.paper.turnover import turnover_usd
from huracan.market.paper.watch import Watch
from tests.huracan.market.paper_days import FLAT, MADE_BY, RULES, Market, milliseconds_of, scripted, two_days


class Knows:
    """Finds one pattern in every entry."""

    def __init__(self, name: str) -> None:
        self.name = name

    def nearest(self, rows: NDArray[np.float32], sides: NDArray[np.object_]) -> tuple[pa.Array, pa.Array]:
        return pa.array([[self.name]] * len(rows)), pa.array([[0.5]] * len(rows))


def test_who_decides_follows_the_clock_and_a_trade_names_both(make_block: Market) -> None:
    untraded = ~np.isin(np.arange(120), (79, 80, 81))
    block = make_block([100.0] * 120, tradable=untraded, day_bars=60)
    day = block.slice(59, 119)
    handover = int(block.open_time_ms[80])
    orders = {
        "early": {60: ENTER_FULL_INDEX, 70: EXIT_INDEX, 72: ENTER_FULL_INDEX, 78: EXIT_INDEX, 95: EXIT_INDEX},
        "late": {84: ENTER_FULL_INDEX, 90: EXIT_INDEX, 75: ENTER_FULL_INDEX},
    }
    watches = [
        Watch(scripted(orders["early"], 59), "early", patterns=Knows("p-early")),
        Watch(scripted(orders["late"], 79), "late", handover, Knows("p-late")),
    ]
    session = trade_session(day, watches, RULES, FLAT, MADE_BY)
    names = ("model_id", "exit_model_id", "nearest_patterns")
    told = [tuple(row[name] for name in names) for row in session.trades.to_pylist()]
    early = ("early", "early", ["p-early"])
    # The second exit was decided at the last close before the handover and met no traded bar till after it.
    assert told == [early, early, ("late", "late", ["p-late"])]
    models = session.decisions["model_id"].to_pylist()
    times = [milliseconds_of(each) for each in session.decisions["open_time"].to_pylist()]
    assert [time < handover for time in times] == [model == "early" for model in models]
    assert turnover_usd(session, handover, 60) == pytest.approx(3_000.0), "an exit, an entry and its exit"


def test_a_stop_names_who_was_in_charge_when_it_was_met(make_block: Market) -> None:
    close = np.where(np.arange(120) < 90, 100.0, 95.0)
    block = make_block(close, day_bars=60).slice(59, 119)
    watches = [
        Watch(scripted({60: ENTER_FULL_INDEX}, 59), "early"),
        Watch(scripted({}, 79), "late", int(block.open_time_ms[80 - 59])),
    ]
    (trade,) = trade_session(block, watches, RULES, FLAT, MADE_BY).trades.to_pylist()
    assert (trade["model_id"], trade["exit_model_id"], trade["exit_reason"]) == ("early", "late", "STOP")


def test_without_a_policy_what_is_held_runs_out_and_nothing_is_entered(make_block: Market) -> None:
    block = make_block([100.0] * 120, day_bars=60)
    first, second = two_days(block, {50: ENTER_FULL_INDEX}, policy_of_second=None)
    (trade,) = second.trades.to_pylist()
    assert (trade["exit_reason"], trade["model_id"], trade["exit_model_id"]) == ("TIME_OUT", "model", None)
    assert trade["bars_held"] == 30
    assert second.decisions.num_rows == second.signals.num_rows == 0
    assert set(second.bars["action"].to_pylist()) == {"WAIT", "HOLD"}
    assert first.open_positions["side"].to_pylist() == ["long"]
