"""`huracan gate NAME`: what a gate is for, what it was worth, and what it said of a night's signals."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from huracan.errors import InvalidInput
from huracan.gates.contract import COMBINED, GateKind
from huracan.gates.roster import gate_kinds
from huracan.gates.worth.otherwise import what_would_differ
from huracan_console.ledger.gates import PROPOSALS, TRAILING, changes_of, newest_of, values_of
from huracan_console.ledger.trades import check_word
from huracan_console.printing.row_text import as_json_value
from huracan_console.printing.tables import Column, Table, columns_of, print_table, standard_output
from huracan_console.safe_text import plain
from huracan_resources.catalogue import BOOKS
from huracan_resources.identities import beginnings
from huracan_resources.lake.views import LakeViews
from huracan_resources.settings.settings import Settings
from huracan_resources.trade_report import find_trade
from huracan_resources.workspace import HomeWorkspace

_WINDOW = ("nights", "book", "mode", "judged", "passes", "refused", "worth", "interval", "evidence", "always")


def show_gate(settings: Settings, name: str, trade: str | None, day: date | None, *, as_json: bool) -> int:
    """Exit code 0. With `trade`, the beginning of its identity, why the gate answered so of it. InvalidInput
    for a gate, a trade or a day that there is not."""
    if trade is not None and day is not None:
        raise InvalidInput("--date was given beside --trade.", "Give the trade, or the day.")
    report = _of_night(settings, name, day) if trade is None else _of_trade(settings, name, trade)
    if as_json:
        click.echo(json.dumps(as_json_value(report)))
    else:
        _print(report, standard_output())
    return 0


def _of_night(settings: Settings, name: str, day: date | None) -> dict[str, Any]:
    day, workspace = newest_of(settings, day)
    with LakeViews(workspace.resources.lake, day, day) as views:
        _check_name(views, TRAILING, name)
        answers = []
        if "gate_decisions" in views.tables:
            answers = views.records(
                f"{_answers(views)} ORDER BY g.book DESC, g.signal_time, trade_id", [name]
            )
        trailing = views.records(
            f"SELECT * FROM {TRAILING} WHERE gate = ? ORDER BY book DESC, nights", [name]
        )
        proposals = views.records(f"SELECT * FROM {PROPOSALS} WHERE gate = ? ORDER BY book DESC", [name])
        changes = [row for row in changes_of(views, date.min, day) if row["gate"] == name]
        return {
            **_head(name, day),
            "trailing": trailing,
            "proposals": proposals,
            "changes": changes,
            "answers": answers,
        }


def _of_trade(settings: Settings, name: str, trade: str) -> dict[str, Any]:
    with LakeViews(HomeWorkspace(settings).resources.lake) as views:
        _, day, identity = find_trade(views, trade)
        views.narrow(day, day)
        _check_name(views, "gate_decisions", name)
        answers = views.records(f"{_answers(views)} AND trade_id = ?", [name, identity])
    if not answers:
        raise InvalidInput(
            f"The gate {name} was not asked about trade {identity}.",
            "It was new or off, or the day is not judged yet.",
        )
    (answer,) = answers
    kind = gate_kinds().get(name)
    numbers = answer["value"], answer["threshold"]
    differ = what_would_differ(name, answer["verdict"], *numbers, kind.below if kind else GateKind.below)
    return {**_head(name, day), "answers": [{**answer, "otherwise": differ}]}


def _answers(views: LakeViews) -> str:
    """What a gate said of the signals of every book, with what became of each."""
    books = [
        f'SELECT day, trade_id, net_bps FROM "{asset}"' for asset in BOOKS.values() if asset in views.tables
    ]
    return (
        "SELECT g.* EXCLUDE (day, gate, reason, abstained), t.net_bps, g.reason FROM gate_decisions g"
        f" LEFT JOIN ({' UNION ALL '.join(books)}) t USING (day, trade_id) WHERE g.gate = ?"
    )


def _check_name(views: LakeViews, table: str, name: str) -> None:
    """A gate of now, or one of which the night tells although it is gone."""
    told = (row["gate"] for row in views.records(f"SELECT DISTINCT gate FROM {table} ORDER BY gate"))
    check_word("gate", name, list(dict.fromkeys((*gate_kinds(), COMBINED, *told))))


def _head(name: str, day: date) -> dict[str, Any]:
    kind = gate_kinds().get(name)
    why = "All gates together." if name == COMBINED else "It is none of the gates of now."
    measures = "the number of gates that block" if name == COMBINED else "what it measured then"
    return {
        "gate": name,
        "day": day,
        "why": kind.why if kind else why,
        "measures": kind.measures if kind else measures,
    }


def _print(report: Mapping[str, Any], console: Console) -> None:
    console.print(Text(plain(f"{report['gate']} on {report['day']}"), "bold"), soft_wrap=True)
    console.print(Text(plain(f"{report['why']} It measures {report['measures']}.")), soft_wrap=True)
    answers = report["answers"]
    if "trailing" not in report:
        (answer,) = answers
        rows = [(name.replace("_", " "), value) for name, value in answer.items() if value is not None]
        print_table(Table([Column("what"), Column("answer", folds=True)], rows), console)
        return
    windows = [[values_of(row)[name] for name in _WINDOW] for row in report["trailing"]]
    _listed("Worth: net bps saved per signal", _WINDOW, windows, console)
    for row in report["proposals"]:
        told = [f"By the {row['book']} book: {row['reason']}", f"Governor: {row['governed_reason']}"]
        if row["governed_factor"] is not None:
            told[1] += f" Pass rate times {row['governed_factor']:.2f}."
        console.print()
        for line in told:
            console.print(Text(plain(line)), soft_wrap=True)
    said_of = ("day", "setting", "old_value", "new_value", "cause", "reason")
    _listed("Changes", said_of, [[row[name] for name in said_of] for row in report["changes"]], console)
    short = beginnings(row["trade_id"] for row in answers)
    names = (
        "trade",
        "book",
        "symbol",
        "signal_time",
        "verdict",
        "value",
        "threshold",
        "margin",
        "net_bps",
        "reason",
    )
    said = [[{**row, "trade": short[row["trade_id"]]}[name] for name in names] for row in answers]
    _listed("Answers of the night", names, said, console)


def _listed(title: str, names: Sequence[str], rows: Sequence[Sequence[Any]], console: Console) -> None:
    if rows:
        console.print()
        headings = [name.replace("_", " ") for name in names]
        columns = [
            Column(
                each.heading, each.is_number, folds=each.heading == "reason", goes=_GOES.get(each.heading, 0)
            )
            for each in columns_of(headings, rows)
        ]
        print_table(Table(columns, rows, title), console)


_GOES = {"reason": 1, "margin": 4, "threshold": 3, "value": 2, "signal time": 5, "mode": 6, "always": 1}
"""Columns that a narrow terminal is spared, the highest first."""
