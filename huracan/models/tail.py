"""The scores of a model on its held-out tail: of all trades there, and of the policy's own signals apart."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.durations import Duration
from huracan.models.config import ModelConfig
from huracan.models.past import PastTrades
from huracan.models.scores import TailScores, score_tail
from huracan.models.split import blocks_of_time, lifetimes

Floats = NDArray[np.float64]


def score_both(
    tail: PastTrades,
    label: NDArray[Any],
    probability: Floats,
    base_rate: float,
    config: ModelConfig,
    maximum_holding: Duration,
) -> tuple[TailScores, TailScores | None]:
    """Scores of `probability` [n] on the trades of the tail and their `label` [n], and on those that were not
    explored; None where they are too few.

    Trades of the same time share its fate: errors count blocks of time.
    """
    block = blocks_of_time(lifetimes(tail.trades, maximum_holding)[0], maximum_holding)

    def scores(rows: NDArray[np.bool_]) -> TailScores:
        return score_tail(label[rows], probability[rows], base_rate, tail.weight[rows], block[rows])

    own = ~tail.is_explored
    return scores(np.ones(len(own), dtype=bool)), (
        scores(own) if int(own.sum()) >= config.minimum_own_trades else None
    )
