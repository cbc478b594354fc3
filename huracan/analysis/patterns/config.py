"""The settings of the pattern library: sizes of the clustering and the rules of the states."""

from dataclasses import dataclass

from huracan.errors import InvalidInput


@dataclass(frozen=True)
class PatternConfig:
    """Sizes of the clustering and the rules of the states."""

    minimum_trades: int = 60
    trades_per_pattern: int = 40
    maximum_patterns: int = 12
    """Of each side."""
    seed: int = 7
    family_error: float = 0.05
    """The chance at most that a market without any edge ever gets a reliable pattern, over all patterns and
    all nights together."""
    reliable_trades: int = 30
    """Forward trades without which no evidence makes a pattern reliable."""
    drift_nights: int = 100
    """A pattern that still breaks even is taken for degraded once in so many nights at most, on average."""
    unseen_days: int = 7
    """A pattern that no night has found for longer is retired."""
    retired_days: int = 180
    """A pattern not found for longer leaves the library, and cannot return under its name."""
    trial_trades: int = 30
    """Forward trades from which on a best stop and target are named."""

    def __post_init__(self) -> None:
        if not 0.0 < self.family_error < 1.0:
            raise InvalidInput(
                f"patterns.family_error was {self.family_error}.", "Give a probability between 0 and 1."
            )
        counts = (self.trades_per_pattern, self.maximum_patterns, self.drift_nights, self.trial_trades)
        if min(*counts, self.minimum_trades, self.reliable_trades) < 1 or self.unseen_days < 0:
            raise InvalidInput("A size of the pattern library was below 1.", "Give whole numbers from 1 on.")
        if self.retired_days <= self.unseen_days:
            raise InvalidInput(
                "patterns.retired_days was not above patterns.unseen_days.",
                "Keep retired patterns longer than a pattern may go unseen.",
            )
