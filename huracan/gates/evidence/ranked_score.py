"""A score of what signals are worth, learnt from past ones by a ridge regression, and ranked against theirs.

Past trades are scored by a regression that did not see them: each half of the past, by time, by the other
half's. So what the ranks of past trades came to is no fit to them. The regression of a new signal knows all.
"""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_PENALTY_TRADES = 30.0
_MOST_DEVIATIONS = 4.0


@dataclass(frozen=True)
class RankedScore:
    """A standardised linear score, and the edges between the ranks of past scores, lowest first."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    edges: tuple[float, ...]

    def ranks(self, matrix: Floats) -> list[str | None]:
        """[n] rank of each row, from `rank 1`, the worst, on; None where an input is not known."""
        # A sum per row, not a matrix product: BLAS rounds a row differently by what stands beside it.
        score = (self._standard(matrix) * np.array(self.weights)).sum(axis=1)
        found = np.searchsorted(np.array(self.edges), score, side="left") + 1
        known = np.asarray(np.isfinite(matrix).all(axis=1)).tolist()
        return [f"rank {rank}" if told else None for rank, told in zip(found.tolist(), known, strict=True)]

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        return {name: list(values) for name, values in asdict(self).items()}

    def _standard(self, matrix: Floats) -> Floats:
        standard = (matrix - np.array(self.mean)) / np.array(self.scale)
        known: Floats = np.nan_to_num(np.clip(standard, -_MOST_DEVIATIONS, _MOST_DEVIATIONS))
        return known


def fit_ranked_score(
    matrix: Floats, outcome: Floats, weight: Floats, ranks: int
) -> tuple[RankedScore, list[str | None]]:
    """The score of all rows [n, columns], oldest first, and the rank of each by the half that it is not in.

    Rows with an input that is not known are left out of it. Outcomes beyond the outermost hundredths count as
    those.
    """
    known = np.isfinite(matrix).all(axis=1)
    rows = np.flatnonzero(known)
    found: list[str | None] = [None] * len(matrix)
    halves = (rows[: len(rows) // 2], rows[len(rows) // 2 :])
    if min(len(half) for half in halves) < ranks:
        columns = matrix.shape[1]
        return RankedScore((0.0,) * columns, (1.0,) * columns, (0.0,) * columns, ()), found
    for own, other in (halves, halves[::-1]):
        # Its own scores tell where its ranks end: the two regressions have scales of their own.
        slope = _ridge(matrix[other], outcome[other], weight[other])
        ranked = _with_edges(slope, matrix[own], weight[own], ranks).ranks(matrix[own])
        for row, rank in zip(own, ranked, strict=True):
            found[row] = rank
    whole = _ridge(matrix[rows], outcome[rows], weight[rows])
    return _with_edges(whole, matrix[rows], weight[rows], ranks), found


def _ridge(matrix: Floats, outcome: Floats, weight: Floats) -> RankedScore:
    """Slopes of the standardised columns, each pulled towards 0 by the weight of _PENALTY_TRADES trades."""
    # Sums and no matrix products: BLAS rounds by how many threads it has.
    share = weight / weight.sum()
    mean = np.einsum("n,nc->c", share, matrix)
    scale = np.sqrt(np.einsum("n,nc->c", share, (matrix - mean) ** 2))
    scale = np.where(scale > 1e-12, scale, 1.0)
    score = RankedScore(tuple(mean.tolist()), tuple(scale.tolist()), (), ())
    standard, clipped = score._standard(matrix), np.clip(outcome, *np.quantile(outcome, (0.01, 0.99)))
    off = clipped - (share * clipped).sum()
    gram = np.einsum("n,na,nb->ab", share, standard, standard)
    gram += np.eye(len(gram)) * _PENALTY_TRADES / len(matrix)
    slope = np.linalg.solve(gram, np.einsum("n,na,n->a", share, standard, off))
    return RankedScore(score.mean, score.scale, tuple(slope.tolist()), ())


def _with_edges(score: RankedScore, matrix: Floats, weight: Floats, ranks: int) -> RankedScore:
    """The same with the edges between `ranks` parts of equal weight."""
    values = (score._standard(matrix) * np.array(score.weights)).sum(axis=1)
    order = np.argsort(values, kind="stable")
    through = np.cumsum(weight[order]) / weight.sum()
    at = np.searchsorted(through, np.arange(1, ranks) / ranks)
    edges = values[order][np.minimum(at, len(values) - 1)]
    return RankedScore(score.mean, score.scale, score.weights, tuple(edges.tolist()))
