"""Is a day of candles whole and sane enough to learn from? Two blocking checks, with their numbers.

How the grid is laid lives in `grid`, what is wrong with a single row in `defects`.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.defects import DROPPED_DUPLICATE
from huracan.candles.grid import DayOfCandles, assemble_day
from huracan.candles.schema import FLAT, MISSING, QUARANTINED, TRADED, Timeframe
from huracan.verdict import Number, Verdict

__all__ = ["CandleLimits", "DayOfCandles", "assemble_day", "judge_candles"]

_NAMED_SYMBOLS = 5


@dataclass(frozen=True)
class CandleLimits:
    """Above these a day is refused. The outage of 2023-03-24 (80 of 1440 minutes) must pass."""

    maximum_absent_share: float = 0.15
    """of a symbol's bars, missing or quarantined"""
    maximum_quarantined_share: float = 0.01
    """rows in quarantine per bar of the day, per symbol"""
    maximum_move_pct: float = 75.0
    """close to close of two adjacent bars"""


@dataclass(frozen=True)
class _SymbolDay:
    symbol: str
    status: npt.NDArray[np.object_]
    closes: npt.NDArray[np.float64]
    quarantine_reasons: Counter[str]
    """rows by reason, of candles that are unfit; rates are counted apart"""
    duplicates: int
    """exact ones, which speak against nothing"""
    rates: int
    """funding rates on the grid"""
    quarantined_rates: int

    @property
    def absent_share(self) -> float:
        return float(np.isin(self.status, (MISSING, QUARANTINED)).mean())

    @property
    def quarantined_rows(self) -> int:
        return self.quarantine_reasons.total()

    @property
    def quarantined_share(self) -> float:
        return self.quarantined_rows / len(self.status)

    @property
    def has_candle(self) -> bool:
        return bool(np.isin(self.status, (TRADED, FLAT)).any())

    def largest_move(self) -> tuple[float, int]:
        """Percent and the bar in which it ended; only between adjacent bars that both have a candle."""
        moves = np.abs(self.closes[1:] / self.closes[:-1] - 1) * 100
        if not np.isfinite(moves).any():
            return 0.0, 0
        bar = int(np.nanargmax(moves))
        return float(moves[bar]), bar + 1


def judge_candles(
    day: DayOfCandles, timeframe: Timeframe, limits: CandleLimits | None = None
) -> list[Verdict]:
    """The verdicts `candle_continuity` and `candle_sanity` on one assembled day."""
    chosen = limits if limits is not None else CandleLimits()
    symbols = _split(day, timeframe)
    return [_judge_continuity(symbols, timeframe, chosen), _judge_sanity(symbols, timeframe, chosen)]


def _split(day: DayOfCandles, timeframe: Timeframe) -> list[_SymbolDay]:
    bars = timeframe.bars_per_day
    is_rate = pc.is_valid(day.quarantine["funding_rate"])
    rejected_rates = day.quarantine.filter(is_rate)["symbol"].to_pylist()
    rejected = day.quarantine.filter(pc.invert(is_rate)).select(["symbol", "reason"])
    days = []
    for first in range(0, day.ohlcv.num_rows, bars):
        part = day.ohlcv.slice(first, bars)
        symbol = part.column("symbol")[0].as_py()
        reasons = Counter(rejected.filter(pc.equal(rejected["symbol"], symbol))["reason"].to_pylist())
        duplicates = reasons.pop(DROPPED_DUPLICATE, 0)
        days.append(
            _SymbolDay(
                symbol,
                np.asarray(part.column("status").to_numpy(), dtype=object),
                np.asarray(part.column("close").cast(pa.float64()).to_numpy(), dtype=np.float64),
                reasons,
                duplicates,
                part.num_rows - part["funding_rate"].null_count,
                rejected_rates.count(symbol),
            )
        )
    return days


def _judge_continuity(symbols: list[_SymbolDay], timeframe: Timeframe, limits: CandleLimits) -> Verdict:
    empty = [each.symbol for each in symbols if not each.has_candle]
    holed = [each.symbol for each in symbols if each.absent_share > limits.maximum_absent_share]
    notes = [note for each in symbols if (note := _describe(each, timeframe))]
    told = "; ".join(notes[:_NAMED_SYMBOLS])
    if len(notes) > _NAMED_SYMBOLS:
        told += f"; and {len(notes) - _NAMED_SYMBOLS} more symbols with gaps"
    if empty:
        reason = f"There is no candle at all of {', '.join(empty)}. {told}"
    elif holed:
        limit = f"{limits.maximum_absent_share:.0%}"
        reason = f"More than {limit} of the bars are absent of {', '.join(holed)}. {told}"
    else:
        reason = told or "Every bar of every symbol has a candle with trades."
    status = np.concatenate([each.status for each in symbols])
    numbers: dict[str, Number] = {
        "symbols": len(symbols),
        "bars": len(status),
        "missing_bars": int((status == MISSING).sum()),
        "quarantined_bars": int((status == QUARANTINED).sum()),
        "flat_bars": int((status == FLAT).sum()),
        "worst_absent_share": round(max(each.absent_share for each in symbols), 6),
    }
    return Verdict("candle_continuity", not empty and not holed, reason, numbers)


