"""`huracan trades`: the shadow trades of a day or a range, as a table, JSON or CSV."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from huracan.errors import InvalidInput
from huracan.market.ledger import EXIT_REASONS
from huracan.regimes.model import REGIMES
from huracan_console.row_text import rows_as_csv, rows_as_json
from huracan_console.safe_text import cell
from huracan_resources.lake.views import LakeViews
from huracan_resources.settings.settings import Settings
from huracan_resources.workspace import HomeWorkspace

SHORT_ID = 8
"""Characters of an identity that are shown; `huracan trade` takes any beginning that is unique."""

_SHOWN = {
    "trade": "id", "symbol": "symbol", "side": "side", "mode": "mode", "entry_time": "entry, UTC",
    "bars_held": "bars", "regime": "regime", "exit_reason": "exit", "net_bps": "net bps",
    "net_usd": "net USD", "why": "why it lost",
}  # fmt: skip
_NUMBERS = {"bars_held", "net_bps", "net_usd"}
_FIRST_TO_GO = ("mode", "bars_held", "regime", "side")
"""Columns that a narrow terminal is spared."""
_WIDE, _PIPED = 112, 140
"""Columns of a terminal that shows all of them, and of a pipe, which has no width."""


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


def show_trades(settings: Settings, asked: TradeFilter, limit: int, *, as_json: bool, as_csv: bool) -> int:
    """Exit code 0, also where there is no such trade: then it is said. `limit` rows of the table; 0: all.

    InvalidInput for a symbol, regime or reason that there is not.
    """
    workspace = HomeWorkspace(settings)
    _check_words(asked)
    names, rows = find_trades(workspace, asked)
    if not rows and asked.symbol is not None:
        workspace.check_symbol(asked.symbol)
    if as_json:
        click.echo(rows_as_json(names, rows))
    elif as_csv:
        click.echo(rows_as_csv(names, rows), nl=False)
    else:
        _print([dict(zip(names, row, strict=True)) for row in rows], limit)
    return 0


def _check_words(asked: TradeFilter) -> None:
    _check_word("regime", asked.regime, REGIMES)
    if asked.reason is not None:
        # Imported late: it brings all that judges a loss, a tenth of a second that nobody else needs.
        from huracan.analysis.trades.loss_reasons import REASON_NAMES

        known = (*(name.lower() for name in EXIT_REASONS), *REASON_NAMES)
        _check_word("reason", asked.reason.lower(), known)


def _check_word(option: str, word: str | None, known: Sequence[str]) -> None:
    if word is None or word in known:
        return
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.5)
    remedy = f"Did you mean {near[0]!r}?" if near else f"Use one of {', '.join(known)}."
    raise InvalidInput(f"There is no {option} {word!r}.", remedy)


def find_trades(workspace: HomeWorkspace, asked: TradeFilter) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Every column of the view `trades`, names and rows, newest first; of the newest traded day where no
    day is asked for."""
    first, last = asked.first, asked.last
    if first is None and last is None:
        first = last = _newest(workspace)
    if first is not None and last is not None and first > last:
        raise InvalidInput(f"--from {first} is after --to {last}.", "Name the earlier day first.")
    conditions, values = ["true"], list[Any]()
    for column, value in (("symbol", asked.symbol), ("regime", asked.regime), ("outcome", asked.outcome)):
        if value is not None:
            conditions.append(f"{column} = ?")
            values.append(value)
    with LakeViews(workspace.resources.lake, first, last) as views:
        if asked.reason is not None:
            named = ["exit_reason", *(["primary_reason"] if "loss_analysis" in views.tables else [])]
            conditions.append("(" + " OR ".join(f"upper({column}) = upper(?)" for column in named) + ")")
            values += [asked.reason] * len(named)
        if "shadow_trades" not in views.tables:
            return [], []
        statement = (
            f"SELECT * FROM trades WHERE {' AND '.join(conditions)} ORDER BY entry_time DESC, trade_id"
        )
        return views.rows(statement, values)


def _newest(workspace: HomeWorkspace) -> date:
    """The newest day that was traded."""
    lake = workspace.resources.lake
    for day in reversed(lake.days("shadow_trades")):
        manifest = lake.manifest("shadow_trades", day)
        if manifest is not None and "data.parquet" in manifest.files:
            return day
    raise InvalidInput("No day was traded yet.", "Run huracan nightly, twice the first time without history.")


def _print(rows: list[dict[str, Any]], limit: int) -> None:
    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=_PIPED)
    if not rows:
        console.print("No such trade.")
        return
    table = Table(title=_title(rows), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    shown = [name for name in _SHOWN if console.width >= _WIDE or name not in _FIRST_TO_GO]
    for name in shown:
        table.add_column(_SHOWN[name], justify="right" if name in _NUMBERS else "left", no_wrap=True)
    for row in rows[: limit or None]:
        style = "green" if row["outcome"] == "win" else "red"
        values = _values(row)
        table.add_row(*(cell(values[name], 40, style if name.startswith("net") else "") for name in shown))
    console.print(table)
    if limit and len(rows) > limit:
        console.print(f"The newest {limit} of {len(rows)}; --limit 0 shows all.")


def _values(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "trade": row["trade_id"][:SHORT_ID],
        "entry_time": f"{row['entry_time']:%Y-%m-%d %H:%M}",
        "net_bps": f"{row['net_bps']:+.1f}",
        "net_usd": f"{row['net_usd']:+.2f}",
        "why": row.get("primary_reason"),
    }


def _title(rows: list[dict[str, Any]]) -> str:
    wins, net_usd = sum(row["outcome"] == "win" for row in rows), sum(row["net_usd"] for row in rows)
    days = sorted({row["day"] for row in rows})
    span = str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]}"
    simulated = ", simulated" if any(row["is_simulated"] for row in rows) else ""
    return f"{len(rows)} trades of {span}{simulated}: {wins} wins, net {net_usd:+.2f} USD"
