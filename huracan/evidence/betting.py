"""Evidence by betting: what a gambler makes who stakes on every trade of a pattern, and one who bets against.

If no entry of a pattern has a positive expectation, the first gambler's wealth is a supermartingale that
begins at 1: it ever reaches c with a chance of 1 / c at most, however often somebody looks (Ville 1939;
Waudby-Smith & Ramdas 2023). No state is decided here.
"""

import heapq

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

STAKES = np.array([0.05, 0.1, 0.2, 0.4, 0.8])
"""Shares of what is free that are set aside for a trade. One gambler plays each; their mean counts."""
_FLOOR_BPS = 80.0
_VOLATILITIES = 20.0
"""The unit is the usual distance of a stop and its costs, with room: only a loss through a gap is larger."""


def new_wealth() -> Floats:
    """[stakes] what each gambler begins with."""
    return np.ones(STAKES.size)


def results_in_units(net_bps: Floats, entry_volatility_bps: Floats) -> Floats:
    """[trades] net results in units known at the entry, within -1 and 2.

    A larger loss counts as -1: then the bettor loses all that was set aside, and no more.
    """
    unit = np.fmax(_VOLATILITIES * np.nan_to_num(entry_volatility_bps), _FLOOR_BPS)
    return np.clip(net_bps / unit, -1.0, 2.0)


def play(wealth: Floats, opened_ms: Integers, closed_ms: Integers, results: Floats) -> Floats:
    """[stakes] wealth after the trades, which may overlap: only what is free at an entry is staked on it.

    `results` [trades] per unit staked, from -1 on. A trade's stake is set aside at `opened_ms` and comes back
    with its result at `closed_ms`; what closes at a moment is free for what opens then. So every stake
    depends only on what was known at the entry.
    """
    free = wealth.astype(np.float64)
    order = np.lexsort((closed_ms, opened_ms))
    open_bets: list[tuple[int, int]] = []
    stakes: dict[int, Floats] = {}
    for trade in order.tolist():
        while open_bets and open_bets[0][0] <= opened_ms[trade]:
            _, closing = heapq.heappop(open_bets)
            free = free + stakes.pop(closing) * (1.0 + results[closing])
        stakes[trade] = STAKES * free
        free = free - stakes[trade]
        heapq.heappush(open_bets, (int(closed_ms[trade]), trade))
    for closing in sorted(stakes):
        free = free + stakes[closing] * (1.0 + results[closing])
    return np.maximum(free, 0.0)


def evidence(wealth: Floats) -> float:
    """The mean of the gamblers: what one makes who divided 1 among them."""
    return float(wealth.mean())
