"""Regime parameters from the features of the days before D.

Rules on quantiles of the fit window seed the regimes, so that a name keeps its meaning from night to night;
the Gaussians around those seeds and the sticky transitions turn the rules into probabilities. There is no
expectation-maximisation on purpose: left alone it renames panic into whatever cluster pays.
"""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.schema import TIME
from huracan.errors import InputRefused
from huracan.regimes.filter import forward_filter
from huracan.regimes.model import OBSERVATIONS, REGIMES, FloatArray, RegimeConfig, RegimeParameters
from huracan.regimes.observations import FeatureGrid, lay_features_on_grid, observe, usual_volatility

_DAY_MS = 86_400_000
_TREND, _RANGE, _VOLATILE, _PANIC = range(len(REGIMES))
_MINIMUM_DWELL, _MAXIMUM_DWELL = 15.0, 720.0
"""Bounds of the expected stay in a regime, in bars: seeds flicker, and a short window may never leave."""


def fit_regimes(features: pa.Table, config: RegimeConfig | None = None) -> RegimeParameters:
    """Fit on the last `config.fit_days` days of `features`, which must all lie before the day to label.

    Deterministic. Raises InputRefused when fewer than `minimum_days` days' worth of ready bars is there.
    """
    config = config or RegimeConfig()
    grid = lay_features_on_grid(_last_days(features, config.fit_days))
    ready_bars, bars_per_day = int(grid.is_ready.sum(axis=1).max(initial=0)), _bars_per_day(grid)
    if ready_bars < config.minimum_days * bars_per_day:
        raise InputRefused(
            f"The regimes need {config.minimum_days} days of ready bars and the fit window has "
            f"{ready_bars / bars_per_day:.1f}.",
            "Make the features of more days before this one.",
        )
    usual, pooled = usual_volatility(grid)
    vectors = observe(grid, usual, pooled)[:, :: config.stride_bars]
    sample = vectors[np.isfinite(vectors).all(axis=-1)]
    lower, upper = np.quantile(sample, [config.clip_quantile, 1.0 - config.clip_quantile], axis=0)
    seeds, thresholds = _seed(np.clip(sample, lower, upper), config)
    means, covariance = _emissions(np.clip(sample, lower, upper), seeds, config.shrinkage)
    transitions = _transitions(_seeds_by_symbol(vectors, seeds), config.stride_bars)
    parameters = RegimeParameters(
        version="1",
        first_fit_day=datetime.fromtimestamp(grid.times[0] / 1000, UTC).date(),
        last_fit_day=datetime.fromtimestamp(grid.times[-1] / 1000, UTC).date(),
        fit_bars=len(sample),
        usual_volatility_bps=usual,
        pooled_volatility_bps=pooled,
        thresholds=thresholds,
        lower=_row(lower),
        upper=_row(upper),
        means=tuple(_row(mean) for mean in means),
        covariances=(tuple(_row(row) for row in covariance),) * len(REGIMES),
        transitions=tuple(_row(row) for row in transitions),
        initial=_row(np.bincount(seeds, minlength=len(REGIMES)) / len(seeds)),
        emission_weight=config.emission_weight,
        fit_shares={},
    )
    return replace(parameters, fit_shares=_shares(observe(grid, usual, pooled), parameters))


