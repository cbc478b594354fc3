"""The win probability at which a trade neither earns nor costs, by regime, from past trades.

A probability alone says nothing while wins and losses differ in size: with losses twice the wins, two trades
of three must win.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.analysis.outcome import floats
from huracan.gates.evidence.class_means import fit_class_means
from huracan.models.past import PastTrades

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RegimeMargins:
    """By how much a probability must exceed its break-even, per regime of the signal bar."""

    trend: float = 0.0
    range: float = 0.02
    high_volatility: float = 0.03
    panic: float = 0.05

    def of(self, regime: str | None) -> float:
        """The regime's margin; the strictest one where the regime is not known."""
        margins = {
            "trend": self.trend,
            "range": self.range,
            "high_volatility": self.high_volatility,
            "panic": self.panic,
        }
        return margins.get(regime or "", max(margins.values()))


@dataclass(frozen=True)
class BreakEven:
    """Break-even probabilities; `overall` is None where the past has no winner or no loser."""

    by_regime: tuple[tuple[str, float], ...]
    overall: float | None
    past_trades: float
    """So many equally weighted ones say as much."""

    def thresholds(self, signals: pa.Table, margins: RegimeMargins) -> Floats:
        """[n] break-even of each signal's regime plus the regime's margin; NaN without a break-even."""
        if self.overall is None:
            return np.full(signals.num_rows, np.nan)
        known, overall = dict(self.by_regime), self.overall
        regimes = signals["regime"].to_pylist()
        return np.array([known.get(name, overall) + margins.of(name) for name in regimes], dtype=np.float64)


def fit_break_even(past: PastTrades, shrinkage_trades: float) -> BreakEven:
    """Mean loss / (mean win + mean loss), net of costs, each pulled towards its overall mean.

    `past` was closed before the day that is judged; the overall mean weighs `shrinkage_trades`.
    """
    net, is_win = floats(past.trades, "net_bps"), floats(past.trades, "net_bps") > 0.0
    if not is_win.any() or is_win.all() or net[~is_win].sum() == 0.0:
        return BreakEven((), None, past.effective_count)
    regimes = past.trades["regime"].to_pylist()
    wins, losses = (
        fit_class_means(sign * net, np.where(kind, past.weight, 0.0), regimes, shrinkage_trades)
        for sign, kind in ((1.0, is_win), (-1.0, ~is_win))
    )
    found = []
    for regime in sorted({regime for regime in regimes if regime}):
        win, loss = wins.of(regime).mean, losses.of(regime).mean
        found.append((regime, loss / (win + loss)))
    overall = losses.usual.mean / (wins.usual.mean + losses.usual.mean)
    return BreakEven(tuple(found), overall, past.effective_count)
