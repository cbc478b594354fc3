"""What is known of gates' thresholds, from night to night: how far each is moved from what is configured."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from huracan.gates.contract import GateKind
from huracan.gates.worth.shifts import Values, shifted_settings, shifted_values, threshold_values
from huracan.models.canonical import canonical_json, read_json_object

Kinds = Mapping[str, GateKind[Any]]
"""Name of each gate -> its declaration."""


@dataclass(frozen=True)
class Moved:
    """How a gate's threshold was last changed."""

    shift: float
    """In all, from what is configured, in the unit of the gate's value; above 0 asks for more."""
    night: int
    """Days since 1970 of the night that changed it."""
    since_ms: int
    """Signals from here on were judged by it."""
    cause: str
    reason: str


@dataclass(frozen=True)
class Thresholds:
    """What a night leaves to the next one."""

    configured: Values
    """The settings of all gates, as the night found them."""
    moved: Mapping[str, Moved]
    """Name of a gate -> the last change of its threshold; others were never changed."""

    @property
    def since_ms(self) -> dict[str, int]:
        """Name of a gate -> from which signal on it asks for what it asks for now."""
        return {gate: each.since_ms for gate, each in self.moved.items()}

    def to_bytes(self) -> bytes:
        """As a file of the partition."""
        return canonical_json(asdict(self))

    @classmethod
    def from_bytes(cls, content: bytes) -> "Thresholds":
        """The inverse; InputRefused where it is damaged."""
        plain = read_json_object(content, "What gates ask for")
        return cls(plain["configured"], {gate: Moved(**each) for gate, each in plain["moved"].items()})


def settings_in_force(
    settings: Mapping[str, Any], left: Thresholds, configured: Values, kinds: Kinds
) -> dict[str, Any]:
    """`settings` by gate, which say what is `configured`, with the thresholds moved as the night `left` them.

    What is configured otherwise than then is not moved.
    """
    return {
        name: shifted_settings(each, kinds[name], left.moved[name].shift)
        if name in left.moved
        and kinds[name].threshold
        and is_as_configured(left.configured, configured, kinds[name])
        else each
        for name, each in settings.items()
    }


def values_in_force(thresholds: Thresholds, kinds: Kinds) -> dict[str, Any]:
    """Every setting of every gate as it is in force."""
    values = dict(thresholds.configured)
    for gate, last in thresholds.moved.items():
        if gate in kinds and last.shift != 0.0:
            values |= shifted_values(values, kinds[gate], last.shift)
    return values


def is_as_configured(before: Values, now: Values, kind: GateKind[Any]) -> bool:
    """Whether the gate's threshold is configured `now` as it was `before`."""
    return threshold_values(before, kind) == threshold_values(now, kind)
