"""`huracan retention`: what has aged out and is deleted, or would be, as a table or JSON."""

import json
from datetime import UTC, date, datetime
from typing import Any

import click

from huracan.errors import InvalidInput
from huracan_assets.registry import stages
from huracan_assets.retention import age_out, newest_night, refuse_while_runs
from huracan_console.instance import open_instance
from huracan_console.printing.tables import Column, Table, print_table, standard_output
from huracan_console.runs import reap
from huracan_resources.resources import Resources
from huracan_resources.retention.report import sum_up
from huracan_resources.settings.settings import Settings

_COLUMNS = (
    *(Column("where", goes=2), Column("table"), Column("rows", is_number=True)),
    *(Column("files", is_number=True, goes=3), Column("MB", is_number=True)),
    *(Column("days", goes=1), Column("kept from")),
)


def run_retention(settings: Settings, day: date | None, *, dry: bool, as_json: bool) -> int:
    """Exit code 0. With `dry` nothing is deleted and Dagster is not asked whether a run is under way."""
    resources, today = Resources(settings), datetime.now(UTC).date()
    on = day or today
    if on > today:
        raise InvalidInput(
            f"{on} has not begun yet.", f"Today is {today}, UTC; ask for that or an earlier day."
        )
    if not dry:
        with open_instance(settings) as instance:
            reap(instance)
            refuse_while_runs(instance)
    lines = list(sum_up(age_out(resources, stages(), on, dry=dry)))
    newest = newest_night(resources, on)
    if as_json:
        night = newest.isoformat() if newest else None
        click.echo(
            json.dumps({"date": on.isoformat(), "newest_night": night, "is_dry_run": dry, "tables": lines})
        )
    else:
        _print(lines, on, newest, dry)
    return 0


def _print(lines: list[dict[str, Any]], on: date, newest: date | None, dry: bool) -> None:
    console = standard_output()
    counted = f"counted from the night of {newest}" if newest else "there is no night yet"
    said = "would be deleted" if dry else "deleted"
    if not lines:
        console.print(f"Nothing has aged out by {on} ({counted}).", highlight=False, soft_wrap=True)
        return
    rows = [
        (
            *(line["kind"], line["table"], line["rows"], line["files"], f"{line['bytes'] / 1e6:.1f}"),
            *(f"{line['first_day']} to {line['last_day']}", line["kept_from"]),
        )
        for line in lines
    ]
    title = f"{'Would be' if dry else 'Was'} deleted by {on}, {counted}"
    print_table(Table(_COLUMNS, rows, title), console)
    size = sum(line["bytes"] for line in lines) / 1e6
    total = sum(line["rows"] for line in lines)
    console.print(f"{total:,} rows, {size:,.1f} MB {said}.", highlight=False, soft_wrap=True)
