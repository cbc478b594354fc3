"""Within which bounds it is proposed that a gate asks for more or less, and what of it nights take over."""

from dataclasses import dataclass
from typing import Literal, get_args

from huracan.errors import InvalidInput
from huracan.setting_ranges import ABOVE_0, COUNT, FROM_0, SHARE, check_ranges

Adopts = Literal["nothing", "proposals", "governor", "both"]


@dataclass(frozen=True)
class GateWorthConfig:
    """What proposals to change a gate's threshold keep to."""

    lowest_pass_rate: float = 0.2
    """Share of its signals that a gate passes at least, whatever is proposed: from what is never traded
    nothing is learnt."""
    highest_pass_rate: float = 0.98
    """The most; a gate that passes everything is none."""
    minimum_signals: float = 100.0
    """Signals, counted by their weights, below which nothing is proposed."""
    win_rate_gain: float = 4.0
    """How strongly the governor answers: for each 0.1 by which the win rate differs from the one that breaks
    even, beyond the interval of the mean net, the pass rate changes by the factor exp(0.1 * gain)."""

    adopts: Adopts = "nothing"
    """What nights take over by themselves, each time written down in `gate_changes`: `nothing`; `proposals`,
    thresholds that are proposed; `governor`, where a pass rate is out of its bounds or what passes surely
    loses; `both`, the governor first."""
    nights_between_changes: int = 14
    """Nights for which a gate is left as it is after its threshold was changed, by whomever."""

    def __post_init__(self) -> None:
        ranges = {
            **dict.fromkeys(("lowest_pass_rate", "highest_pass_rate"), SHARE),
            **dict.fromkeys(("minimum_signals", "nights_between_changes"), COUNT),
            "win_rate_gain": FROM_0,
        }
        check_ranges("gate_worth", self, ranges)
        check_ranges("gate_worth", self, {"highest_pass_rate": ABOVE_0})
        if self.adopts not in get_args(Adopts):
            raise InvalidInput(
                f"gate_worth.adopts was {self.adopts!r}.", f"Give {', '.join(get_args(Adopts))}."
            )
        if self.lowest_pass_rate > self.highest_pass_rate:
            raise InvalidInput(
                f"gate_worth.lowest_pass_rate is {self.lowest_pass_rate}, above highest_pass_rate,"
                f" {self.highest_pass_rate}.",
                "Give a lowest share that is no larger than the highest.",
            )
