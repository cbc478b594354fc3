"""Which estimator of the half-spread from candles is nearest to what was recorded, and what nights use.

    python benchmarks/spreads.py [--data FOLDER] [--json]

Three tables, all half-spreads in bps. *Recorded*: bars made of recorded trades, beside the quotes or the
sides of the same trades. *Planted*: a bounce that is known, put on real one-minute candles of BTC. *Markets*:
each day of real candles, where nothing was recorded: quartiles of the estimates, half of the price step, and
what nights use. Where the data are not there (the development set of real candles), it says so.
"""

import argparse
import gzip
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from huracan.candles.market_info import MarketInfo
from huracan.candles.schema import TRADED
from huracan.candles.spread import TRAILING_DAYS, day_spreads, with_half_spreads
from huracan.units import WHOLE_BPS
from spread_estimators import ESTIMATORS, Bars, Floats

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
DAY_MS, MINUTE_MS = 86_400_000, 60_000
PLANTED_BPS = (0.0, 1.0, 3.0, 10.0)
PLANTED_MINUTES = (1, 5, 15, 60)
PLANTED_FROM_MS = int(datetime(2023, 1, 1, tzinfo=UTC).timestamp() * 1000)
MARKETS = (
    *(f"binance_{coin}-USDT_1m" for coin in ("BTC", "ETH", "SOL", "DOGE", "ADA")),
    *("bybit_BTC-USDT-USDT_1m", "binanceusdm_NEAR-USDT-USDT_1m", "binanceusdm_1000PEPE-USDT-USDT_5m"),
    *(f"binance_{coin}-USDT_5m" for coin in ("BIFI", "ALPINE", "NOT", "PEPE", "LUNA", "SAGA")),
    *("binance_SOL-USDT_15m", "binance_SOL-USDT_1h"),
)
MARKET_DAYS = 180
Row = dict[str, Any]


def recorded(data: Path) -> list[Row]:
    """Trades made into bars, beside the half-spread by their quotes or their sides."""
    folder = data / "native" / "trades_books" / "nautilus" / "binance"
    trades, quotes = (pq.read_table(folder / f"btcusdt-{name}.parquet") for name in ("trades", "quotes"))
    asks, bids = quotes["ask"].to_numpy(), quotes["bid"].to_numpy()
    paid = (asks - bids) / (asks + bids) * WHOLE_BPS
    times = trades["timestamp"].cast(pa.int64()).to_numpy()
    rows = [
        {
            "market": "BTC/USDT, 46 s of 2021-01-08, by quotes",
            "bar": "1 s",
            "recorded": float(paid.mean()),
            **_estimates(_bars_of(times, trades["price"].to_numpy(), 1000)),
        }
    ]
    file = data / "native" / "freqtrade" / "testdata" / "XRP_ETH-trades.json.gz"
    told = json.loads(gzip.decompress(file.read_bytes()))
    times, prices = np.array([row[0] for row in told]), np.array([row[4] for row in told], np.float64)
    bought = np.array([row[3] == "buy" for row in told])
    # A buyer and a seller within two seconds: half of what lies between them.
    turns = np.flatnonzero((bought[1:] != bought[:-1]) & (np.diff(times) < 2000))
    between = np.where(bought[turns + 1], 1, -1) * np.log(prices[turns + 1] / prices[turns])
    rows += [
        {
            "market": f"XRP/ETH, 2.5 days of 2019-10, by {len(turns)} turns of side",
            "bar": f"{minutes} min",
            "recorded": float(np.mean(between) / 2 * WHOLE_BPS),
            **_estimates(_bars_of(times, prices, minutes * MINUTE_MS)),
        }
        for minutes in (1, 5, 15)
    ]
    rest = data / "native" / "rest_recordings" / "nautilus" / "crates_kraken"
    (candles,) = (v for k, v in _result(rest / "http_ohlc.json").items() if k != "last")
    (book,) = _result(rest / "http_order_book.json").values()
    ask, bid = float(book["asks"][0][0]), float(book["bids"][0][0])
    traded = np.array([[float(value) for value in row[:7]] for row in candles if float(row[6]) > 0])
    bars = Bars((traded[:, 0] * 1000).astype(np.int64), *traded[:, 1:5].T)
    rows.append(
        {
            "market": "Kraken BTC/USDT, 12 h of 2025-11-10, by one look at the book",
            "bar": "1 min",
            "recorded": (ask - bid) / (ask + bid) * WHOLE_BPS,
            **_estimates(bars),
        }
    )
    return rows


def _result(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text())["result"]
    return found


def _bars_of(times_ms: npt.NDArray[np.int64], prices: Floats, length_ms: int) -> Bars:
    """Bars of trades in order; those without a trade are left out."""
    bar = times_ms // length_ms
    first = np.flatnonzero(np.diff(bar, prepend=bar[0] - 1))
    last = np.append(first[1:], len(bar)) - 1
    return Bars(
        bar[first] * length_ms,
        prices[first],
        np.maximum.reduceat(prices, first),
        np.minimum.reduceat(prices, first),
        prices[last],
    )


