"""Leaks of the memory, planted into what is asked of it: trades that had not closed at the signal."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from huracan.analysis.memory.nearest import NearestTrades
from huracan.analysis.outcome import Integers
from huracan.analysis.trades.checks import judge_neighbours
from huracan.candles.schema import TIME
from huracan.market.block import MS_PER_DAY, MS_PER_MINUTE
from huracan.proof.leaks.bed import first_that_shows
from huracan.proof.leaks.forms import ONE_COLUMN, Form
from huracan.regimes.model import REGIMES
from huracan.verdict import Verdict

FUTURE, AT_ONCE = "future neighbour in memory", "neighbour that closed at the signal"
_BAR_MS = 60 * MS_PER_MINUTE
_AHEAD_MS = {FUTURE: 4 * _BAR_MS, AT_ONCE: 1}
_FIRST_MS = 20_089 * MS_PER_DAY
_SYMBOLS, _DAYS_BEFORE, _DIMENSIONS, _NEIGHBOURS = ("L1/USDT", "L2/USDT"), 3, 8, 5
_NIGHTS = 20
"""Among which one shows any leak."""


@dataclass(frozen=True)
class MemoryBed:
    """The neighbours of a day's trades, two of which are signalled at every hour."""

    seed: int

    leaks = (FUTURE, AT_ONCE)

    def absent(self, _leak: str, form: Form) -> str:
        return "a neighbour is a whole trade" if form.name == ONE_COLUMN else ""

    def night(self, index: int, leak: str | None, form: Form) -> list[Verdict] | None:
        generator = np.random.default_rng([self.seed, index])
        trades = _trades(index, generator)
        vectors = generator.standard_normal((trades.num_rows, _DIMENSIONS))
        vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        signals = trades["signal_time"].cast(pa.int64()).to_numpy()
        day = np.flatnonzero(signals >= _FIRST_MS + index * MS_PER_DAY)
        own = trades.take(pa.array(day))

        def neighbours(as_of: Integers) -> pa.Table:
            search = NearestTrades(vectors[day], as_of, None, _NEIGHBOURS)
            search.add(trades, vectors)
            return search.neighbours()

        found = neighbours(signals[day])
        if leak is not None:
            asked = own.append_column("open_time", own["signal_time"])
            honest, found = found, neighbours(signals[day] + form.rows(asked) * _AHEAD_MS[leak])
            if honest.equals(found):
                return None
        return [judge_neighbours(own, found)]

    def closely(self, leak: str, form: Form) -> list[Verdict]:
        return first_that_shows(self, _NIGHTS, leak, form)


def _trades(index: int, generator: np.random.Generator) -> pa.Table:
    """Of the day and of those before it; each lasts for some hours."""
    hours = np.arange((_DAYS_BEFORE + 1) * 24).repeat(len(_SYMBOLS))
    signals = _FIRST_MS + (index - _DAYS_BEFORE) * MS_PER_DAY + hours * _BAR_MS
    closed = signals + generator.integers(1, 6, hours.size) * _BAR_MS
    net_bps = generator.normal(0.0, 20.0, hours.size)
    return pa.table(
        {
            "trade_id": [f"{index}:{place}" for place in range(hours.size)],
            "symbol": list(_SYMBOLS) * (hours.size // len(_SYMBOLS)),
            "regime": generator.choice(np.array(REGIMES), hours.size),
            "side": ["long"] * hours.size,
            "signal_time": pa.array(signals).cast(TIME),
            "closed_at": pa.array(closed).cast(TIME),
            "net_bps": net_bps,
            "is_winner": net_bps > 0.0,
        }
    )
