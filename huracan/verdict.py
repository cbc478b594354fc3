"""What a quality rule answers. The orchestrator turns it into an asset check, a manifest keeps it."""

from dataclasses import dataclass, field

Number = float | int | str | bool


@dataclass(frozen=True)
class Verdict:
    """The answer of one rule about one partition.

    `rule` names the rule, `passed` its answer, `reason` one sentence a person can act on, and `numbers`
    the evidence. A rule that is not `blocking` warns and lets the night go on.
    """

    rule: str
    passed: bool
    reason: str
    numbers: dict[str, Number] = field(default_factory=dict)
    blocking: bool = True
