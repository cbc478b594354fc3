"""A training's whole state as bytes, kept while it runs, so that a killed one goes on where it was.

What the state means is the learner's affair; here it is only packed, tied to an identity and kept.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from huracan.agent.policy.sealed_tensors import seal, unseal
from huracan.errors import InputRefused

_FORMAT = "huracan-recovery-1"


class Recovery(Protocol):
    """Where the state is kept."""

    def load(self) -> bytes | None:
        """What was saved last, or None."""
        ...

    def save(self, state: bytes) -> None:
        """Replaces what was saved, whole or not at all."""
        ...

    def clear(self) -> None:
        """Forgets it: the training has ended well."""
        ...


@dataclass(frozen=True)
class FileRecovery:
    """One file, replaced atomically."""

    path: Path

    def load(self) -> bytes | None:
        return self.path.read_bytes() if self.path.is_file() else None

    def save(self, state: bytes) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = self.path.with_name(self.path.name + ".partial")
        with beside.open("wb") as file:
            file.write(state)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path)

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)


def pack_state(state: Mapping[str, Any], identity: str) -> bytes:
    """Safetensors bytes of nested names -> NumPy arrays of numbers or JSON-able values."""
    tensors: dict[str, NDArray[Any]] = {}
    tree = _take_arrays(state, tensors)
    return seal(tensors, {"format": _FORMAT, "identity": identity, "tree": tree})


def unpack_state(packed: bytes, identity: str) -> dict[str, Any] | None:
    """What was packed. None where it is of another identity, or damaged: then a training begins anew."""
    try:
        tensors, facts = unseal(packed)
    except InputRefused:
        return None
    if (facts.get("format"), facts.get("identity")) != (_FORMAT, identity):
        return None
    found: dict[str, Any] = _put_arrays(facts["tree"], tensors)
    return found


def _take_arrays(value: Any, tensors: dict[str, NDArray[Any]]) -> Any:
    """The JSON-able tree; each array goes into `tensors` and leaves its name behind."""
    if isinstance(value, Mapping):
        return {"map": {name: _take_arrays(part, tensors) for name, part in value.items()}}
    if isinstance(value, np.ndarray):
        name = f"{len(tensors):04d}"
        tensors[name] = value
        return {"array": name}
    return {"value": value}


def _put_arrays(tree: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> Any:
    if "map" in tree:
        return {name: _put_arrays(part, tensors) for name, part in tree["map"].items()}
    return tensors[tree["array"]].copy() if "array" in tree else tree["value"]