def _estimates(bars: Bars) -> Row:
    return {name: estimate(bars) for name, estimate in ESTIMATORS.items()}


def planted(data: Path) -> list[Row]:
    """Mean and deviation over days of what the trailing week tells (its median, by each estimator), and of
    what nights use, where the truth is known."""
    candles = _read(data / "binance_BTC-USDT_1m.parquet")
    candles = candles.chosen(candles.open_time_ms >= PLANTED_FROM_MS)
    rows = []
    for minutes in PLANTED_MINUTES:
        for truth in PLANTED_BPS:
            bars = candles.with_bounce(truth, np.random.default_rng(1)).joined(minutes)
            rows.append({"bar": f"{minutes} min", "planted": truth, **_told(bars, minutes, _spread_over)})
    return rows


def markets(data: Path) -> list[Row]:
    """Every day of real candles: 25th, 50th and 75th percentile of what the trailing week tells."""
    rows = []
    for name in MARKETS:
        bars = _read(data / f"{name}.parquet")
        minutes = int(np.median(np.diff(bars.open_time_ms)) // MINUTE_MS)
        whole = {"Roll over all days": ESTIMATORS["Roll"](bars)}
        last = bars.open_time_ms[-1] // DAY_MS
        recent = bars.chosen(bars.open_time_ms // DAY_MS > last - MARKET_DAYS)
        rows.append({"market": name, **_told(recent, minutes, _quartiles), **whole})
    return rows


def _read(file: Path) -> Bars:
    """The traded bars of a file."""
    table = pq.read_table(file)
    table = table.filter(pc.greater(table["volume"], 0))
    times = table["timestamp"].cast(pa.int64()).to_numpy()
    return Bars(times, *(table[name].to_numpy() for name in ("open", "high", "low", "close")))


def _told(bars: Bars, minutes: int, shown: Any) -> Row:
    """By each estimator the medians of trailing weeks, and what nights use, as `shown` tells many days."""
    days = bars.open_time_ms // DAY_MS
    own: list[Row] = []
    before: list[pa.Table] = []
    steps: list[float] = []
    used: list[float] = []
    for day in np.unique(days):
        today = bars.chosen(days == day)
        if len(today) < 3:
            continue
        (info,) = with_half_spreads([MarketInfo("it")], before[-TRAILING_DAYS[1] :], {})
        used.append(float(info.half_spread_bps or 0.0))
        own.append(_estimates(today))
        before.append(day_spreads(_grid_of(today, int(day), minutes)))
        steps += before[-1]["half_step_bps"].drop_null().to_pylist()
    week = TRAILING_DAYS[0]
    trailing = {
        name: [np.median([each[name] for each in own[at - week : at]]) for at in range(week, len(own))]
        for name in ESTIMATORS
    }
    told = {name: shown(values) for name, values in trailing.items()}
    half_step = float(np.median(steps)) if steps else float("nan")
    return {**told, "nights use": shown(used[week:]), "half step": half_step}


def _grid_of(bars: Bars, day: int, minutes: int) -> pa.Table:
    """A day as `ohlcv` keeps it, as far as `day_spreads` looks."""
    count, at = 1440 // minutes, (bars.open_time_ms - day * DAY_MS) // (minutes * MINUTE_MS)
    columns: Row = {"symbol": ["it"] * count}
    for name in ("open", "high", "low", "close"):
        laid = np.full(count, np.nan)
        laid[at] = getattr(bars, name)
        columns[name] = laid
    status = np.full(count, "missing", object)
    status[at] = TRADED
    return pa.table({**columns, "status": pa.array(status)})


def _spread_over(values: list[float]) -> str:
    return f"{np.mean(values):.2f} ± {np.std(values):.2f}"


def _quartiles(values: list[float]) -> str:
    return " ".join(f"{value:.2f}" for value in np.percentile(values, [25, 50, 75]))


def _as_text(rows: list[Row]) -> str:
    cells = [[f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows]
    lines = [" | ".join(rows[0]), "|".join("---" for _ in rows[0]), *(" | ".join(row) for row in cells)]
    return "\n".join(f"| {line} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA, help="the folder with the real candles")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        print(f"Skipped: there are no real candles in {arguments.data}.")
        sys.exit(0)
    tables = {each.__name__: each(arguments.data) for each in (recorded, planted, markets)}
    if arguments.json:
        print(json.dumps(tables, indent=1))
    else:
        print("\n\n".join(f"{name.capitalize()}\n\n{_as_text(rows)}" for name, rows in tables.items()))


if __name__ == "__main__":
    main()
