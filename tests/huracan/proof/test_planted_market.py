"""Planted markets: what they promise about the edge, the features and the prices."""

import numpy as np
import pytest

from huracan.errors import InvalidInput
from huracan.market.block import MarketBlock
from huracan.proof.planted_market import (
    BARS_PER_DAY,
    FEATURE_NAMES,
    PlantedMarket,
    PlantedMarketConfig,
    days_of,
    plant_market,
)

CONFIG = PlantedMarketConfig(symbols=3, days=6, seed=4)


@pytest.fixture(scope="module")
def market() -> PlantedMarket:
    return plant_market(CONFIG)


def _returns_bps(block: MarketBlock) -> np.ndarray:
    return np.diff(np.log(block.close), axis=1) * 1e4


def _column(market: PlantedMarket, name: str) -> np.ndarray:
    return market.block.features[:, :, FEATURE_NAMES.index(name)].astype(np.float64)


def test_every_column_of_the_market_is_complete(market: PlantedMarket) -> None:
    assert market.block.features.shape == (3, 6 * BARS_PER_DAY, 15)
    assert np.isfinite(market.block.features).all()


def test_more_days_only_append_so_no_column_knows_the_future(market: PlantedMarket) -> None:
    shorter = plant_market(PlantedMarketConfig(symbols=3, days=4, seed=4))
    bars = 4 * BARS_PER_DAY
    for name in ("features", "open", "high", "low", "close"):
        longer = getattr(market.block, name)[:, :bars]
        assert np.array_equal(getattr(shorter.block, name), longer), name
    assert np.array_equal(shorter.drift_bps, market.drift_bps[:, :bars])


def test_another_seed_is_another_market(market: PlantedMarket) -> None:
    other = plant_market(PlantedMarketConfig(symbols=3, days=6, seed=5))
    assert not np.array_equal(other.block.close, market.block.close)


def test_the_drift_is_the_expected_return_of_the_next_bar(market: PlantedMarket) -> None:
    returns, drift = _returns_bps(market.block), market.drift_bps[:, :-1]
    slope = (returns * drift).sum() / (drift**2).sum()
    # Standard error: volatility / sqrt(sum of squares).
    assert slope == pytest.approx(1.0, abs=4 * CONFIG.volatility_bps / np.sqrt((drift**2).sum()))
    assert (returns - drift).std() == pytest.approx(CONFIG.volatility_bps, rel=0.02)


def test_the_imbalance_lasts_and_its_measurement_is_as_noisy_as_configured(market: PlantedMarket) -> None:
    latent = market.latent
    kept = (latent[:, 1:] * latent[:, :-1]).sum() / (latent[:, :-1] ** 2).sum()
    assert kept == pytest.approx(CONFIG.persistence, abs=0.005)
    assert (market.measured - latent).std() == pytest.approx(CONFIG.measurement_noise, rel=0.02)
    assert np.allclose(_column(market, "flow_1"), market.measured, atol=1e-5)


def test_flow_predicts_the_next_return_and_decoy_and_noise_do_not(market: PlantedMarket) -> None:
    returns = _returns_bps(market.block).ravel()

    def correlation(name: str) -> float:
        return float(np.corrcoef(_column(market, name)[:, :-1].ravel(), returns)[0, 1])

    assert correlation("flow_15") > 0.12
    for name in ("decoy_15", "decoy_60", "noise_1", "noise_2"):
        assert abs(correlation(name)) < 0.04, name


def test_the_volatility_column_is_the_deviation_of_the_last_sixty_returns(market: PlantedMarket) -> None:
    returns, bar = _returns_bps(market.block), 1_000
    by_hand = returns[0, bar - 60 : bar].std(ddof=1)
    assert market.block.volatility_bps[0, bar] == pytest.approx(by_hand, rel=1e-4)
    assert _column(market, "return_5_bps")[0, bar] == pytest.approx(returns[0, bar - 5 : bar].sum(), rel=1e-4)


def test_highs_and_lows_are_those_of_a_path_between_open_and_close(market: PlantedMarket) -> None:
    block = market.block
    assert (block.high >= np.maximum(block.open, block.close)).all()
    assert (block.low <= np.minimum(block.open, block.close)).all()
    assert np.allclose(block.open[:, 1:], block.close[:, :-1], rtol=1e-12)
    reach = np.log(block.high / block.open).mean() * 1e4
    # The mean highest point of a Brownian motion over a bar: volatility x sqrt(2 / pi).
    assert reach == pytest.approx(CONFIG.volatility_bps * np.sqrt(2 / np.pi), rel=0.03)


@pytest.mark.parametrize("switch", ["sign", "carrier"])
def test_a_switch_changes_the_edge_from_its_day_on(market: PlantedMarket, switch: str) -> None:
    config = PlantedMarketConfig(symbols=3, days=6, seed=4, switch_day=3, switch=switch)  # type: ignore[arg-type]
    switched, bar = plant_market(config), 3 * BARS_PER_DAY
    assert np.array_equal(switched.latent[:, :bar], market.latent[:, :bar])
    if switch == "sign":
        assert np.array_equal(switched.latent[:, bar:], -market.latent[:, bar:])
    else:
        seen = _column(switched, "decoy_1")[:, bar:]
        assert np.allclose(seen, switched.measured[:, bar:], atol=1e-5)
    # What is measured is the same before and after: nothing but the price tells.
    assert np.array_equal(_column(switched, "flow_1"), _column(market, "flow_1"))


def test_days_of_a_market_carry_their_truth(market: PlantedMarket) -> None:
    part = days_of(market, 2, 3)
    bars = slice(2 * BARS_PER_DAY, 4 * BARS_PER_DAY)
    assert part.block.days == market.block.days[2:4]
    assert np.array_equal(part.drift_bps, market.drift_bps[:, bars])


def test_a_market_may_have_longer_bars() -> None:
    config = PlantedMarketConfig(bar_minutes=60, symbols=1, days=200, half_life_bars=24.0, seed=3)
    market = plant_market(config)
    assert market.block.bar_count == 200 * 24
    assert market.block.bar_minutes == 60
    assert market.block.day_count == 200
    latent = market.latent[0]
    after_a_day = (latent[24:] * latent[:-24]).mean() / (latent**2).mean()
    assert after_a_day == pytest.approx(0.5, abs=0.1)
    assert days_of(market, 10, 19).block.bar_count == 240


def test_a_market_without_days_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no day"):
        PlantedMarketConfig(days=0)
    with pytest.raises(InvalidInput, match="7 minutes"):
        PlantedMarketConfig(bar_minutes=7)