def _last_days(features: pa.Table, days: int) -> pa.Table:
    last = pc.max(features["open_time"].cast(pa.int64())).as_py()
    if last is None:
        raise InputRefused("There are no features to fit regimes on.", "Make the features of earlier days.")
    since = pa.scalar((last // _DAY_MS - days + 1) * _DAY_MS).cast(TIME)
    return features.filter(pc.greater_equal(features["open_time"], since))


def _bars_per_day(grid: FeatureGrid) -> int:
    return _DAY_MS // int(np.diff(grid.times).min(initial=_DAY_MS))


def _seed(sample: FloatArray, config: RegimeConfig) -> tuple[npt.NDArray[np.int64], dict[str, float]]:
    """Regime of each row by nested quantiles, so that each of the four has its share by construction."""
    of = {name: sample[:, index] for index, name in enumerate(OBSERVATIONS)}
    volatile = _is_top(of["log_volatility"], np.ones(len(sample), dtype=np.bool_), config.volatile_share)
    panic = volatile & _is_top(-of["shock"], volatile, config.panic_share)
    direction = of["trend"] + of["direction"]
    trend = ~volatile & _is_top(direction, ~volatile, config.trend_share)
    seeds = np.full(len(sample), _RANGE, dtype=np.int64)
    seeds[volatile], seeds[panic], seeds[trend] = _VOLATILE, _PANIC, _TREND
    thresholds = {
        "log_volatility": float(of["log_volatility"][volatile].min()),
        "shock": float(of["shock"][panic].max()),
        "direction": float(direction[trend].min()),
    }
    return seeds, thresholds


def _is_top(values: FloatArray, among: npt.NDArray[np.bool_], share: float) -> npt.NDArray[np.bool_]:
    """The `share` of the rows in `among` with the highest values; of equal ones the earlier."""
    indices = np.flatnonzero(among)
    count = max(1, round(share * len(indices)))
    chosen = np.zeros(len(values), dtype=np.bool_)
    chosen[indices[np.argsort(-values[indices], kind="stable")[:count]]] = True
    return chosen


def _emissions(
    sample: FloatArray, seeds: npt.NDArray[np.int64], shrinkage: float
) -> tuple[FloatArray, FloatArray]:
    """Mean of each regime's seeds, and one covariance of all around the means of their own, shrunk towards
    the diagonal, with a floor on variances.

    One for all, as in linear discriminant analysis, so that what is wilder than all of the fit window counts
    for the wild regimes the more. With one for each, volatile seeds that lie close together make their regime
    so narrow that the worst day of a crash looks most like the wider range.
    """
    means = np.stack([sample[seeds == regime].mean(axis=0) for regime in range(len(REGIMES))])
    centred = sample - means[seeds]
    covariance = (1.0 - shrinkage) * centred.T @ centred / len(sample)
    floor = 0.01 * sample.var(axis=0) + 1e-6
    np.fill_diagonal(covariance, np.maximum((centred**2).mean(axis=0), floor))
    return means, covariance


def _seeds_by_symbol(vectors: FloatArray, seeds: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    laid = np.full(vectors.shape[:2], -1, dtype=np.int64)
    laid[np.isfinite(vectors).all(axis=-1)] = seeds
    return laid


def _transitions(laid: npt.NDArray[np.int64], stride_bars: int) -> FloatArray:
    """Per-bar transition matrix: mean stays of the seeds (bounded), changes as counted plus one of each."""
    before, after = laid[:, :-1].ravel(), laid[:, 1:].ravel()
    is_known = (before >= 0) & (after >= 0)
    counts = np.zeros((len(REGIMES), len(REGIMES)))
    np.add.at(counts, (before[is_known], after[is_known]), 1.0)
    stayed = np.diag(counts)
    left = counts + 1.0
    np.fill_diagonal(left, 0.0)
    dwell_bars = np.clip((1.0 + stayed / left.sum(axis=1)) * stride_bars, _MINIMUM_DWELL, _MAXIMUM_DWELL)
    transitions: FloatArray = left / left.sum(axis=1, keepdims=True) / dwell_bars[:, None]
    np.fill_diagonal(transitions, 1.0 - 1.0 / dwell_bars)
    return transitions


def _shares(vectors: FloatArray, parameters: RegimeParameters) -> dict[str, float]:
    labels = forward_filter(vectors, parameters).argmax(axis=-1)
    counts = np.bincount(labels[np.isfinite(vectors).all(axis=-1)], minlength=len(REGIMES))
    return {name: float(counts[index] / counts.sum()) for index, name in enumerate(REGIMES)}


def _row(values: FloatArray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
