"""Input that no market can be made of."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from huracan.errors import InputRefused, InvalidInput
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.engine.training_lanes import LaneStarts, TrainingLanes
from huracan.market.paper.replay import replay
from huracan.market.paper.stored_actions import ActionLists
from huracan.market.rules import MaintenanceTier, TradingRules

COSTS = CostAssumptions()
RULES = TradingRules()
ONE = np.zeros(1, np.int64)
TIER = MaintenanceTier(1e5, 0.004)

Maker = Callable[..., MarketBlock]


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0])
@pytest.mark.parametrize("name", ["open", "high", "low", "close"])
def test_a_tradable_bar_without_a_sound_price_is_refused(make_block: Maker, name: str, value: float) -> None:
    block = make_block([[100.0] * 5] * 2)
    prices = getattr(block, name).copy()
    prices[1, 3] = value
    broken = replace(block, **{name: prices})
    with pytest.raises(InvalidInput, match="Bar 3 of S1 is tradable"):
        MarketEnvironment(broken, RULES, COSTS, 1)
    with pytest.raises(InvalidInput, match="Bar 3 of S1 is tradable"):
        replay(broken, RULES, COSTS, ActionLists(ONE, ONE, np.zeros((1, 4), np.int8)))
    closed = block.is_tradable.copy()
    closed[1, 3] = False
    MarketEnvironment(replace(broken, is_tradable=closed), RULES, COSTS, 1)


def test_funding_that_is_no_number_is_refused(make_block: Maker) -> None:
    with pytest.raises(InvalidInput, match="Bar 2 of S0"):
        MarketEnvironment(make_block([100.0] * 4, funding_rate=[0, 0, np.nan, 0]), RULES, COSTS, 1)


def test_a_block_that_lacks_bars_of_a_column_is_refused(make_block: Maker) -> None:
    block = make_block([[100.0] * 4] * 2)
    for name in ("close", "is_tradable", "features", "regime_probabilities"):
        short = replace(block, **{name: getattr(block, name)[:1]})
        with pytest.raises(InvalidInput, match=f"{name} of a block is"):
            MarketEnvironment(short, RULES, COSTS, 1)


@pytest.mark.parametrize(
    ("symbol", "bar", "words"),
    [
        (2, 0, "symbol that the block lacks"),
        (-1, 0, "symbol that the block lacks"),
        (0, 6, "bar that the block lacks"),
        (0, -1, "bar that the block lacks"),
        (0, 5, "begin at its last bar"),
    ],
)
def test_a_lane_begins_only_where_there_is_something_to_trade(
    make_block: Maker, symbol: int, bar: int, words: str
) -> None:
    block = make_block([[100.0] * 6] * 2, day_bars=3)
    with pytest.raises(InvalidInput, match=words):
        MarketEnvironment(block, RULES, COSTS, 1).begin(ONE, np.array([symbol]), np.array([bar]))
    with pytest.raises(InvalidInput, match=words):
        replay(
            block, RULES, COSTS, ActionLists(np.array([symbol]), np.array([bar]), np.zeros((1, 2), np.int8))
        )


@pytest.mark.parametrize(
    ("bar", "end", "words"),
    [
        (3, 3, "begin at its last bar"),
        (3, 1, "begin at its last bar"),
        (2, 5, "inside a decision bar"),
        (1, 4, "inside a decision bar"),
        (1, 7, "end at a bar that the block lacks"),
    ],
)
def test_a_lane_ends_only_at_a_decision_after_its_first(
    make_block: Maker, bar: int, end: int, words: str
) -> None:
    environment = MarketEnvironment(make_block([100.0] * 6, decision_bars=2), RULES, COSTS, 1)
    before = environment.state.copy()
    with pytest.raises(InvalidInput, match=words):
        environment.begin(ONE, ONE, ONE + bar, ends=ONE + end)
    assert environment.state == before


def test_a_block_of_one_decision_is_refused(make_block: Maker) -> None:
    block = make_block([100.0] * 3, decision_bars=3)
    with pytest.raises(InvalidInput, match="begin at its last bar"):
        MarketEnvironment(block, RULES, COSTS, 1).begin(ONE, ONE, ONE + 2)
    with pytest.raises(InputRefused, match="no two decisions"):
        TrainingLanes(block, RULES, COSTS, 1, LaneStarts(np.random.default_rng(0)))
    with pytest.raises(InvalidInput, match="no whole number of decisions of 2"):
        make_block([100.0] * 3, decision_bars=2)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("symbol", 2), ("symbol", -1), ("end_bar", 6), ("bar", 5), ("bar", 7), ("bar", -1),
    ],
)  # fmt: skip
def test_lanes_of_another_block_are_refused(make_block: Maker, name: str, value: int) -> None:
    environment = MarketEnvironment(make_block([[100.0] * 6] * 2), RULES, COSTS, 1)
    environment.restore(environment.state.copy())
    environment.begin(ONE, ONE, ONE + 4)
    before = environment.state.copy()
    environment.restore(before)
    other = before.copy()
    other[name] = value
    with pytest.raises(InputRefused, match="stand at bars that the block lacks"):
        environment.restore(other)
    assert environment.state == before


def test_a_snapshot_of_another_block_is_refused(make_block: Maker) -> None:
    large, small = (
        TrainingLanes(make_block([[100.0] * bars] * 2), RULES, COSTS, 4, LaneStarts(np.random.default_rng(0)))
        for bars in (200, 20)
    )
    large.reset()
    with pytest.raises(InputRefused, match="stand at bars that the block lacks"):
        small.restore(large.snapshot())


def test_arrays_of_another_shape_are_refused(make_block: Maker) -> None:
    environment = MarketEnvironment(make_block([100.0] * 6), RULES, COSTS, 2)
    with pytest.raises(InvalidInput, match="Actions were"):
        environment.advance(ONE)
    with pytest.raises(InvalidInput, match="`out` was float64"):
        environment.observe(np.zeros((2, 23)))  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="`out` was bool"):
        environment.masks(np.zeros((2, 9), bool))
    with pytest.raises(InvalidInput, match="action lists were"):
        replay(environment.block, RULES, COSTS, ActionLists(ONE, ONE, np.zeros(5, np.int8)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size_multipliers": (1.0, 2.0)}, "size_multipliers"),
        ({"maximum_adds": -1}, "maximum_adds"),
        ({"maximum_adds": 1_000}, "maximum_adds"),
        ({"scratch_age": "0m"}, "'0m' is not a span of time"),
        ({"maximum_holding": "120"}, "'120' is not a span of time"),
        ({"volatility_horizon": "1.5h"}, "'1.5h' is not a span of time"),
        ({"maximum_participation": 0.0}, "maximum_participation"),
        ({"maximum_participation": 1.5}, "maximum_participation"),
        ({"maximum_leverage": 0.5}, "maximum_leverage"),
        ({"maximum_leverage": 3.0}, "without maintenance_tiers"),
        ({"maintenance_tiers": (TIER, MaintenanceTier(2e5, 0.001))}, "do not rise"),
        ({"maintenance_tiers": (TIER, MaintenanceTier(9e4, 0.01))}, "do not rise"),
        ({"maintenance_tiers": (MaintenanceTier(1e5, 1.0),)}, "do not rise"),
        ({"maintenance_tiers": tuple(MaintenanceTier(float(n), 0.01) for n in range(1, 10))}, "do not rise"),
        ({"minimum_notional_usd": -1.0}, "minimum_notional_usd"),
        ({"trail_volatilities": 0.0}, "not positive"),
        ({"add_multiplier": float("nan")}, "not positive"),
    ],
)
def test_rules_that_make_no_sense_are_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        replace(RULES, **change)  # type: ignore[arg-type]


def test_a_constant_price_is_a_market_like_any_other(make_block: Maker) -> None:
    block = replace(make_block([100.0] * 50), volatility_bps=np.zeros((1, 50)))
    environment = MarketEnvironment(block, RULES, COSTS, 1)
    environment.begin(ONE, ONE, ONE)
    assert np.isfinite(environment.observe()).all()
    assert np.isfinite(environment.advance(np.array([2])).rewards).all()
