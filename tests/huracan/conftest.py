"""Seeded candles, and a made-up ledger, that the rooms' tests share."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from huracan.candles.schema import OHLCV_SCHEMA, TIME, Timeframe, day_start
from huracan.market.block import MarketBlock
from huracan.market.ledger import TRADES_SCHEMA
from huracan.regimes.model import REGIMES

CandleMaker = Callable[..., pa.Table]


def _symbol_prices(random: np.random.Generator, bars: int) -> dict[str, np.ndarray]:
    """A random walk with volatility clusters and a crash here and there; prices rounded to a tick."""
    log_volatility = np.repeat(random.normal(0.0, 0.5, bars // 120 + 1), 120)[:bars]
    returns = np.exp(log_volatility) * random.standard_t(4, bars) * 5e-4
    for start in range(bars // 3, bars - 60, bars // 3 + 1):
        returns[start : start + 40] -= 2e-3
    close = np.round(100.0 * np.exp(np.cumsum(returns)), 4)
    opened = np.concatenate([close[:1], close[:-1]])
    wick = np.abs(random.normal(0.0, 0.02, (2, bars)))
    volume = np.round(random.gamma(2.0, 5.0, bars) * np.exp(log_volatility), 4) + 0.0001
    return {
        "open": opened,
        "high": np.round(np.maximum(opened, close) + wick[0], 4),
        "low": np.round(np.minimum(opened, close) - wick[1], 4),
        "close": close,
        "volume": volume,
        "trade_count": random.integers(1, 500, bars).astype(np.float64),
        "taker_buy_volume": volume * random.random(bars),
    }


def made_candles(
    last_day: date,
    days: int,
    symbols: tuple[str, ...] = ("BTC/USDT", "ETH/USDT", "SOL/USDT"),
    timeframe: str = "1m",
    seed: int = 1,
    gaps: dict[str, list[int]] | None = None,
    flats: dict[str, list[int]] | None = None,
    has_flow: bool = True,
) -> pa.Table:
    """Consecutive days of candles ending at `last_day`, day after day as the lake gives them.

    `gaps` and `flats` name, per symbol, the bars (counted from the first day's 00:00) that are so.
    """
    frame = Timeframe(timeframe)
    bars = days * frame.bars_per_day
    start = int(day_start(last_day - timedelta(days=days - 1)).timestamp() * 1000)
    times = start + np.arange(bars) * frame.minutes * 60_000
    tables = {}
    for index, symbol in enumerate(symbols):
        columns = _symbol_prices(np.random.default_rng([seed, index]), bars)
        status = np.full(bars, "traded", dtype=object)
        for bar in (flats or {}).get(symbol, []):
            status[bar] = "flat"
            for name in ("open", "high", "low", "close"):
                columns[name][bar] = columns["close"][bar - 1]
            for name in ("volume", "trade_count", "taker_buy_volume"):
                columns[name][bar] = 0.0
        is_gone = np.zeros(bars, dtype=bool)
        is_gone[(gaps or {}).get(symbol, [])] = True
        status[is_gone] = "missing"
        arrays = {name: pa.array(values, mask=is_gone) for name, values in columns.items()}
        if not has_flow:
            arrays["trade_count"] = arrays["taker_buy_volume"] = pa.nulls(bars)
        arrays |= {
            "symbol": pa.array([symbol] * bars),
            "open_time": pa.array(times).cast(TIME),
            "close_time": pa.array(times + frame.minutes * 60_000).cast(TIME),
            "status": pa.array(status.tolist()),
            "funding_rate": pa.nulls(bars),
        }
        tables[symbol] = pa.table(
            {field.name: arrays[field.name].cast(field.type) for field in OHLCV_SCHEMA},
            schema=OHLCV_SCHEMA,
        )
    per_day = frame.bars_per_day
    return pa.concat_tables(
        [tables[s].slice(day * per_day, per_day) for day in range(days) for s in symbols]
    ).combine_chunks()


@pytest.fixture(scope="session")
def make_candles() -> CandleMaker:
    return made_candles


@pytest.fixture
def real_ohlcv(real_data):
    """real_ohlcv(last_day, days) -> real one-minute candles of three symbols, gaps as they were."""
    from pyarrow import parquet

    tables = {
        base: parquet.read_table(real_data / f"binance_{base}-USDT_1m.parquet")
        for base in ("BTC", "ETH", "SOL")
    }
    opened = {base: table["timestamp"].cast(pa.int64()).to_numpy() for base, table in tables.items()}

    def of_day(base: str, day: date) -> pa.Table:
        start = int(day_start(day).timestamp() * 1000)
        first, last = np.searchsorted(opened[base], [start, start + 86_400_000])
        candles = tables[base].slice(first, last - first)
        slots = (opened[base][first:last] - start) // 60_000
        times = start + np.arange(1440) * 60_000
        status = np.full(1440, "missing", dtype=object)
        status[slots] = np.where(candles["volume"].to_numpy() > 0.0, "traded", "flat")
        columns = {"symbol": pa.array([f"{base}/USDT"] * 1440), "status": pa.array(status.tolist())}
        columns |= {
            "open_time": pa.array(times).cast(TIME),
            "close_time": pa.array(times + 60_000).cast(TIME),
        }
        for name in ("open", "high", "low", "close", "volume"):
            values = np.full(1440, np.nan)
            values[slots] = candles[name].to_numpy()
            columns[name] = pa.array(values, from_pandas=True)
        columns |= {name: pa.nulls(1440) for name in ("trade_count", "taker_buy_volume", "funding_rate")}
        return pa.table({f.name: columns[f.name].cast(f.type) for f in OHLCV_SCHEMA}, schema=OHLCV_SCHEMA)

    def make(last_day: date, days: int) -> pa.Table:
        every = [last_day - timedelta(days=days - 1 - k) for k in range(days)]
        return pa.concat_tables([of_day(base, day) for day in every for base in tables]).combine_chunks()

    return make


def hourly_ledger(count: int, seed: int = 1, edge: float = 3.0, minutes_apart: int = 60) -> pa.Table:
    """Trades in which the first feature decides, in part, who wins."""
    generator = np.random.default_rng(seed)
    start = datetime(2025, 5, 1, tzinfo=UTC)
    rows = []
    for number in range(count):
        features = generator.normal(size=4).astype(np.float32)
        sure = float(generator.uniform(0.4, 0.95))
        chance = 1.0 / (1.0 + np.exp(-edge * float(features[0]) - 3.0 * edge * (sure - 0.675)))
        net = float(generator.uniform(1, 40)) * (1.0 if generator.uniform() < chance else -1.0)
        regime = number % 4
        signal = start + timedelta(minutes=minutes_apart * number)
        rows.append(
            {
                "trade_id": f"trade-{number:05d}",
                "symbol": "BTC/USDT",
                "side": "long",
                "size_multiplier": 1.0,
                "notional_usd": 1000.0,
                "signal_time": signal,
                "entry_time": signal,
                "exit_time": signal + timedelta(minutes=20),
                "net_bps": net,
                "gross_bps": net + 22.0,
                "net_usd": net / 10.0,
                "estimated_cost_bps": 22.0,
                "entry_volatility_bps": float(generator.uniform(5, 20)),
                "regime": REGIMES[regime],
                **{f"probability_{name}": float(regime == index) for index, name in enumerate(REGIMES)},
                "entry_features": features.tolist(),
                "action": "ENTER_FULL",
                "action_probabilities": [sure, (1 - sure) * 0.7, (1 - sure) * 0.3],
                "value_estimate": float(generator.normal()),
            }
        )
    return pa.Table.from_pylist(rows, schema=TRADES_SCHEMA)


@pytest.fixture
def make_ledger() -> Callable[..., pa.Table]:
    """(count, seed, edge, minutes_apart) -> TRADES_SCHEMA, one trade per `minutes_apart` from 2025-05-01."""
    return hourly_ledger


@pytest.fixture(scope="session")
def coarser() -> Callable[[MarketBlock, int], MarketBlock]:
    """(block of decisions at every bar, k) -> the same bars, decided at the close of every k-th of them."""

    def make(block: MarketBlock, bars: int) -> MarketBlock:
        seen = ("features", "is_ready", "regime", "regime_probabilities", "pattern_context")
        rows = {name: getattr(block, name)[:, bars - 1 :: bars] for name in seen}
        return replace(block, decision_bars=bars, **rows)

    return make
