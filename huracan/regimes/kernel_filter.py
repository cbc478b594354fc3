"""The forward recursion of a hidden Markov model, bar by bar. Compiled."""

import numpy as np

from huracan.compiled import compiled
from huracan.regimes.model import FloatArray


@compiled
def filter_bars(
    weights: FloatArray, transitions: FloatArray, initial: FloatArray, filtered: FloatArray
) -> None:
    """p_t, proportional to (p_{t-1} A) x e_t, into `filtered` [symbols, times, regimes].

    `weights` are the e_t, of the same shape; `transitions` A [from, to]; `initial` p_{-1}.
    """
    symbols, times, regimes = weights.shape
    before = np.empty(regimes)
    for symbol in range(symbols):
        before[:] = initial
        for time in range(times):
            total = 0.0
            for to in range(regimes):
                reached = 0.0
                for since in range(regimes):
                    reached += before[since] * transitions[since, to]
                filtered[symbol, time, to] = reached * weights[symbol, time, to]
                total += filtered[symbol, time, to]
            for to in range(regimes):
                filtered[symbol, time, to] /= total
                before[to] = filtered[symbol, time, to]
