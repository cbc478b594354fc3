"""The signals of one book whose trades closed on a day, judged with what else was open at each of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.analysis.outcome import floats, milliseconds
from huracan.gates.contract import Gate
from huracan.gates.judging.judge import judge_by_night
from huracan.gates.judging.position_answers import tended_by_night
from huracan.gates.judging.told import OF_TRADES, Told
from huracan.gates.settings import Mode
from huracan.market.facts.marks import Stood, positions_stood
from huracan.market.facts.open_then import positions_open_at
from huracan.market.facts.signal_facts import MarketFacts
from huracan.market.handover import brain_days
from huracan.market.ledger import (
    DELISTED,
    LEFT_UNIVERSE,
    POLICY,
    TIMEFRAME_CHANGED,
    TRADES_SCHEMA,
)
from huracan.market.rules import TradingRules

_OF_TRADES = pa.schema([TRADES_SCHEMA.field(name) for name in OF_TRADES])
_BESIDE = (*OF_TRADES, "entry_time", "exit_time", "exit_reason")
BESIDE_SCHEMA = pa.schema([TRADES_SCHEMA.field(name) for name in _BESIDE])
"""Of positions that were open beside others: what was known at their signals, and when; `exit_time` and
`exit_reason` are null of one that is still open."""
_BEFORE_DECIDING = (DELISTED, LEFT_UNIVERSE, TIMEFRAME_CHANGED)
"""Closed at the last known price before anything is decided at the day's first close."""


@dataclass(frozen=True, eq=False)
class BookOfDay:
    """What closed of a book on a day, and what else it held then."""

    name: str
    trades: pa.Table
    """TRADES_SCHEMA"""
    nights: NDArray[np.int64]
    """[trades] whose gates were in force at each signal, in days since 1970."""
    beside: pa.Table
    """BESIDE_SCHEMA of trades of the book that closed on the days before, or are still open; no rows where
    each position has an account of its own."""


@dataclass(frozen=True, eq=False)
class MarketOfDay:
    """The candles of the days on which positions were held, and the rules."""

    candles: pa.Table
    """OHLCV_SCHEMA in time order within each symbol"""
    facts: MarketFacts
    rules: TradingRules
    decision_minutes: int
    handover_minute: int = 0
    """Minute of the UTC day from which on the newer night's gates are in force."""


@dataclass(frozen=True, eq=False)
class JudgedDay:
    """DECISIONS_SCHEMA, FACTS_SCHEMA and MARKS_SCHEMA of a book's day."""

    decisions: pa.Table
    facts: pa.Table
    marks: pa.Table


def judge_day(
    book: BookOfDay, market: MarketOfDay, gates: Mapping[int, Mapping[str, Gate]], modes: Mapping[str, Mode]
) -> JudgedDay:
    """Every signal of the book by the `gates` of its night; signals of the same moment whose trades closed
    earlier, or have not, are shown beside it."""
    trades = book.trades
    stood = positions_stood(trades, market.candles, market.facts, market.rules, market.decision_minutes)
    shown = _Shown.of(trades.select(OF_TRADES), book.nights, book.beside)
    decisions, facts = shown.judged(book, market, gates, modes, stood)
    return JudgedDay(decisions, facts, stood.marks(floats(trades, "net_bps")))


def judge_untraded(
    book: BookOfDay,
    untraded: pa.Table,
    nights: NDArray[np.int64],
    market: MarketOfDay,
    gates: Mapping[int, Mapping[str, Gate]],
    modes: Mapping[str, Mode],
) -> pa.Table:
    """DECISIONS_SCHEMA of the signals of the book's day of which no trade came (UNTRADED_SCHEMA), by the
    gates of `nights` [signals], as if each had been entered: beside those of its moment that were, and the
    others.

    No position came of them that a gate could have left.
    """
    names = pa.array([f"untraded {row}" for row in range(untraded.num_rows)], pa.string())
    named = untraded.append_column("trade_id", names).select(OF_TRADES)
    closed = pa.concat_tables([book.trades.select(BESIDE_SCHEMA.names).cast(BESIDE_SCHEMA), book.beside])
    shown = _Shown.of(named, nights, closed)
    decisions, _ = shown.judged(book, market, gates, modes, None)
    status = untraded["status"].take(pc.index_in(decisions["trade_id"], value_set=names))
    told = {"trade_id": pa.nulls(decisions.num_rows, pa.string()), "status": status}
    return pa.table([told.get(name, decisions[name]) for name in decisions.column_names], decisions.schema)


