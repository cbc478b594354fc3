"""`huracan sql`: one statement to the lake or the database, answered as a table, JSON or CSV."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import click

from huracan.errors import InvalidInput
from huracan_console.printing.row_text import rows_as_csv, rows_as_json
from huracan_console.printing.tables import Table, columns_of, print_table, standard_output
from huracan_console.safe_text import plain
from huracan_resources.lake.views import LakeViews
from huracan_resources.settings.settings import Settings
from huracan_resources.workspace import HomeWorkspace


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
        with LakeViews(workspace.resources.lake) as made:
            click.echo(json.dumps(made.definitions()) if as_json else made.definitions())
        return 0
    if statement is None:
        if database:
            raise InvalidInput("--database was given without a statement.", "Write one after it.")
        tables = workspace.tables()
        for line in [json.dumps(tables)] if as_json else map(plain, tables):
            click.echo(line)
        if not tables:
            click.echo("huracan: the lake is empty; run huracan nightly first.", err=True)
        return 0
    names, rows = _ask(workspace, statement, database)
    if as_json:
        click.echo(rows_as_json(names, rows))
    elif as_csv:
        click.echo(rows_as_csv(names, rows), nl=False)
    else:
        print_table(Table(columns_of(names, rows), rows), standard_output())
    return 0


def _ask(workspace: HomeWorkspace, statement: str, database: bool) -> tuple[list[str], list[Sequence[Any]]]:
    """Names of the columns, which may repeat, and the rows as they came: a data frame would round them."""
    if database:
        names, rows = workspace.resources.database.query(statement)
        return list(names), list(rows)
    with LakeViews(workspace.resources.lake) as views, ThreadPoolExecutor(1) as worker:
        # DuckDB hears of no signal while it computes: this thread does.
        asked = worker.submit(views.rows, statement)
        try:
            names, rows = asked.result()
        except KeyboardInterrupt:
            views.interrupt()
            raise
    return names, list(rows)
