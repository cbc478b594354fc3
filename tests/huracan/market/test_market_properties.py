"""What holds whatever the market and the actions are."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.market.actions import (
    ADD_INDEX,
    ENTER_FULL_INDEX,
    EXIT_INDEX,
    HOLD_INDEX,
    WAIT_INDEX,
    action_names,
)
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.environment import MarketEnvironment
from huracan.market.kernel_advance import first_illegal
from huracan.market.ledger import END_OF_SESSION, EXIT_REASONS
from huracan.market.replay import replay
from huracan.market.rules import TradingRules

BPS = 1e-4
COSTS = CostAssumptions()
FREE = CostAssumptions(taker_fee_bps=0, maker_fee_bps=0, half_spread_bps=0, slippage_coefficient=0)
RULES = TradingRules(maximum_holding_bars=15, entry_margin_bars=3, allow_short=True)
MAKERS = replace(
    RULES, entries_are_maker=True, targets_are_maker=True, target_floor_bps=15, target_volatilities=0.1
)
SHORT = action_names(True).index("ENTER_SHORT_FULL")
SEEDS = st.integers(0, 10_000)
FEW = settings(max_examples=12, deadline=None)
STEPS = st.sampled_from([(0.0, 0.0), (0.05, 0.01)])

Market = Callable[..., MarketBlock]
Player = Callable[..., Any]


def _net_by_lane(played: Any) -> np.ndarray:
    return np.bincount(played.closed["lane"], played.closed["net_usd"], played.actions.shape[1])


@FEW
@given(SEEDS, st.sampled_from([RULES, MAKERS]), STEPS)
def test_money_is_conserved_to_the_cent(
    random_market: Market, play_randomly: Player, seed: int, rules: TradingRules, steps: tuple[float, float]
) -> None:
    played = play_randomly(random_market(seed, tick_size=steps[0], step_size=steps[1]), seed, rules, COSTS)
    closed, fills = played.closed, played.fills
    assert closed.size > 0
    assert played.cash[-1] == pytest.approx(10_000 + _net_by_lane(played), abs=1e-6)
    assert np.array_equal(played.cash[-1], played.equity[-1])
    costs = sum(closed[f"{name}_usd"] for name in ("fee", "spread", "slippage", "funding"))
    assert closed["net_usd"] == pytest.approx(closed["gross_usd"] - costs, abs=1e-9)
    assert played.environment.state["costs_usd"] == pytest.approx(
        np.bincount(closed["lane"], costs, played.actions.shape[1]), abs=1e-6
    )
    # The fills of a position add up to it.
    position = fills["lane"] * 1_000 + fills["trade"]
    keys, place = np.unique(position, return_inverse=True)
    assert keys.tolist() == (closed["lane"] * 1_000 + closed["trade"]).tolist()
    for name in ("fee_usd", "spread_usd", "slippage_usd"):
        assert np.bincount(place, fills[name]) == pytest.approx(closed[name], abs=1e-9)
    signed = np.where(fills["is_buy"], 1.0, -1.0) * fills["quantity"]
    assert np.bincount(place, signed) == pytest.approx(0, abs=1e-9)
    paid = np.bincount(place, signed * fills["price"] + fills["fee_usd"]) + closed["funding_usd"]
    assert -paid == pytest.approx(closed["net_usd"], abs=1e-8)


@FEW
@given(SEEDS, st.floats(520, 4_000), st.floats(0, 60), st.floats(0, 5))
def test_cash_is_never_negative(
    random_market: Market, play_randomly: Player, seed: int, cash: float, fee: float, multiplier: float
) -> None:
    costs = CostAssumptions(taker_fee_bps=fee, multiplier=multiplier)
    block = random_market(seed, tick_size=0.25)
    played = play_randomly(block, seed, replace(RULES, starting_cash_usd=cash), costs)
    assert (played.cash >= 0).all()
    assert (played.equity >= 0).all()


@FEW
@given(SEEDS)
def test_nothing_fills_on_a_bar_that_was_not_traded(
    random_market: Market, play_randomly: Player, seed: int
) -> None:
    block = random_market(seed)
    played = play_randomly(block, seed, RULES, COSTS)
    symbols = played.environment.symbol[played.fills["lane"]]
    assert block.is_tradable[symbols, played.fills["bar"]].all()
    fills, rows = played.fills, (symbols, played.fills["bar"])
    assert (fills["reference"] >= block.low[rows] * (1 - 1e-12)).all()
    assert (fills["reference"] <= block.high[rows] * (1 + 1e-12)).all()


@given(
    st.floats(0.001, 1e5), st.floats(0, 50), st.floats(0, 20), st.floats(0, 2), st.floats(0, 40),
    st.sampled_from([ENTER_FULL_INDEX, SHORT]),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_a_round_trip_at_a_constant_price_costs_its_costs_and_nothing_else(
    make_block: Market, play: Player, price: float, fee: float, spread: float, coefficient: float,
    volatility: float, action: int,
) -> None:  # fmt: skip
    costs = CostAssumptions(taker_fee_bps=fee, half_spread_bps=spread, slippage_coefficient=coefficient)
    block = make_block([price] * 6, volatility_bps=volatility, traded_value_usd=1e5)
    trade = play(block, {0: action, 2: EXIT_INDEX}, replace(RULES, entry_margin_bars=1), costs).only()
    side = (spread + min(coefficient * volatility * 0.1, 100.0)) * BPS
    fees = fee * BPS * 1_000 * ((1 + side) + (1 - side))
    assert trade["gross_usd"] == 0
    assert trade["net_usd"] == pytest.approx(-fees - 2 * 1_000 * side, rel=1e-9, abs=1e-9)


@FEW
@given(SEEDS, st.floats(0, 40), st.floats(0.1, 40), st.sampled_from(["fee", "spread", "slippage"]))
def test_a_higher_cost_never_helps_the_same_actions(
    random_market: Market, play_randomly: Player, seed: int, cost: float, more: float, kind: str
) -> None:
    name = {"fee": "taker_fee_bps", "spread": "half_spread_bps", "slippage": "slippage_coefficient"}[kind]
    scale = 0.05 if kind == "slippage" else 1.0
    block = random_market(seed)
    low = replace(COSTS, **{name: cost * scale})
    played = play_randomly(block, seed, RULES, low)
    places = (played.environment.symbol, np.tile(block.session_first, block.symbol_count))
    high = replace(COSTS, **{name: (cost + more) * scale})
    dearer = replay(block, RULES, high, *places, played.actions.T)
    assert (dearer.closed["exit_bar"] == played.closed["exit_bar"]).all()
    assert (dearer.closed["net_usd"] < played.closed["net_usd"]).all()


@FEW
@given(SEEDS)
def test_mirrored_prices_mirror_long_and_short(make_block: Market, play_lanes: Player, seed: int) -> None:
    # Prices are multiples of 1/1024 mirrored at 64, where all enter, so quantities and moves are the same to
    # the bit; 64 x (1 - d) and 64 x (1 + d) are not, hence the tolerance. An ADD at another price buys
    # another quantity, so there is none.
    generator = np.random.default_rng(seed)
    lanes, bars = 8, 60
    walk = np.cumsum(generator.integers(-200, 201, (lanes, bars)), axis=1)
    close = 64 + (walk - walk[:, :1]) / 1024
    open_ = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    open_[:, 1] = 64
    wick = generator.integers(0, 100, (2, lanes, bars)) / 1024
    high, low = np.maximum(open_, close) + wick[0], np.minimum(open_, close) - wick[1]
    tradable = generator.random((lanes, bars)) > 0.1
    tradable[:, :2] = True
    block = make_block(close, open_=open_, high=high, low=low, tradable=tradable)
    mirror = make_block(128 - close, open_=128 - open_, high=128 - low, low=128 - high, tradable=tradable)
    drawn = generator.random((bars, lanes, 13))
    drawn[:, :, HOLD_INDEX] **= 0.1
    rules = replace(RULES, stop_floor_bps=200, target_floor_bps=220)

    def play(of: MarketBlock, entry: int) -> Any:
        def choose(step: int, environment: MarketEnvironment, masks: np.ndarray) -> np.ndarray:
            allowed = masks.copy()
            allowed[:, ADD_INDEX] = False
            managed = np.where(allowed, drawn[step], -1.0).argmax(axis=1)
            return np.where(masks[:, WAIT_INDEX], entry if step == 0 else WAIT_INDEX, managed)

        return play_lanes(of, choose, rules, FREE, np.arange(lanes), np.zeros(lanes, int))

    long, short = play(block, ENTER_FULL_INDEX), play(mirror, SHORT)
    assert long.closed.size == lanes
    for name in ("reason", "exit_bar", "best_bar", "worst_bar", "scale_outs", "is_trailing"):
        assert np.array_equal(long.closed[name], short.closed[name])
    assert np.array_equal(long.masks, short.masks)
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
    assert closed["unit_bps"] == pytest.approx(rules.volatility_unit_bps(known))
    away = closed["side"] * closed["entry_reference"] * BPS
    stop = closed["entry_reference"] - away * rules.stop_distance_bps(known)
    target = closed["entry_reference"] + away * rules.target_distance_bps(known)
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
    for place, lane in enumerate(chosen):
        ours, theirs = (
            played.closed[played.closed["lane"] == at] for played, at in ((apart, place), (together, lane))
        )
        assert all(np.array_equal(ours[name], theirs[name]) for name in names)


@FEW
@given(SEEDS)
def test_the_rewards_of_a_trade_sum_to_its_net_result(
    random_market: Market, play_randomly: Player, seed: int
) -> None:
    played = play_randomly(random_market(seed), seed, RULES, COSTS)
    assert played.rewards_usd.sum(axis=0) == pytest.approx(_net_by_lane(played), abs=1e-8)
    firsts = np.tile([0, 80], 2)
    counted = np.zeros(played.rewards.shape, bool)
    for trade in played.closed:
        lane, first = trade["lane"], firsts[trade["lane"]] + 1
        # A session's end closes at the last traded price, and the bars since then are the trade's too.
        is_end = EXIT_REASONS[trade["reason"]] == END_OF_SESSION
        steps = slice(trade["entry_bar"] - first, None if is_end else trade["exit_bar"] - first + 1)
        scale = RULES.notional_usd * trade["unit_bps"] * BPS
        assert played.rewards[steps, lane].sum() * scale == pytest.approx(trade["net_usd"], abs=1e-8)
        counted[steps, lane] = True
    assert not played.rewards[~counted].any()


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
            played.closed["reason"] != EXIT_REASONS.index(END_OF_SESSION)
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
        bars, rules, costs = environment._bars, environment._rules, environment._costs
        for action in (*range(13), -1, 13):
            wanted = np.full(2, action)
            legal = masks[:, action] if 0 <= action < 13 else np.zeros(2, bool)
            expected = -1 if legal.all() else int(np.flatnonzero(~legal)[0])
            assert first_illegal(environment.state, wanted, bars, rules, costs) == expected
        return np.where(masks, drawn[step], -1.0).argmax(axis=1)

    play_lanes(block, choose, replace(RULES, starting_cash_usd=1_700), COSTS, [0, 1], [0, 0])
