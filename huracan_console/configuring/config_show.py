"""`huracan config show`: every setting, its value and where it came from."""

import json

import click

from huracan_console.printing.tables import Column, Table, print_table, standard_output
from huracan_resources.settings.settings import Settings, explain


def show(settings: Settings, *, as_json: bool) -> int:
    """Exit code 0."""
    rows = explain(settings)
    if as_json:
        click.echo(json.dumps({key: {"value": value, "origin": origin} for key, value, origin in rows}))
        return 0
    columns = [Column("setting"), Column("value", folds=True), Column("from", goes=1)]
    print_table(Table(columns, rows), standard_output())
    return 0
