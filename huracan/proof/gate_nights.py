"""Gates on planted candles: fitted on the nights before a day, they judge its entries.

What the gates must show is in `gate_proof`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa

from huracan.gates.contract import GateContext, SettingsByName
from huracan.gates.judging.judge import judge_signals
from huracan.gates.judging.told import Told
from huracan.gates.roster import fit_gates
from huracan.market.facts.columns import facts_of
from huracan.market.facts.signal_facts import signal_facts
from huracan.models.confidence import fit_confidence_model
from huracan.models.config import ModelConfig, Unfit
from huracan.models.conformal import fit_conformal_model
from huracan.models.meta_label import fit_meta_label_model
from huracan.models.past import past_trades
from huracan.models.window import trailing_trades
from huracan.proof.candle_nights import RECIPE, CandleNight, CandleNights, play_nights
from huracan.proof.planted_candles import PlantedCandles

_NOTHING = Unfit("This proof fits no model.", 0)


@dataclass(frozen=True)
class GateNights:
    """How a market is played and judged."""

    nights: CandleNights = field(default_factory=CandleNights)
    judged_days: int = 4
    """The last days of the market, whose entries are judged."""
    models: ModelConfig = field(default_factory=ModelConfig)
    has_models: bool = True
    """Without, gates that ask them abstain, and a market takes less time."""


@dataclass(frozen=True, eq=False)
class JudgedDay:
    """The entries whose trades closed on a day, and what the gates of the night before said of them."""

    day: date
    trades: pa.Table
    """TRADES_SCHEMA"""
    decisions: pa.Table
    """DECISIONS_SCHEMA"""


def judged_days(market: PlantedCandles, nights: GateNights, gates: SettingsByName) -> Iterator[JudgedDay]:
    """The last days of the market, each judged by gates that were fitted on the days before it alone."""
    played = play_nights(market, nights.nights)
    trades = pa.concat_tables([each.trades for each in played])
    facts = signal_facts(trades, market.candles)
    for before, today in zip(played[-nights.judged_days - 1 :], played[-nights.judged_days :], strict=False):
        fitted = fit_gates(_context(before, trades, facts, nights, gates))
        own = facts_of(facts, today.trades["trade_id"])
        yield JudgedDay(today.day, today.trades, judge_signals(today.trades, fitted, told=Told(own)))


def _context(
    night: CandleNight, trades: pa.Table, facts: pa.Table, nights: GateNights, gates: SettingsByName
) -> GateContext[SettingsByName]:
    """What the gates of the night are fitted on: trades that had closed by its end, and older than any that
    was still open."""
    holding = nights.nights.rules.maximum_holding
    past = past_trades(trailing_trades(trades, night.day, nights.models.trailing_days, holding))
    has = nights.has_models
    return GateContext(
        day=night.day,
        past=past,
        facts=facts_of(facts, past.trades["trade_id"]),
        patterns=night.library,
        confidence=fit_confidence_model(past, RECIPE.names, nights.models, holding) if has else _NOTHING,
        meta_label=fit_meta_label_model(past, nights.models, holding) if has else _NOTHING,
        conformal=fit_conformal_model(past, RECIPE.names, nights.models, holding) if has else _NOTHING,
        settings=gates,
    )
