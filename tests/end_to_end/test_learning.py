"""The agent learns where there is something to learn: from simulated candles through the whole recipe."""

from datetime import date, timedelta

import pyarrow as pa
import pytest

from huracan.agent.config import TrainingConfig
from huracan.agent.night.train import train_policy
from huracan.candles.quality import assemble_day
from huracan.candles.schema import Timeframe
from huracan.candles.simulate import SimulatedMarket, SimulatedMarketConfig
from huracan.features.compute import compute_features
from huracan.features.recipe import recipe_of
from huracan.market.block import MarketBlock
from huracan.market.block_tables import build_market_block
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from huracan.regimes.filter import filter_regimes
from huracan.regimes.fit import fit_regimes

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
MINUTE = Timeframe("1m")
RECIPE = recipe_of(MINUTE, MINUTE)
LAST_DAY = date(2025, 3, 10)
WINDOW_DAYS, LEAD_DAYS, WARMUP_DAYS = 24, 5, 2


@pytest.fixture(scope="module")
def window() -> MarketBlock:
    """Market days with the planted edge, each made from what came before it."""
    market = SimulatedMarket(SimulatedMarketConfig(), SYMBOLS, MINUTE)
    days = [LAST_DAY - timedelta(days=back) for back in range(WINDOW_DAYS + LEAD_DAYS - 1, -1, -1)]
    candles = [
        assemble_day({symbol: market.fetch_day(symbol, day) for symbol in SYMBOLS}, day, MINUTE).ohlcv
        for day in days
    ]
    features = [
        compute_features(pa.concat_tables(candles[max(0, index - WARMUP_DAYS) : index + 1]), day, RECIPE)
        for index, day in enumerate(days)
    ]
    # One fit, on the days before the window: no bar of it is labelled by its own future.
    parameters = fit_regimes(pa.concat_tables(features[:LEAD_DAYS]))
    regimes = [
        filter_regimes(pa.concat_tables(features[index - 1 : index + 1]), days[index], parameters)
        for index in range(LEAD_DAYS, len(days))
    ]
    return build_market_block(
        pa.concat_tables(candles[LEAD_DAYS:]),
        pa.concat_tables(features[LEAD_DAYS:]),
        pa.concat_tables(regimes),
        RECIPE.names,
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_planted_edge_pays_on_held_out_days_on_every_seed(window: MarketBlock, seed: int) -> None:
    config = TrainingConfig(
        window_days=WINDOW_DAYS, held_out_days=6, total_steps=400_000, seed=seed, seed_count=1
    )
    held_out = train_policy(window, config, TradingRules(), CostAssumptions()).report["held_out"]
    assert held_out["trades"] >= 30
    assert held_out["net_usd"] > held_out["do_nothing_net_usd"]
    assert held_out["net_usd"] > held_out["random_net_usd"] and held_out["random_chance"] <= 0.1
