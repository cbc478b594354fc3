"""Is a day of candles whole and sane enough to learn from? What is wrong with one symbol sets that symbol
aside; two blocking checks refuse a day of which no symbol is left.

How the grid is laid lives in `grid`, what is wrong with a single row in `defects`, with a symbol's day in
`symbol_day`, with a move in `jumps`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huracan.candles.coverage import lonely_holes
from huracan.candles.grid import DayOfCandles, assemble_day
from huracan.candles.jumps import LastClose, SymbolCloses, find_jumps
from huracan.candles.last_closes import next_last_closes
from huracan.candles.limits import CandleLimits
from huracan.candles.redenominations import in_units_of_before
from huracan.candles.schema import FLAT, MISSING, QUARANTINED, SYMBOL, Timeframe, day_start
from huracan.candles.symbol_day import (
    ABSENT,
    CAUSES,
    JUMP,
    REFUSED,
    SymbolDay,
    clock,
    set_aside,
    split_day,
    why_set_aside,
)
from huracan.tables import TEXT, Column, arrow_schema
from huracan.verdict import Number, Verdict

__all__ = ["Before", "DayOfCandles", "JudgedDay", "assemble_day", "judge_day"]

SET_ASIDE_COLUMNS = (
    SYMBOL,
    Column("cause", TEXT, f"what was wrong with its day: {', '.join(CAUSES)}"),
    Column("reason", TEXT, "the same in a sentence, with what to do"),
)
SET_ASIDE_SCHEMA = arrow_schema(SET_ASIDE_COLUMNS)

_NAMED_SYMBOLS = 5


@dataclass(frozen=True)
class Before:
    """What is known of the symbols beside the day's own candles."""

    last_closes: Mapping[str, LastClose] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    """symbol -> why the source has none of it on the day"""
    set_aside: Mapping[str, str] = field(default_factory=dict)
    """symbol -> cause, of the day before: who was told of it need not be told again"""
    outside: Collection[str] = ()
    """symbols that do not belong to the universe on the day: their absence is nobody's fault"""


@dataclass(frozen=True)
class JudgedDay:
    """A day of which bad symbols were set aside: SET_ASIDE_SCHEMA and LAST_CLOSES_SCHEMA beside it."""

    day: DayOfCandles
    set_aside: pa.Table
    last_closes: pa.Table
    verdicts: tuple[Verdict, ...]

    @property
    def tables(self) -> dict[str, pa.Table]:
        """By the names under which they are stored."""
        return {
            "data": self.day.ohlcv,
            "quarantine": self.day.quarantine,
            "set_aside": self.set_aside,
            "last_closes": self.last_closes,
        }


def judge_day(
    day: DayOfCandles,
    timeframe: Timeframe,
    limits: CandleLimits | None = None,
    before: Before | None = None,
) -> JudgedDay:
    """The checks `candle_continuity`, `candle_sanity` and `symbols_set_aside` on one day as it was assembled.

    Its candles become those of the units of before; what is set aside goes to quarantine as the source said.
    The first two fail where every symbol of the day's universe is set aside, the third, which blocks nothing,
    where one is that was not the day before, or for another cause.
    """
    chosen, known = limits or CandleLimits(), before or Before()
    grid_ms = _start_ms(day), timeframe.minutes * 60_000
    stored = replace(day, ohlcv=in_units_of_before(day.ohlcv, chosen.redenominations))
    symbols = [each for each in split_day(stored, timeframe) if each.symbol not in known.outside]
    closes = [SymbolCloses(each.symbol, each.closes, known.last_closes.get(each.symbol)) for each in symbols]
    jumps = find_jumps(closes, *grid_ms, chosen.maximum_move_pct, chosen.real_moves_ms)
    found = {
        each.symbol: why_set_aside(
            each, jumps.get(each.symbol), known.refused.get(each.symbol, ""), timeframe, chosen
        )
        for each in symbols
    }
    aside = {symbol: why for symbol, why in found.items() if why is not None}
    reasons = {symbol: sentence for symbol, (_, sentence) in aside.items()}
    causes = {symbol: cause for symbol, (cause, _) in aside.items()}
    is_empty = len(aside) == len(symbols)
    jumped = {symbol: jump for symbol, jump in jumps.items() if causes.get(symbol) == JUMP}
    return JudgedDay(
        day=set_aside(stored, day.ohlcv, reasons),
        set_aside=pa.table(
            [list(aside), list(causes.values()), list(reasons.values())], schema=SET_ASIDE_SCHEMA
        ),
        last_closes=next_last_closes(closes, known.last_closes, causes, jumped, grid_ms),
        verdicts=(
            _judge_continuity(symbols, timeframe, _told(reasons, causes, is_empty, (ABSENT, REFUSED))),
            _judge_sanity(
                symbols, timeframe, _told(reasons, causes, is_empty, set(CAUSES) - {ABSENT, REFUSED})
            ),
            _tell_set_aside(reasons, causes, known.set_aside, len(symbols)),
        ),
    )


