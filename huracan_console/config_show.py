"""`huracan config show`: every setting, its value and where it came from."""

import json

import click
from rich.console import Console
from rich.table import Table

from huracan_resources.settings.settings import Settings, explain


def show(settings: Settings, console: Console, *, as_json: bool) -> int:
    rows = explain(settings)
    if as_json:
        click.echo(json.dumps({key: {"value": value, "origin": origin} for key, value, origin in rows}))
        return 0
    table = Table("setting", "value", "from", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console(width=max(console.width, 120)).print(table)
    return 0
