"""How often each regime is met over all days of real candles, and whether names last from night to night.

    python benchmarks/regime_shares.py [--data FOLDER] [--timeframe 1h] [--json]

Every day is labelled as a night would, by what was known before it: `relative` in the window of its fit,
`absolute` among all bars of the days before. Shares of the bars, of all symbols and the least of any one. Of
the relative label also how many of a day's bars keep it when the night after fits anew, a day later: in the
mean, on the day at the 5th percentile, and on the worst. Where the data are not there (the development set of
real candles), it says so.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from huracan.candles.schema import FLAT, MISSING, OHLCV_SCHEMA, TRADED, Timeframe, day_start
from huracan.decision_defaults import defaults_of
from huracan.features.compute import compute_features
from huracan.features.recipe import recipe_of
from huracan.regimes.absolute import AbsoluteRule, absolute_regimes
from huracan.regimes.counts import ObservationCounts
from huracan.regimes.filter import filter_regimes, forward_filter
from huracan.regimes.fit import fit_regimes
from huracan.regimes.model import REGIMES, RegimeConfig, RegimeParameters
from huracan.regimes.observations import lay_features_on_grid, observe, read_columns

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
FIRST, LAST = date(2022, 1, 1), date(2023, 8, 31)
SYMBOLS = {
    "1h": ("BTC", "ETH", "SOL", "BNB", "ADA", "DOGE"),
    "15m": ("BTC", "ETH", "SOL"),
    "1m": ("BTC", "ETH", "SOL"),
}
DAY_MS = 86_400_000
Labels = npt.NDArray[np.int64]


@dataclass
class Walk:
    """Labels of every day so far, [symbols, bars] places in REGIMES, and of each day the share of its bars
    that the fit of the night after names alike."""

    relative: list[Labels] = field(default_factory=list)
    absolute: list[Labels] = field(default_factory=list)
    kept: list[float] = field(default_factory=list)

    def least_share(self, label: str) -> float:
        """Of any regime, of any symbol."""
        return float(_shares(np.concatenate(getattr(self, label), axis=1)).min())

    def rows(self, timeframe: str) -> list[dict[str, Any]]:
        found = []
        for label in ("relative", "absolute"):
            every = np.concatenate(getattr(self, label), axis=1)
            flips = float((np.diff(every, axis=1) != 0).mean())
            row = {"bars": timeframe, "label": label, "days": len(self.relative), "changes": flips}
            shares = dict(zip(REGIMES, _shares(every).mean(axis=0).tolist(), strict=True))
            found.append(row | shares | {"least of a symbol": self.least_share(label)})
        worst, few = np.quantile(self.kept, [0.0, 0.05]).tolist()
        found[0] |= {"kept": float(np.mean(self.kept)), "kept, 5 %": few, "kept, worst": worst}
        return found


def _shares(labels: Labels) -> npt.NDArray[np.float64]:
    """[symbols, regimes]"""
    return np.stack([np.bincount(row[row >= 0], minlength=4) / max((row >= 0).sum(), 1) for row in labels])


def candles_by_day(files: Mapping[str, Path], timeframe: Timeframe) -> Iterator[pa.Table]:
    """Every day from FIRST to LAST as the lake holds it, all symbols; a bar that is not in the file is
    missing."""
    step, bars = timeframe.minutes * 60_000, timeframe.bars_per_day
    tables = {symbol: pq.read_table(file) for symbol, file in files.items()}
    times = {symbol: table["timestamp"].cast(pa.int64()).to_numpy() for symbol, table in tables.items()}
    for number in range((LAST - FIRST).days + 1):
        start = int(day_start(FIRST).timestamp() * 1000) + number * DAY_MS
        parts = []
        for symbol, table in tables.items():
            since, until = np.searchsorted(times[symbol], [start, start + DAY_MS])
            rows, slots = table.slice(since, until - since), (times[symbol][since:until] - start) // step
            columns = {"symbol": pa.array([symbol] * bars), "open_time": start + np.arange(bars) * step}
            columns["close_time"] = columns["open_time"] + step
            for name in ("open", "high", "low", "close", "volume"):
                values = np.full(bars, np.nan)
                values[slots] = rows[name].to_numpy()
                columns[name] = pa.array(values, from_pandas=True)
            status = np.full(bars, MISSING, dtype=object)
            status[slots] = np.where(rows["volume"].to_numpy() > 0.0, TRADED, FLAT)
            columns["status"] = status.tolist()
            arrays = {each.name: pa.array(columns.get(each.name, [None] * bars)) for each in OHLCV_SCHEMA}
            parts.append(
                pa.table({name: arrays[name].cast(OHLCV_SCHEMA.field(name).type) for name in arrays})
            )
        yield pa.concat_tables(parts)


def features_by_day(files: Mapping[str, Path], timeframe: Timeframe) -> Iterator[pa.Table]:
    """What regimes read of the features of every day, by the short windows alone. Of the other columns only
    the slowest is made: by it a bar is ready when it is with all of them."""
    recipe, window = recipe_of(timeframe, timeframe), list[pa.Table]()
    columns = read_columns(recipe.names)
    slowest = max(recipe.specs, key=lambda spec: spec.warmup_bars)
    recipe = replace(
        recipe, specs=tuple(spec for spec in recipe.specs if spec.name in columns or spec is slowest)
    )
    for number, candles in enumerate(candles_by_day(files, timeframe)):
        window = [*window[-recipe.warmup_days :], candles]
        day = FIRST + timedelta(days=number)
        yield compute_features(pa.concat_tables(window), day, recipe).select(columns)


def walk(days: Sequence[pa.Table], timeframe: Timeframe, named_again_every: int = 1) -> Walk:
    """Label every day that `minimum_days` of ready bars and the warm-up come before; every so many days ask
    too which bars keep their name."""
    config = RegimeConfig(**defaults_of("regimes", timeframe.name))
    least = recipe_of(timeframe, timeframe).warmup_days + config.minimum_days
    bars = timeframe.bars_per_day
    lead = -(-120 // bars)
    found, counts = Walk(), None
    parameters = fit_regimes(pa.concat_tables(days[:least]), config)
    for number in range(least, len(days)):
        day, features = FIRST + timedelta(days=number), pa.concat_tables(days[number - lead : number + 1])
        past = pa.concat_tables(days[max(0, number + 1 - max(config.fit_days, least)) : number + 1])
        counts = counts or ObservationCounts.of(lay_features_on_grid(pa.concat_tables(days[:least])))
        rule = AbsoluteRule(counts, config, config.minimum_days * bars)
        table = filter_regimes(features, day, parameters)
        relative, absolute = (
            pc.index_in(labels, pa.array(REGIMES)).fill_null(-1).to_numpy().reshape(-1, bars)
            for labels in (table["regime"], absolute_regimes(table, features, rule)["absolute_regime"])
        )
        found.relative.append(relative)
        found.absolute.append(absolute)
        counts += ObservationCounts.of(lay_features_on_grid(days[number]))
        parameters = fit_regimes(past, config)
        if not (number - least) % named_again_every:
            again = _labels(features, parameters)[:, -timeframe.bars_per_day :]
            found.kept.append(float((again == relative).mean()))
    return found


def _labels(features: pa.Table, parameters: RegimeParameters) -> Labels:
    """The relative labels of all bars, also those that the parameters were fitted on."""
    grid = lay_features_on_grid(features)
    vectors = observe(grid, parameters.usual_volatility_bps, parameters.pooled_volatility_bps)
    labels: Labels = forward_filter(vectors, parameters).argmax(axis=-1)
    return labels


def candle_files(data: Path, timeframe: str) -> dict[str, Path]:
    return {f"{coin}/USDT": data / f"binance_{coin}-USDT_{timeframe}.parquet" for coin in SYMBOLS[timeframe]}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--timeframe", choices=SYMBOLS, action="append")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = []
    for timeframe in asked.timeframe or SYMBOLS:
        files = candle_files(asked.data, timeframe)
        if not all(file.is_file() for file in files.values()):
            sys.exit(f"{asked.data} lacks candles of {timeframe}: give the folder by --data.")
        rows += walk(list(features_by_day(files, Timeframe(timeframe))), Timeframe(timeframe)).rows(timeframe)
    if asked.json:
        print(json.dumps(rows))
        return
    for row in rows:
        told = {
            name: f"{100 * each:.1f} %" if isinstance(each, float) else each for name, each in row.items()
        }
        print(", ".join(f"{name} {each}" for name, each in told.items()))


if __name__ == "__main__":
    main()
