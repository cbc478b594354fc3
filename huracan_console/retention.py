"""`huracan retention`: what has aged out and is deleted, or would be, as a table or JSON."""

import json
from datetime import UTC, date, datetime
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from huracan.errors import InvalidInput
from huracan_assets.registry import stages
from huracan_assets.retention import age_out, newest_night, refuse_while_runs
from huracan_console.instance import open_instance
from huracan_console.runs import reap
from huracan_console.safe_text import cell
from huracan_resources.resources import Resources
from huracan_resources.retention.report import sum_up
from huracan_resources.settings.settings import Settings

_PIPED = 140
"""Columns of a pipe, which has no width."""
_NUMBERS = ("rows", "files", "MB")


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
    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=_PIPED)
    counted = f"counted from the night of {newest}" if newest else "there is no night yet"
    said = "would be deleted" if dry else "deleted"
    if not lines:
        console.print(f"Nothing has aged out by {on} ({counted}).", highlight=False)
        return
    title = f"{'Would be' if dry else 'Was'} deleted by {on}, {counted}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("where", "table", *_NUMBERS, "days", "kept from"):
        table.add_column(name, justify="right" if name in _NUMBERS else "left", no_wrap=True)
    for line in lines:
        days = f"{line['first_day']} to {line['last_day']}"
        numbers = (f"{line['rows']:,}", f"{line['files']:,}", f"{line['bytes'] / 1e6:,.1f}")
        table.add_row(
            *(cell(value) for value in (line["kind"], line["table"], *numbers, days, line["kept_from"]))
        )
    console.print(table)
    size = sum(line["bytes"] for line in lines) / 1e6
    console.print(f"{sum(line['rows'] for line in lines):,} rows, {size:,.1f} MB {said}.", highlight=False)
