"""Who took in a bar, buyer or seller, and how one-sided that makes the flow.

Where the source does not say, the volume of a bar is split by its move: the share that was bought is the
normal distribution at the move in deviations (bulk volume classification: Easley, Lopez de Prado and O'Hara
2012, "Flow toxicity and liquidity in a high-frequency world", Review of Financial Studies 25).
"""

import numpy as np
from numpy.typing import NDArray

from huracan.market.facts.columns import BUCKETS

Floats = NDArray[np.float64]


def bulk_bought(volume: Floats, move: Floats, deviation: float) -> Floats:
    """[bars] the part of `volume` taken by buyers, by the bar's move (log return, NaN: not known, half).

    Without any deviation of moves half is taken by each.
    """
    from scipy.special import ndtr

    scaled = np.nan_to_num(move / deviation) if deviation > 0.0 else np.zeros(len(move))
    return np.asarray(volume * ndtr(scaled), dtype=np.float64)


def imbalance(volume: Floats, bought: Floats) -> float:
    """(bought - sold) / volume of all bars together; NaN without volume."""
    total = float(volume.sum())
    return float((2.0 * bought - volume).sum()) / total if total > 0.0 else float("nan")


def toxicity(volume: Floats, bought: Floats) -> float:
    """Mean absolute imbalance of BUCKETS buckets of equal volume, bars split where a bucket ends.

    The volume is spread evenly over its bar. NaN without volume.
    """
    through = np.concatenate([[0.0], np.cumsum(volume)])
    if not through[-1] > 0.0:
        return float("nan")
    signed = np.concatenate([[0.0], np.cumsum(2.0 * bought - volume)])
    edges = np.linspace(0.0, through[-1], BUCKETS + 1)
    by_bucket = np.diff(np.interp(edges, through, signed))
    return float(np.abs(by_bucket).mean() * BUCKETS / through[-1])
