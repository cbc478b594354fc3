"""The check that a day's regimes must pass before anything is built on them."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huracan.candles.schema import Timeframe, day_start
from huracan.regimes.absolute import PERCENTILES
from huracan.regimes.model import REGIMES, RegimeParameters
from huracan.verdict import Number, Verdict

CHECK = "regime_coverage"
SUM_TOLERANCE = 1e-5
MAXIMUM_ENTROPY = 0.95
"""Mean entropy as a share of ln 4 above which the filter says nothing."""
MAXIMUM_FLIPS = 0.2
"""Share of bars at which the label changes above which it is noise."""
MAXIMUM_FIT_SHARE = 0.95
MINIMUM_FIT_SHARE = 0.005
"""Bounds on each regime's share of the fit window: with one regime only, there are no regimes."""


def judge_regimes(
    regimes: pa.Table,
    absolute: pa.Table,
    day: date,
    timeframe: Timeframe,
    symbols: Sequence[str],
    parameters: RegimeParameters,
) -> Verdict:
    """Every bar of every symbol labelled once, in order, by its likeliest regime; probabilities that sum to
    1; an absolute regime wherever the bar is ranked; parameters from days before; each regime in the fit
    window, none alone; entropy and flips sane.
    """
    probabilities = np.column_stack([regimes[f"probability_{name}"].to_numpy() for name in REGIMES])
    labels = np.array(regimes["regime"].to_pylist())
    numbers = _numbers(labels, probabilities, parameters, len(symbols))
    named = np.array(absolute["absolute_regime"].to_pylist(), dtype=object)
    numbers |= {f"absolute_share_{name}": round(float((named == name).mean()), 4) for name in REGIMES}
    faults = [
        *_coverage_faults(regimes, day, timeframe, symbols),
        *_probability_faults(labels, probabilities),
        *_rank_faults(absolute),
        *_sanity_faults(numbers, parameters, day),
    ]
    if faults:
        return Verdict(CHECK, False, " ".join(faults), numbers)
    shares = ", ".join(f"{name} {100 * float(numbers[f'share_{name}']):.0f} %" for name in REGIMES)
    return Verdict(CHECK, True, f"Every bar has its regime: {shares}.", numbers)


def _coverage_faults(regimes: pa.Table, day: date, timeframe: Timeframe, symbols: Sequence[str]) -> list[str]:
    start_ms = int(day_start(day).timestamp() * 1000)
    day_ms = start_ms + np.arange(timeframe.bars_per_day) * timeframe.minutes * 60_000
    found = regimes["open_time"].cast(pa.int64()).to_numpy()
    expected_symbols = np.repeat(np.array(symbols), timeframe.bars_per_day).tolist()
    if len(found) != len(expected_symbols):
        return [f"There are {len(found)} rows instead of {len(expected_symbols)} on {day}."]
    if regimes["symbol"].to_pylist() != expected_symbols or (found != np.tile(day_ms, len(symbols))).any():
        return [f"The rows are not every bar of {day} for {', '.join(symbols)} in order."]
    return []


def _probability_faults(labels: npt.NDArray[np.str_], probabilities: npt.NDArray[np.float32]) -> list[str]:
    faults = []
    is_wrong = ~(np.abs(probabilities.sum(axis=1) - 1.0) <= SUM_TOLERANCE) | (probabilities < 0.0).any(axis=1)
    if is_wrong.any():
        faults.append(f"At {int(is_wrong.sum())} bars the probabilities do not sum to 1.")
    is_other = labels != np.array(REGIMES)[probabilities.argmax(axis=1)]
    if is_other.any():
        faults.append(f"At {int(is_other.sum())} bars the label is not the likeliest regime.")
    return faults


def _rank_faults(absolute: pa.Table) -> list[str]:
    ranks = np.column_stack([absolute[name].to_numpy() for name in PERCENTILES])
    is_ranked, is_named = np.isfinite(ranks).any(axis=1), absolute["absolute_regime"].is_valid().to_numpy()
    is_wrong = (ranks < 0.0).any(axis=1) | (ranks > 100.0).any(axis=1) | (is_ranked & ~is_named)
    if not is_wrong.any():
        return []
    return [f"At {int(is_wrong.sum())} bars the ranks are beyond 0 to 100, or no absolute regime is named."]


def _sanity_faults(numbers: dict[str, Number], parameters: RegimeParameters, day: date) -> list[str]:
    faults = []
    if parameters.last_fit_day >= day:
        faults.append(f"The parameters were fitted on days up to {parameters.last_fit_day}.")
    for name, share in parameters.fit_shares.items():
        if not MINIMUM_FIT_SHARE <= share <= MAXIMUM_FIT_SHARE:
            faults.append(f"The regime {name} has {100 * share:.1f} % of the fit window.")
    if not float(numbers["mean_entropy"]) <= MAXIMUM_ENTROPY:
        faults.append(f"The mean entropy is {numbers['mean_entropy']} of 1: the filter says nothing.")
    if not float(numbers["flip_rate"]) <= MAXIMUM_FLIPS:
        faults.append(f"The label changes at {100 * float(numbers['flip_rate']):.0f} % of the bars.")
    return faults


def _numbers(
    labels: npt.NDArray[np.str_],
    probabilities: npt.NDArray[np.float32],
    parameters: RegimeParameters,
    symbols: int,
) -> dict[str, Number]:
    """Shares of the day and of the fit window, mean entropy / ln 4, and label changes per bar."""
    safe = np.clip(probabilities.astype(np.float64), 1e-12, 1.0)
    entropy = -(safe * np.log(safe)).sum(axis=1) / np.log(len(REGIMES))
    flips = (labels[1:] != labels[:-1]).sum() - max(symbols - 1, 0)
    numbers: dict[str, Number] = {
        f"share_{name}": round(float((labels == name).mean()), 4) for name in REGIMES
    }
    numbers |= {f"fit_share_{name}": round(share, 4) for name, share in parameters.fit_shares.items()}
    numbers["mean_entropy"] = round(float(entropy.mean()), 4)
    numbers["flip_rate"] = round(max(float(flips), 0.0) / max(len(labels), 1), 4)
    numbers["bars"] = len(labels)
    return numbers
