"""What the controls of a night say, and the check on them; nothing is tried here."""

from collections.abc import Mapping, Sequence
from typing import Any

from huracan.tables import INTEGER, TEXT, Column
from huracan.verdict import Verdict

CONTROLS_COLUMNS = (
    Column("policy", TEXT, "who has no skill, and on which market"),
    Column("costs", TEXT, "none or usual"),
    Column("markets", INTEGER, "markets whose sessions were judged night by night"),
    Column("promoted", INTEGER, "of them those in which it was promoted"),
    Column("promoted_in_turn", INTEGER, "the same of several procedures one after the other"),
    Column("first_bet", INTEGER, "markets in which the bet on the results alone would have"),
)


def judge_controls(rows: Sequence[Mapping[str, Any]]) -> Verdict:
    """Check "no_skill_no_promotion", blocking."""
    promoted = [row for row in rows if row["promoted"] or row["promoted_in_turn"]]
    judged = sum(row["markets"] for row in rows)
    if promoted:
        names = ", ".join(f"{row['policy']} (costs {row['costs']})" for row in promoted)
        reason = f"Policies without skill were promoted: {names}. The verdict cannot be trusted."
    else:
        reason = f"Nobody without skill was promoted in {judged} markets."
    return Verdict(
        "no_skill_no_promotion", not promoted, reason, {"markets": judged, "promoted": len(promoted)}
    )
