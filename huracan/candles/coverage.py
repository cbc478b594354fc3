"""A hole that only one symbol has: when the others traded, the exchange did, and the source lost candles."""

from collections.abc import Sequence

import numpy as np

from huracan.candles.schema import FLAT, MISSING, Timeframe
from huracan.candles.symbol_day import SymbolDay

_LIQUID_FLAT_SHARE, _LIQUID_MISSING_SHARE = 0.05, 0.15
"""Up to which a silent minute is no habit of the symbol."""
_LEAST_SYMBOLS = 3
_LEAST_MINUTES = 2
_LONELY = 5
"""Times as many bars are missing of one symbol as of any other."""
_NAMED = 3


def lonely_holes(symbols: Sequence[SymbolDay], timeframe: Timeframe) -> str:
    """Which hours lack bars of one liquid symbol and all but none of any other; empty where none does.

    For bars shorter than an hour, of at least three liquid symbols.
    """
    per_hour = 60 // timeframe.minutes
    watched = [
        each
        for each in symbols
        if (each.status == FLAT).mean() <= _LIQUID_FLAT_SHARE
        and (each.status == MISSING).mean() <= _LIQUID_MISSING_SHARE
    ]
    if per_hour < 2 or len(watched) < _LEAST_SYMBOLS:
        return ""
    missing = np.array([(each.status == MISSING).reshape(24, per_hour).sum(axis=1) for each in watched])
    least = max(1, _LEAST_MINUTES // timeframe.minutes)
    ranked, notes = np.sort(missing, axis=0), []
    for hour in np.flatnonzero((ranked[-1] >= least) & (ranked[-2] * _LONELY <= ranked[-1])):
        which = int(missing[:, hour].argmax())
        notes.append(
            f"{watched[which].symbol} lacks {missing[which, hour]} of {per_hour} bars from {hour:02d}:00"
        )
    if not notes:
        return ""
    more = f" and in {len(notes) - _NAMED} more hours" if len(notes) > _NAMED else ""
    return f"Only {', '.join(notes[:_NAMED])}{more}, where the other symbols have theirs"
