"""The rivals of the walk-forward on an hourly market made by hand, and what their days say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from huracan.market.actions import ENTER_FULL_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.held_entries import hold_entries
from huracan.market.rules import TradingRules
from walk_forward.boosting import boost
from walk_forward.cases import CASES, MOST_NIGHTS, RIVALS
from walk_forward.contestants import (
    Signals,
    TradedDays,
    contestant_of,
    daily_results,
    draw_rivals,
    follow_trend,
    hold_all,
)
from walk_forward.statistics import sharpe_of

HOUR_MS, DAY_BARS, DAYS = 3_600_000, 24, 40
RULES = TradingRules(volatility_horizon="1d", maximum_holding="6h", scratch_age="1h")
FREE = CostAssumptions(taker_fee_bps=0.0, half_spread_bps=0.0, slippage_coefficient=0.0)


def market(drift_bps: np.ndarray, feature: np.ndarray) -> MarketBlock:
    """Two symbols of hourly bars whose returns are `drift_bps` [2, bars] and a little noise; the policy sees
    `feature` [2, bars]."""
    noise = np.random.default_rng(3).normal(0.0, 5.0, drift_bps.shape)
    close = 100.0 * np.exp(np.cumsum(drift_bps + noise, axis=1) / 1e4)
    opened = np.concatenate([np.full((2, 1), 100.0), close[:, :-1]], axis=1)
    bars = close.shape[1]
    time = 20_000 * 86_400_000 + np.arange(bars, dtype=np.int64) * HOUR_MS
    return MarketBlock(
        symbols=("A", "B"),
        feature_names=("drift",),
        open_time_ms=time,
        features=feature[:, :, None].astype(np.float32),
        open=opened,
        high=np.maximum(opened, close),
        low=np.minimum(opened, close),
        close=close,
        is_tradable=np.ones((2, bars), bool),
        is_ready=np.ones((2, bars), bool),
        volatility_bps=np.full((2, bars), 20.0),
        traded_value_usd=np.full((2, bars), 1e9),
        regime=np.zeros((2, bars), np.int8),
        regime_probabilities=np.full((2, bars, 4), 0.25, np.float32),
        day_index=time // 86_400_000,
    )


def traded(block: MarketBlock, days: int, costs: CostAssumptions = FREE) -> TradedDays:
    first = block.bar_count - days * DAY_BARS - 1
    return TradedDays(block.slice(first, block.bar_count - 1), RULES, costs)


@pytest.fixture(scope="module")
def waves() -> MarketBlock:
    """Half a day up, half a day down, which the feature tells a bar ahead."""
    bar = np.arange(DAYS * DAY_BARS)
    ahead = np.where((bar + 1) // 12 % 2 == 0, 20.0, -20.0)
    drift = np.concatenate([[0.0], ahead[:-1]])
    return market(np.stack([drift, drift]), np.stack([ahead, ahead]))


def test_days_of_positions_add_up_to_their_net_and_a_night_is_marked(waves: MarketBlock) -> None:
    days = traded(waves, 5)
    entries = np.full(3, ENTER_FULL_INDEX)
    indices = np.array([0, 20, 30 + days.block.bar_count])
    held = np.array([4, 6, 2])
    closed = hold_entries(days.block, replace(RULES, maximum_holding="5d"), FREE, indices, entries, held)
    found = daily_results(closed, np.arange(3), 3, days)
    assert found.shape == (3, 5)
    assert found.sum(axis=1) == pytest.approx(closed["net_usd"], abs=1e-9)
    crossing = closed[1]
    midnight = days.block.close[0, 24]
    first = crossing["quantity"] * (midnight - crossing["entry_reference"])
    assert closed[1]["entry_bar"] == 21 and closed[1]["exit_bar"] > 24
    assert found[1, 0] == pytest.approx(first)
    assert found[1, 1] == pytest.approx(crossing["net_usd"] - first)


def test_who_holds_everything_earns_the_move_of_every_symbol(waves: MarketBlock) -> None:
    days = traded(waves, 5)
    holding = hold_all(days)
    block = days.block
    moved = 1_000.0 * (block.close[:, -1] / block.open[:, 1] - 1.0)
    assert holding.trades == 2
    assert holding.net_usd == pytest.approx(moved.sum(), rel=1e-9)
    assert holding.held_share == pytest.approx(1.0, abs=0.02)


def test_a_trend_is_followed_from_the_open_after_it_shows_to_the_open_after_it_ends() -> None:
    bar = np.arange(DAYS * DAY_BARS)
    slow = np.where(bar // 240 % 2 == 0, 20.0, -20.0)
    block = market(np.stack([slow, slow]), np.zeros((2, bar.size)))
    days = traded(block, 20)
    lead = block.close[:, : block.bar_count - days.block.bar_count]
    followed = follow_trend(days, lead, 5, 20)
    # Of twenty days half rise; those who are late at both ends still get most of it.
    assert 0.3 < followed.held_share < 0.6
    assert followed.net_usd > 0.6 * 2 * 1_000.0 * 240 * 20e-4
    costly = follow_trend(replace(days, costs=CostAssumptions(taker_fee_bps=10.0)), lead, 5, 20)
    paid = 10e-4 * followed.turned_over_usd
    assert costly.net_usd < followed.net_usd - 0.9 * paid


def test_random_rivals_keep_day_number_and_holding_and_lack_the_timing(waves: MarketBlock) -> None:
    days = traded(waves, 20)
    block = days.block
    ahead = block.features[0, :-8, 0]
    rising = np.flatnonzero((ahead[1:] > 0) & (ahead[:-1] < 0)) + 1
    count = rising.size
    entry, held = np.full(count, ENTER_FULL_INDEX), np.full(count, 4)
    signals = Signals(np.zeros(count, np.int64), rising, entry, held)
    own = hold_entries(block, RULES, FREE, rising, entry, held)
    rivals = draw_rivals(days, signals, 50, np.random.default_rng(1))
    assert rivals.mean.trades == pytest.approx(count, abs=0.6)
    assert count > 10
    assert own["net_usd"].sum() > rivals.net_usd.max()
    again = draw_rivals(days, signals, 50, np.random.default_rng(1))
    assert np.array_equal(again.net_usd, rivals.net_usd)


def test_boosting_finds_what_the_feature_tells_and_nothing_where_it_tells_nothing(
    waves: MarketBlock,
) -> None:
    settings = replace(RIVALS, booster_rounds=20, booster_least_rows=20)
    days = traded(waves, 10, CostAssumptions(taker_fee_bps=5.0))
    found = boost(waves, days, "04:00", 30, settings)
    assert found.trades > 10
    assert found.net_usd > 0
    silent = replace(waves, features=np.zeros_like(waves.features))
    dear = TradedDays(replace(days.block), RULES, CostAssumptions(taker_fee_bps=50.0))
    assert boost(silent, dear, "04:00", 30, settings).trades == 0


def test_boosting_learns_from_nothing_that_was_not_closed_before_its_night(waves: MarketBlock) -> None:
    """What happens after the night's midnight changes none of the decisions until the next handover."""
    settings = replace(RIVALS, booster_rounds=20, booster_least_rows=20)
    costs = CostAssumptions(taker_fee_bps=5.0)
    changed = waves.bar_count - 2 * DAY_BARS
    later = {name: getattr(waves, name).copy() for name in ("open", "high", "low", "close")}
    for values in later.values():
        values[:, changed:] *= 1.0 + 0.05 * np.sin(np.arange(2 * DAY_BARS))
    other = replace(waves, **later)
    ours, theirs = (boost(each, traded(each, 10, costs), "04:00", 30, settings) for each in (waves, other))
    assert ours.daily_usd[:7] == pytest.approx(theirs.daily_usd[:7])
    assert not np.allclose(ours.daily_usd, theirs.daily_usd)


