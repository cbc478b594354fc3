"""Volatility of one bar, as the market measures it: over a span of time that ends with the bar. Compiled."""

import numpy as np
from numpy.typing import NDArray

from huracan.compiled import compiled
from huracan.market.costs import Floats
from huracan.units import BASIS_POINT

FEWEST_RETURNS = 20
"""Fewer returns tell no deviation."""


def trailing_volatility_bps(close: Floats, is_tradable: NDArray[np.bool_], bars: int) -> Floats:
    """[S, T] population standard deviation of the log returns of the last `bars` bars, in bps.

    A return is between two traded bars, whatever lies between, and belongs to the later. NaN where the span
    holds fewer than 20. Each value is summed by itself, so that it depends on its span alone, to the bit.
    `close` [S, T] may be NaN where a bar is not traded.
    """
    out = np.full(close.shape, np.nan)
    _write_deviations(np.ascontiguousarray(close), np.ascontiguousarray(is_tradable), bars, out)
    return out


@compiled
def _write_deviations(close: Floats, is_tradable: NDArray[np.bool_], bars: int, out: Floats) -> None:
    symbols, length = close.shape
    returns = np.empty(length)
    for symbol in range(symbols):
        before = np.nan
        for bar in range(length):
            returns[bar] = np.nan
            if is_tradable[symbol, bar]:
                price = close[symbol, bar]
                returns[bar] = np.log(price / before) / BASIS_POINT
                before = price
        for bar in range(length):
            first, count, total = max(0, bar - bars + 1), 0, 0.0
            for at in range(first, bar + 1):
                if returns[at] == returns[at]:
                    total += returns[at]
                    count += 1
            if count < FEWEST_RETURNS:
                continue
            mean, squares = total / count, 0.0
            for at in range(first, bar + 1):
                if returns[at] == returns[at]:
                    squares += (returns[at] - mean) ** 2
            out[symbol, bar] = np.sqrt(squares / count)