def _start_ms(day: DayOfCandles) -> int:
    first: date = day.ohlcv["open_time"][0].as_py().date()
    return int(day_start(first).timestamp() * 1000)


def _told(reasons: Mapping[str, str], causes: Mapping[str, str], is_empty: bool, of: Collection[str]) -> str:
    """What a blocking check says where no symbol is left for such causes; empty where it passes."""
    return "; ".join(f"{each}: {reasons[each]}" for each in reasons if causes[each] in of) if is_empty else ""


def _tell_set_aside(
    reasons: Mapping[str, str], causes: Mapping[str, str], yesterday: Mapping[str, str], symbols: int
) -> Verdict:
    new = [symbol for symbol, cause in causes.items() if yesterday.get(symbol) != cause]
    told = "; ".join(f"{symbol}: {reason.rstrip('.')}" for symbol, reason in reasons.items())
    again = "" if new or not reasons else ", as the day before"
    why = f"{len(reasons)} of {symbols} symbols are set aside for the day{again}. {told}." if reasons else ""
    numbers: dict[str, Number] = {"set_aside": len(reasons), "newly": len(new), "symbols": symbols}
    return Verdict("symbols_set_aside", not new, why or "No symbol is set aside.", numbers, blocking=False)


def _judge_continuity(symbols: list[SymbolDay], timeframe: Timeframe, refused: str) -> Verdict:
    notes = [note for each in symbols if (note := _describe(each, timeframe))]
    told = "; ".join(notes[:_NAMED_SYMBOLS])
    if len(notes) > _NAMED_SYMBOLS:
        told += f"; and {len(notes) - _NAMED_SYMBOLS} more symbols with gaps"
    lonely = lonely_holes(symbols, timeframe)
    told += f". {lonely}" if lonely else ""
    reason = refused or told or "Every bar of every symbol has a candle with trades."
    status = np.concatenate([each.status for each in symbols]) if symbols else np.empty(0, object)
    numbers: dict[str, Number] = {
        "symbols": len(symbols),
        "bars": len(status),
        "missing_bars": int((status == MISSING).sum()),
        "quarantined_bars": int((status == QUARANTINED).sum()),
        "flat_bars": int((status == FLAT).sum()),
        "worst_absent_share": round(max((each.absent_share for each in symbols), default=0.0), 6),
    }
    return Verdict("candle_continuity", not refused, reason, numbers)


def _judge_sanity(symbols: list[SymbolDay], timeframe: Timeframe, refused: str) -> Verdict:
    moves = {each.symbol: each.largest_move() for each in symbols}
    widest = max(moves, key=lambda symbol: moves[symbol][0], default="")
    move_pct, bar = moves.get(widest, (0.0, 0))
    at = clock(bar, timeframe)
    calm = f"The largest move of one bar is {move_pct:.2f} % ({widest} at {at})."
    calm += _tell_duplicates(symbols) + _tell_rates(symbols)
    bars = sum(len(each.status) for each in symbols)
    numbers: dict[str, Number] = {
        "largest_move_pct": round(move_pct, 4),
        "largest_move_symbol": widest,
        "largest_move_at": at,
        "quarantined_rows": sum(each.quarantined_rows for each in symbols),
        "exact_duplicates": sum(each.duplicates for each in symbols),
        "worst_quarantined_share": round(max((each.quarantined_share for each in symbols), default=0.0), 6),
        "funding_rates": sum(each.rates for each in symbols),
        "quarantined_funding_rates": sum(each.quarantined_rates for each in symbols),
        "zero_volume_share": round(
            sum(int((each.status == FLAT).sum()) for each in symbols) / max(bars, 1), 6
        ),
    }
    return Verdict("candle_sanity", not refused, refused or calm, numbers)


def _tell_duplicates(symbols: list[SymbolDay]) -> str:
    told = [f"{each.symbol} {each.duplicates}" for each in symbols if each.duplicates]
    return f" Exact duplicates dropped: {', '.join(told)}." if told else ""


def _tell_rates(symbols: list[SymbolDay]) -> str:
    """What is to be said of the perpetuals' funding, with a space before it; empty where all is well."""
    without = [each.symbol for each in symbols if ":" in each.symbol and not each.rates]
    odd = [f"{each.symbol} {each.quarantined_rates}" for each in symbols if each.quarantined_rates]
    told = f" No funding rate is known of {', '.join(without)}." if without else ""
    return told + (f" Funding rates in quarantine: {', '.join(odd)}." if odd else "")


def _describe(each: SymbolDay, timeframe: Timeframe) -> str:
    """For example `BTC/USDT: 80 minutes missing from 12:40, 72 flat from 11:28`; empty without gaps."""
    parts: list[str] = []
    for status in (MISSING, QUARANTINED, FLAT):
        first, longest, count, runs = _longest_run(each.status == status)
        if count == 0:
            continue
        words = f"{_bars(count, timeframe)} {status}" if not parts else f"{count} {status}"
        at = clock(first, timeframe)
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
