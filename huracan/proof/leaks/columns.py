"""What the zoo of leaks says as rows, and the check on them; nothing is tried here."""

from collections.abc import Mapping, Sequence
from typing import Any

from huracan.tables import INTEGER, TEXT, Column
from huracan.verdict import Verdict

CLEAN = "none"
"""The leak of nights that have none."""
LEAK_COLUMNS = (
    Column("stage", TEXT, "what the leak was planted in"),
    Column("leak", TEXT, "what was planted; none: nights without any"),
    Column("form", TEXT, "where: everywhere, or in one column, one symbol, 5 % of bars, the bar of midnight"),
    Column("nights", INTEGER, "nights on which there was something that it shows"),
    Column("stopped_nights", INTEGER, "of them those on which the night's own checks stopped it"),
    Column("stopped_by", TEXT, "the checks that stop it, on those nights or looking at every bar"),
    Column("absent", TEXT, "why there is no such leak in this form; empty where there is"),
)


def judge_leaks(rows: Sequence[Mapping[str, Any]]) -> Verdict:
    """Check "planted_leaks_stopped", blocking."""
    planted = [row for row in rows if row["leak"] != CLEAN and not row["absent"]]
    passed = [f"{row['leak']} ({row['form']})" for row in planted if not row["stopped_by"]]
    clean = [row for row in rows if row["leak"] == CLEAN]
    alarms = [f"{row['stopped_by']} ({row['stage']})" for row in clean if row["stopped_by"]]
    reason = f"All {len(planted)} planted leaks were stopped, and none of the nights without one."
    if passed:
        reason = f"No check stopped {', '.join(passed)}: what the night made may know the future."
    elif alarms:
        reason = f"A night without a leak was stopped by {', '.join(alarms)}: the check cannot be trusted."
    numbers = {"planted": len(planted), "passed": len(passed), "false_alarms": len(alarms)}
    return Verdict("planted_leaks_stopped", not (passed or alarms), reason, dict(numbers))
