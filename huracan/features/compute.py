"""The features of one day, computed from its candles and the days before it.

Formulas live in the recipe's groups. Nothing here fills a gap: a bar without a candle has NaN everywhere.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa

from huracan.candles.aggregate import aggregate_candles
from huracan.candles.schema import OPEN_TIME, SYMBOL, TIME
from huracan.errors import InvalidInput
from huracan.features.grid import CandleGrid, lay_on_grid
from huracan.features.hours import SymbolWeeks, Weeks, lay_hours
from huracan.features.specification import FeatureRecipe
from huracan.tables import FLAG, Column, arrow_schema

_KEYS = (
    SYMBOL,
    OPEN_TIME,
    Column("is_ready", FLAG, "the bar has a candle, and bars enough before it for every column to be used"),
)


def features_columns(recipe: FeatureRecipe) -> tuple[Column, ...]:
    """`symbol`, `open_time`, `is_ready`, then the recipe's columns as float32 in order."""
    return *_KEYS, *(spec.column for spec in recipe.specs)


def features_schema(recipe: FeatureRecipe) -> pa.Schema:
    """The same as Arrow knows it."""
    return arrow_schema(features_columns(recipe))


def recipe_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """The recipe's among the columns of a stored features table, in order."""
    keys = {column.name for column in _KEYS}
    return tuple(name for name in columns if name not in keys)


def compute_features(
    ohlcv: pa.Table,
    day: date,
    recipe: FeatureRecipe,
    *,
    hourly: pa.Table | None = None,
    symbols: Sequence[str] | None = None,
) -> pa.Table:
    """Features of every decision bar of `day`, symbol by symbol in the table's order.

    `ohlcv` holds the stored bars of consecutive days ending at `day`; give at least `recipe.warmup_days` days
    before it. `hourly` (HOURLY_SCHEMA) holds the summaries of the last 31 days, the day's included, as far as
    there are any: of a horizon that they do not fill the columns are NaN. A value at t is made of observed
    bars up to t only, and of hours that had closed at its close. `is_ready` is true where the bar has a
    candle and at least `recipe.ready_bars` observed bars are known; horizons hold nothing up. `symbols`
    limits the answer to some of the day's symbols. Raises InvalidInput when the day or a wanted symbol is not
    in the table.
    """
    grid = lay_on_grid(aggregate_candles(ohlcv, recipe.detail, recipe.decision), day, recipe.decision)
    wanted = grid.symbols if symbols is None else tuple(symbols)
    unknown = [symbol for symbol in wanted if symbol not in grid.symbols]
    if unknown:
        raise InvalidInput(
            f"There are no candles of {', '.join(unknown)} on {day}.",
            "Ask for symbols of that day's universe.",
        )
    times = (grid.start_minute + _day_slots(grid) * grid.timeframe_minutes) * 60_000
    weeks = Weeks(lay_hours(hourly, day, recipe.detail, grid.symbols), recipe.decision, grid.closes_of_day())
    tables, schema = [], features_schema(recipe)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        for symbol in wanted:
            is_ready, values = _symbol_features(grid, weeks, symbol, recipe)
            keys = [pa.array([symbol] * len(times)), pa.array(times).cast(TIME), pa.array(is_ready)]
            tables.append(pa.Table.from_arrays([*keys, *(pa.array(row) for row in values)], schema=schema))
    return pa.concat_tables(tables).combine_chunks()


def _day_slots(grid: CandleGrid) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.arange(grid.first_slot_of_day, grid.first_slot_of_day + grid.bars_per_day, dtype=np.int64)


def _symbol_features(
    grid: CandleGrid, weeks: Weeks, symbol: str, recipe: FeatureRecipe
) -> tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], np.ndarray[tuple[int, int], np.dtype[np.float32]]]:
    """`is_ready` [bars of the day] and values [columns, bars of the day]."""
    values = np.full((len(recipe.specs), grid.bars_per_day), np.nan, dtype=np.float32)
    is_ready = np.zeros(grid.bars_per_day, dtype=np.bool_)
    bars = grid.bars(symbol)
    if not len(bars):
        return is_ready, values
    first = int(np.searchsorted(bars.slots, grid.first_slot_of_day))
    indices = bars.slots[first:] - grid.first_slot_of_day
    bars = replace(bars, weeks=SymbolWeeks(weeks, symbol, indices))
    is_ready[indices] = np.arange(first + 1, len(bars) + 1) >= recipe.ready_bars
    for row, spec in enumerate(recipe.specs):
        values[row, indices] = spec.compute(bars)[first:]
    return is_ready, values
