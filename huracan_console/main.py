"""The command `huracan`: its words and options. What each does lives in the file of its name.

Those files, the settings and whatever else costs time to load are imported when a command runs, so that help
and wrong use are answered at once.
"""

import gc
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from huracan.errors import InvalidInput
from huracan_console.answering.answers import OneLineGroup, progress_console, shared_options
from huracan_console.configuring.given import read_settings
from huracan_console.prove_commands import prove
from huracan_console.verdict.commands import brain, trials


class Day(click.ParamType[date]):
    """A UTC day as YYYY-MM-DD."""

    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day; write it as YYYY-MM-DD", param, ctx)


def _only_show() -> None:
    """Before numpy is imported: a command that computes nothing, and ends soon, starts and ends lighter.

    A second thread of linear algebra would burn a tenth of a second of its core as it starts, the search for
    garbage among what was loaded another tenth.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.unfreeze()
    gc.disable()


@click.group(cls=OneLineGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="huracan", message="%(package)s %(version)s")
def main() -> None:
    """Huracan: every night from closed candles to a judged, published baseline brain."""


@main.command()
@click.argument("source", required=False, metavar="[SOURCE]")
@shared_options
def init(source: str | None, assignments: tuple[str, ...], as_json: bool, verbose: bool) -> int:
    """Write the home's own profile, with comments.

    SOURCE is where its candles come from: ccxt:EXCHANGE, files:DIRECTORY or simulated. A profile that is
    there is never overwritten."""
    _only_show()
    from huracan_console.configuring.init import write_profile

    return write_profile(read_settings(assignments, source), as_json=as_json)


@main.command()
@click.option("--date", "day", type=Day(), help="The UTC day; the last closed one if not given.")
@click.option("--source", help="NAME or NAME:TEXT, such as files:DIRECTORY, not the configured source.")
@shared_options
def nightly(
    day: date | None, source: str | None, assignments: tuple[str, ...], as_json: bool, verbose: bool
) -> int:
    """Run one night: the day, with the history that it needs."""
    from huracan_console.nightly import run_night

    settings = read_settings(assignments, source)
    return run_night(
        settings, day, datetime.now(UTC), progress_console(as_json), as_json=as_json, verbose=verbose
    )


@main.command()
@click.option("--from", "first", type=Day(), required=True, help="The first UTC day.")
@click.option("--to", "last", type=Day(), required=True, help="The last UTC day, included.")
@click.option("--source", help="NAME or NAME:TEXT, such as files:DIRECTORY, not the configured source.")
@click.option(
    "--jobs",
    default="market",
    show_default=True,
    help="Which jobs of each day: market, trade, learn, publish, separated by commas, or all.",
)
@click.option("--remake", is_flag=True, help="Make finished nights again too; they are marked as remade.")
@shared_options
def backfill(
    first: date,
    last: date,
    source: str | None,
    jobs: str,
    remake: bool,
    assignments: tuple[str, ...],
    as_json: bool,
    verbose: bool,
) -> int:
    """Make the days of a range that are not done.

    In their order; the same command goes on where it stopped."""
    from huracan_console.backfill import Backfill, run_backfill

    settings, wanted = read_settings(assignments, source), Backfill(first, last, jobs, remakes=remake)
    now, console = datetime.now(UTC), progress_console(as_json)
    return run_backfill(settings, wanted, now, console, as_json=as_json, verbose=verbose)


@main.command()
@click.option("--date", "day", type=Day(), help="One UTC day; the newest traded one if no day is given.")
@click.option("--from", "first", type=Day(), help="The first UTC day of a range.")
@click.option("--to", "last", type=Day(), help="The last UTC day of a range, included.")
@click.option("--symbol", help="Such as BTC/USDT.")
@click.option("--regime", help="At the signal: trend, range, high_volatility or panic.")
@click.option("--outcome", type=click.Choice(["win", "loss"]), help="Net of all costs.")
@click.option("--reason", help="Of the exit (STOP, TARGET ...) or of the loss (stop_too_tight ...).")
@click.option(
    "--book", type=click.Choice(["policy", "explored", "gated"]), default="policy", show_default=True
)
@click.option("--limit", type=click.IntRange(min=0), help="Rows; 0 for all. 50 on a terminal if not given.")
@click.option("--csv", "as_csv", is_flag=True, help="Every column of every trade as CSV.")
@shared_options
def trades(
    day: date | None,
    first: date | None,
    last: date | None,
    symbol: str | None,
    regime: str | None,
    outcome: str | None,
    reason: str | None,
    book: str,
    limit: int | None,
    as_csv: bool,
    assignments: tuple[str, ...],
    as_json: bool,
    verbose: bool,
) -> int:
    """The shadow trades of a day or a range.

    Those of the book `explored` are random entries, which only teach; `gated` is the policy's book with the
    gates that bind in its way."""
    _only_show()
    from huracan_console.ledger.trades import TradeFilter, show_trades

    if day is not None and (first is not None or last is not None):
        raise InvalidInput("--date was given beside --from or --to.", "Give the day, or the range.")
    asked = TradeFilter(day or first, day or last, symbol, regime, outcome, reason, book)
    return show_trades(read_settings(assignments), asked, limit, as_json=as_json, as_csv=as_csv)


@main.command()
@click.argument("trade_id")
@click.option("--chart", type=click.Path(dir_okay=False, path_type=Path), help="Write the chart as a PNG.")
@click.option("--csv", "as_csv", is_flag=True, help="Section, name and value of everything as CSV.")
@shared_options
def trade(
    trade_id: str,
    chart: Path | None,
    as_csv: bool,
    assignments: tuple[str, ...],
    as_json: bool,
    verbose: bool,
) -> int:
    """Everything about one trade.

    TRADE_ID may be the beginning of its identity."""
    _only_show()
    from huracan_console.ledger.trade import show_trade

    return show_trade(read_settings(assignments), trade_id, chart, as_json=as_json, as_csv=as_csv)


@main.command()
@click.option("--date", "day", type=Day(), help="The UTC day; the newest night that has them if not given.")
@click.option("--trailing", "nights", type=int, default=30, show_default=True, help="Nights: 1, 7 or 30.")
@shared_options
def gates(day: date | None, nights: int, assignments: tuple[str, ...], as_json: bool, verbose: bool) -> int:
    """What each gate was worth over trailing nights."""
    _only_show()
    from huracan_console.ledger.gates import show_gates

    return show_gates(read_settings(assignments), day, nights, as_json=as_json)


@main.command()
@click.argument("name")
@click.option(
    "--trade", metavar="ID", help="Why it answered so of one trade, by the beginning of its identity."
)
@click.option("--date", "day", type=Day(), help="The UTC day; the newest night that has it if not given.")
@shared_options
def gate(
    name: str,
    trade: str | None,
    day: date | None,
    assignments: tuple[str, ...],
    as_json: bool,
    verbose: bool,
) -> int:
    """What one gate is for, its worth, and its answers.

    NAME is a gate's, or combined."""
    _only_show()
    from huracan_console.ledger.gate import show_gate

    return show_gate(read_settings(assignments), name, trade, day, as_json=as_json)


