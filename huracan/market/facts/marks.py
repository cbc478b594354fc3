"""How positions stood at the closes of decision bars while they were open, and what going on from there made.

What a position stood at is measured as the compiled step does, so that a gate is shown the same of a past one
as of one that is open. What leaving would have brought is known a bar later: it is evidence, never shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.candles.schema import TIME, TRADED
from huracan.market.facts.columns import BRIEF, fact
from huracan.market.facts.marks_columns import MARKS_SCHEMA, POSITIONS_SCHEMA
from huracan.market.facts.signal_facts import MarketFacts
from huracan.market.ledger import POLICY_EXIT, SCRATCH, SHORT, TIME_OUT
from huracan.market.rules import TradingRules, bars_of
from huracan.units import BASIS_POINT, WHOLE_BPS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_DECIDED_BEFORE = (POLICY_EXIT, SCRATCH, TIME_OUT)
"""Exits whose order is on its way at the close before the bar that fills them."""
_NEEDED = ("entry_reference_price", "entry_volatility_bps", "estimated_cost_bps")
"""Without one of these nobody can tell how a position stood."""
_STEP = 0.5
_GAIN_EDGES, _AGE_EDGES = (-0.75, -0.25, 1.0, 1.5), (0.1, 0.2)
_MARKET_EDGES = {
    "imbalance": (-0.1, 0.0, 0.1),
    "activity": (1.0,),
    "short_move": (0.0,),
    "long_move": (-0.5, 0.5),
}
"""Where gates tell positions apart at their usual settings. With others the first close of a kind may come
between two that are kept, and counts from the next one on."""


@dataclass(frozen=True, eq=False)
class Stood:
    """The closes [m] at which positions of trades were open and nothing had been ordered yet, by trade and
    time."""

    positions: pa.Table
    """POSITIONS_SCHEMA [m]; of the bar's regime nothing is known."""
    trade: Integers
    """[m] row of the trade."""
    would_net_bps: Floats
    """[m] net had it been left at the next open; NaN where no bar follows."""

    def take(self, trades: Integers) -> "Stood":
        """Of the trades of these rows, in that order; rows are counted among them from then on."""
        rows, counts = self.rows_of(trades), self._ends(trades) - self._begins(trades)
        own = np.repeat(np.arange(len(trades)), counts)
        return Stood(self.positions.take(pa.array(rows)), own, self.would_net_bps[rows])

    def rows_of(self, trades: Integers) -> Integers:
        """The closes of these trades, trade by trade."""
        spans = zip(self._begins(trades).tolist(), self._ends(trades).tolist(), strict=True)
        found = [np.arange(first, end) for first, end in spans]
        return np.concatenate([*found, np.zeros(0, np.int64)]).astype(np.int64)

    def _begins(self, trades: Integers) -> Integers:
        return np.asarray(np.searchsorted(self.trade, trades), dtype=np.int64)

    def _ends(self, trades: Integers) -> Integers:
        return np.asarray(np.searchsorted(self.trade, trades + 1), dtype=np.int64)

    def marks(self, net_bps: Floats) -> pa.Table:
        """MARKS_SCHEMA of the closes that are kept: a position's first, and every one at which it was told
        apart from the close before, by gates as they come (`_standing`) or by a gain that crossed the next
        half of a volatility for the first time. `net_bps` [trades] is what they came to."""
        gain = self.positions["gain"].to_numpy().astype(np.float64)
        standing, steps = self._standing(gain), np.floor(gain / _STEP)
        kept = np.zeros(len(gain), np.bool_)
        for own in _groups(self.trade):
            most, least = np.maximum.accumulate(steps[own]), np.minimum.accumulate(steps[own])
            is_farther = (most[1:] > most[:-1]) | (least[1:] < least[:-1])
            is_other = (standing[own][1:] != standing[own][:-1]).any(axis=1)
            kept[own] = np.append(True, is_farther | is_other)
        rows = np.flatnonzero(kept)
        would = self.would_net_bps[rows]
        told = self.positions.take(pa.array(rows))
        names = ("trade_id", "moment", "gain", "age", *BRIEF)
        data: dict[str, Any] = {name: told[name] for name in names}
        data["would_net_bps"] = pa.array(would, from_pandas=True)
        data["remaining_bps"] = pa.array(net_bps[self.trade[rows]] - would, from_pandas=True)
        return pa.table([data[name] for name in MARKS_SCHEMA.names], schema=MARKS_SCHEMA)

    def _standing(self, gain: Floats) -> Integers:
        """[m, 6] by which of the usual edges a position has passed, numbers that say nothing but that they
        differ. What the market does is told apart only of a position that loses or has made much: of others
        no gate asks."""
        way = np.where(np.array(self.positions["side"].to_pylist(), dtype=object) == SHORT, -1.0, 1.0)
        market = {name: fact(self.positions, name) for name in BRIEF}
        seen = {name: values * (1.0 if name == "activity" else way) for name, values in market.items()}
        age = self.positions["age"].to_numpy().astype(np.float64)
        columns = [np.searchsorted(_GAIN_EDGES, gain, side="right"), np.searchsorted(_AGE_EDGES, age)]
        is_asked = (gain <= _GAIN_EDGES[1]) | (gain >= _GAIN_EDGES[2])
        for name, edges in _MARKET_EDGES.items():
            place = np.searchsorted(edges, np.nan_to_num(seen[name], nan=-np.inf), side="right")
            columns.append(np.where(is_asked, place, -1))
        return np.stack(columns, axis=1)


