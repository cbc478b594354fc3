"""A day's funding rates on the grid of its bars: which bar each belongs to, and which belong to none.

Where rates come from is a source's matter; what they cost a position, the market's.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.defects import MISSING_TIME, floats
from huracan.candles.schema import FUNDING_SCHEMA, QUARANTINE_SCHEMA, Timeframe
from huracan.errors import InvalidInput

FUNDING_SLACK_MS = 1_000
"""A settlement is recorded up to this far from the open that it belongs to; exchanges are some ms late."""
LARGEST_RATE = 0.1
"""Of one settlement. Exchanges cap theirs at 0.03: beyond this it is a percentage, not a fraction."""

_DAY_MS = 86_400_000
_GOOD = 0
_REASONS = (
    "",
    "the funding rate's settlement time is missing or outside the day",
    "the funding rate is settled at no bar's open",
    "the funding rate is not a finite number within 10 %",
    "an exact duplicate of an earlier row",
    "a second funding rate of the same bar with another value",
)
_EXACT_DUPLICATE, _OTHER_DUPLICATE = 4, 5


@dataclass(frozen=True)
class LaidFunding:
    """`by_bar` float64 [bars], null where no rate is settled; the rest in QUARANTINE_SCHEMA."""

    by_bar: pa.Array
    quarantine: pa.Table


def funding_window(start_ms: int, end_ms: int) -> tuple[int, int]:
    """The settlement times [from, until) that belong to the bars of [start_ms, end_ms).

    The settlement of the next day's first bar may be recorded a moment before midnight.
    """
    return start_ms - FUNDING_SLACK_MS, end_ms - FUNDING_SLACK_MS


def empty_funding() -> pa.Table:
    """No settlement, in FUNDING_SCHEMA."""
    return FUNDING_SCHEMA.empty_table()


def funding_table(times_ms: npt.NDArray[np.int64], rates: npt.NDArray[np.float64]) -> pa.Table:
    """Settlements in FUNDING_SCHEMA."""
    times = pa.array(times_ms, pa.int64()).cast(FUNDING_SCHEMA.field("settled_at").type)
    return pa.table([times, pa.array(rates, pa.float64())], schema=FUNDING_SCHEMA)


def lay_funding(symbol: str, funding: pa.Table | None, start_ms: int, timeframe: Timeframe) -> LaidFunding:
    """Each rate of `funding` (FUNDING_SCHEMA, any order) to the bar that opens within FUNDING_SLACK_MS.

    What fits no bar of the day that starts at `start_ms`, is no plausible rate or comes a second time goes
    to quarantine with its reason; of several rates of one bar the first row is kept.
    """
    step_ms, bars = timeframe.minutes * 60_000, timeframe.bars_per_day
    if funding is None or funding.num_rows == 0:
        return LaidFunding(pa.nulls(bars, pa.float64()), QUARANTINE_SCHEMA.empty_table())
    if not funding.schema.equals(FUNDING_SCHEMA):
        raise InvalidInput(
            f"The funding rates of {symbol} have the columns {', '.join(funding.schema.names)}.",
            f"A source gives {', '.join(FUNDING_SCHEMA.names)}.",
        )
    settled = funding["settled_at"].cast(pa.int64()).fill_null(MISSING_TIME).to_numpy()
    rates = floats(funding, "funding_rate")
    first, last = funding_window(start_ms, start_ms + _DAY_MS)
    is_inside = (settled >= first) & (settled < last)
    since = np.where(is_inside, settled, start_ms) - start_ms
    bar = (since + step_ms // 2) // step_ms
    distance = np.abs(since - bar * step_ms)
    with np.errstate(invalid="ignore"):
        is_plausible = np.isfinite(rates) & (np.abs(rates) <= LARGEST_RATE)
    conditions = [~is_inside, distance > FUNDING_SLACK_MS, ~is_plausible]
    codes = np.select(conditions, [1, 2, 3], _GOOD).astype(np.int8)
    by_bar = np.full(bars, np.nan)
    for row in np.flatnonzero(codes == _GOOD):
        if np.isnan(by_bar[bar[row]]):
            by_bar[bar[row]] = rates[row]
        else:
            codes[row] = _EXACT_DUPLICATE if by_bar[bar[row]] == rates[row] else _OTHER_DUPLICATE
    laid = pa.array(by_bar, mask=np.isnan(by_bar))
    return LaidFunding(laid, _rejected(symbol, funding, codes))


def _rejected(symbol: str, funding: pa.Table, codes: npt.NDArray[np.int8]) -> pa.Table:
    bad = np.flatnonzero(codes != _GOOD)
    rows = funding.take(pa.array(bad))
    known = {
        "symbol": pa.repeat(pa.scalar(symbol, pa.string()), len(bad)),
        "open_time": rows["settled_at"],
        "reason": pc.take(pa.array(_REASONS, pa.string()), pa.array(codes[bad])),
        "funding_rate": pc.fill_null(rows["funding_rate"], float("nan")),  # null says: a candle
    }
    columns = [known.get(field.name, pa.nulls(len(bad), field.type)) for field in QUARANTINE_SCHEMA]
    return pa.table(columns, schema=QUARANTINE_SCHEMA)