@main.command()
@click.argument("statement", required=False)
@click.option("--views", is_flag=True, help="Print the CREATE VIEW statements for another DuckDB instead.")
@click.option(
    "--describe", "table", metavar="TABLE", help="Tell a table's columns, their units and meanings."
)
@click.option("--database", is_flag=True, help="Ask PostgreSQL instead of the lake.")
@click.option("--csv", "as_csv", is_flag=True, help="The answer as CSV.")
@shared_options
def sql(
    statement: str | None,
    views: bool,
    table: str | None,
    database: bool,
    as_csv: bool,
    assignments: tuple[str, ...],
    as_json: bool,
    verbose: bool,
) -> int:
    """Ask the lake by DuckDB, or the database.

    Without a STATEMENT the lake's tables are listed."""
    _only_show()
    from huracan_console.describe import show_description
    from huracan_console.sql import run_sql

    if table is not None:
        if statement is not None or views or database or as_csv:
            raise InvalidInput(
                "--describe was given beside something else.", "Give it alone, or with --json."
            )
        return show_description(table, as_json=as_json)
    asked = read_settings(assignments)
    return run_sql(asked, statement, views=views, database=database, as_json=as_json, as_csv=as_csv)


@main.command()
@click.option("--dry-run", "dry", is_flag=True, help="Only tell what would be deleted.")
@click.option("--date", "day", type=Day(), help="What has aged out by this UTC day; today if not given.")
@shared_options
def retention(dry: bool, day: date | None, assignments: tuple[str, ...], as_json: bool, verbose: bool) -> int:
    """Delete what retention lets go, and tell how much it was."""
    from huracan_console.retention import run_retention

    return run_retention(read_settings(assignments), day, dry=dry, as_json=as_json)


@main.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=3000,
    show_default=True,
    help="The webserver's port on 127.0.0.1.",
)
@shared_options
def up(port: int, assignments: tuple[str, ...], as_json: bool, verbose: bool) -> int:
    """Start the database, the UI and the daemon of the nights.

    Ctrl-C stops them together."""
    from huracan_console.servers.up import run_servers

    return run_servers(read_settings(assignments), port, progress_console(as_json), as_json=as_json)


@main.command()
@shared_options
def status(assignments: tuple[str, ...], as_json: bool, verbose: bool) -> int:
    """The home on one screen.

    The last night and its verdict, the brain in force, incidents, the next night, days, disk."""
    _only_show()
    from huracan_console.status.screen import run_status

    return run_status(read_settings(assignments), datetime.now(UTC), as_json=as_json)


@main.command()
@shared_options
def doctor(assignments: tuple[str, ...], as_json: bool, verbose: bool) -> int:
    """Look at each part that a night needs: ok, or what to do."""
    from huracan_console.doctor import run_doctor

    return run_doctor(read_settings(assignments), as_json=as_json)


for group in (trials, brain, prove):
    main.add_command(group)


@main.group()
def alert() -> None:
    """Messages to people."""


@alert.command("test")
@shared_options
def alert_test(assignments: tuple[str, ...], as_json: bool, verbose: bool) -> int:
    """Send one message to every alert address, and tell which of them took it."""
    from huracan_console.alert_test import send_test

    return send_test(read_settings(assignments), as_json=as_json)


@main.group()
def config() -> None:
    """The settings in force."""


@config.command("show")
@shared_options
def config_show(assignments: tuple[str, ...], as_json: bool, verbose: bool) -> int:
    """Every setting, its value (secrets masked) and where it came from."""
    _only_show()
    from huracan_console.configuring.config_show import show

    return show(read_settings(assignments), as_json=as_json)
