"""Where a check cuts a day in two, to see whether what is before knows what comes after.

A leak of one bar's reach shows at one cut alone, so the cuts are laid where leaks are: at midnight, at the
ends of gaps, in every symbol, and for the rest evenly over the day.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CUTS = 16
"""Of a day, about, or more. A leak of one bar's reach in one bar of twenty is met on a third of the days, so
that the weeks of history that a first night makes meet it nearly surely."""

_GAPS = 8


@dataclass(frozen=True)
class Cut:
    """What opens after decision bar `bar` of the day is destroyed; then `symbol` is looked at up to it."""

    symbol: str
    bar: int


def every_cut(symbols: Sequence[str], bars: int) -> list[Cut]:
    """All that a day of `bars` decision bars has: no leak within the day has a shorter reach."""
    return [Cut(symbol, bar) for symbol in symbols for bar in range(bars)]


def pick_cuts(
    symbols: Sequence[str], has_candle: NDArray[np.bool_], random: np.random.Generator, least: int = CUTS
) -> list[Cut]:
    """About `least` cuts or more: of every symbol the first bar of the day, the last of its gaps (of some
    where they are many), and one drawn from anywhere at least. Each is named once. `has_candle` [symbols,
    bars]."""
    bars = has_candle.shape[1]
    chosen = [Cut(symbol, 0) for symbol in symbols]
    for row, symbol in enumerate(symbols):
        ends = np.flatnonzero(~has_candle[row, :-1] & has_candle[row, 1:])
        some = random.choice(ends, min(ends.size, _GAPS), replace=False)
        chosen += [Cut(symbol, end) for end in some.tolist()]
    strata = max(least - len(chosen), len(symbols))
    turns = random.permutation(strata) % len(symbols)
    edges = np.linspace(0, bars, strata + 1).astype(np.int64).tolist()
    for turn, first, end in zip(turns.tolist(), edges[:-1], edges[1:], strict=True):
        chosen.append(Cut(symbols[turn], int(random.integers(first, max(end, first + 1)))))
    return list(dict.fromkeys(chosen))
