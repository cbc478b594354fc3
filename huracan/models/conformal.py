"""The conformal model: between which results a signal's net will lie, 9 times of 10, and what it is expected.

Conformalised quantile regression (Romano, Patterson & Candes 2019): trees give two quantiles and the mean of
what a signal makes, in units of its volatility; the misses on later trades say by how much the interval must
be widened, at a level that adapts from night to night (`adaptive`). What is too uncertain is for the gates to
say.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.durations import Duration
from huracan.models.adaptive import Walk, walk_nights
from huracan.models.boosting import answers, boost, read_trees
from huracan.models.config import ModelConfig, Unfit
from huracan.models.inputs import confidence_inputs, confidence_names
from huracan.models.interval_scores import IntervalScores, score_intervals, weighted_quantile
from huracan.models.past import PastTrades
from huracan.models.split import blocks_of_time, lifetimes, split_past
from huracan.models.stored import read_model, refuse_columns, write_model

Floats = NDArray[np.float64]

KIND, WORDS, FIRST_FORM = "conformal", "conformal model", 2
SLACK = 0.05
"""By which the coverage of later trades may miss what was promised."""


@dataclass(frozen=True)
class ConformalModel:
    """Three sets of boosted trees in LightGBM's text form, and by how much their interval is widened."""

    feature_names: tuple[str, ...]
    columns: tuple[str, ...]
    low_trees: str
    high_trees: str
    mean_trees: str
    unit_bps: float
    """Volatility that stands in for one that is not known: the median of the fitted trades."""
    coverage: float
    """Share of results that the interval is to hold."""
    level: float
    """Share of misses that the margin aims at after the last night; `coverage` and it make 1 in quiet."""
    margin: float
    """Added on both sides, in units of the signal's volatility; below 0 where the trees were too wide."""
    trades: int
    effective_trades: float
    fitted_trades: int
    tail_trades: int
    tail: IntervalScores
    own_tail: IntervalScores | None
    """Of those signals of the tail that were the policy's own; None where they are too few."""

    @property
    def has_skill(self) -> bool:
        """Held on later trades about as many results as promised, and scored surely better than the same
        interval for all."""
        return self.tail.hold(self.coverage, SLACK)

    def interval(self, signals: pa.Table) -> tuple[Floats, Floats]:
        """[n] low and [n] high net_bps, from signal columns alone, row by row."""
        matrix, unit = self._inputs(signals)
        low, high = self._bounds(matrix)
        return _ordered((low - self.margin) * unit, (high + self.margin) * unit)

    def expected(self, signals: pa.Table) -> Floats:
        """[n] mean net_bps that such signals made, from signal columns alone, row by row."""
        matrix, unit = self._inputs(signals)
        return self._answers(self._boosters[2], matrix) * unit

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return write_model(KIND, asdict(self))

    @staticmethod
    def from_bytes(content: bytes) -> "ConformalModel":
        """The inverse of `to_bytes`; InputRefused where it is not one."""
        value = read_model(content, KIND, WORDS, ConformalModel, FIRST_FORM)
        value["feature_names"], value["columns"] = tuple(value["feature_names"]), tuple(value["columns"])
        refuse_columns(WORDS, value["columns"], confidence_names(value["feature_names"]))
        own = value["own_tail"]
        value["tail"] = IntervalScores(**value["tail"])
        value["own_tail"] = None if own is None else IntervalScores(**own)
        return ConformalModel(**value)

    def _inputs(self, signals: pa.Table) -> tuple[Floats, Floats]:
        names = confidence_names(self.feature_names)
        matrix = confidence_inputs(signals, self.feature_names)
        return matrix[:, [names.index(column) for column in self.columns]], _units(signals, self.unit_bps)

    def _bounds(self, matrix: Floats) -> tuple[Floats, Floats]:
        """[n] lower and upper quantile in units, before the margin."""
        low, high = (self._answers(booster, matrix) for booster in self._boosters[:2])
        return np.minimum(low, high), np.maximum(low, high)

    @staticmethod
    def _answers(booster: Any, matrix: Floats) -> Floats:
        return answers(booster, matrix) if len(matrix) else np.zeros(0)

    @cached_property
    def _boosters(self) -> tuple[Any, Any, Any]:
        return read_trees(self.low_trees), read_trees(self.high_trees), read_trees(self.mean_trees)


