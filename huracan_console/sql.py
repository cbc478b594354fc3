"""`huracan sql`: one statement to the lake or the database, answered as a table, JSON or CSV."""

import click
from rich.console import Console
from rich.table import Table

from huracan.errors import InvalidInput
from huracan_assets.workspace import HomeWorkspace
from huracan_console.safe_text import cell, plain
from huracan_resources.lake_views import LakeViews
from huracan_resources.settings import Settings


def run_sql(
    settings: Settings,
    statement: str | None,
    *,
    views: bool,
    database: bool,
    as_json: bool,
    as_csv: bool,
) -> int:
    """Exit code 0. Without a statement the tables of the lake are listed."""
    workspace = HomeWorkspace(settings)
    if views:
        with LakeViews(workspace.outside.lake) as made:
            click.echo(made.definitions())
        return 0
    if statement is None:
        if database:
            raise InvalidInput("--database was given without a statement.", "Write one after it.")
        for name in workspace.tables():
            click.echo(plain(name))
        return 0
    frame = workspace.database(statement) if database else workspace.lake(statement)
    if as_json:
        click.echo(frame.to_json(orient="records", date_format="iso"))
    elif as_csv:
        click.echo(frame.to_csv(index=False), nl=False)
    else:
        table = Table(*(plain(name, 60) for name in frame.columns), box=None, pad_edge=False)
        for row in frame.astype(object).where(frame.notna(), None).itertuples(index=False):
            table.add_row(*(cell(value) for value in row))
        Console().print(table)
    return 0