def _judge_sanity(symbols: list[_SymbolDay], timeframe: Timeframe, limits: CandleLimits) -> Verdict:
    complaints = []
    moves = {each.symbol: each.largest_move() for each in symbols}
    for each in symbols:
        move_pct, bar = moves[each.symbol]
        if each.quarantined_share > limits.maximum_quarantined_share:
            share = f"{each.quarantined_share:.1%}"
            complaints.append(
                f"{each.symbol}: rows in quarantine: {each.quarantined_rows} ({share} of the bars),"
                f" most often because {each.quarantine_reasons.most_common(1)[0][0]}"
            )
        if move_pct > limits.maximum_move_pct:
            at = _clock(bar, timeframe)
            complaints.append(f"{each.symbol}: the close moved {move_pct:.1f} % in the bar of {at}")
        if each.quarantined_rates > each.rates:
            complaints.append(f"{each.symbol}: most of its {_of_rates(each)} fit no bar")
    widest = max(symbols, key=lambda each: moves[each.symbol][0])
    move_pct, bar = moves[widest.symbol]
    at = _clock(bar, timeframe)
    calm = f"The largest move of one bar is {move_pct:.2f} % ({widest.symbol} at {at})."
    calm += _tell_duplicates(symbols) + _tell_rates(symbols)
    status = np.concatenate([each.status for each in symbols])
    numbers: dict[str, Number] = {
        "largest_move_pct": round(move_pct, 4),
        "largest_move_symbol": widest.symbol,
        "largest_move_at": at,
        "quarantined_rows": sum(each.quarantined_rows for each in symbols),
        "exact_duplicates": sum(each.duplicates for each in symbols),
        "worst_quarantined_share": round(max(each.quarantined_share for each in symbols), 6),
        "funding_rates": sum(each.rates for each in symbols),
        "quarantined_funding_rates": sum(each.quarantined_rates for each in symbols),
        "zero_volume_share": round(float((status == FLAT).mean()), 6),
    }
    return Verdict("candle_sanity", not complaints, "; ".join(complaints) or calm, numbers)


def _tell_duplicates(symbols: list[_SymbolDay]) -> str:
    told = [f"{each.symbol} {each.duplicates}" for each in symbols if each.duplicates]
    return f" Exact duplicates dropped: {', '.join(told)}." if told else ""


def _tell_rates(symbols: list[_SymbolDay]) -> str:
    """What is to be said of the perpetuals' funding, with a space before it; empty where all is well."""
    without = [each.symbol for each in symbols if ":" in each.symbol and not each.rates]
    odd = [f"{each.symbol} {each.quarantined_rates}" for each in symbols if each.quarantined_rates]
    told = f" No funding rate is known of {', '.join(without)}." if without else ""
    return told + (f" Funding rates in quarantine: {', '.join(odd)}." if odd else "")


def _of_rates(each: _SymbolDay) -> str:
    count = each.rates + each.quarantined_rates
    return f"{count} funding rate{'s' if count > 1 else ''}"


def _describe(each: _SymbolDay, timeframe: Timeframe) -> str:
    """For example `BTC/USDT: 80 minutes missing from 12:40, 72 flat from 11:28`; empty without gaps."""
    parts: list[str] = []
    for status in (MISSING, QUARANTINED, FLAT):
        first, longest, count, runs = _longest_run(each.status == status)
        if count == 0:
            continue
        words = f"{_bars(count, timeframe)} {status}" if not parts else f"{count} {status}"
        at = _clock(first, timeframe)
        parts.append(f"{words} from {at}" if runs == 1 else f"{words} in {runs} runs, {longest} from {at}")
    return f"{each.symbol}: {', '.join(parts)}" if parts else ""


def _bars(count: int, timeframe: Timeframe) -> str:
    unit = "minute" if timeframe.minutes == 1 else f"{timeframe.name} bar"
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _longest_run(marks: npt.NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """First bar and length of the longest run of True, the count of True, and the number of runs."""
    edges = np.diff(np.concatenate(([False], marks, [False])).astype(np.int8))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if not len(starts):
        return 0, 0, 0, 0
    best = int(np.argmax(ends - starts))
    return int(starts[best]), int(ends[best] - starts[best]), int(marks.sum()), len(starts)


def _clock(bar: int, timeframe: Timeframe) -> str:
    minute = bar * timeframe.minutes
    return f"{minute // 60:02d}:{minute % 60:02d}"