def fit_conformal_model(
    past: PastTrades, feature_names: Sequence[str], config: ModelConfig, maximum_holding: Duration
) -> ConformalModel | Unfit:
    """Fit on `past` (already cut by `window.trailing_trades`), same rows and config -> same bytes.

    Trees are grown on the fitted part and stopped on the validation part. From the calibration part on, every
    night's interval rests on outcomes known before it: those of the tail are what is scored. Unfit where the
    trades cannot teach.
    """
    split = split_past(past, config, maximum_holding)
    if isinstance(split, Unfit):
        return split
    names, trades = tuple(feature_names), past.trades
    net = trades["net_bps"].to_numpy(zero_copy_only=False)
    unit_bps = _median_unit(trades.take(pa.array(split.fit)))
    matrix, unit = confidence_inputs(trades, names), _units(trades, unit_bps)
    outside = (1.0 - config.interval_coverage) / 2.0
    low, high, mean = (
        boost(objective, (matrix, net / unit, past.weight), split, config)[0]
        for objective in (
            {"objective": "quantile", "alpha": outside},
            {"objective": "quantile", "alpha": 1.0 - outside},
            {"objective": "regression"},
        )
    )
    nothing = IntervalScores(None, None, None, None, 0)
    model = ConformalModel(
        names, confidence_names(names), low, high, mean, unit_bps, config.interval_coverage,
        level=2.0 * outside, margin=0.0, trades=trades.num_rows, effective_trades=past.effective_count,
        fitted_trades=len(split.fit), tail_trades=len(split.tail), tail=nothing, own_tail=None,
    )  # fmt: skip
    rows = np.sort(np.concatenate([split.calibration, split.tail]))
    weight, result = past.weight[rows], net[rows]
    start, end = lifetimes(trades, maximum_holding)
    before = np.concatenate([split.fit, split.validation])
    edges = weighted_quantile(net[before], past.weight[before], (outside, 1.0 - outside))

    def widen(below: Floats, above: Floats, units: Floats) -> tuple[Walk, Floats]:
        score = np.maximum(below - result / units, result / units - above)
        walk = walk_nights(score, weight, (start[rows], end[rows]), model.coverage, config.adaptation_step)
        bounds = _ordered((below - walk.margin) * units, (above + walk.margin) * units)
        return walk, np.array(bounds)

    walk, bounds = widen(*model._bounds(matrix[rows]), unit[rows])
    if not np.isfinite(walk.next_margin):
        return Unfit(f"{len(rows)} held-out trades are too few to widen an interval by.", trades.num_rows)
    # One interval for all, widened like the model's: else it would be narrow where it holds too little.
    low_edge, high_edge = (np.full(len(rows), edge) for edge in edges)
    _, same_for_all = widen(low_edge, high_edge, np.ones(len(rows)))
    judged = np.isin(rows, split.tail) & np.isfinite(walk.margin)
    own = judged & ~past.is_explored[rows]
    # The calibration part is not judged, so it must not make the blocks of what is judged longer.
    block = np.zeros(len(rows), dtype=np.int64)
    block[judged] = blocks_of_time(start[rows][judged], maximum_holding)
    tail, own_tail = (
        score_intervals(
            result[kept], bounds[:, kept], same_for_all[:, kept], weight[kept], block[kept], model.coverage
        )
        for kept in (judged, own)
    )
    few = int(own.sum()) < config.minimum_own_trades
    return replace(
        model, level=walk.level, margin=walk.next_margin, tail=tail, own_tail=None if few else own_tail
    )


def _units(trades: pa.Table, instead_bps: float) -> Floats:
    """[n] one-bar volatility at each signal, bps; `instead_bps` where it is not known."""
    volatility = trades["entry_volatility_bps"].to_numpy(zero_copy_only=False).astype(np.float64)
    return np.where(np.isfinite(volatility) & (volatility > 0.0), volatility, instead_bps)


def _median_unit(trades: pa.Table) -> float:
    units = _units(trades, np.nan)
    known = units[np.isfinite(units)]
    return float(np.median(known)) if len(known) else 1.0


def _ordered(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Where a margin below 0 made the bounds cross, both are their middle."""
    middle = (low + high) / 2.0
    return np.where(low > high, middle, low), np.where(low > high, middle, high)
