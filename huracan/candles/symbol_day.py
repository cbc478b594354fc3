"""One symbol's part of a day's grid, and the reasons for which it is set aside for the day.

A symbol that is set aside has no candle that day for anything downstream: its rows go to quarantine, its bars
are marked, and the others are computed, trained and traded.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.defects import DROPPED_DUPLICATE
from huracan.candles.grid import DayOfCandles
from huracan.candles.jumps import Jump
from huracan.candles.limits import CandleLimits
from huracan.candles.schema import FLAT, QUARANTINED, TRADED, Timeframe

ABSENT, CONSTANT, JUMP = "absent", "constant", "jump"
QUARANTINE, FUNDING, REFUSED = "quarantine", "funding", "refused"
CAUSES = (ABSENT, CONSTANT, JUMP, QUARANTINE, FUNDING, REFUSED)
"""Of setting a symbol aside. `refused`: the source says that it has none of it on the day."""

SET_ASIDE = "the symbol was set aside"
"""Begins the reason of each good row in quarantine whose symbol was set aside."""
_LEAST_CONSTANT_BARS = 6
_KEPT = ("symbol", "open_time", "funding_rate")
"""What a bar keeps whose candle is set aside."""


@dataclass(frozen=True)
class SymbolDay:
    """What a day brought of one symbol; arrays by bar."""

    symbol: str
    status: npt.NDArray[np.object_]
    closes: npt.NDArray[np.float64]
    lowest: float
    highest: float
    """over the day; NaN without a candle"""
    quarantine_reasons: Counter[str]
    """rows by reason, of candles that are unfit; rates are counted apart"""
    duplicates: int
    """exact ones, which speak against nothing"""
    rates: int
    """funding rates on the grid"""
    quarantined_rates: int

    @property
    def has_candle(self) -> npt.NDArray[np.bool_]:
        return np.isin(self.status, (TRADED, FLAT))

    @property
    def absent_share(self) -> float:
        return float((~self.has_candle).mean())

    @property
    def quarantined_rows(self) -> int:
        return self.quarantine_reasons.total()

    @property
    def quarantined_share(self) -> float:
        return self.quarantined_rows / len(self.status)

    @property
    def is_constant(self) -> bool:
        return self.highest == self.lowest and int(self.has_candle.sum()) >= _LEAST_CONSTANT_BARS

    def largest_move(self) -> tuple[float, int]:
        """Percent and the bar in which it ended; only between adjacent bars that both have a candle."""
        moves = np.abs(self.closes[1:] / self.closes[:-1] - 1) * 100
        if not np.isfinite(moves).any():
            return 0.0, 0
        bar = int(np.nanargmax(moves))
        return float(moves[bar]), bar + 1


def split_day(day: DayOfCandles, timeframe: Timeframe) -> list[SymbolDay]:
    """The parts of a day, in the order of its symbols."""
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
        lowest, highest = pc.min(part["low"]).as_py(), pc.max(part["high"]).as_py()
        days.append(
            SymbolDay(
                symbol=symbol,
                status=np.asarray(part.column("status").to_numpy(), dtype=object),
                closes=np.asarray(part.column("close").cast(pa.float64()).to_numpy(), dtype=np.float64),
                lowest=float("nan") if lowest is None else lowest,
                highest=float("nan") if highest is None else highest,
                quarantine_reasons=reasons,
                duplicates=duplicates,
                rates=part.num_rows - part["funding_rate"].null_count,
                quarantined_rates=rejected_rates.count(symbol),
            )
        )
    return days


def why_set_aside(
    each: SymbolDay, jump: Jump | None, refused: str, timeframe: Timeframe, limits: CandleLimits
) -> tuple[str, str] | None:
    """The cause (one of CAUSES) and a sentence; None where nothing is wrong with the symbol that day."""
    if refused:
        return REFUSED, refused
    bars = len(each.status)
    if each.quarantined_rows > _allowed(limits.maximum_quarantined_share, bars):
        share, why = f"{each.quarantined_share:.1%}", each.quarantine_reasons.most_common(1)[0][0]
        rows = f"rows in quarantine: {each.quarantined_rows} ({share} of the bars)"
        return QUARANTINE, f"{rows}, most often because {why}"
    if bars - int(each.has_candle.sum()) > _allowed(limits.maximum_absent_share, bars):
        if not each.has_candle.any():
            return ABSENT, "there is no candle at all"
        return ABSENT, f"more than {limits.maximum_absent_share:.0%} of the bars are absent"
    if jump is not None:
        return JUMP, tell_jump(jump, timeframe)
    if each.is_constant:
        return CONSTANT, f"the price was {each.highest:g} in every bar of the day"
    if each.quarantined_rates > each.rates:
        count = each.rates + each.quarantined_rates
        return FUNDING, f"most of its {count} funding rate{'s' if count > 1 else ''} fit no bar"
    return None


def _allowed(share: float, bars: int) -> float:
    """So many of a day's bars: one at least, for of six bars one is much; none where the share is 0."""
    return max(1.0, share * bars) if share else 0.0


