"""Entries under other stops, targets and holdings: by hand on a price that is known."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from huracan.candles.schema import TIME
from huracan.errors import InvalidInput
from huracan.market.actions import (
    ENTER_FULL_INDEX,
    ENTER_HALF_INDEX,
    ENTER_SHORT_FULL_INDEX,
    WAIT_INDEX,
)
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from huracan.market.what_if.held_under import (
    REPLAYED_SCHEMA,
    count_unknown,
    exit_settings,
    held_under,
    replay_exits,
    replayed_under,
)

RULES = TradingRules(maximum_holding="20m", stop_floor_bps=0.0, target_floor_bps=0.0)
FREE = CostAssumptions(taker_fee_bps=0, half_spread_bps=0, slippage_coefficient=0)


@pytest.fixture
def block(make_block: Callable[..., MarketBlock]) -> MarketBlock:
    """It rises by a cent each bar: the open of bar t is 100 + (t - 1) / 100. Stop and target lie far off."""
    return make_block(100 + 0.01 * np.arange(60), volatility_bps=np.full((1, 60), 100.0))


def _entries(block: MarketBlock, bars: list[int], symbol: str = "") -> pa.Table:
    signals = block.time_of(np.array(bars) + 1)
    names = [symbol or block.symbols[0]] * len(bars)
    return pa.table({"symbol": pa.array(names, pa.string()), "signal_time": pa.array(signals).cast(TIME)})


def test_the_rules_are_changed_one_at_a_time() -> None:
    rules = TradingRules(stop_floor_bps=30.0)
    found = {(each.scope, each.value): each.rules for each in exit_settings(rules)}
    assert len(found) == 11 and found["as_is", "x1"] == rules
    wider = found["stop", "x2"]
    assert (wider.stop_volatilities, wider.stop_floor_bps) == (3.0, 60.0)
    assert (wider.target_volatilities, wider.maximum_holding) == (rules.target_volatilities, "2h")
    assert found["target", "x0.5"].target_volatilities == 1.25
    assert [found["holding", value].maximum_holding for value in ("x0.5", "x2")] == ["1h", "4h"]


def test_a_longer_holding_makes_more_of_a_rise_and_a_near_target_less(block: MarketBlock) -> None:
    settings = exit_settings(RULES)
    actions = np.array([ENTER_FULL_INDEX, ENTER_HALF_INDEX, ENTER_SHORT_FULL_INDEX])
    found = held_under(_entries(block, [2, 2, 2]), actions, block, [each.rules for each in settings], FREE)
    by_name = {(each.scope, each.value): found[:, column] for column, each in enumerate(settings)}
    # Bought at 100.02, left twenty bars later at 20 cents more; by half and by double at 10 and 40.
    per_cent = 1e4 / 100.02
    assert by_name["as_is", "x1"] == pytest.approx(np.array([0.2, 0.2, -0.2]) * per_cent)
    assert by_name["holding", "x0.5"] == pytest.approx(np.array([0.1, 0.1, -0.1]) * per_cent)
    assert by_name["holding", "x2"] == pytest.approx(np.array([0.4, 0.4, -0.4]) * per_cent)
    near = TradingRules(maximum_holding="20m", target_volatilities=0.0, target_floor_bps=5.0)
    assert held_under(_entries(block, [2]), actions[:1], block, [near], FREE) == pytest.approx(5.0)


def test_an_explored_trade_is_made_again_by_its_own_action(block: MarketBlock) -> None:
    told = {"trade_id": ["a", "b"], "propensity": [0.1, 0.2], "action": ["ENTER_HALF", "ENTER_SHORT_FULL"]}
    explored = _entries(block, [2, 59])
    for name, values in told.items():
        explored = explored.append_column(name, pa.array(values))
    made = replay_exits(explored, block, RULES, FREE)
    assert made.schema == REPLAYED_SCHEMA and made["trade_id"].to_pylist() == ["a", "b"]
    first, second = made["net_bps_by_setting"].to_pylist()
    assert first[0] == pytest.approx(0.2 * 1e4 / 100.02) and len(first) == len(exit_settings(RULES))
    assert np.isnan(second).all() and count_unknown(made) == 1


def test_replays_under_other_rules_or_costs_are_told_apart(block: MarketBlock) -> None:
    explored = _entries(block, [2, 3])
    for name, values in {
        "trade_id": ["a", "b"],
        "propensity": [0.1] * 2,
        "action": ["ENTER_FULL"] * 2,
    }.items():
        explored = explored.append_column(name, pa.array(values))
    made = replay_exits(explored, block, RULES, FREE)
    assert replayed_under(made, RULES, FREE).equals(made)
    assert replayed_under(made, replace(RULES, trail_volatilities=2.5), FREE).num_rows == 0
    assert replayed_under(made, RULES, replace(FREE, taker_fee_bps=1)).num_rows == 0
    unsaid = made.drop_columns(["replayed_under"])
    assert replayed_under(unsaid, RULES, FREE).num_rows == 0
    both = pa.concat_tables([unsaid, made], promote_options="default")
    assert replayed_under(both, RULES, FREE).equals(made)


def test_an_entry_that_the_block_lacks_is_not_known_under_any_setting(block: MarketBlock) -> None:
    actions = np.array([ENTER_FULL_INDEX])
    for entries in (_entries(block, [2], "ELSE/USDT"), _entries(block, [-1]), _entries(block, [59])):
        assert np.isnan(held_under(entries, actions, block, [RULES], FREE)).all()
    assert held_under(_entries(block, []), actions[:0], block, [RULES], FREE).shape == (0, 1)


def test_an_action_that_opens_nothing_is_refused(block: MarketBlock) -> None:
    with pytest.raises(InvalidInput, match=r"no entry of this market.*actions that open a position"):
        held_under(_entries(block, [2]), np.array([WAIT_INDEX]), block, [RULES], FREE)
