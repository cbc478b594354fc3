"""What the regime model sees of a bar: five scale-free numbers made of that bar's feature row alone."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.errors import InvalidInput

FloatArray = npt.NDArray[np.float64]

COLUMNS = (
    "return_std_60_bps",
    "volatility_ratio_10_50",
    "trend_strength_60",
    "return_60_bps",
    "return_15_bps",
)

DIRECTIONS = {"ema_spread_30_240_bps": 60.0, "ema_spread_5_60_bps": 15.0, "ema_spread_8_34_bps": 8.0}
"""Distance of a fast mean to a slow one, the slowest first, each with the bars over which a walk goes as far:
where a bar is so long that a recipe has no slower one, the next."""

KEYS = ("symbol", "open_time", "is_ready")

MEASURES = ("volatility_bps", "fall_bps", "direction")
"""Order of what `measure` tells of a bar."""


def read_columns(names: Collection[str]) -> tuple[str, ...]:
    """Of a features table with the columns `names` all that the regimes are made of: the rest need not be
    read. InvalidInput where one is missing."""
    direction = next((name for name in DIRECTIONS if name in names), next(iter(DIRECTIONS)))
    needed = (*COLUMNS, direction)
    missing = [name for name in needed if name not in names]
    if missing:
        raise InvalidInput(
            f"The features lack {', '.join(missing)}, which the regimes are made of.",
            "Make the features with the current recipe.",
        )
    return (*KEYS, *needed)


@dataclass(frozen=True)
class FeatureGrid:
    """Feature rows by symbol and time: `values[name]` and `is_ready` are [symbols, times].

    `symbols` keep the table's order, `times` are ms since 1970 UTC, ascending. A bar is ready where its row
    exists, says so, and has every column that the observations need.
    """

    symbols: tuple[str, ...]
    times: npt.NDArray[np.int64]
    values: dict[str, FloatArray]
    is_ready: npt.NDArray[np.bool_]


def lay_features_on_grid(features: pa.Table) -> FeatureGrid:
    """Pivot a features table of one or more days. Raises InvalidInput when a needed column is missing."""
    columns = read_columns(features.column_names)[len(KEYS) :]
    encoded = pc.dictionary_encode(features["symbol"].combine_chunks())
    codes = encoded.indices.to_numpy()
    times, indices = np.unique(features["open_time"].cast(pa.int64()).to_numpy(), return_inverse=True)
    shape = (len(encoded.dictionary), len(times))
    is_ready = np.zeros(shape, dtype=np.bool_)
    is_ready[codes, indices] = features["is_ready"].combine_chunks().to_numpy(zero_copy_only=False)
    values = {}
    for name in columns:
        values[name] = np.full(shape, np.nan)
        values[name][codes, indices] = features[name].to_numpy()
        is_ready &= np.isfinite(values[name])
    return FeatureGrid(tuple(encoded.dictionary.to_pylist()), times, values, is_ready)


def usual_volatility(grid: FeatureGrid) -> tuple[dict[str, float], float]:
    """Median `return_std_60_bps` of the ready bars, per symbol and over all; still markets are left out."""
    medians, moving = {}, []
    for row, symbol in enumerate(grid.symbols):
        volatility = grid.values["return_std_60_bps"][row][grid.is_ready[row]]
        volatility = volatility[volatility > 0.0]
        if len(volatility):
            medians[symbol] = float(np.median(volatility))
            moving.append(volatility)
    return medians, float(np.median(np.concatenate(moving))) if moving else 1.0


def observe(grid: FeatureGrid, usual_bps: Mapping[str, float], pooled_bps: float) -> FloatArray:
    """Observation vectors [symbols, times, 5], NaN where the bar is not ready.

    With v the symbol's usual volatility: ln of volatility / v; ln of volatility 10 / 50; strength of the
    trend |return 60| / (volatility x sqrt 60), square root; distance of EMA 30 to EMA 240 in v x sqrt 60
    (or the next of `DIRECTIONS`), absolute, square root; and the deeper of the falls of 15 and 60 bars, in
    v x sqrt of their length.
    """
    direction = next(name for name in DIRECTIONS if name in grid.values)
    usual = np.array([usual_bps.get(symbol, pooled_bps) for symbol in grid.symbols])[:, None]
    volatility = grid.values["return_std_60_bps"]
    fall_15 = grid.values["return_15_bps"] / (usual * np.sqrt(15.0))
    fall_60 = grid.values["return_60_bps"] / (usual * np.sqrt(60.0))
    with np.errstate(invalid="ignore"):
        vectors = np.stack(
            [
                np.log(np.maximum(volatility / usual, 1e-2)),
                np.log(np.clip(grid.values["volatility_ratio_10_50"], 0.1, 10.0)),
                np.sqrt(np.abs(grid.values["trend_strength_60"])),
                np.sqrt(np.abs(grid.values[direction]) / (usual * np.sqrt(DIRECTIONS[direction]))),
                np.minimum(np.minimum(fall_15, fall_60), 0.0),
            ],
            axis=-1,
        )
    vectors[~grid.is_ready] = np.nan
    return vectors


def measure(grid: FeatureGrid) -> FloatArray:
    """The same bars in units that no fit changes [symbols, times, 3], in the order of MEASURES, all >= 0; NaN
    where the bar is not ready.

    Standard deviation of the last 60 one-bar returns, in bps; the deeper of the falls of 15 and 60 bars over
    the root of their length, in bps; and, of the bar's own volatility, the strength of the trend as in
    `observe` and the distance of the two means, square roots, added up.
    """
    direction = next(name for name in DIRECTIONS if name in grid.values)
    volatility = grid.values["return_std_60_bps"]
    falls = [grid.values[f"return_{bars}_bps"] / np.sqrt(bars) for bars in (15, 60)]
    distance = np.abs(grid.values[direction]) / np.sqrt(DIRECTIONS[direction])
    distance = np.divide(distance, volatility, out=np.zeros_like(volatility), where=volatility > 0.0)
    straightness = np.sqrt(np.abs(grid.values["trend_strength_60"])) + np.sqrt(distance)
    measures = np.stack([volatility, np.maximum(-np.minimum(*falls), 0.0), straightness], axis=-1)
    measures[~grid.is_ready] = np.nan
    return measures
