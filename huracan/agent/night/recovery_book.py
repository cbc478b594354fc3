"""The states of all trainings of a night, kept together under their names."""

from threading import Lock
from typing import Any, Protocol

import numpy as np

from huracan.agent.night.recovery import Recovery, pack_state, unpack_state


class StateBook(Protocol):
    """Where a training finds and keeps its state."""

    @property
    def is_kept(self) -> bool:
        """Whether anybody keeps the states."""
        ...

    def found(self, name: str) -> dict[str, Any] | None:
        """The state that a training was left in, or None."""
        ...

    def keep(self, name: str, state: dict[str, Any]) -> None:
        """Saves a training's state beside those of the others."""
        ...


class RecoveryBook:
    """A `StateBook` over a night's one `Recovery`. Any thread may keep its own."""

    def __init__(self, recovery: Recovery | None, identity: str) -> None:
        self.identity = identity
        self._recovery, self._lock = recovery, Lock()
        packed = None if recovery is None else recovery.load()
        self._states = {} if packed is None else unpack_state(packed, identity) or {}

    @property
    def is_kept(self) -> bool:
        return self._recovery is not None

    def found_packed(self, name: str) -> bytes | None:
        """As it was kept, of this identity or another."""
        packed = self._states.get(name)
        return None if packed is None else packed.tobytes()

    def found(self, name: str) -> dict[str, Any] | None:
        packed = self.found_packed(name)
        return None if packed is None else unpack_state(packed, self.identity)

    def keep_packed(self, name: str, packed: bytes) -> None:
        """A state that was packed elsewhere, under this book's identity."""
        with self._lock:
            self._states[name] = np.frombuffer(packed, np.uint8)
            if self._recovery is not None:
                self._recovery.save(pack_state(self._states, self.identity))

    def keep(self, name: str, state: dict[str, Any]) -> None:
        self.keep_packed(name, pack_state(state, self.identity))

    def forget(self) -> None:
        """Nothing is left to go on with."""
        if self._recovery is not None:
            self._recovery.clear()
