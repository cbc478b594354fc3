"""What a pattern's trades made, and what marks them: numbers of the whole window, in sample."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.outcome import Booleans, Floats, floats, milliseconds
from huracan.evaluation.wilson import wilson_interval

Z_90 = 1.6448536269514722
"""Of an interval of 90 %."""
_MARKS = 3
_LEAST_MARK = 0.25
"""Standard deviations below which nothing marks a pattern."""
_HOUR_MS = 3_600_000


def pattern_numbers(trades: pa.Table) -> dict[str, Any]:
    """Count, rates, results and holding time of trades (MEMORY_SCHEMA) in the order in which they closed."""
    net = floats(trades, "net_bps")
    count, wins = len(net), int(np.sum(net > 0))
    low, high = wilson_interval(wins, count, Z_90) or (None, None)
    curve = np.concatenate([[0.0], np.cumsum(net)])
    lost = -float(net[net < 0].sum())
    regimes = pc.value_counts(trades.column("regime")).to_pylist()
    main = min(regimes, key=lambda entry: (-entry["counts"], str(entry["values"])))
    mean, error, net_low, net_high = mean_interval(count, float(net.sum()), float((net**2).sum()))
    return {
        "trades": count,
        "wins": wins,
        "win_rate": wins / count,
        "win_rate_low": low,
        "win_rate_high": high,
        "mean_net_bps": mean,
        "mean_net_standard_error_bps": error,
        "mean_net_low_bps": net_low,
        "mean_net_high_bps": net_high,
        "mean_holding_minutes": float(floats(trades, "holding_minutes").mean()),
        "max_drawdown_bps": float(np.max(np.maximum.accumulate(curve) - curve)),
        "profit_factor": float(net[net > 0].sum()) / lost if lost > 0 else None,
        "main_regime": main["values"],
    }


def mean_interval(
    count: int, total: float, squares: float
) -> tuple[float | None, float | None, float | None, float | None]:
    """Mean, standard error and interval of 90 % from a count, a sum and a sum of squares; None without."""
    if count == 0:
        return None, None, None, None
    mean = total / count
    if count == 1:
        return mean, None, None, None
    variance = max(squares - count * mean * mean, 0.0) / (count - 1)
    error = float(np.sqrt(variance / count))
    return mean, error, mean - Z_90 * error, mean + Z_90 * error


def pattern_name(
    side: str, trades: pa.Table, scores: Floats, members: Booleans, feature_names: tuple[str, ...]
) -> str:
    """The side, then what sets the members apart from all trades of the side, most first.

    `scores` [n, features] in standard deviations, `members` [n]. Features count by how far their mean lies
    off, a regime and a quarter of the day by how much more or less often than usual they are, all in standard
    deviations.
    """
    marks = scores[members].mean(axis=0) - scores.mean(axis=0)
    found = [
        (abs(float(mark)), f"{'high' if mark > 0 else 'low'} {name}")
        for mark, name in zip(marks, feature_names, strict=True)
    ]
    found += [(mark, f"in {name}") for name, mark in _excess(_labels(trades, "regime"), members)]
    quarters = (milliseconds(trades, "signal_time") // _HOUR_MS % 24) // 6
    hours = np.array([f"{6 * quarter:02d}-{6 * quarter + 6:02d} UTC" for quarter in range(4)])[quarters]
    found += [(mark, f"at {name}") for name, mark in _excess(hours, members)]
    chosen = sorted(found, key=lambda mark: -mark[0])[:_MARKS]
    words = [text for size, text in chosen if size >= _LEAST_MARK]
    return f"{side}: {', '.join(words) or 'as usual'}"


def _labels(trades: pa.Table, name: str) -> npt.NDArray[np.str_]:
    return np.array(pc.fill_null(trades.column(name), "unknown").to_pylist(), dtype=str)


def _excess(labels: npt.NDArray[np.str_], members: Booleans) -> list[tuple[str, float]]:
    """Each label more frequent among the members than among all, with the excess in standard deviations."""
    found = []
    for label in np.unique(labels):
        usual, here = float((labels == label).mean()), float((labels[members] == label).mean())
        if here > usual:
            found.append((str(label), (here - usual) / float(np.sqrt(usual * (1.0 - usual)))))
    return found


def mean_features(rows: npt.NDArray[np.float32]) -> list[float]:
    """Mean of each feature over its known values; NaN where none is known."""
    known = np.isfinite(rows)
    total = np.where(known, rows, 0.0).sum(axis=0, dtype=np.float64)
    counts = known.sum(axis=0)
    means = np.divide(total, counts, out=np.full(rows.shape[1], np.nan), where=counts > 0)
    return [float(value) for value in means]
