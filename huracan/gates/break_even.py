"""The win probability at which a trade neither earns nor costs, by regime, from past trades.

A probability alone says nothing while wins and losses differ in size: with losses twice the wins, two trades
of three must win.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

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
    past_trades: int

    def thresholds(self, signals: pa.Table, margins: RegimeMargins) -> Floats:
        """[n] break-even of each signal's regime plus the regime's margin; NaN without a break-even."""
        if self.overall is None:
            return np.full(signals.num_rows, np.nan)
        known, overall = dict(self.by_regime), self.overall
        regimes = signals["regime"].to_pylist()
        return np.array([known.get(name, overall) + margins.of(name) for name in regimes], dtype=np.float64)


def fit_break_even(past_trades: pa.Table, shrinkage_trades: float) -> BreakEven:
    """Mean loss / (mean win + mean loss), net of costs, each pulled towards its overall mean.

    `past_trades` were all closed before the day that is judged; the overall mean weighs `shrinkage_trades`.
    """
    net = past_trades["net_bps"].to_numpy(zero_copy_only=False).astype(np.float64)
    wins, losses = net[net > 0], -net[net <= 0]
    if len(wins) == 0 or len(losses) == 0 or losses.sum() == 0:
        return BreakEven((), None, len(net))
    win, loss, weight = float(wins.mean()), float(losses.mean()), shrinkage_trades
    found = []
    for regime in sorted(pc.unique(past_trades["regime"]).drop_null().to_pylist()):
        own = net[pc.equal(past_trades["regime"], regime).to_numpy(zero_copy_only=False).astype(bool)]
        won, lost = own[own > 0], -own[own <= 0]
        mean_win = (won.sum() + weight * win) / (len(won) + weight)
        mean_loss = (lost.sum() + weight * loss) / (len(lost) + weight)
        found.append((regime, float(mean_loss / (mean_win + mean_loss))))
    return BreakEven(tuple(found), loss / (win + loss), len(net))
