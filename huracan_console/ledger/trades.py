"""`huracan trades`: the shadow trades of a day or a range, as a table, JSON or CSV."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import click

from huracan.errors import InvalidInput
from huracan.market.ledger import EXIT_REASONS, FORMER_EXIT_REASONS
from huracan.regimes.model import REGIMES
from huracan_console.printing.row_text import rows_as_csv, rows_as_json
from huracan_console.printing.tables import Column, Table, print_table, standard_output
from huracan_console.safe_text import plain
from huracan_resources.catalogue import LISTED_BOOKS, TRADES
from huracan_resources.identities import beginnings
from huracan_resources.lake.views import LakeViews
from huracan_resources.settings.settings import Settings
from huracan_resources.workspace import HomeWorkspace

_COLUMNS = {
    "trade": Column("id"), "symbol": Column("symbol"), "side": Column("side", goes=4),
    "mode": Column("mode", goes=7), "entry": Column("entry UTC", goes=1),
    "held": Column("held", is_number=True, goes=6), "regime": Column("regime", goes=5),
    "exit_reason": Column("exit", goes=2), "net_bps": Column("net bps", is_number=True, colours=True),
    "net_usd": Column("net USD", is_number=True, colours=True), "why": Column("why it lost", goes=3),
}  # fmt: skip
_WITH_OUTCOME = "(SELECT *, CASE WHEN net_bps > 0 THEN 'win' ELSE 'loss' END AS outcome FROM {0}) AS {0}"
_STAYED_OUT = {
    "policy": "The policy stayed out; its signals: huracan sql 'SELECT * FROM shadow_signals'; what was"
    " explored: huracan trades --book explored.",
    "explored": "Nothing that was drawn has closed.",
    "gated": "Nothing was closed; what gates changed: huracan sql"
    " 'SELECT * FROM gated_trades_interventions'.",
}
_LIMIT = 50
"""Rows on a terminal, unless --limit says otherwise; what goes into a pipe is whole."""


@dataclass(frozen=True)
class TradeFilter:
    """Which trades are asked for; None keeps all."""

    first: date | None = None
    last: date | None = None
    symbol: str | None = None
    regime: str | None = None
    outcome: str | None = None
    reason: str | None = None
    """An exit reason or a loss's primary reason, in any case."""
    book: str = "policy"
    """Or explored, or gated."""

    @property
    def asset(self) -> str:
        """That holds the book."""
        return LISTED_BOOKS[self.book]

    @property
    def view(self) -> str:
        """With the outcome, and of the policy's trades what explains it."""
        return TRADES if self.book == "policy" else _WITH_OUTCOME.format(self.asset)


def show_trades(
    settings: Settings, asked: TradeFilter, limit: int | None, *, as_json: bool, as_csv: bool
) -> int:
    """Exit code 0, also where there is no such trade: then it is said. `limit` rows of the table; 0: all,
    None: all in a pipe.

    InvalidInput for a symbol, regime or reason that there is not.
    """
    workspace = HomeWorkspace(settings)
    _check_words(asked)
    names, rows, why = find_trades(workspace, asked)
    if not rows and asked.symbol is not None:
        workspace.check_symbol(asked.symbol)
    if as_json:
        click.echo(rows_as_json(names, rows))
    elif as_csv:
        click.echo(rows_as_csv(names, rows), nl=False)
    else:
        _print([dict(zip(names, row, strict=True)) for row in rows], limit, why)
    return 0


def _check_words(asked: TradeFilter) -> None:
    check_word("regime", asked.regime, REGIMES)
    if asked.reason is not None:
        # Imported late: it brings all that judges a loss, a tenth of a second that nobody else needs.
        from huracan.analysis.trades.loss_reasons import REASON_NAMES

        known = (*(name.lower() for name in (*EXIT_REASONS, *FORMER_EXIT_REASONS)), *REASON_NAMES)
        check_word("reason", asked.reason.lower(), known)


def check_word(option: str, word: str | None, known: Sequence[str]) -> None:
    """InvalidInput where the word is none of those that are known, with the nearest of them."""
    if word is None or word in known:
        return
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.5)
    remedy = f"Did you mean {near[0]!r}?" if near else f"Use one of {', '.join(known)}."
    raise InvalidInput(f"There is no {option} {word!r}.", remedy)


