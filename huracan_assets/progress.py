"""How far the running stage is. A console may listen; without a listener reports go nowhere.

This is a display, never a channel of data: no asset may depend on it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Progress:
    """`fraction` of 0 to 1 of the stage `asset` for `day` is done; `text` says with what, `why` what has
    changed since its partition was made."""

    asset: str
    day: date
    fraction: float
    text: str = ""
    why: str = ""


Listener = Callable[[Progress], None]
_listeners: list[Listener] = []


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Every report made inside the block goes to `listener` too."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def report(progress: Progress) -> None:
    for listener in _listeners:
        listener(progress)
