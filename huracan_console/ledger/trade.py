"""`huracan trade ID`: everything about one trade, with its neighbours and its chart."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from huracan.analysis.memory.neighbourhood import LEAST_SIMILARITY
from huracan.errors import InvalidInput
from huracan.market.ledger import ADD, EXPLORED
from huracan_console.ledger.trade_chart import draw_in_terminal, draw_png
from huracan_console.ledger.trades import held_for
from huracan_console.printing.row_text import as_json_value, rows_as_csv
from huracan_console.printing.tables import Table, columns_of, print_table, standard_output
from huracan_console.safe_text import plain
from huracan_resources.identities import beginnings
from huracan_resources.settings.settings import Settings
from huracan_resources.trade_report import report_trade
from huracan_resources.workspace import HomeWorkspace

_PRICES = ("reference_price", "price")
_COSTS = ("gross", "fee", "spread", "slippage", "funding", "net")
_MOST_FEATURES = 12
_PIPED = 100
"""Width of the chart in a pipe, which has none."""
_GOES = {"regime": 3, "state": 2, "threshold": 2, "bias": 2, "reference_price": 2}
_GOES |= dict.fromkeys(("closed_at", "name", "is_legal", "time"), 1)
"""Columns of lists that a narrow terminal is spared, the highest first."""
_FOLDS = {"how", "reason", "value", "why", "error", "remedy"}


def show_trade(settings: Settings, trade_id: str, chart: Path | None, *, as_json: bool, as_csv: bool) -> int:
    """Exit code 0. `chart`: where the chart is written as a PNG too."""
    if chart is not None and not chart.parent.is_dir():
        raise InvalidInput(f"The folder of --chart {chart} does not exist.", "Make it first.")
    report = report_trade(HomeWorkspace(settings), trade_id)
    if chart is not None:
        try:
            chart.write_bytes(draw_png(report))
        except OSError as error:
            raise InvalidInput(
                f"The chart could not be written to {chart}: {error.strerror}.", "Name another file."
            ) from error
    if as_json:
        click.echo(json.dumps(as_json_value(report)))
    elif as_csv:
        click.echo(_as_csv(report), nl=False)
    else:
        _print(report, standard_output())
    return 0


def _print(report: dict[str, Any], console: Console) -> None:
    trade = report["trade"]
    simulated = ", simulated" if trade["is_simulated"] else ""
    simulated += ", explored" if report["book"] == EXPLORED else ""
    mode = f" {trade['mode']}" if trade["mode"] else ""
    head = (
        f"{trade['trade_id']}  {trade['symbol']} {trade['side']}{mode}{simulated}: "
        f"{trade['net_bps']:+.1f} bps, {trade['net_usd']:+.2f} USD ({trade['exit_reason']})"
    )
    console.print(Text(plain(head), "bold"), soft_wrap=True)
    width = console.width if console.is_terminal else _PIPED
    console.print(Text(draw_in_terminal(report, width)), soft_wrap=True)
    for title, rows in _sections(report):
        if rows:
            console.print()
            print_table(_table(title, rows), console)


def _table(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    values = [list(row.values()) for row in rows]
    is_list = len(rows) > 2
    columns = [
        replace(each, goes=_GOES.get(each.heading, 0) if is_list else 0, folds=each.heading in _FOLDS)
        for each in columns_of(list(rows[0]), values)
    ]
    return Table(columns, values, title)


def _sections(report: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Title and rows of every table, in the order of reading; those without rows are not shown."""
    trade, decision = report["trade"], report["decision"]
    yield "When and at what price", _moments(trade, report["fills"] or [])
    yield "Result", _result(trade)
    yield "Context at the signal", [_context(trade)]
    yield "Decision", [{"action": name} | dict(values) for name, values in decision["actions"].items()]
    yield "Bias terms", [decision["bias_terms"]] if decision["bias_terms"] else []
    yield "Patterns it resembled", [_pattern(row) for row in report["patterns"] or []]
    yield "Why it won", _explained(report["win"])
    yield "Why it lost", _explained(report["loss"])
    yield (
        "Gates",
        [
            {name: row[name] for name in ("gate", "verdict", "value", "threshold", "reason")}
            for row in report["gates"] or []
        ],
    )
    yield "After the exit", _explained(report["post_exit"])
    nearest = (
        f"The nearest trades, closed before the signal; from a similarity of {LEAST_SIMILARITY:g} on they"
    )
    yield f"{nearest} count as like it", _similar(report["neighbours"])
    yield (
        "Fills",
        [
            {name: row[name] for name in ("time", "kind", "side", "quantity", *_PRICES, "fee_usd")}
            for row in report["fills"] or []
        ],
    )
    unnamed = report["unnamed_features"]
    yield "Features without names", [{"why": unnamed}] if unnamed else []
    yield "Features, the first of the recipe", _features(report)


