"""The settings of the analyses of trades: where a reason of a loss holds, and when an exit was a mistake."""

from dataclasses import dataclass, field

from huracan.setting_ranges import ABOVE_0, COUNT, FROM_0, SHARE, Range, check_ranges

_MINUTES = Range(1.0, 1440.0, "Give minutes from 1 to 1440: the candles of one day are looked at.")
_PERCENTILE = Range(0.0, 100.0, "Give a percentile from 0 to 100.")
_LOSS_RANGES = {
    **dict.fromkeys(("recovery_minutes", "early_minutes", "minimum_held_minutes"), _MINUTES),
    **dict.fromkeys(("shock_ratio", "minimum_precedents"), COUNT),
    **dict.fromkeys(("tight_stop_volatilities", "shock_bar_volatilities", "early_volatilities"), ABOVE_0),
    **dict.fromkeys(("weak_win_probability", "late_share"), SHARE),
    **dict.fromkeys(("poor_history_trades", "expected_band"), FROM_0),
    "usual_percentile": _PERCENTILE,
}
_EXIT_RANGES = {
    **dict.fromkeys(("hold_threshold_bps", "give_back_floor_bps"), FROM_0),
    "give_back_share": SHARE,
}


@dataclass(frozen=True)
class LossLimits:
    """Where each reason of a loss holds; the reasons themselves are in `loss_reasons`."""

    recovery_minutes: int = 240
    """`stop_too_tight`: how long after the exit the price may take to come to the target after all."""
    tight_stop_volatilities: float = 2.0
    """`stop_too_tight`: a stop nearer than this many one-bar volatilities is inside the noise."""
    shock_ratio: float = 2.0
    """`volatility_shock`: volatility at the exit over that at the entry ..."""
    shock_bar_volatilities: float = 6.0
    """... or the true range of the bar that stopped it, in volatilities of the entry. A random walk goes so
    far within a bar once in a hundred million."""
    early_minutes: int = 3
    """`adverse_selection`: the first minutes, one bar at least ..."""
    early_volatilities: float = 2.0
    """... in which the price went so many one-bar volatilities against the entry. One within three bars is
    what noise does every other time; two, one time in four."""
    minimum_precedents: int = 5
    """`weak_pattern`: fewer similar trades than this are no pattern (none at all say nothing) ..."""
    weak_win_probability: float = 0.45
    """... and of more than that, ones that won less often."""
    poor_history_trades: float = 10.0
    """`poor_pattern_history`: the effective number of similar trades that can speak against an entry."""
    late_share: float = 0.5
    """`held_too_long`: the share of the holding time spent after the best moment ..."""
    minimum_held_minutes: int = 10
    """... of a trade that was held for at least so long."""
    usual_percentile: float = 5.0
    """`bad_luck`: a loss that beats so many of the entries by chance, in percent, is nothing unusual ..."""
    expected_band: float = 2.0
    """... nor, where there were too few of those, one within so many standard deviations of noise."""

    def __post_init__(self) -> None:
        check_ranges("analysis.losses", self, _LOSS_RANGES)


@dataclass(frozen=True)
class ExitLimits:
    """When an exit counts as a mistake. Distances in bps of the exit's reference price."""

    hold_threshold_bps: float = 20.0
    """`should_have_held`: the return over the four hours after the exit is above this."""
    give_back_share: float = 0.5
    """`should_have_exited_earlier`: this share of the best excursion was given back ..."""
    give_back_floor_bps: float = 10.0
    """... and at least this much of it, and the best excursion had covered the costs."""

    def __post_init__(self) -> None:
        check_ranges("analysis.exits", self, _EXIT_RANGES)


@dataclass(frozen=True)
class TradeAnalysisConfig:
    """The limits by which closed trades are judged. No trade that was made depends on them."""

    losses: LossLimits = field(default_factory=LossLimits)
    exits: ExitLimits = field(default_factory=ExitLimits)
