"""The half-spread of a market, from its candles: each day's own, and what days before a day tell of it.

Trades bounce between bid and ask: a close lies a half-spread off the middle, on either side, while the middle
of a bar's range lies on none. Abdi and Ranaldo (2017, "A simple estimation of bid-ask spreads from daily
close, high, and low prices", Review of Financial Studies 30) take the squared half-spread to be the mean of
(c(t) - m(t)) x (c(t) - m(t+1)), with c the log close and m the middle of log high and log low. The mean of a
day is taken whole and only then not below zero: correcting each pair, as they also do, charges the noise of
every pair. `benchmarks/spreads.py` compares it with others.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.jumps import LastClose
from huracan.candles.market_info import DEFAULT_HALF_SPREAD_BPS, MarketInfo
from huracan.candles.schema import SYMBOL, TRADED
from huracan.tables import FLOAT, INTEGER, Column, arrow_schema
from huracan.units import WHOLE_BPS

SPREADS_COLUMNS = (
    SYMBOL,
    Column(
        "half_spread_bps",
        FLOAT,
        "half-spread by the day's own bars, 0 where they do not bounce; null where they are too few",
        "bps",
    ),
    Column(
        "noise_bps",
        FLOAT,
        "half-spread whose square is one standard error of that of the day",
        "bps",
    ),
    Column(
        "half_step_bps",
        FLOAT,
        "half of the decimal step that all prices of the day keep to, of its last close; null where too few"
        " prices tell",
        "bps",
    ),
    Column("bars", INTEGER, "traded bars whose next one was traded too", "bars"),
)
SPREADS_SCHEMA = arrow_schema(SPREADS_COLUMNS)

Floats = npt.NDArray[np.float64]
_Row = Mapping[str, Any]

TRAILING_DAYS = (7, 28)
"""A half-spread is the median of the last so many days that told one, or of more where those do not tell."""
_CERTAINTY = 2.0
"""Standard errors from which on a half-spread is told from none."""
_FEWEST_PAIRS = 10
_FEWEST_PRICES = 10
_MEDIAN_ERROR = 1.2533
"""Standard error of a median over that of a mean."""
_MOST_DECIMALS = 10
_MOST_BPS = 1000.0
"""A wider market is none: a tick that is not of these prices says so, or a day that is no market's."""


def half_spread_moments(high: Floats, low: Floats, close: Floats) -> Floats:
    """Of every two bars in a row, what has the squared half-spread as its mean: [bars - 1], in bps^2."""
    middle = (np.log(high) + np.log(low)) / 2
    last = np.log(close[:-1])
    return np.asarray((last - middle[:-1]) * (last - middle[1:]) * WHOLE_BPS**2, np.float64)


def day_spreads(ohlcv: pa.Table) -> pa.Table:
    """SPREADS_SCHEMA of one day on its grid (OHLCV_SCHEMA): each symbol by its own traded bars."""
    encoded = ohlcv["symbol"].combine_chunks().dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    traded = pc.equal(ohlcv["status"], TRADED).to_numpy()
    prices = {name: ohlcv[name].to_numpy() for name in ("open", "high", "low", "close")}
    rows = []
    for code, symbol in enumerate(encoded.dictionary.to_pylist()):
        own = codes == code
        row = _own({name: values[own] for name, values in prices.items()}, traded[own])
        rows.append({"symbol": symbol, **row})
    return pa.Table.from_pylist(rows, schema=SPREADS_SCHEMA)


def _own(bars: Mapping[str, Floats], traded: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """What the bars of one symbol tell by themselves."""
    both = traded[:-1] & traded[1:]
    moments = half_spread_moments(bars["high"], bars["low"], bars["close"])[both]
    step = price_step(np.concatenate([values[traded] for values in bars.values()]))
    is_told = len(moments) >= _FEWEST_PAIRS
    return {
        "half_spread_bps": np.sqrt(max(moments.mean(), 0.0)) if is_told else None,
        "noise_bps": np.sqrt(_standard_error(moments)) if is_told else None,
        "half_step_bps": None if step is None else step / 2 / bars["close"][traded][-1] * WHOLE_BPS,
        "bars": len(moments),
    }


def price_step(prices: Floats) -> float | None:
    """The largest power of ten, 1 at most, that all prices are multiples of; None where there is none, or
    where a handful of prices may keep to it by chance."""
    different = np.unique(prices)
    for decimals in range(_MOST_DECIMALS + 1) if len(different) >= _FEWEST_PRICES else ():
        scaled = different * 10.0**decimals
        whole = np.round(scaled)
        if whole[0] >= 1 and np.abs(scaled - whole).max() < 1e-3:
            return float(10.0**-decimals)
    return None


def with_half_spreads(
    infos: Iterable[MarketInfo], before: Iterable[pa.Table], last_closes: Mapping[str, LastClose]
) -> list[MarketInfo]:
    """Markets of a day, `resolved`, with half-spreads by the SPREADS_SCHEMA of days before it, oldest first.

    Where one is known already, it stays. Where the days do not tell one from none and it could be more than
    the default, it is the default. Never below half a tick at the last known close, or half of the step that
    prices last kept to where no tick is known.
    """
    known, found = defaultdict[str, list[_Row]](list), []
    for row in chain.from_iterable(day.select(SPREADS_SCHEMA.names).to_pylist() for day in before):
        known[row["symbol"]].append(row)
    for info in infos:
        rows, close = known[info.symbol], last_closes.get(info.symbol)
        steps = [row["half_step_bps"] for row in rows if row["half_step_bps"] is not None]
        least = steps[-1] if steps else 0.0
        if info.tick_size is not None and close is not None:
            least = info.tick_size / 2 / close.close * WHOLE_BPS
        half_spread = min(max(_trailing(rows), least), _MOST_BPS)
        found.append(info.completed_by(MarketInfo(info.symbol, half_spread_bps=half_spread)).resolved())
    return found


def _trailing(rows: Iterable[_Row]) -> float:
    """The median of the fewest days that tell it."""
    told = [row for row in rows if row["half_spread_bps"] is not None]
    names = ("half_spread_bps", "noise_bps")
    spreads, noises = (np.array([row[name] for row in told]) ** 2 for name in names)
    for days in TRAILING_DAYS if len(spreads) else ():
        squared = float(np.median(spreads[-days:]))
        error = np.median(noises[-days:]) * _MEDIAN_ERROR / np.sqrt(min(days, len(spreads)))
        if squared >= _CERTAINTY * error or _CERTAINTY * error <= DEFAULT_HALF_SPREAD_BPS**2:
            return float(np.sqrt(squared))
    return DEFAULT_HALF_SPREAD_BPS


def _standard_error(moments: Floats) -> float:
    """Of their mean. Neighbours share a bar, so their covariance counts (Newey and West 1987, one lag)."""
    off = moments - moments.mean()
    own, neighbours = off @ off, off[1:] @ off[:-1]
    return float(np.sqrt(max(own + 2 * neighbours, own)) / len(moments))