def _moments(trade: dict[str, Any], fills: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    adds = sum(each["kind"] == ADD for each in fills)
    added = f", with {adds} {'add' if adds == 1 else 'adds'}; mean price" if adds else ""
    best, worst = trade["max_favourable_bps"], trade["max_adverse_bps"]
    rows = [
        ("signal", trade["signal_time"], None, f"{trade['action']}, size {trade['size_multiplier']:g}"),
        ("entry", trade["entry_time"], trade["entry_price"], f"{trade['notional_usd']:.2f} USD{added}"),
        ("best", trade["max_favourable_time"], None, f"{best:+.1f} bps"),
        ("worst", trade["max_adverse_time"], None, f"{worst:+.1f} bps"),
        (
            "exit",
            trade["exit_time"],
            trade["exit_price"],
            f"{trade['exit_reason']}, held for {held_for(trade)}",
        ),
        ("stop", None, trade["stop_price"], ""),
        ("target", None, trade["target_price"], ""),
    ]
    return [dict(zip(("what", "time UTC", "price", "how"), row, strict=True)) for row in rows]


def _result(trade: dict[str, Any]) -> list[dict[str, Any]]:
    costs = [{"": name, "USD": trade[f"{name}_usd"], "bps": trade[f"{name}_bps"]} for name in _COSTS]
    judged = [
        {"": f"{name} cost", "USD": None, "bps": trade[f"{name}_cost_bps"]} for name in ("estimated", "paid")
    ]
    return costs + judged


def _context(trade: dict[str, Any]) -> dict[str, Any]:
    lead = "probability_"
    probabilities = {name.removeprefix(lead): trade[name] for name in trade if name.startswith(lead)}
    return {
        "regime": trade["regime"],
        **probabilities,
        "at the exit": trade["exit_regime"],
        "volatility, bps": trade["entry_volatility_bps"],
        "at the exit, bps": trade["exit_volatility_bps"],
    }


def _pattern(row: dict[str, Any]) -> dict[str, Any]:
    names = ("pattern_id", "cosine", "name", "state", "trades", "win_rate", "mean_net_bps")
    return {name: row.get(name) for name in names}


def _explained(row: dict[str, Any] | None) -> list[dict[str, Any]]:
    """What an analysis says beside what the ledger says already, one line each."""
    known = {"day", "trade_id", "symbol", "regime", "exit_reason", "net_bps", "net_usd", "exit_time"}
    return [
        {"": name.replace("_", " "), "value": value}
        for name, value in (row or {}).items()
        if name not in known and value is not None
    ]


def _similar(neighbours: Any) -> list[dict[str, Any]]:
    if isinstance(neighbours, dict):
        return [neighbours]
    short = beginnings(row["trade_id"] for row in neighbours or [])
    names = ("symbol", "regime", "closed_at", "similarity", "net_bps")
    return [
        {"trade": short[row["trade_id"]]} | {name: row[name] for name in names} for row in neighbours or []
    ]


def _features(report: dict[str, Any]) -> list[dict[str, Any]]:
    features = list((report["features"] or {}).items())[:_MOST_FEATURES]
    return [{"feature": name, "value": value} for name, value in features]


def _as_csv(report: dict[str, Any]) -> str:
    """Three columns: section, name, value; a list's rows are numbered. Without the candles."""
    rows = (
        (section, name, value)
        for section, content in report.items()
        if section != "candles"
        for name, value in _leaves(content)
    )
    return rows_as_csv(("section", "name", "value"), rows)


def _leaves(content: Any, lead: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(content, Mapping):
        for name, value in content.items():
            yield from _leaves(value, f"{lead}.{name}" if lead else str(name))
    elif isinstance(content, list):
        for index, value in enumerate(content):
            yield from _leaves(value, f"{lead}[{index}]")
    elif content is not None:
        yield lead, content
