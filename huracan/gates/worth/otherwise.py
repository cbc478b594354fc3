"""What would have had to be different for a gate to answer otherwise."""

from huracan.gates.contract import ABSTAIN, BLOCK, COMBINED, PASS, GateKind, verdict_in


def what_would_differ(
    gate: str,
    verdict: str,
    value: float | None,
    threshold: float | None,
    below: str = GateKind.below,
) -> str:
    """One sentence about an answer of DECISIONS_SCHEMA: by how much its value would have had to differ.
    `below` is that of the gate's kind."""
    said = verdict_in(verdict)
    if gate == COMBINED:
        if said == BLOCK.text:
            return "It would have passed if none of the gates that are named had blocked it."
        return "It would have been refused if any gate had blocked it."
    if said == ABSTAIN.text:
        return "It had no ground to judge: what it lacked stands in the reason."
    follows = value is not None and threshold is not None and (value > threshold) == (said == PASS.text)
    if below != GateKind.below and (not follows or said == BLOCK.text):
        return "What decided stands in the reason, and what would have turned it."
    if not follows or value is None or threshold is None:
        return "Its answer does not hang on one number alone: what decided stands in the reason."
    if said == PASS.text:
        spare = f"it had {value - threshold:.6g} to spare"
        return f"It would have been {below.format(f'{threshold:.6g}')}: {spare}."
    return f"It would have passed above {threshold:.6g}: it was {threshold - value:.6g} short of it."
