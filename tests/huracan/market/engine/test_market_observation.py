"""What a policy sees, column by column."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from huracan.market.actions import (
    ADD_INDEX,
    ENTER_FULL_INDEX,
    ENTER_ONE_AND_HALF_INDEX,
    HOLD_INDEX,
    TRAIL_INDEX,
)
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.observation import STATE_NAMES, observation_names
from huracan.market.rules import TradingRules

FREE = CostAssumptions(taker_fee_bps=0, maker_fee_bps=0, half_spread_bps=0, slippage_coefficient=0)
# A unit is 10 x sqrt(25) = 50 bps.
RULES = TradingRules(
    stop_volatilities=0, stop_floor_bps=100, target_volatilities=0, target_floor_bps=200,
    volatility_horizon="25m", allow_short=True,
)  # fmt: skip

Maker = Callable[..., MarketBlock]
Player = Callable[..., Any]


def _seen(environment: MarketEnvironment) -> dict[str, float]:
    return dict(zip(environment.observation_names, environment.observe()[0].tolist(), strict=True))


def _begin(block: MarketBlock, bar: int, costs: CostAssumptions = FREE) -> MarketEnvironment:
    environment = MarketEnvironment(block, RULES, costs, 1)
    environment.begin(np.zeros(1, np.int64), np.zeros(1, np.int64), np.array([bar]))
    return environment


def test_the_names_are_one_ordered_list() -> None:
    names = observation_names(("a", "b"))
    assert names[:3] == ("a", "b", "regime_trend")
    assert names[6:] == STATE_NAMES
    assert len(STATE_NAMES) == len(set(STATE_NAMES)) == 18


def test_a_long_position_is_seen_in_its_units(make_block: Maker) -> None:
    high = [100, 100, 100.2, 100.6, 100.5, 100.5]
    low = [100, 100, 99.9, 100, 100.5, 100.5]
    environment = _begin(make_block([100, 100, 100, 100.5, 100.5, 100.5], high=high, low=low), 1)
    environment.advance(np.array([ENTER_ONE_AND_HALF_INDEX]))
    environment.advance(np.array([HOLD_INDEX]))
    seen = _seen(environment)
    assert (seen["position_is_open"], seen["position_side"], seen["position_size"]) == (1, 1, 1.5)
    assert seen["position_unrealised"] == pytest.approx(50 / 50)
    assert seen["position_age"] == pytest.approx(2 / 120)
    assert seen["position_to_stop"] == pytest.approx(150 / 50)
    assert seen["position_to_target"] == pytest.approx(150 / 50)
    assert (seen["position_best"], seen["position_worst"]) == (pytest.approx(1.2), pytest.approx(-0.2))
    assert (seen["position_adds"], seen["position_is_trailing"]) == (0, 0)
    assert seen["regime_trend"] == 1


def test_a_short_position_is_seen_from_its_own_side(make_block: Maker) -> None:
    environment = _begin(make_block([100, 100, 100, 100.5, 100.5, 100.5]), 1)
    environment.advance(np.array([11]))
    environment.advance(np.array([HOLD_INDEX]))
    seen = _seen(environment)
    assert (seen["position_side"], seen["position_size"]) == (-1, 1)
    assert seen["position_unrealised"] == pytest.approx(-1)
    assert seen["position_to_stop"] == pytest.approx(50 / 50)
    assert seen["position_to_target"] == pytest.approx(250 / 50)
    assert (seen["position_best"], seen["position_worst"]) == (0, pytest.approx(-1))


def test_adds_and_trailing_are_seen(make_block: Maker) -> None:
    environment = _begin(make_block([100.0] * 6), 0)
    for action in (ENTER_FULL_INDEX, ADD_INDEX, TRAIL_INDEX):
        environment.advance(np.array([action]))
    seen = _seen(environment)
    assert seen["position_adds"] == pytest.approx(1 / 3)
    assert seen["position_size"] == pytest.approx(1.5)
    assert seen["position_is_trailing"] == 1
    assert seen["position_to_stop"] == pytest.approx(1)


def test_what_is_known_of_a_flat_lane(make_block: Maker) -> None:
    block = make_block([100.0] * 8, features=np.arange(24).reshape(1, 8, 3), traded_value_usd=100_000)
    context = np.zeros((1, 8, 3), np.float32)
    context[0, 2] = (0.1, -0.2, 0.7)
    times = block.open_time_ms[0] + np.arange(8) * 10_800_000
    block = replace(block, pattern_context=context, open_time_ms=times)
    environment = MarketEnvironment(block, replace(RULES, volatility_horizon="75h"), CostAssumptions(), 1)
    environment.begin(np.zeros(1, np.int64), np.zeros(1, np.int64), np.array([2]))
    seen = _seen(environment)
    assert [seen[name] for name in ("f0", "f1", "f2")] == [6, 7, 8]
    assert not any(value for name, value in seen.items() if name.startswith("position_"))
    assert seen["cost_in_volatility"] == pytest.approx(2 * (10 + 1 + 10 * 0.1) / 50)
    # The third of eight bars of a day opens at 06:00.
    assert seen["time_of_day_sin"] == pytest.approx(1)
    assert seen["time_of_day_cos"] == pytest.approx(0, abs=1e-6)
    known = [seen[f"pattern_{name}"] for name in ("win_rate", "net", "reliability")]
    assert known == pytest.approx([0.1, -0.2, 0.7])


def test_the_cost_that_is_seen_knows_the_tick(make_block: Maker) -> None:
    costs = CostAssumptions(taker_fee_bps=10, half_spread_bps=1, slippage_coefficient=0)
    seen = _seen(_begin(make_block([100.0] * 6, tick_size=0.25), 1, costs))
    assert seen["cost_in_volatility"] == pytest.approx(2 * (10 + 25) / 50)


def test_no_cost_is_seen_before_there_is_a_volatility(make_block: Maker) -> None:
    block = make_block([100.0] * 6, volatility_bps=np.nan)
    assert _seen(_begin(block, 1, CostAssumptions()))["cost_in_volatility"] == 0.0


def test_everything_behind_the_features_is_finite(random_market: Maker, play_randomly: Player) -> None:
    block = random_market(4)
    volatility = block.volatility_bps.copy()
    volatility[:, :3] = np.nan
    played = play_randomly(replace(block, volatility_bps=volatility), 4, RULES, CostAssumptions())
    assert np.isfinite(played.observations).all()


def test_observations_and_masks_can_be_written_into_arrays_that_are_there(make_block: Maker) -> None:
    environment = _begin(make_block([100.0] * 5), 0)
    out, legal = environment.observe() + 1, ~environment.masks()
    assert environment.observe(out) is out
    assert environment.masks(legal) is legal
    assert np.array_equal(out, environment.observe())
    assert np.array_equal(legal, environment.masks())


def test_a_slice_of_a_block_is_seen_without_a_copy(random_market: Maker) -> None:
    block = random_market(6, symbols=3, bars=160, day_bars=40)
    cut = block.slice(40, 119)
    whole, part = MarketEnvironment(block, RULES, FREE, 3), MarketEnvironment(cut, RULES, FREE, 3)
    whole.begin(np.arange(3), np.arange(3), np.array([45, 82, 110]))
    part.begin(np.arange(3), np.arange(3), np.array([5, 42, 70]))
    assert np.array_equal(whole.observe(), part.observe())
    assert np.shares_memory(part._sights.features, block.features)