def tell_jump(jump: Jump, timeframe: Timeframe) -> str:
    """The bar, the factor, and how to declare it."""
    factor = f"{jump.factor if jump.plain is None else jump.plain:.6g}"
    over = f" over {jump.bar - jump.since - 1} bars without one" if jump.bar - jump.since > 1 else ""
    over = over if jump.since >= 0 else " since an earlier day"
    rival = f", which {jump.other} did not" if jump.other else ""
    kind, declared = ("a redenomination", factor) if jump.plain is not None else ("a real move", "1")
    return (
        f"the close moved {abs(jump.factor - 1) * 100:.1f} % in the bar of {clock(jump.bar, timeframe)}{over}"
        f"{rival}, to {factor} times the last known one; if that is {kind}, declare it in"
        f" candles.redenominations with the factor {declared}, and history goes on"
    )


def set_aside(day: DayOfCandles, raw: pa.Table, reasons: Mapping[str, str]) -> DayOfCandles:
    """The day without the candles of the symbols in `reasons`: their bars that had one are `quarantined`, and
    the candles lie in quarantine with the reason, as they are in `raw` (the same grid as the source said)."""
    if not reasons:
        return day
    is_aside = pc.is_in(day.ohlcv["symbol"], pa.array(list(reasons), pa.string()))
    is_taken = pc.and_(is_aside, pc.is_in(day.ohlcv["status"], pa.array([TRADED, FLAT])))
    columns = {}
    for field in day.ohlcv.schema:
        values = day.ohlcv[field.name]
        if field.name == "status":
            values = pc.if_else(is_taken, QUARANTINED, values)
        elif field.name in day.quarantine.schema.names and field.name not in _KEPT:
            values = pc.if_else(is_taken, pa.scalar(None, field.type), values)
        columns[field.name] = values
    taken = raw.filter(is_taken)
    told = [f"{SET_ASIDE}: {reasons[symbol]}" for symbol in taken["symbol"].to_pylist()]
    own = {"reason": pa.array(told, pa.string()), "funding_rate": pa.nulls(taken.num_rows, pa.float64())}
    rejected = pa.table(
        [own[field.name] if field.name in own else taken[field.name] for field in day.quarantine.schema],
        schema=day.quarantine.schema,
    )
    return DayOfCandles(
        pa.table(columns, schema=day.ohlcv.schema).combine_chunks(),
        pa.concat_tables([day.quarantine, rejected]).combine_chunks(),
    )


def clock(bar: int, timeframe: Timeframe) -> str:
    """`HH:MM` at which a bar of the day opens."""
    minute = bar * timeframe.minutes
    return f"{minute // 60:02d}:{minute % 60:02d}"
