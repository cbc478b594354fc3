"""Which of a night's proposals for a gate is taken over, where the settings let nights take over any."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from huracan.gates.worth.config import GateWorthConfig
from huracan.market.ledger import POLICY

PROPOSAL, GOVERNOR = "proposal", "governor"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Wanted:
    """By how much a gate's threshold is to be moved, and why."""

    shift: float
    """From where it is, in the unit of the gate's value; above 0 asks for more. Never 0."""
    cause: str
    reason: str


def wanted_change(rows: Sequence[Row], config: GateWorthConfig) -> Wanted | None:
    """Of one gate, by its `rows` of PROPOSALS_SCHEMA, one for each book; None: it stays as it is.

    The policy's signals are asked first, explored ones where those say nothing; the governor before what is
    proposed, because it protects.
    """
    ordered = sorted(rows, key=lambda row: row["book"] != POLICY)
    governs, proposes = (config.adopts in (each, "both") for each in ("governor", "proposals"))
    governed = next((row for row in ordered if row["governed_shift"] is not None), None)
    proposed = next((row for row in ordered if row["is_proposed"]), None)
    if governs and governed is not None and _acts(governed, config):
        reason = (
            f"By the {governed['book']} book it passes {governed['pass_rate']:.3f} of its signals, and"
            f" {governed['governed_pass_rate']:.3f} is asked for. {governed['governed_reason']}"
        )
        return Wanted(governed["governed_shift"], GOVERNOR, reason)
    if proposes and proposed is not None:
        reason = f"By the {proposed['book']} book: {proposed['reason']}"
        return Wanted(proposed["shift"], PROPOSAL, reason)
    return None


def _acts(row: Row, config: GateWorthConfig) -> bool:
    """A pass rate within its bounds moves only where what passes surely loses, and then nothing loosens."""
    is_within = config.lowest_pass_rate <= row["pass_rate"] <= config.highest_pass_rate
    if row["break_even_excess"] < 0.0:
        return bool(row["governed_shift"] > 0.0)
    return not is_within and bool(row["governed_shift"] != 0.0)
