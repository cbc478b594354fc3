"""Candles of markets with a planted harm, and what an oracle that knows it would refuse.

A plant acts on prices, volume and who took, and on nothing that is made of them: features, regimes, costs,
facts, trades and patterns all come of the candles by the code that a night runs. What is planted is in
`gate_plants`.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.candles.schema import FLAT, OHLCV_SCHEMA, TIME, TRADED
from huracan.durations import MINUTES_PER_DAY
from huracan.market.block import EPOCH, MS_PER_DAY, MS_PER_MINUTE
from huracan.proof.gate_plants import (
    FLOW_AGAINST,
    FLOW_FOR,
    VOLATILE,
    DayPlan,
    Floats,
    PlantedCandlesConfig,
    drift_bps,
    plan_day,
)
from huracan.units import BASIS_POINT

_FIRST_PRICE = 100.0
_FLOW_NOISE, _FLOW_OF_RETURN = 0.15, 0.05
_VOLUME_NOISE = 0.3
_STILL_VOLUME = 0.1
"""Volume of a feed that stands still, of the usual one."""
_STILL_UNTRADED = 0.3
"""Of its bars, those without any volume."""


@dataclass(frozen=True, eq=False)
class PlantedCandles:
    """The candles that everybody sees, and the truth that nobody does. Arrays [symbols, bars]."""

    config: PlantedCandlesConfig
    candles: pa.Table
    """OHLCV_SCHEMA of all days, symbol by symbol in time order."""
    sides: NDArray[np.int8]
    """1 or -1 at the close of a bar from which on the driver pushes that way; else 0."""
    planted: NDArray[np.bool_]
    """Whether the plant does harm to who enters at the bar's close: what an oracle refuses."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The markets, all of them perpetuals."""
        return symbols_of(self.config)


def planted_at(market: PlantedCandles, trades: pa.Table) -> NDArray[np.bool_]:
    """[trades] whether each was entered where the plant does harm: what the oracle refuses."""
    first_ms = int(pc.cast(market.candles["open_time"][0], pa.int64()).as_py())
    closes = pc.cast(trades["signal_time"], pa.int64()).to_numpy()
    bars = (closes - first_ms) // 60_000 - 1
    rows = pc.index_in(trades["symbol"], value_set=pa.array(market.symbols)).to_numpy()
    return np.asarray(market.planted[rows, bars], dtype=np.bool_)


def symbols_of(config: PlantedCandlesConfig) -> tuple[str, ...]:
    """G1/USDT:USDT and so on."""
    return tuple(f"G{index + 1}/USDT:USDT" for index in range(config.symbols))


def plant_candles(config: PlantedCandlesConfig) -> PlantedCandles:
    """The market of `config`: the same config gives the same bytes, and more days only append to each
    symbol."""
    tables, sides, planted = [], [], []
    for symbol, name in enumerate(symbols_of(config)):
        at = 0.0
        days, moments, harms = [], [], []
        for day in range(config.days):
            plan = plan_day(config, symbol, day)
            table, at = _day(config, plan, (name, symbol, day), at)
            days.append(table)
            moments.append(np.where(plan.moments, plan.side, 0))
            harms.append(plan.planted)
        tables.append(pa.concat_tables(days))
        sides.append(np.concatenate(moments))
        planted.append(np.concatenate(harms))
    whole = pa.concat_tables(tables).combine_chunks()
    return PlantedCandles(config, whole, np.stack(sides).astype(np.int8), np.stack(planted))


def _day(
    config: PlantedCandlesConfig, plan: DayPlan, key: tuple[str, int, int], start: float
) -> tuple[pa.Table, float]:
    """The candles of one symbol's day, and where its price ends: log of the middle, in bps of the first
    price.

    The same is drawn whatever is planted.
    """
    name, symbol, day = key
    bars = MINUTES_PER_DAY
    generator = np.random.default_rng([config.seed, 3, symbol, day])
    shocks, flow_noise, volume_noise = generator.standard_normal((3, bars))
    reach = -2.0 * np.log1p(-generator.random((2, bars)))
    bounce = np.where(generator.random((2, bars)) < 0.5, 1.0, -1.0)
    untraded = plan.frozen & (generator.random(bars) < _STILL_UNTRADED)
    volatility = config.volatility_bps * np.where(
        plan.look == VOLATILE,
        config.volatile_factor,
        np.where(plan.look == FLOW_FOR, config.quiet_factor, 1.0),
    )
    returns = np.where(plan.frozen, 0.0, drift_bps(config, plan) + volatility * shocks)
    close = start + np.cumsum(returns)
    opened = close - returns
    middle, squared = 0.5 * (opened + close), (close - opened) ** 2
    up, down = 0.5 * np.sqrt(squared + volatility**2 * reach)
    half = config.trap_half_spread_bps if config.trapped[symbol] else config.half_spread_bps
    half_bps = np.where(plan.frozen, 0.0, half)
    moves = ~plan.frozen
    levels = {
        "open": opened + half_bps * bounce[0],
        "high": middle + moves * up + half_bps,
        "low": middle - moves * down - half_bps,
        "close": close + half_bps * bounce[1],
    }
    prices = {each: _FIRST_PRICE * np.exp(level * BASIS_POINT) for each, level in levels.items()}
    volume, bought = _flow(config, plan, (shocks, flow_noise, volume_noise), prices["close"], untraded)
    first_ms = ((config.first_day - EPOCH).days + day) * MS_PER_DAY
    times = first_ms + np.arange(bars, dtype=np.int64) * MS_PER_MINUTE
    columns = {
        "symbol": pa.array([name] * bars),
        "open_time": pa.array(times).cast(TIME),
        "close_time": pa.array(times + MS_PER_MINUTE).cast(TIME),
        **{each: pa.array(values) for each, values in prices.items()},
        "volume": pa.array(volume),
        "trade_count": pa.array(np.ceil(volume).astype(np.int64)),
        "taker_buy_volume": pa.array(bought),
        "status": pa.array(np.where(untraded, FLAT, TRADED).tolist()),
        "funding_rate": pa.nulls(bars, pa.float64()),
    }
    return pa.table(columns, schema=OHLCV_SCHEMA), float(close[-1])


def _flow(
    config: PlantedCandlesConfig,
    plan: DayPlan,
    noise: tuple[Floats, Floats, Floats],
    price: Floats,
    untraded: NDArray[np.bool_],
) -> tuple[Floats, Floats]:
    """[1440] volume in base units, and the part of it that takers bought."""
    shocks, flow_noise, volume_noise = noise
    way = np.where(plan.look == FLOW_FOR, 1, np.where(plan.look == FLOW_AGAINST, -1, 0)) * plan.side
    value_usd = config.traded_value_usd * np.where(way != 0, 2.0, 1.0) * np.exp(_VOLUME_NOISE * volume_noise)
    volume = np.where(plan.frozen, _STILL_VOLUME, 1.0) * value_usd / price
    volume = np.where(untraded, 0.0, volume)
    pressure = config.flow * way + _FLOW_OF_RETURN * shocks + _FLOW_NOISE * flow_noise
    return volume, volume * 0.5 * (1.0 + np.tanh(pressure))
