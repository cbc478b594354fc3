"""What the settings of all gates have in common: the mode, profiles, and the ranges of numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import ClassVar, Literal

from huracan.setting_ranges import ABOVE_0, COUNT, Range, check_ranges

CERTAINTY = Range(0.5, 0.9999, "Give a probability from 0.5 to 0.9999.")
Mode = Literal["off", "advisory", "binding"]
BINDING: Mode = "binding"
Profile = Literal["scalp", "runner"]


@dataclass(frozen=True)
class ByProfile:
    """A number for each profile; a setting has a class of its own, with its defaults, so that one may be set
    alone."""

    scalp: float
    """Of positions that are held for a short while, to a near target."""
    runner: float
    """Of positions that are meant to follow the price."""

    def of(self, profile: Profile) -> float:
        """That of `profile`."""
        return self.scalp if profile == "scalp" else self.runner


@dataclass(frozen=True)
class GateSettings:
    """Of any gate. The class of a gate says in `RANGES` where its own numbers must lie; of one that holds
    several, such as by profile or regime, each."""

    mode: Mode = "advisory"
    """`off`: it is neither fitted nor asked. `advisory`: its answers are written down, and nobody obeys.
    `binding`: they are obeyed too, in `gated_trades` and by whoever runs the brain."""

    RANGES: ClassVar[Mapping[str, Range]] = {}

    @classmethod
    def ranges(cls) -> dict[str, Range]:
        """RANGES of the class and of those that it is derived from."""
        named: dict[str, Range] = {}
        for each in reversed(cls.__mro__):
            named |= vars(each).get("RANGES", {})
        return named

    def __post_init__(self) -> None:
        section = f"gates.{type(self).__module__.rpartition('.')[2]}"
        for name, allowed in self.ranges().items():
            value = getattr(self, name)
            if is_dataclass(value):
                check_ranges(f"{section}.{name}", value, {each.name: allowed for each in fields(value)})
            else:
                check_ranges(section, self, {name: allowed})


@dataclass(frozen=True)
class LearningSettings(GateSettings):
    """Of a gate that learns from past trades."""

    minimum_past_trades: int = 30
    """Closed trades below which the gate abstains; of weighted ones, so many as say as much."""
    shrinkage_trades: float = 20.0
    """Weight, in trades, of the mean of all trades when that of a kind of them is estimated."""

    RANGES: ClassVar[Mapping[str, Range]] = {"minimum_past_trades": COUNT, "shrinkage_trades": ABOVE_0}


@dataclass(frozen=True)
class EvidenceSettings(LearningSettings):
    """Of a gate that refuses a kind of signals for what past ones of it came to."""

    minimum_kind_trades: int = 10
    """Past trades of its kind below which a signal is not judged."""
    certainty: float = 0.99
    """How sure it must be that a kind loses."""

    RANGES: ClassVar[Mapping[str, Range]] = {"minimum_kind_trades": COUNT, "certainty": CERTAINTY}
