"""What passes between a night and the process of one of its seeds, through a pipe that nobody else has."""

from dataclasses import dataclass
from typing import Any

from huracan.agent.night.seed_run import SeedJob, SeedRun
from huracan.market.shared_block import BlockLayout


@dataclass(frozen=True)
class Start:
    """To the process: train this. Whatever is sent after it, and the end of the pipe, means stop."""

    job: SeedJob
    layout: BlockLayout
    """Of the whole window, in the file that the process was born with."""
    identity: str
    left: bytes | None
    """The packed state that the training was left in."""
    is_kept: bool
    """Whether states are to be sent."""


@dataclass(frozen=True)
class Stop:
    """To the process: end before the next update."""


@dataclass(frozen=True)
class Steps:
    """To the night: so many steps are done."""

    done: int


@dataclass(frozen=True)
class Keep:
    """To the night: a packed state to keep."""

    packed: bytes


@dataclass(frozen=True)
class Done:
    """To the night, the last message: what came of it."""

    run: SeedRun
    held_out: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """To the night, the last message: what was raised, and where."""

    error: Exception
    traceback: str
