"""What holds whatever the market and the actions are."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from huracan.market.actions import ADD_INDEX, ENTER_FULL_INDEX, HOLD_INDEX, WAIT_INDEX, action_names
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.engine.kernel_advance import first_illegal
from huracan.market.ledger import EXIT_REASONS, FILL_KINDS, TARGET, WINDOW_END
from huracan.market.rules import TradingRules

BPS = 1e-4
COSTS = CostAssumptions()
FREE = CostAssumptions(taker_fee_bps=0, maker_fee_bps=0, half_spread_bps=0, slippage_coefficient=0)
RULES = TradingRules(maximum_holding="15m", allow_short=True)
SHORT = action_names(True).index("ENTER_SHORT_FULL")
SEEDS = st.integers(0, 10_000)
FEW = settings(max_examples=12, deadline=None)

Market = Callable[..., MarketBlock]
Player = Callable[..., Any]


@FEW
@given(SEEDS)
@example(seed=126)  # bars open beyond targets
def test_nothing_fills_on_a_bar_that_was_not_traded(
    random_market: Market, play_randomly: Player, seed: int
) -> None:
    block = random_market(seed)
    played = play_randomly(block, seed, RULES, COSTS)
    symbols = played.environment.symbol[played.fills["lane"]]
    assert block.is_tradable[symbols, played.fills["bar"]].all()
    fills, rows = played.fills, (symbols, played.fills["bar"])
    low, high = block.low[rows] * (1 - 1e-12), block.high[rows] * (1 + 1e-12)
    # A bar that opens beyond a target fills at the target all the same: worse than any of its prices.
    is_target, is_buy = fills["kind"] == FILL_KINDS.index(TARGET), fills["is_buy"]
    assert (
        (fills["reference"] >= low) | (is_target & ~is_buy & (block.open[rows] > fills["reference"]))
    ).all()
    assert (
        (fills["reference"] <= high) | (is_target & is_buy & (block.open[rows] < fills["reference"]))
    ).all()


@FEW
@given(SEEDS, st.sampled_from([FREE, COSTS]))
def test_mirrored_prices_mirror_long_and_short(
    make_block: Market, play_lanes: Player, seed: int, costs: CostAssumptions
) -> None:
    # Prices are multiples of 1/1024 mirrored at 64, where all enter, so quantities and moves are the same to
    # the bit; 64 x (1 - d) and 64 x (1 + d) are not, hence the tolerance. An ADD at another price buys
    # another quantity, so there is one only for the open of bar 2, which is 64 again. Fees are of the value
    # filled, and that is not mirrored: with costs only the positions are the same.
    generator = np.random.default_rng(seed)
    lanes, bars = 8, 60
    walk = np.cumsum(generator.integers(-200, 201, (lanes, bars)), axis=1)
    close = 64 + (walk - walk[:, :1]) / 1024
    open_ = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    open_[:, 1:3] = 64
    wick = generator.integers(0, 100, (2, lanes, bars)) / 1024
    high, low = np.maximum(open_, close) + wick[0], np.minimum(open_, close) - wick[1]
    tradable = generator.random((lanes, bars)) > 0.1
    tradable[:, :3] = True
    block = make_block(close, open_=open_, high=high, low=low, tradable=tradable)
    mirror = make_block(128 - close, open_=128 - open_, high=128 - low, low=128 - high, tradable=tradable)
    drawn = generator.random((bars, lanes, 13))
    drawn[:, :, HOLD_INDEX] **= 0.1
    rules = replace(RULES, stop_floor_bps=200, target_floor_bps=220)

    def play(of: MarketBlock, entry: int) -> Any:
        def choose(step: int, environment: MarketEnvironment, masks: np.ndarray) -> np.ndarray:
            allowed = masks.copy()
            allowed[:, ADD_INDEX] &= step == 1
            managed = np.where(allowed, drawn[step], -1.0).argmax(axis=1)
            return np.where(masks[:, WAIT_INDEX], entry if step == 0 else WAIT_INDEX, managed)

        return play_lanes(of, choose, rules, costs, np.arange(lanes), np.zeros(lanes, int))

    long, short = play(block, ENTER_FULL_INDEX), play(mirror, SHORT)
    assert long.closed.size == lanes
    for name in ("reason", "exit_bar", "best_bar", "worst_bar", "adds", "scale_outs", "is_trailing"):
        assert np.array_equal(long.closed[name], short.closed[name])
    assert np.array_equal(long.masks, short.masks)
    assert short.closed["gross_usd"] == pytest.approx(long.closed["gross_usd"], abs=1e-9)
    if costs is FREE:
        assert short.closed["net_usd"] == pytest.approx(long.closed["net_usd"], abs=1e-9)
        assert short.equity == pytest.approx(long.equity, abs=1e-9)
        assert short.rewards == pytest.approx(long.rewards, abs=1e-9)
    side = list(long.environment.observation_names).index("position_side")
    assert np.array_equal(short.observations[:, :, side], -long.observations[:, :, side])
    others = np.delete(np.arange(long.observations.shape[2]), side)
    assert short.observations[:, :, others] == pytest.approx(long.observations[:, :, others], abs=1e-5)


@FEW
@given(SEEDS)
def test_barriers_and_units_are_those_of_the_rules(
    random_market: Market, play_randomly: Player, seed: int
) -> None:
    block = random_market(seed)
    volatility = np.random.default_rng(seed).uniform(0.1, 60, block.volatility_bps.shape)
    rules = replace(RULES, trail_volatilities=1_000.0, maximum_adds=0, target_volatilities=1.0)
    closed = play_randomly(replace(block, volatility_bps=volatility), seed, rules, COSTS).closed
    known = volatility[closed["symbol"], closed["signal_bar"]]
    assert np.array_equal(closed["volatility_bps"], known)
    unit = np.maximum(known, rules.minimum_volatility_bps) * np.sqrt(60.0)
    assert closed["unit_bps"] == pytest.approx(unit)
    away = closed["side"] * closed["entry_reference"] * BPS
    stop_bps = np.minimum(np.maximum(rules.stop_volatilities * unit, rules.stop_floor_bps), 9_000)
    target_bps = np.maximum(rules.target_volatilities * unit, rules.target_floor_bps)
    stop = closed["entry_reference"] - away * stop_bps
    target = closed["entry_reference"] + away * target_bps
    assert closed["stop"] == pytest.approx(stop)
    assert closed["target"] == pytest.approx(target)


@FEW
@given(SEEDS, st.permutations(range(6)), st.integers(1, 6))
def test_a_lane_does_not_depend_on_the_other_lanes(
    random_market: Market, play_randomly: Player, seed: int, order: list[int], taken: int
) -> None:
    block = random_market(seed, symbols=3)
    together, chosen = play_randomly(block, seed, RULES, COSTS), order[:taken]
    apart = play_randomly(block, seed, RULES, COSTS, lanes=chosen)
    for name in ("actions", "rewards", "equity", "cash", "masks", "observations"):
        assert np.array_equal(getattr(apart, name), getattr(together, name)[:, chosen], equal_nan=True)
    names = [name for name in together.closed.dtype.names if name != "lane"]
    for index, lane in enumerate(chosen):
        ours, theirs = (
            played.closed[played.closed["lane"] == at] for played, at in ((apart, index), (together, lane))
        )
        assert all(np.array_equal(ours[name], theirs[name]) for name in names)


@FEW
@given(SEEDS, st.integers(5, 74))
def test_bars_after_a_decision_change_nothing_at_or_before_it(
    random_market: Market, play_randomly: Player, seed: int, cut: int
) -> None:
    block = random_market(seed, symbols=3, bars=80)
    generator = np.random.default_rng([seed, 2])
    noise = generator.uniform(0.8, 1.25, (3, 79 - cut))
    changed = {}
    for name in ("open", "high", "low", "close", "volatility_bps", "traded_value_usd", "funding_rate"):
        values = getattr(block, name).copy()
        values[:, cut + 1 :] *= noise
        changed[name] = values
    for name in ("features", "regime_probabilities", "pattern_context"):
        values = getattr(block, name).copy()
        values[:, cut + 1 :] = 9.0
        changed[name] = values
    for name in ("is_tradable", "is_ready"):
        values = getattr(block, name).copy()
        values[:, cut + 1 :] ^= generator.random((3, 79 - cut)) < 0.3
        changed[name] = values
    before = play_randomly(block, seed, RULES, COSTS)
    after = play_randomly(replace(block, **changed), seed, RULES, COSTS)
    for name in ("actions", "masks", "observations", "equity", "cash"):
        assert np.array_equal(getattr(before, name)[: cut + 1], getattr(after, name)[: cut + 1])
    assert np.array_equal(before.rewards[:cut], after.rewards[:cut])
    assert not np.array_equal(before.equity, after.equity)

    def settled(played: Any) -> list[Any]:
        # Only what happens at the very last bar may look back to an earlier candle.
        known = (played.closed["exit_bar"] <= cut) & (
            played.closed["reason"] != EXIT_REASONS.index(WINDOW_END)
        )
        return [row.tolist() for row in played.closed[known]]

    assert settled(before) == settled(after)


@FEW
@given(SEEDS)
def test_the_masks_are_what_the_step_refuses(random_market: Market, play_lanes: Player, seed: int) -> None:
    block = random_market(seed, bars=80, step_size=0.5)
    drawn = np.random.default_rng([seed, 3]).random((80, 2, 13))

    def choose(step: int, environment: MarketEnvironment, masks: np.ndarray) -> np.ndarray:
        assert masks.any(axis=1).all()
        bars, rules = environment._bars, environment._conditions.rules
        for action in (*range(13), -1, 13):
            wanted = np.full(2, action)
            legal = masks[:, action] if 0 <= action < 13 else np.zeros(2, bool)
            expected = -1 if legal.all() else int(np.flatnonzero(~legal)[0])
            assert first_illegal(environment.state, wanted, bars, rules) == expected
        return np.where(masks, drawn[step], -1.0).argmax(axis=1)

    play_lanes(block, choose, replace(RULES, starting_cash_usd=1_700), COSTS, [0, 1], [0, 0])
