"""Two checks of a day's features: no value knows a later bar, and no column is a label.

Only judged here, never repaired. The checks recompute; they trust nothing that the features table says. Where
the day is cut is in `cuts`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.aggregate import aggregate_candles
from huracan.candles.hourly import hourly_summaries
from huracan.candles.schema import MISSING, QUARANTINED, TIME, day_start
from huracan.features.compute import compute_features
from huracan.features.cuts import Cut, pick_cuts
from huracan.features.specification import FeatureRecipe
from huracan.verdict import Number, Verdict

HORIZONS = (1, 5, 15, 60)
"""Bars ahead of the forward returns that no column may resemble."""

MAXIMUM_CORRELATION = 0.98
_FORBIDDEN_WORDS = frozenset({"label", "target", "forward", "future", "next", "ahead", "outcome", "reward"})
_MINIMUM_ROWS = 100

FloatArray = npt.NDArray[np.float64]


class MakesFeatures(Protocol):
    """As `compute_features` is called: by the asset once, and by the check again and again."""

    def __call__(
        self,
        ohlcv: pa.Table,
        day: date,
        recipe: FeatureRecipe,
        *,
        hourly: pa.Table | None = None,
        symbols: Sequence[str] | None = None,
    ) -> pa.Table: ...


@dataclass(frozen=True, eq=False)
class DayFeatures:
    """The stored features of a day, and all that they were made of."""

    table: pa.Table
    day: date
    recipe: FeatureRecipe
    ohlcv: pa.Table
    """Of the day and of its warm-up."""
    hourly: pa.Table | None = None
    compute: MakesFeatures = compute_features


def judge_features(made: DayFeatures, seed: int) -> list[Verdict]:
    """Both checks; deterministic in `seed`, by which the cuts are drawn (`pick_cuts`)."""
    random, recipe = np.random.default_rng(seed), made.recipe
    candles = made.ohlcv.filter(
        pc.greater_equal(made.ohlcv["open_time"], pa.scalar(day_start(made.day), TIME))
    )
    candles = aggregate_candles(candles, recipe.detail, recipe.decision)
    closes = {each: _closes(candles, each) for each in made.table["symbol"].unique().to_pylist()}
    cuts = pick_cuts(list(closes), ~np.isnan(np.stack(list(closes.values()))), random)
    return [judge_prefix(made, cuts, random), _judge_labels(closes, made.table, recipe)]


def _closes(candles: pa.Table, symbol: str) -> FloatArray:
    """[decision bars of the day] NaN without a candle."""
    close = candles.filter(pc.equal(candles["symbol"], symbol))["close"]
    return np.asarray(close.to_numpy(), dtype=np.float64)


def judge_prefix(made: DayFeatures, cuts: Sequence[Cut], random: np.random.Generator) -> Verdict:
    """Check "features_prefix_invariance".

    At each of the `cuts` what opens later is destroyed (cut off, or replaced by an invented market), the
    day's hours are made of what is there then and the features of both, and the stored values of that symbol
    up to there must be the same to the bit.
    """
    check, day, recipe = "features_prefix_invariance", made.day, made.recipe
    for number, cut in enumerate(cuts, start=1):
        symbol, bar = cut.symbol, cut.bar
        moment = int(day_start(day).timestamp() * 1000) + (bar + 1) * recipe.decision.minutes * 60_000
        known = _cut if random.random() < 0.5 else partial(scramble, random=random)
        altered = known(made.ohlcv, moment - recipe.detail.minutes * 60_000)
        hours = _hours_again(made.hourly, altered, day, recipe)
        again = made.compute(altered, day, recipe, hourly=hours, symbols=[symbol])
        stored = made.table.filter(pc.equal(made.table["symbol"], symbol))
        different = _different_columns(stored.slice(0, bar + 1), again.slice(0, bar + 1), recipe)
        if different:
            time = stored["open_time"][bar].as_py()
            return Verdict(
                check,
                False,
                f"{', '.join(different[:5])} of {symbol} change at or before {time:%Y-%m-%d %H:%M} "
                "when the candles after it do: they know the future, or were not made from these candles.",
                {"symbol": symbol, "bar": bar, "columns": len(different), "cuts": number},
            )
    return Verdict(
        check,
        True,
        f"{len(recipe.names)} columns up to {len(cuts)} bars, midnight and the ends of gaps among them, stay"
        " the same to the bit whatever follows.",
        {"columns": len(recipe.names), "cuts": len(cuts)},
    )


def _hours_again(
    hourly: pa.Table | None, altered: pa.Table, day: date, recipe: FeatureRecipe
) -> pa.Table | None:
    """The stored hours before the day, and those of the day made of candles that are `altered`; none of the
    day where none are stored."""
    if hourly is None:
        return None
    begins = pa.scalar(day_start(day), TIME)
    before = hourly.filter(pc.less(hourly["open_time"], begins))
    if before.num_rows == hourly.num_rows:
        return hourly
    own = altered.filter(pc.greater_equal(altered["open_time"], begins))
    return pa.concat_tables([before, hourly_summaries(own, recipe.detail).cast(before.schema)])


def _cut(table: pa.Table, last_open: int) -> pa.Table:
    return table.filter(pc.less_equal(table["open_time"].cast(pa.int64()), last_open))


def scramble(table: pa.Table, last_open: int, random: np.random.Generator) -> pa.Table:
    """Replace all candles that open after `last_open` (ms since 1970 UTC) by those of an invented market
    with gaps."""
    is_later = table["open_time"].cast(pa.int64()).to_numpy() > last_open
    count = int(is_later.sum())
    prices = np.exp(random.normal(0.0, 0.3, (count, 4)) + random.normal(0.0, 3.0))
    volume = random.exponential(100.0, count)
    invented = {
        "open": prices[:, 0],
        "high": prices.max(axis=1),
        "low": prices.min(axis=1),
        "close": prices[:, 1],
        "volume": volume,
        "trade_count": random.integers(1, 1000, count),
        "taker_buy_volume": volume * random.random(count),
        "funding_rate": random.normal(0.0, 0.01, count),
    }
    is_gone = random.random(count) < 0.1
    for name, values in invented.items():
        if name in table.column_names:
            kept = table[name].combine_chunks()
            made = pa.array(values, mask=is_gone).cast(kept.type)
            table = _with(table, name, pc.replace_with_mask(kept, pa.array(is_later), made))
    status = pa.array(np.where(is_gone, np.where(random.random(count) < 0.5, MISSING, QUARANTINED), "traded"))
    kept = table["status"].combine_chunks()
    return _with(table, "status", pc.replace_with_mask(kept, pa.array(is_later), status.cast(pa.string())))


def _with(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, column)


def _different_columns(stored: pa.Table, again: pa.Table, recipe: FeatureRecipe) -> list[str]:
    if stored.num_rows != again.num_rows or not stored["open_time"].cast(TIME).equals(again["open_time"]):
        return ["open_time"]
    different = [] if stored["is_ready"].equals(again["is_ready"]) else ["is_ready"]
    for name in recipe.names:
        left, right = stored[name].to_numpy(), again[name].to_numpy()
        if not np.array_equal(left, right, equal_nan=True):
            different.append(name)
    return different


def _judge_labels(closes: Mapping[str, FloatArray], features: pa.Table, recipe: FeatureRecipe) -> Verdict:
    check = "no_label_among_features"
    names = [name for name in features.column_names if name not in ("symbol", "open_time", "is_ready")]
    named = [name for name in (*names, *recipe.names) if _FORBIDDEN_WORDS & set(name.lower().split("_"))]
    if named:
        return Verdict(check, False, f"{', '.join(named)} is named like a label.", {"columns": len(named)})
    highest, where = 0.0, ""
    for symbol, close in closes.items():
        rows = features.filter(pc.equal(features["symbol"], symbol))
        values = np.column_stack([rows[name].to_numpy() for name in names]).astype(np.float64)
        correlation = _correlations(values, close)
        index = np.unravel_index(int(correlation.argmax()), correlation.shape)
        if correlation[index] > highest:
            highest = float(correlation[index])
            where = f"{names[index[0]]} of {symbol} with its return {HORIZONS[index[1]]} bars ahead"
    numbers: dict[str, Number] = {"highest_rank_correlation": round(highest, 4), "columns": len(names)}
    if highest > MAXIMUM_CORRELATION:
        return Verdict(check, False, f"{where} has rank correlation {highest:.3f}: it is a label.", numbers)
    if not where:
        reason = "Judged by names alone: the day has too few bars to tell a return to come by its ranks."
        return Verdict(check, True, reason, numbers)
    return Verdict(check, True, f"The highest rank correlation is {highest:.3f} ({where}).", numbers)


def _correlations(values: FloatArray, close: FloatArray) -> FloatArray:
    """|rank correlation| [columns, horizons] over the bars where all are known; 0 where too few differ."""
    ahead = np.full((len(close), len(HORIZONS)), np.nan)
    for index, horizon in enumerate(HORIZONS):
        ahead[:-horizon, index] = np.log(close[horizon:] / close[:-horizon])
    is_known = ~np.isnan(ahead).any(axis=1)
    found = np.zeros((values.shape[1], len(HORIZONS)))
    if not is_known.any():
        return found
    is_gap = np.isnan(values[is_known])
    complete = np.flatnonzero(~is_gap.any(axis=0))
    found[complete] = _rank_correlation(values[is_known][:, complete], ahead[is_known])
    for column in np.flatnonzero(is_gap.any(axis=0) & ~is_gap.all(axis=0)):
        both = is_known & ~np.isnan(values[:, column])
        found[column] = _rank_correlation(values[both, column : column + 1], ahead[both])[0]
    moved = np.count_nonzero(ahead[is_known], axis=0)
    found[:, moved < _MINIMUM_ROWS] = 0.0
    return found


def _rank_correlation(values: FloatArray, ahead: FloatArray) -> FloatArray:
    """[columns of values, columns of ahead]; 0 for a constant column or too few rows."""
    if len(values) < _MINIMUM_ROWS:
        return np.zeros((values.shape[1], ahead.shape[1]))
    from scipy.stats import rankdata

    ranks, target = rankdata(values, axis=0), rankdata(ahead, axis=0)
    ranks, target = ranks - ranks.mean(axis=0), target - target.mean(axis=0)
    scale = np.sqrt(np.outer((ranks**2).sum(axis=0), (target**2).sum(axis=0)))
    return np.asarray(np.abs(ranks.T @ target) / np.where(scale == 0.0, 1.0, scale))
