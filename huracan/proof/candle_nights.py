"""Nights on planted candles: the entries of the driver's moments through the real ledger and pattern library.

Features, regimes, half-spreads, memory and patterns are made of the candles day by day, as a night makes
them. What gates say of the entries is in `gate_nights`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.analysis.memory.embedding import EmbeddingStatistics, embed_trades, fit_embedding
from huracan.analysis.memory.rows import memory_rows
from huracan.analysis.patterns.config import PatternConfig
from huracan.analysis.patterns.library import NightsJudgement, pattern_library
from huracan.analysis.patterns.nearest import NamedPatterns
from huracan.analysis.patterns.table import PATTERNS_SCHEMA
from huracan.candles.market_info import MarketInfo
from huracan.candles.schema import Timeframe
from huracan.candles.spread import day_spreads, with_half_spreads
from huracan.features.compute import compute_features
from huracan.features.recipe import EVERY_COLUMN
from huracan.features.specification import FeatureRecipe
from huracan.market.actions import ENTER_FULL_INDEX, ENTER_SHORT_FULL_INDEX, HOLD_INDEX
from huracan.market.block import MarketBlock
from huracan.market.block_tables import build_market_block
from huracan.market.costs import CostAssumptions
from huracan.market.paper.carrying import Carried
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.session import trade_session
from huracan.market.paper.watch import Watch
from huracan.market.policy import ScriptedPolicy
from huracan.market.rules import TradingRules
from huracan.proof.planted_candles import PlantedCandles
from huracan.regimes.filter import filter_regimes
from huracan.regimes.fit import fit_regimes
from huracan.regimes.model import RegimeConfig

_MINUTE = Timeframe("1m")
_NAMES = (
    "return_5_bps", "return_15_bps", "return_60_bps", "return_std_60_bps", "volatility_ratio_10_50",
    "garman_klass_30_bps", "ema_spread_30_240_bps", "trend_strength_60", "volume_ratio_20_240",
    "taker_imbalance_5", "taker_imbalance_15", "taker_imbalance_60",
)  # fmt: skip
RECIPE = FeatureRecipe(
    "proof", tuple(spec for spec in EVERY_COLUMN.specs if spec.name in _NAMES), _MINUTE, _MINUTE
)
"""Those columns of the recipe that regimes and flow are seen in: the whole would take ten times as long."""
_MADE_BY = Provenance("driver", "simulated", "proof", True)


@dataclass(frozen=True)
class CandleNights:
    """How the nights of a market are played."""

    lead_days: int = 5
    """Days before the first entry: the regimes are fitted on them, and the embedding."""
    rules: TradingRules = field(default_factory=lambda: TradingRules(allow_short=True, maximum_holding="1h"))
    """A position lasts for as long as the driver pushes, so that it has ended before the next moment."""
    costs: CostAssumptions = field(default_factory=CostAssumptions)
    regimes: RegimeConfig = field(default_factory=lambda: RegimeConfig(fit_days=7))
    """A stretch is half a day, so that a week holds them all, and a market takes less time."""
    patterns: PatternConfig | None = field(default_factory=PatternConfig)
    """None: no pattern is looked for, which saves a third of the time."""


@dataclass(frozen=True, eq=False)
class CandleNight:
    """What a day ended with."""

    day: date
    trades: pa.Table
    """TRADES_SCHEMA of what closed on the day."""
    library: pa.Table
    """PATTERNS_SCHEMA of its night; no rows where none are looked for."""


def play_nights(market: PlantedCandles, nights: CandleNights) -> list[CandleNight]:
    """Every day from the lead days on, the accounts and the pattern library carried from day to day."""
    config = market.config
    block, features = market_block(market, nights.lead_days - 1, nights.regimes)
    statistics = fit_embedding(features, RECIPE.names, config.first_day + timedelta(days=nights.lead_days))
    sides = market.sides[:, -block.bar_count :]
    carried, previous, memory, played = None, None, [], []
    per_day = _MINUTE.bars_per_day
    for index in range(config.days - nights.lead_days):
        # Led by the last bar of the day before, at whose close its first decision is made.
        first, end = (index + 1) * per_day - 1, (index + 2) * per_day
        known = PATTERNS_SCHEMA.empty_table() if previous is None else previous
        watch = Watch(
            _script(sides[:, first:end]), _MADE_BY.model_id, patterns=NamedPatterns.of(known, statistics)
        )
        session = trade_session(
            block.slice(first, end - 1), [watch], nights.rules, nights.costs, _MADE_BY, carried
        )
        carried = Carried(session.open_positions)
        day = config.first_day + timedelta(days=nights.lead_days + index)
        if nights.patterns is not None:
            memory.append(_remembered(session.trades, statistics, day))
            judgement = NightsJudgement(nights.patterns, None, nights.rules)
            previous = pattern_library(pa.concat_tables(memory), statistics, day, previous, judgement).table
            known = previous
        played.append(CandleNight(day, session.trades, known))
    return played


def _script(sides: NDArray[np.int8]) -> ScriptedPolicy:
    """Enters at full size on the side of every moment."""
    enter = np.where(sides > 0, ENTER_FULL_INDEX, ENTER_SHORT_FULL_INDEX)
    return ScriptedPolicy(np.where(sides == 0, HOLD_INDEX, enter).T, is_lenient=True)


def _remembered(trades: pa.Table, statistics: EmbeddingStatistics, day: date) -> pa.Table:
    return memory_rows(trades, embed_trades(trades, statistics), statistics.version, day, _MINUTE)


def market_block(
    market: PlantedCandles, first: int, regime_config: RegimeConfig
) -> tuple[MarketBlock, pa.Table]:
    """The market from the day at index `first` on, and the features of the days up to it."""
    config, candles = market.config, market.candles
    bars, per_day = config.days * _MINUTE.bars_per_day, _MINUTE.bars_per_day

    def days(begin: int, end: int) -> pa.Table:
        rows = np.arange(begin * per_day, end * per_day)
        return candles.take(pa.array((np.arange(config.symbols)[:, None] * bars + rows).reshape(-1)))

    features: list[pa.Table] = []
    regimes: list[pa.Table] = []
    spreads: list[pa.Table] = []
    infos: dict[date, Mapping[str, MarketInfo]] = {}
    for index in range(config.days):
        day = config.first_day + timedelta(days=index)
        features.append(compute_features(days(max(0, index - RECIPE.warmup_days), index + 1), day, RECIPE))
        if index >= first:
            parameters = fit_regimes(
                pa.concat_tables(features[-regime_config.fit_days - 1 : -1]), regime_config
            )
            regimes.append(filter_regimes(pa.concat_tables(features[-2:]), day, parameters))
            known = with_half_spreads([MarketInfo(each) for each in market.symbols], spreads, {})
            infos[day] = {info.symbol: info for info in known}
        spreads.append(day_spreads(days(index, index + 1)))
    block = build_market_block(
        days(first, config.days),
        features[first:],
        pa.concat_tables(regimes),
        RECIPE.names,
        market_infos=infos,
    )
    return block, pa.concat_tables(features[: first + 1])
