"""What a check answers. The orchestrator turns it into an asset check, a manifest keeps it."""

from dataclasses import dataclass, field

Number = float | int | str | bool


@dataclass(frozen=True)
class Verdict:
    """The answer of one check about one partition.

    `check` names it, `passed` is its answer, `reason` one sentence a person can act on, and `numbers` the
    evidence. A check that is not `blocking` warns and lets the night go on.
    """

    check: str
    passed: bool
    reason: str
    numbers: dict[str, Number] = field(default_factory=dict)
    blocking: bool = True
