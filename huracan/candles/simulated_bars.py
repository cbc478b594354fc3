"""From a day of the hidden path to candles: rounded prices, wicks, volume, trade count, order flow.

Noise here is drawn per symbol and day and carried nowhere, so a day's candles need only the path.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huracan.candles.schema import RAW_SCHEMA, Timeframe
from huracan.candles.simulated_path import MARKET_VOLATILITY_BPS
from huracan.candles.simulated_symbols import SymbolParameters
from huracan.units import WHOLE_BPS

FloatArray = npt.NDArray[np.float64]

_FLOW_OF_SIGNAL, _FLOW_OF_RETURN, _FLOW_NOISE = 0.32, 0.20, 0.32


class DaysPath(NamedTuple):
    """The hidden path of one symbol over a day."""

    log_price: FloatArray
    """[1441]: at the beginning of each minute and at the day's end."""
    volatility_bps: FloatArray
    """[1440], as is the imbalance."""
    imbalance: FloatArray


class _Minutes(NamedTuple):
    """What happened in each minute of a day [1440]."""

    first: FloatArray
    high: FloatArray
    low: FloatArray
    last: FloatArray
    volume: FloatArray
    trades: FloatArray
    taker: FloatArray


def draw_day(
    generator: np.random.Generator,
    symbol: SymbolParameters,
    path: DaysPath,
    start_ms: int,
    timeframe: Timeframe,
) -> pa.Table:
    """A day's candles in RAW_SCHEMA."""
    log_price, volatility_bps, imbalance = path
    moves = np.diff(log_price)
    volatility = volatility_bps / WHOLE_BPS
    prices = np.maximum(np.round(np.exp(log_price), symbol.price_decimals), 10.0**-symbol.price_decimals)
    first, last = prices[:-1], prices[1:]
    high, low = _extremes(generator, log_price[:-1], moves, volatility)
    high = np.maximum(np.round(high, symbol.price_decimals), np.maximum(first, last))
    low = np.minimum(np.round(low, symbol.price_decimals), np.minimum(first, last))
    low = np.maximum(low, 10.0**-symbol.price_decimals)

    surprise = moves / volatility
    quiet = volatility / volatility_of_quiet_minute(symbol)
    noise = generator.standard_normal((3, len(moves)))
    volume = (
        symbol.minute_volume * quiet**0.9 * np.exp(0.35 * np.minimum(np.abs(surprise), 6.0) + 0.45 * noise[0])
    )
    volume = np.round(np.maximum(volume, symbol.trade_size), 6)
    trades = np.maximum(1.0, np.round(volume / symbol.trade_size * np.exp(0.15 * noise[1])))
    pressure = _FLOW_OF_SIGNAL * imbalance + _FLOW_OF_RETURN * np.clip(surprise, -4, 4)
    share = 0.5 * (1.0 + np.tanh(pressure + _FLOW_NOISE * noise[2]))
    taker = np.minimum(np.round(volume * share, 6), volume)
    return _bars(start_ms, timeframe, _Minutes(first, high, low, last, volume, trades, taker))


def volatility_of_quiet_minute(symbol: SymbolParameters) -> float:
    """Standard deviation of a quiet minute's log return."""
    return float(np.hypot(symbol.beta * MARKET_VOLATILITY_BPS, symbol.own_volatility_bps)) / WHOLE_BPS


def _extremes(
    generator: np.random.Generator, start: FloatArray, moves: FloatArray, volatility: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """High and low of a Brownian bridge from open to close: (x + sqrt(x^2 - 2 s^2 ln u)) / 2."""
    # Only part of a minute's variance is spent on the way: fat-tailed minutes are mostly one jump.
    spread = -2.0 * (0.8 * volatility) ** 2 * np.log(1.0 - generator.random((2, len(moves))))
    above = 0.5 * (moves + np.sqrt(moves**2 + spread[0]))
    below = 0.5 * (moves - np.sqrt(moves**2 + spread[1]))
    return np.exp(start + above), np.exp(start + below)


def _bars(start_ms: int, timeframe: Timeframe, minutes: _Minutes) -> pa.Table:
    first, high, low, last, volume, trades, taker = minutes
    shape = (timeframe.bars_per_day, timeframe.minutes)
    opens = start_ms + 60_000 * timeframe.minutes * np.arange(timeframe.bars_per_day, dtype=np.int64)
    volumes = np.round(volume.reshape(shape).sum(axis=1), 6)
    columns = [
        pa.array(opens).cast(RAW_SCHEMA.field("open_time").type),
        first.reshape(shape)[:, 0],
        high.reshape(shape).max(axis=1),
        low.reshape(shape).min(axis=1),
        last.reshape(shape)[:, -1],
        volumes,
        trades.reshape(shape).sum(axis=1).astype(np.int64),
        np.minimum(np.round(taker.reshape(shape).sum(axis=1), 6), volumes),
    ]
    return pa.table([pa.array(column) for column in columns], schema=RAW_SCHEMA)