@dataclass(frozen=True, eq=False)
class _Shown:
    """Signals [n] and the rivals of their moments behind them."""

    signals: pa.Table
    """OF_TRADES"""
    nights: NDArray[np.int64]
    own: int
    """How many of them are judged."""

    @staticmethod
    def of(signals: pa.Table, nights: NDArray[np.int64], others: pa.Table) -> "_Shown":
        moments = milliseconds(signals, "signal_time")
        rivals = _rivals(signals, others, moments)
        both = pa.concat_tables([signals.cast(_OF_TRADES), rivals.select(OF_TRADES).cast(_OF_TRADES)])
        return _Shown(both, np.concatenate([nights, _nights_of(rivals, moments, nights)]), signals.num_rows)

    def judged(
        self,
        book: BookOfDay,
        market: MarketOfDay,
        gates: Mapping[int, Mapping[str, Gate]],
        modes: Mapping[str, Mode],
        stood: Stood | None,
    ) -> tuple[pa.Table, pa.Table]:
        """DECISIONS_SCHEMA and FACTS_SCHEMA of those that are judged."""
        shown, moments = self.signals, milliseconds(self.signals, "signal_time")
        names = shown["trade_id"].to_pylist()
        facts = market.facts.at(shown["symbol"].to_pylist(), moments.tolist(), names)
        tended = {} if stood is None else tended_by_night(gates, stood, _nights_in_force(stood, market))
        told = Told(facts, _held(book, moments), stood, tended)
        decisions = judge_by_night(shown, self.nights, gates, book.name, modes, told)
        count = self.own * decisions.num_rows // max(shown.num_rows, 1)
        return decisions.slice(0, count), facts.slice(0, self.own)


def _nights_in_force(stood: Stood, market: MarketOfDay) -> NDArray[np.int64]:
    """[closes] in days since 1970."""
    return brain_days(milliseconds(stood.positions, "moment"), market.handover_minute)


def _rivals(signals: pa.Table, others: pa.Table, moments: NDArray[np.int64]) -> pa.Table:
    """Of `others` the signals of the same moments."""
    is_rival = np.isin(milliseconds(others, "signal_time"), moments)
    known = pc.is_in(others["trade_id"], value_set=signals["trade_id"].combine_chunks())
    return others.filter(pc.and_(pa.array(is_rival), pc.invert(known)))


def _nights_of(rivals: pa.Table, moments: NDArray[np.int64], nights: NDArray[np.int64]) -> NDArray[np.int64]:
    """That of a signal of the same moment."""
    order = np.argsort(moments, kind="stable")
    at = np.searchsorted(moments[order], milliseconds(rivals, "signal_time"))
    return np.asarray(nights[order][at] if at.size else np.zeros(0, np.int64))


def _held(book: BookOfDay, moments: NDArray[np.int64]) -> NDArray[np.int64]:
    """[n] positions open at the moments; 0 where each has an account of its own."""
    if book.name != POLICY:
        return np.zeros(moments.size, np.int64)
    entries, exits = (
        np.concatenate([milliseconds(table, name) for table in (book.trades, book.beside)])
        for name in ("entry_time", "exit_time")
    )
    reasons = pc.is_in(
        pa.chunked_array([table["exit_reason"].combine_chunks() for table in (book.trades, book.beside)]),
        value_set=pa.array(_BEFORE_DECIDING),
    )
    exits = exits - reasons.to_numpy().astype(np.int64)
    exits = np.where(exits < 0, np.iinfo(np.int64).max, exits)
    return positions_open_at(moments, entries, exits)


def still_open(accounts: pa.Table) -> pa.Table:
    """BESIDE_SCHEMA of OPEN_POSITIONS_SCHEMA: the positions that are held."""
    held = accounts.filter(accounts["side"].is_valid())
    renamed = {"entry_volatility_bps": "volatility_bps"}
    columns = {
        field.name: pa.nulls(held.num_rows, field.type)
        if field.name in ("exit_time", "exit_reason")
        else held[renamed.get(field.name, field.name)].cast(field.type)
        for field in BESIDE_SCHEMA
    }
    return pa.table(columns, schema=BESIDE_SCHEMA)