def positions_stood(
    trades: pa.Table, candles: pa.Table, facts: MarketFacts, rules: TradingRules, decision_minutes: int
) -> Stood:
    """Of TRADES_SCHEMA, in their order; `candles` are OHLCV_SCHEMA in time order within each symbol, from the
    first entry to the last exit at least, and `facts` theirs.

    A trade that was added to or closed in parts has no closes: what leaving would have brought is another
    matter at each of its sizes; nor has one whose entry is not known. Closes at which an exit waited for a
    bar that is traded are among them: no column tells when it was ordered.
    """
    rows = trades.select(["symbol", "side", *_NEEDED, "exit_reason", "adds", "scale_outs"]).to_pylist()
    entries, exits = (pc.cast(trades[name], pa.int64()).to_pylist() for name in ("entry_time", "exit_time"))
    walks = {symbol: _Walk.of(candles, symbol) for symbol in sorted({row["symbol"] for row in rows})}
    found = list[tuple[int, Integers, Floats, Floats, Floats]]()
    for index, (row, entry_ms, exit_ms) in enumerate(zip(rows, entries, exits, strict=True)):
        walk = walks[row["symbol"]]
        known = (row[name] is not None for name in _NEEDED)
        if row["adds"] or row["scale_outs"] or walk is None or not all(known):
            continue
        closes = _closes(entry_ms, exit_ms, decision_minutes, row["exit_reason"] in _DECIDED_BEFORE)
        price, following = walk.last_closes(closes), walk.next_opens(closes)
        way, reference = (-1.0 if row["side"] == SHORT else 1.0), row["entry_reference_price"]
        unit_bps = max(row["entry_volatility_bps"], rules.minimum_volatility_bps)
        unit_bps *= rules.horizon_factor(walk.bar_minutes)
        per_price = way / (reference * unit_bps * BASIS_POINT)
        holding_bars = bars_of(rules.maximum_holding, walk.bar_minutes)
        age = (closes - entry_ms) / (walk.bar_minutes * 60_000) / holding_bars
        would = way * (following / reference - 1.0) * WHOLE_BPS - row["estimated_cost_bps"]
        found.append((index, closes, (price - reference) * per_price, age, would))
    return _stood(trades, facts, found)


def _stood(
    trades: pa.Table, facts: MarketFacts, found: list[tuple[int, Integers, Floats, Floats, Floats]]
) -> Stood:
    trade = np.repeat([each[0] for each in found], [len(each[1]) for each in found]).astype(np.int64)
    closes, gain, age, would = (
        np.concatenate([each[place] for each in found]) if found else np.zeros(0) for place in range(1, 5)
    )
    own = trades.select(["trade_id", "symbol", "side"]).take(pa.array(trade))
    names, symbols = own["trade_id"].to_pylist(), own["symbol"].to_pylist()
    measured = facts.brief_at(symbols, closes.astype(np.int64).tolist(), names)
    data: dict[str, Any] = {name: own[name] for name in own.column_names}
    data |= {
        "moment": pa.array(closes.astype(np.int64)).cast(TIME),
        "gain": pa.array(gain.astype(np.float32)),
        "age": pa.array(age.astype(np.float32)),
        **{name: measured[name] for name in BRIEF},
    }
    nothing = [
        data[field.name] if field.name in data else pa.nulls(len(trade), field.type)
        for field in POSITIONS_SCHEMA
    ]
    return Stood(pa.table(nothing, schema=POSITIONS_SCHEMA), trade, would.astype(np.float64))


def _closes(entry_ms: int, exit_ms: int, decision_minutes: int, is_ordered: bool) -> Integers:
    """Of decision bars after the entry's open, up to the open of the exit's bar; without that where the exit
    was ordered then."""
    step = decision_minutes * 60_000
    last = exit_ms - 1 if is_ordered else exit_ms
    return np.arange((entry_ms // step + 1) * step, last + 1, step, dtype=np.int64)


def _groups(trade: Integers) -> Iterator[Integers]:
    edges = np.flatnonzero(np.diff(trade)) + 1
    return iter([each for each in np.split(np.arange(len(trade)), edges) if len(each)])


@dataclass(frozen=True, eq=False)
class _Walk:
    """One symbol's traded candles."""

    open_ms: Integers
    opens: Floats
    closes: Floats
    bar_minutes: float

    @staticmethod
    def of(candles: pa.Table, symbol: str) -> "_Walk | None":
        own = candles.filter(
            pc.and_(pc.equal(candles["symbol"], symbol), pc.equal(candles["status"], TRADED))
        )
        if not own.num_rows:
            return None
        begins, ends = (pc.cast(own[name], pa.int64()).to_numpy() for name in ("open_time", "close_time"))
        opens, closes = (own[name].to_numpy() for name in ("open", "close"))
        return _Walk(begins, opens, closes, float(ends[0] - begins[0]) / 60_000)

    def last_closes(self, moments: Integers) -> Floats:
        """Of the last bar that had closed by each moment."""
        ends = self.open_ms + round(self.bar_minutes * 60_000)
        at = np.searchsorted(ends, moments, side="right") - 1
        return np.where(at >= 0, self.closes[np.maximum(at, 0)], np.nan)

    def next_opens(self, moments: Integers) -> Floats:
        """Of the first bar from each moment on."""
        at = np.searchsorted(self.open_ms, moments, side="left")
        last = len(self.opens) - 1
        return np.where(at <= last, self.opens[np.minimum(at, last)], np.nan)
