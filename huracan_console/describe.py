"""`huracan sql --describe`: the columns of a table with their units and meanings, as a table or JSON."""

import json

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from huracan_console.safe_text import cell
from huracan_resources.described_tables import Description, describe_table

_PIPED = 140
"""Columns of a pipe, which has no width."""


def show_description(name: str, *, as_json: bool) -> int:
    """Exit code 0. No data and no database is looked at. InvalidInput for a table that is not known."""
    described = describe_table(name)
    click.echo(json.dumps(_as_object(described))) if as_json else _print(described)
    return 0


def _as_object(described: Description) -> dict[str, object]:
    columns = [
        {"name": each.name, "type": str(each.type), "unit": each.unit, "meaning": each.meaning}
        for each in described.columns
    ]
    return {
        "table": described.name,
        "places": described.places,
        "asset": described.asset or None,
        "key": described.key or None,
        "kept": described.kept,
        "columns": columns,
    }


def _print(described: Description) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = _PIPED
    made = f"made by {described.asset}, table {described.key}; " if described.asset else ""
    title = f"{described.name}: {' and '.join(described.places)}; {made}kept {described.kept} by default"
    table = Table(title=cell(title, None), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("column", "type", "unit"):
        table.add_column(heading, no_wrap=True)
    table.add_column("meaning")
    for each in described.columns:
        table.add_row(*(cell(text, None) for text in (each.name, each.type, each.unit, each.meaning)))
    console.print(table)