def find_trades(workspace: HomeWorkspace, asked: TradeFilter) -> tuple[list[str], list[tuple[Any, ...]], str]:
    """Every column of the view `trades`, names and rows, newest first; of the newest traded day where no
    day is asked for. Where none of the nights that are asked for was traded also why, else an empty text.

    InvalidInput where they were not there at all, with those that are.
    """
    first, last = asked.first, asked.last
    if first is None and last is None:
        first = last = _newest(workspace, asked.asset)
    if first is not None and last is not None and first > last:
        raise InvalidInput(f"--from {first} is after --to {last}.", "Name the earlier day first.")
    conditions, values = ["true"], list[Any]()
    for column, value in (("symbol", asked.symbol), ("regime", asked.regime), ("outcome", asked.outcome)):
        if value is not None:
            conditions.append(f"{column} = ?")
            values.append(value)
    with LakeViews(workspace.resources.lake, first, last) as views:
        if asked.reason is not None:
            is_explained = asked.view == TRADES and "loss_analysis" in views.tables
            named = ["exit_reason", *(["primary_reason"] if is_explained else [])]
            conditions.append("(" + " OR ".join(f"upper({column}) = upper(?)" for column in named) + ")")
            values += [asked.reason] * len(named)
        if asked.asset not in views.tables:
            return [], [], _why_none(workspace, views, asked, (first, last))
        where = " AND ".join(conditions)
        statement = f"SELECT * FROM {asked.view} WHERE {where} ORDER BY entry_time DESC, trade_id"
        names, rows = views.rows(statement, values)
        return names, rows, "" if rows or len(conditions) > 1 else _STAYED_OUT[asked.book]


def _why_none(
    workspace: HomeWorkspace, views: LakeViews, asked: TradeFilter, days: tuple[date | None, date | None]
) -> str:
    lake, (first, last) = workspace.resources.lake, days
    nights = [
        day
        for day in lake.days(asked.asset)
        if (first is None or day >= first) and (last is None or day <= last)
    ]
    manifest = lake.manifest(asked.asset, nights[-1]) if nights else None
    if manifest is None or "data.parquet" in manifest.aged_out:
        raise views.without(TRADES if asked.view == TRADES else asked.asset)
    return f"{nights[-1]}: {manifest.note}" if manifest.note else ""


def _newest(workspace: HomeWorkspace, asset: str) -> date:
    """The newest day that was traded in a book."""
    lake = workspace.resources.lake
    for day in reversed(lake.days(asset)):
        manifest = lake.manifest(asset, day)
        if manifest is not None and "data.parquet" in manifest.files:
            return day
    raise InvalidInput("No day was traded yet.", "Run huracan nightly.")


def _print(rows: list[dict[str, Any]], limit: int | None, why: str) -> None:
    console = standard_output()
    if not rows:
        console.print(plain(f"No such trade. {why}".strip()), highlight=False, markup=False, soft_wrap=True)
        return
    if limit is None:
        limit = _LIMIT if console.is_terminal else 0
    short = beginnings(row["trade_id"] for row in rows)
    newest = [_values(row, short[row["trade_id"]]) for row in rows[: limit or None]]
    cells = [[values[name] for name in _COLUMNS] for values in newest]
    styles = ["green" if values["outcome"] == "win" else "red" for values in newest]
    print_table(Table(list(_COLUMNS.values()), cells, _title(rows), styles), console)
    if len(newest) < len(rows):
        console.print(f"The newest {limit} of {len(rows)}; --limit 0 shows all.", highlight=False)


def _values(row: dict[str, Any], short: str) -> dict[str, Any]:
    return {
        **row,
        "trade": short,
        "entry": row["entry_time"],
        "held": held_for(row),
        "net_bps": f"{row['net_bps']:+.1f}",
        "net_usd": f"{row['net_usd']:+.2f}",
        "why": row.get("primary_reason"),
    }


def held_for(trade: Mapping[str, Any]) -> str:
    """How long a trade was held, from the bar of its entry to that of its exit: `45m`, `2h 05m`, `1d 02h`."""
    minutes = int((trade["exit_time"] - trade["entry_time"]).total_seconds()) // 60
    hours, days = minutes // 60, minutes // 1_440
    if days:
        return f"{days}d {hours % 24:02}h"
    return f"{hours}h {minutes % 60:02}m" if hours else f"{minutes}m"


def _title(rows: list[dict[str, Any]]) -> str:
    wins, net_usd = sum(row["outcome"] == "win" for row in rows), sum(row["net_usd"] for row in rows)
    days = sorted({row["day"] for row in rows})
    span = str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]}"
    simulated = ", simulated" if any(row["is_simulated"] for row in rows) else ""
    return f"{len(rows)} trades of {span}{simulated}: {wins} wins, net {net_usd:+.2f} USD"