def test_a_sharpe_ratio_has_the_error_of_its_days() -> None:
    daily = np.random.default_rng(2).normal(0.1, 1.0, 400)
    found = sharpe_of(daily, np.random.default_rng(1), 500)
    assert found is not None
    assert found.ratio == pytest.approx(np.sqrt(365) * daily.mean() / daily.std(ddof=1))
    # Lo (2002), for independent days.
    day = found.ratio / np.sqrt(365)
    assert found.standard_error == pytest.approx(np.sqrt(365 * (1 + day**2 / 2) / 400), rel=0.1)
    assert sharpe_of(np.zeros(10), np.random.default_rng(1), 10) is None


def test_break_even_is_the_fee_at_which_nothing_is_left(waves: MarketBlock) -> None:
    days = traded(waves, 10, CostAssumptions(taker_fee_bps=7.0, half_spread_bps=1.0))
    indices = np.arange(0, 200, 24)
    entries, held = np.full(indices.size, ENTER_FULL_INDEX), np.full(indices.size, 5)
    closed = hold_entries(days.block, RULES, days.costs, indices, entries, held)
    fee = contestant_of("some", closed, days).break_even_fee_bps
    assert fee is not None
    even = replace(days.costs, taker_fee_bps=fee)
    again = hold_entries(days.block, RULES, even, indices, entries, held)
    assert again["net_usd"].sum() == pytest.approx(0.0, abs=1e-6)


def test_every_case_names_its_files_and_leaves_room_for_its_nights() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    six = next(case for case in CASES if case.name == "15m_six_2025")
    files = six.files(Path("data"))
    assert files["binance_BTC-USDT_15m.parquet"] == Path("data/binance_BTC-USDT_15m_2025.parquet")
    assert files["binance_XRP-USDT_15m.parquet"] == Path("data/binance_XRP-USDT_15m.parquet")
    for case in CASES:
        assert (case.held[1] - case.first_day).days == MOST_NIGHTS - 1
        assert case.settings(Path("candles"), case.first_day)["training.seed_count"] == "1"
