"""The thresholds of the gates. What they are compared with is computed in each gate's own file."""

from dataclasses import dataclass, field


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
class GateConfig:
    """One set of thresholds for all gates."""

    cost_buffer_bps: float = 5.0
    """The expected gross edge must exceed the estimated cost by this much."""
    minimum_past_trades: int = 30
    """Closed trades below which a gate that rests on them abstains."""
    shrinkage_trades: float = 20.0
    """Weight, in trades, of the overall mean when a regime's own mean is estimated."""
    require_skill: bool = True
    """A model that showed no skill out of time is not asked: its gate abstains."""
    confidence_margin: RegimeMargins = field(default_factory=RegimeMargins)
    meta_label_margin: RegimeMargins = field(default_factory=lambda: RegimeMargins(0.0, 0.0, 0.02, 0.05))
