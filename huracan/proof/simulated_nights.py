"""Nights on a planted market: entries without any judgement, the real ledger, and the real pattern library.

The trader enters by the toss of a coin, so that contexts with an edge and without one come up, and leaves
by stop, target and time-out, over any midnight. What the nights must show is in `pattern_proof`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from huracan.analysis.memory.embedding import EmbeddingStatistics, embed_trades, fit_embedding
from huracan.analysis.memory.rows import memory_rows
from huracan.analysis.patterns.config import PatternConfig
from huracan.analysis.patterns.library import (
    NightsJudgement,
    PatternLibrary,
    known_patterns,
    known_trades,
    pattern_library,
)
from huracan.analysis.patterns.trials import try_settings
from huracan.candles.schema import TIME, Timeframe
from huracan.durations import MINUTES_PER_DAY, minutes_of
from huracan.market.actions import ENTER_FULL_INDEX, HOLD_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.paper.carrying import Carried
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.session import Session, trade_session
from huracan.market.policy import ScriptedPolicy
from huracan.market.rules import TradingRules
from huracan.proof.planted_market import PlantedMarket, days_of

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
    """The market's days after the first `lead_days`, one night each; every night knows what was before it,
    and every day goes on from what the day before left open."""
    first = market.config.first_day
    lead = days_of(market, 0, lead_days - 1).block
    names = lead.feature_names
    statistics = fit_embedding(_feature_table(lead), names, first + timedelta(days=lead_days))
    memory, previous, carried = [], None, None
    for index in range(lead_days, market.config.days):
        day, block = first + timedelta(days=index), _led_day(market, index)
        session = _traded(block, entry_chance, rules, costs, [market.config.seed, index], carried)
        carried = Carried(session.open_positions)
        memory.append(_remembered(session.trades, statistics, day))
        remembered = pa.concat_tables(memory)
        judgement = NightsJudgement(config, None, rules)
        former: list[dict[str, Any]] = [] if previous is None else known_patterns(previous)
        _, new, _ = known_trades(remembered, day, former, judgement)
        around = days_of(market, max(0, index - _days_held(rules)), index).block
        judgement = replace(judgement, trials=try_settings(new, around, rules, costs))
        library = pattern_library(remembered, statistics, day, previous, judgement)
        previous = library.table
        yield SimulatedNight(day, session.trades, remembered, library)


def _days_held(rules: TradingRules) -> int:
    """The days before one on which a trade that closed on it may have been signalled."""
    return -(-minutes_of(rules.maximum_holding) // MINUTES_PER_DAY)


def _led_day(market: PlantedMarket, index: int) -> MarketBlock:
    """A day's bars, led by the last one of the day before, at whose close its first decision is made."""
    per_day = market.config.bars_per_day
    return market.block.slice(index * per_day - 1, (index + 1) * per_day - 1)


def _traded(
    block: MarketBlock,
    chance: float,
    rules: TradingRules,
    costs: CostAssumptions,
    seed: list[int],
    carried: Carried | None,
) -> Session:
    """One day of a coin's entries, every symbol on an account of its own."""
    generator = np.random.default_rng([*seed, 1])
    tossed = generator.random((block.decision_count, block.symbol_count)) < chance
    script = np.where(tossed, ENTER_FULL_INDEX, HOLD_INDEX)
    policy = ScriptedPolicy(script, is_lenient=True)
    return trade_session(block, policy, rules, costs, _MADE_BY, carried)


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
