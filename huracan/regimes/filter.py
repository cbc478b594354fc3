"""The causal regime of every bar: a forward filter, which knows the past and nothing else.

Never Viterbi and never smoothing: both revise past labels once later bars are known.
"""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from huracan.candles.schema import OPEN_TIME, SYMBOL, TIME, day_end, day_start
from huracan.errors import InvalidInput
from huracan.regimes.model import REGIMES, FloatArray, RegimeParameters
from huracan.regimes.observations import lay_features_on_grid, observe
from huracan.tables import SINGLE, TEXT, Column, arrow_schema

REGIMES_COLUMNS = (
    SYMBOL,
    OPEN_TIME,
    Column("regime", TEXT, "the most probable at the bar's close: trend, range, high_volatility or panic"),
    *(
        Column(f"probability_{name}", SINGLE, f"that it is {name}, by bars up to this one; final", "0 to 1")
        for name in REGIMES
    ),
)
REGIMES_SCHEMA = arrow_schema(REGIMES_COLUMNS)
"""Partition D of `regimes`: for every symbol, in the order of the features, every bar of the day."""


def filter_regimes(features: pa.Table, day: date, parameters: RegimeParameters) -> pa.Table:
    """Label every bar of `day` with the filtered regime; earlier rows of `features` only lead in.

    A bar that is not ready (missing, quarantined, warming up) is carried by the transitions alone.
    Raises InvalidInput when the parameters were fitted on `day` or later, or `features` holds later rows
    or none of the day.
    """
    if parameters.last_fit_day >= day:
        raise InvalidInput(
            f"Regime parameters fitted on days up to {parameters.last_fit_day} cannot label {day}.",
            f"Fit them on days up to {day - timedelta(days=1)}.",
        )
    grid = lay_features_on_grid(features)
    start_ms, end_ms = (int(moment.timestamp() * 1000) for moment in (day_start(day), day_end(day)))
    if not len(grid.times) or grid.times[-1] < start_ms or grid.times[-1] >= end_ms:
        raise InvalidInput(
            f"The last feature row is not of {day}.", f"Give feature rows of days up to {day}, and its own."
        )
    vectors = observe(grid, parameters.usual_volatility_bps, parameters.pooled_volatility_bps)
    probabilities = forward_filter(vectors, parameters)
    first = int(np.searchsorted(grid.times, start_ms))
    times = grid.times[first:]
    of_day = probabilities[:, first:].reshape(-1, len(REGIMES)).astype(np.float32)
    labels = np.array(REGIMES)[of_day.argmax(axis=1)]
    columns = [
        pa.array(np.repeat(np.array(grid.symbols), len(times)), pa.string()),
        pa.array(np.tile(times, len(grid.symbols))).cast(TIME),
        pa.array(labels, pa.string()),
        *(pa.array(np.ascontiguousarray(of_day[:, index])) for index in range(len(REGIMES))),
    ]
    return pa.Table.from_arrays(columns, schema=REGIMES_SCHEMA)


def forward_filter(vectors: FloatArray, parameters: RegimeParameters) -> FloatArray:
    """P(regime at t | observations up to t) [symbols, times, regimes]; `vectors` [symbols, times, 5]."""
    # Compiled: definitions must load fast.
    from huracan.regimes.kernel_filter import filter_bars

    weights = np.exp(emission_log_weights(vectors, parameters))
    filtered = np.empty_like(weights)
    filter_bars(weights, np.array(parameters.transitions), np.array(parameters.initial), filtered)
    return filtered


def emission_log_weights(vectors: FloatArray, parameters: RegimeParameters) -> FloatArray:
    """Tempered log-likelihood of each regime, 0 for the likeliest; all 0 where the bar is not ready."""
    clipped = np.clip(vectors, parameters.lower, parameters.upper)
    logs = np.stack(
        [
            _gaussian_log_density(clipped, np.array(mean), np.array(covariance))
            for mean, covariance in zip(parameters.means, parameters.covariances, strict=True)
        ],
        axis=-1,
    )
    logs = parameters.emission_weight * (logs - logs.max(axis=-1, keepdims=True))
    return np.where(np.isnan(logs), 0.0, logs)


def _gaussian_log_density(vectors: FloatArray, mean: FloatArray, covariance: FloatArray) -> FloatArray:
    # Written out dimension by dimension: a matrix product may round differently for a longer table.
    whitener = np.linalg.inv(np.linalg.cholesky(covariance))
    total = np.full(vectors.shape[:-1], 2.0 * np.log(np.diag(whitener)).sum())
    for row in whitener:
        projected = sum(weight * (vectors[..., i] - mean[i]) for i, weight in enumerate(row))
        total = total - projected * projected
    return 0.5 * total
