"""The gates of a bundle that bind, read back as they were fitted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from huracan.gates.settings import BINDING
from huracan.market.policy import Decision
from huracan.models.canonical import read_json_object

if TYPE_CHECKING:
    from huracan.analysis.patterns.nearest import NamedPatterns
    from huracan.gates.binding.guard import GateGuard

Decider = Callable[[NDArray[np.float32], NDArray[np.bool_]], Decision]


@dataclass(frozen=True, eq=False)
class AloneFrom:
    """A policy that decides by a function."""

    function: Decider

    def decide(self, observations: NDArray[np.float32], masks: NDArray[np.bool_]) -> Decision:
        """What the function says."""
        return self.function(observations, masks)


def binding_of(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Names of the gates that bind, in their order; none of a bundle of before gates could."""
    gates = _gates(files)
    modes = {name: each.get("mode") for name, each in gates.get("gates", {}).items()}
    return tuple(name for name in gates.get("order", ()) if modes.get(name) == BINDING)


def read_guard(files: Mapping[str, bytes]) -> "GateGuard":
    """Those gates; InputRefused where they were fitted by another version."""
    from huracan.gates.binding.fitted import MODELS, fitted_from_plain
    from huracan.gates.binding.guard import GateGuard

    gates, models = _gates(files)["gates"], dict[str, Any]()
    for name, model in MODELS.items():
        if read_json_object(files[f"{name}.json"], f"{name}.json").get("kind") != "unfit":
            models[name] = model.from_bytes(files[f"{name}.json"])
    return GateGuard(
        {name: fitted_from_plain(name, gates[name]["fitted"], models) for name in binding_of(files)}
    )


def read_patterns(files: Mapping[str, bytes]) -> "NamedPatterns | None":
    """The patterns that the brain knows by name; None where there are none."""
    from huracan.analysis.patterns.nearest import NamedPatterns

    named = read_json_object(files["patterns.json"], "patterns.json").get("named")
    return None if named is None else NamedPatterns.from_plain(named)


def _gates(files: Mapping[str, bytes]) -> dict[str, Any]:
    return read_json_object(files["gates.json"], "gates.json")
