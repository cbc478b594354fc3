"""A procedure: everything that makes brains, and nothing that is fitted or measured night by night."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from huracan.models.canonical import canonical_json

MAKES_BRAINS = (
    "universe",
    "candles",
    "regimes",
    "market",
    "exploration",
    "training",
    "models",
    "gates",
    "gate_worth",
    "analysis",
    "patterns",
)
"""The sections of settings that make a brain and its book. Where candles come from a home never changes, and
`promotion` judges brains without making any."""
CHANGES_NO_BRAIN = (
    "training.threads",
    "training.device",
    "training.mixed_precision",
    "training.recovery_updates",
)
"""What is of the machine."""


@dataclass(frozen=True)
class Procedure:
    """Settings by dotted key, as JSON has them, and the hash of what the code does."""

    settings: Mapping[str, Any]
    behaviour: str
    symbols: tuple[str, ...]

    @property
    def digest(self) -> str:
        """64 hex digits: its name."""
        told = {"settings": self.settings, "behaviour": self.behaviour}
        return hashlib.sha256(canonical_json(told)).hexdigest()


def procedure_of(settings: Mapping[str, Any], behaviour: str, symbols: tuple[str, ...]) -> Procedure:
    """Of all settings by dotted key those that make brains."""
    kept = {
        key: value
        for key, value in settings.items()
        if key.partition(".")[0] in MAKES_BRAINS and key not in CHANGES_NO_BRAIN
    }
    return Procedure(kept, behaviour, symbols)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """What is otherwise in the second of two registrations (`settings` and `behaviour`), for people."""
    old, new = before["settings"], after["settings"]
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            yield f"{key}: {old.get(key)} -> {new.get(key)}"
    if before["behaviour"] != after["behaviour"]:
        yield "the code does something else"
