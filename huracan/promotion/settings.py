"""What a procedure must show, and how its days are bet on."""

from dataclasses import dataclass

from huracan.errors import InvalidInput

TRACK, DRAWDOWN, REGIMES, DEARER, CALIBRATION, DRIFT, LUCK = (
    "track",
    "drawdown",
    "regimes",
    "dearer_costs",
    "calibration",
    "drift",
    "luck",
)
CRITERIA = (TRACK, DRAWDOWN, REGIMES, DEARER, CALIBRATION, DRIFT, LUCK)
"""What stands beside the bets, in the order in which it is told."""

FAMILY_BAR = 20.0
"""One over the chance that any procedure without skill is ever promoted."""
SPAN_DAYS = 60
"""Days that trail: of whose results the unit is made, and whose trades rivals move."""


@dataclass(frozen=True)
class PromotionConfig:
    """What is asked of a procedure beside the two bets. Each can only refuse; see docs/verdict.md."""

    blocking: tuple[str, ...] = CRITERIA
    """Which of the criteria refuse a procedure: track (too few days or trades), drawdown, regimes (harm in
    one of them), dearer_costs, calibration, drift (of the last days) and luck (the deflated Sharpe ratio).
    Those left out are measured and told all the same."""
    minimum_days: int = 20
    """Days with a result."""
    minimum_trades: int = 30
    """Closed on those days: a Sharpe ratio over quiet weeks is made by their few busy days."""
    maximum_drawdown_pct: float = 15.0
    """Of what the accounts opened with: the deepest fall over all days, within days too."""
    minimum_regime_trades: int = 30
    """Trades of a regime from which on its harm counts."""
    regime_harm_chance: float = 0.01
    """How probable the losses of a regime may be without harm: one-sided, by days, shared among regimes."""
    cost_multiple: float = 1.5
    """With costs so much larger the days together must still have made something."""
    calibration_chance: float = 0.005
    """How probable so few wins may be if the ensemble's probabilities were right: one-sided, by the days."""
    drift_bar: float = 20.0
    """Evidence that late days lose, at which they refuse: without any loss it is reached with a chance of one
    over it, for ever."""
    minimum_deflated_sharpe: float = 0.95
    """Probability that the Sharpe ratio of the days is more than the luck of all procedures. Valid for one
    look; it is looked at every night, which is why it can only refuse."""
    contradiction_chance: float = 0.05
    """How often the weights of a night may be held back although they are as good as the procedure's."""
    live_bar: float = 20.0
    """Evidence that days after the registration, and not remade, must bring alone before anything is live."""

    def __post_init__(self) -> None:
        unknown = [name for name in self.blocking if name not in CRITERIA]
        if unknown:
            raise InvalidInput(
                f"promotion.blocking names {unknown[0]!r}, which is no criterion.",
                f"Name any of {', '.join(CRITERIA)}.",
            )


def bar_of(number: int) -> float:
    """The evidence that the `number`-th procedure on overlapping candles needs: 1 / bar sums to 1 / 20."""
    return FAMILY_BAR * number * (number + 1)
