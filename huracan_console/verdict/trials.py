"""`huracan trials`: the procedures that were tried, what their days came to, and their ledger."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import click

from huracan.errors import InvalidInput
from huracan.promotion.evidence import FEWEST_FOR_RATE, Evidence
from huracan.promotion.procedure import differences
from huracan.promotion.record import TrialRecord
from huracan.promotion.trial_rows import KINDS, PROCEDURE, TrialRow
from huracan_console.printing.tables import Column, Table, print_table, standard_output
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import Settings
from huracan_resources.trials import had_candles

_COLUMNS = [
    *(Column(name, is_number=True) for name in ("no.", "days")),
    *(Column(name) for name in ("procedure", "from", "to")),
    *(Column(name, is_number=True) for name in ("net USD", "earns", "beats rivals", "needed", "days to go")),
    Column("course"),
]
_MARKS = "▁▂▃▄▅▆▇█"
_WIDTH = 24
"""Of the course, at most."""


def show_trials(settings: Settings, *, as_json: bool) -> int:
    """Exit code 0: every procedure with its evidence, by the rows of both copies."""
    resources = Resources(settings)
    rows, copies = resources.trials.rows(), resources.trials.copies()
    procedures = procedures_of(rows, had_candles(resources.lake))
    if as_json:
        told = {"home": copies.home, "rows": len(rows), "head": rows[-1].sha256 if rows else None}
        click.echo(json.dumps(told | {"procedures": procedures}, sort_keys=True))
        return 0
    console = standard_output()
    if not rows:
        console.print("No procedure was registered yet: the first night with a policy does it, as number 1.")
        return 0
    print_table(
        Table(_COLUMNS, [_cells(each) for each in procedures], "Procedures, by registration"), console
    )
    for line in (
        "The course is of the lesser of both bets, by logarithms: from ▅ on it is 1 or more, and █ has"
        " reached what is needed.",
        *_differences(rows),
        f"{len(rows)} rows in database and lake, the last one {rows[-1].sha256[:16]}.",
        f"The count began with this home ({(copies.home or '')[:8]}): what was tried on these candles"
        " elsewhere is not in it.",
    ):
        console.print(line, highlight=False, soft_wrap=True)
    return 0


def show_rows(
    settings: Settings, kind: str | None, procedure: str | None, limit: int, *, as_json: bool
) -> int:
    """Exit code 0: the newest rows last. InvalidInput for a kind that there is not."""
    if kind is not None and kind not in KINDS:
        raise InvalidInput(f"There is no kind {kind!r}.", f"Use one of {', '.join(KINDS)}.")
    rows = [
        row
        for row in Resources(settings).trials.rows()
        if kind in (None, row.kind) and (procedure is None or _whose(row).startswith(procedure))
    ][-limit:]
    if as_json:
        click.echo(json.dumps([json.loads(row.to_json()) for row in rows], sort_keys=True))
        return 0
    columns = [Column("row", is_number=True), Column("kind"), Column("key"), Column("says", folds=True)]
    cells = [(row.sequence, row.kind, row.key[:19], _says(row.content)) for row in rows]
    print_table(Table(columns, cells, "Rows of the trial ledger"), standard_output())
    return 0


def verify(settings: Settings, *, as_json: bool) -> int:
    """Exit code 0 where every row of both copies is as it was written."""
    count = Resources(settings).trials.verify()
    return _told(count, f"All {count} rows of both copies are as they were written.", as_json=as_json)


def adopt(settings: Settings, *, as_json: bool) -> int:
    """Exit code 0 where the database's ledger was taken over into the lake."""
    count = Resources(settings).trials.adopt()
    return _told(count, f"{count} rows were taken over and written into the lake.", as_json=as_json)


def procedures_of(rows: Sequence[TrialRow], had_candles: Callable[[date], bool]) -> list[dict[str, Any]]:
    """One mapping for each registered procedure, in the order of registration."""
    record = TrialRecord(rows, date.max)
    found = []
    for content in (row.content for row in rows if row.kind == PROCEDURE):
        registered = record.registered(content["digest"])
        assert registered is not None  # it has a row
        evidence = record.evidence(content["digest"], had_candles)
        found.append(
            {
                "number": registered.number,
                "procedure": registered.digest,
                "registered_at": content["registered_at"],
                "symbols": content["symbols"],
                "bar": registered.bar,
                **_figures(evidence, registered.bar),
            }
        )
    return found


def _figures(evidence: Evidence, bar: float) -> dict[str, Any]:
    days = [each.day.isoformat() for each in evidence.days]
    return {
        "days": len(evidence.traded),
        "lost_days": len(evidence.days) - len(evidence.traded),
        "first_day": days[0] if days else None,
        "last_day": days[-1] if days else None,
        "net_usd": sum(each.result_usd for each in evidence.traded),
        "evidence_result": evidence.result.now,
        "evidence_skill": evidence.skill.now,
        "highest_result": evidence.result.highest,
        "highest_skill": evidence.skill.highest,
        "days_to_bar": evidence.days_to(bar),
        "course": [
            {"day": day, "result": result, "skill": skill}
            for day, result, skill in zip(
                days, evidence.result.path.tolist(), evidence.skill.path.tolist(), strict=True
            )
        ],
    }


def _cells(told: Mapping[str, Any]) -> tuple[Any, ...]:
    left = "not at this rate" if told["days_to_bar"] is None else told["days_to_bar"]
    if told["days"] + told["lost_days"] < FEWEST_FOR_RATE:
        left = "too few days"
    return (
        *(told["number"], told["days"], told["procedure"][:8], told["first_day"], told["last_day"]),
        *(f"{told['net_usd']:+,.2f}", f"{told['evidence_result']:.2f}", f"{told['evidence_skill']:.2f}"),
        *(f"{told['bar']:g}", left),
        _course([min(each["result"], each["skill"]) for each in told["course"]], told["bar"]),
    )


def _course(evidence: Sequence[float], bar: float) -> str:
    """By logarithms: the upper half begins at 1, and full is what has reached the bar, nothing less."""
    reach, full = math.log(bar), len(_MARKS) - 1
    marks = []
    for each in evidence[:: -_step(len(evidence))][::-1]:
        height = (math.log(max(each, 1.0 / bar)) + reach) / (2.0 * reach)
        marks.append(full if each >= bar else min(int(height * len(_MARKS)), full - 1))
    return "".join(_MARKS[each] for each in marks)


def _step(days: int) -> int:
    """So many days a mark."""
    return -(-days // _WIDTH) if days else 1


def _differences(rows: Sequence[TrialRow]) -> list[str]:
    """What each procedure has otherwise than the one before it."""
    told = [row.content for row in rows if row.kind == PROCEDURE]
    lines = []
    for before, after in pairwise(told):
        changed = "; ".join(differences(before, after))
        lines.append(f"{after['digest'][:8]} differs from {before['digest'][:8]}: {changed}.")
    return lines


def _whose(row: TrialRow) -> str:
    return str(row.content.get("procedure") or row.content.get("digest") or "")


def _says(content: Mapping[str, Any]) -> str:
    """What a person asks of a row first."""
    for name in ("reason", "result_usd", "model_id", "registered_at"):
        if name in content:
            value = content[name]
            return f"{value:+,.2f} USD" if isinstance(value, float) else f"{value}"
    return ""


def _told(rows: int, sentence: str, *, as_json: bool) -> int:
    click.echo(json.dumps({"rows": rows}) if as_json else sentence)
    return 0
