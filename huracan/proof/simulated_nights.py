"""Nights on a planted market: entries without any judgement, the real ledger, and the real pattern library.

The trader enters by the toss of a coin, so that contexts with an edge and without one come up, and leaves
by stop, target and time-out. What the nights must show is in `pattern_proof`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from huracan.analysis.memory.embedding import EmbeddingStatistics, embed_trades, fit_embedding
from huracan.analysis.memory.rows import memory_rows
from huracan.analysis.patterns.config import PatternConfig
from huracan.analysis.patterns.library import NightsJudgement, PatternLibrary, pattern_library
from huracan.analysis.patterns.trials import try_settings
from huracan.candles.schema import TIME, Timeframe
from huracan.market.actions import ENTER_FULL_INDEX, HOLD_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.paper.session import trade_session
from huracan.market.paper.provenance import Provenance
from huracan.market.policy import ScriptedPolicy
from huracan.market.rules import TradingRules
from huracan.proof.planted_market import BARS_PER_DAY, PlantedMarket, days_of

_MADE_BY = Provenance("coin", "simulated", "proof", True)
_MINUTE = Timeframe("1m")


@dataclass(frozen=True, eq=False)
class SimulatedNight:
    """What a night ended with."""

    day: date
    trades: pa.Table
    """TRADES_SCHEMA of the day."""
    memory: pa.Table
    """MEMORY_SCHEMA of all nights so far."""
    library: PatternLibrary


def simulate_nights(
    market: PlantedMarket,
    lead_days: int,
    entry_chance: float,
    rules: TradingRules,
    costs: CostAssumptions,
    config: PatternConfig,
) -> Iterator[SimulatedNight]:
    """The market's days after the first `lead_days`, one night each; every night knows what was before it."""
    first = market.config.first_day
    lead = days_of(market, 0, lead_days - 1).block
    names = lead.feature_names
    statistics = fit_embedding(_feature_table(lead), names, first + timedelta(days=lead_days))
    memory, previous = [], None
    for index in range(lead_days, market.config.days):
        day, block = first + timedelta(days=index), days_of(market, index, index).block
        trades = _traded(block, entry_chance, rules, costs, [market.config.seed, index])
        memory.append(_remembered(trades, statistics, day))
        judgement = NightsJudgement(config, try_settings(memory[-1], block, rules, costs), rules)
        remembered = pa.concat_tables(memory)
        library = pattern_library(remembered, statistics, day, previous, judgement)
        previous = library.table
        yield SimulatedNight(day, trades, remembered, library)


def _traded(
    block: MarketBlock, chance: float, rules: TradingRules, costs: CostAssumptions, seed: list[int]
) -> pa.Table:
    """The ledger of one day of a coin's entries, every symbol on an account of its own."""
    generator = np.random.default_rng([*seed, 1])
    tossed = generator.random((BARS_PER_DAY, block.symbol_count)) < chance
    script = np.where(tossed, ENTER_FULL_INDEX, HOLD_INDEX)
    return trade_session(block, ScriptedPolicy(script, is_lenient=True), rules, costs, _MADE_BY).trades


def _remembered(trades: pa.Table, statistics: EmbeddingStatistics, day: date) -> pa.Table:
    return memory_rows(trades, embed_trades(trades, statistics), statistics.version, day, _MINUTE)


def _feature_table(block: MarketBlock) -> pa.Table:
    """The block's feature rows as the lake has them."""
    symbols = pa.array(block.symbols).take(
        pa.array(np.repeat(np.arange(block.symbol_count), block.bar_count))
    )
    columns = {
        name: block.features[:, :, index].reshape(-1) for index, name in enumerate(block.feature_names)
    }
    times = pa.array(np.tile(block.open_time_ms, block.symbol_count)).cast(TIME)
    return pa.table(
        {"symbol": symbols, "open_time": times, "is_ready": block.is_ready.reshape(-1), **columns}
    )
