"""`huracan sql --describe`: the columns of a table with their units and meanings, as a table or JSON."""

import json

import click

from huracan_console.printing.tables import Column, Table, print_table, standard_output
from huracan_resources.described_tables import Description, describe_table


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
    made = f"made by {described.asset}, table {described.key}; " if described.asset else ""
    title = f"{described.name}: {' and '.join(described.places)}; {made}kept {described.kept} by default"
    columns = (Column("column"), Column("type", goes=1), Column("meaning and unit", folds=True))
    rows = [(each.name, str(each.type), each.text) for each in described.columns]
    print_table(Table(columns, rows, title), standard_output())
