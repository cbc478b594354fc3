"""`huracan trade ID`: everything about one trade, with its neighbours and its chart."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from huracan.errors import InvalidInput
from huracan_console.row_text import as_json_value, rows_as_csv
from huracan_console.safe_text import cell, plain
from huracan_console.trade_chart import draw_in_terminal, draw_png
from huracan_resources.settings.settings import Settings
from huracan_resources.trade_report import report_trade
from huracan_resources.workspace import HomeWorkspace

_PRICES = ("reference_price", "price")
_COSTS = ("gross", "fee", "spread", "slippage", "funding", "net")
_MOST_FEATURES = 12
_LONGEST = 400
"""Characters of one value; --json has all of them."""
_SMALL = 0.001
"""Below it four decimals would hide what the number is: some coins cost a millionth of a dollar."""
_PIPED = 120
"""Columns of a pipe, which has no width."""


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
        terminal = Console()
        _print(report, terminal if terminal.is_terminal else Console(width=_PIPED))
    return 0


def _print(report: dict[str, Any], console: Console) -> None:
    trade = report["trade"]
    simulated = ", simulated" if trade["is_simulated"] else ""
    mode = f" {trade['mode']}" if trade["mode"] else ""
    head = (
        f"{trade['trade_id']}  {trade['symbol']} {trade['side']}{mode}{simulated}: "
        f"{trade['net_bps']:+.1f} bps, {trade['net_usd']:+.2f} USD ({trade['exit_reason']})"
    )
    console.print(cell(head, None, "bold"))
    console.print(draw_in_terminal(report, console.width), highlight=False, markup=False)
    for title, rows in _sections(report):
        _print_table(console, title, rows)


def _print_table(console: Console, title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name in rows[0]:
        is_number = all(isinstance(row[name], float) for row in rows if row[name] is not None)
        table.add_column(plain(name), justify="right" if is_number else "left")
    for row in rows:
        table.add_row(*(cell(_shown(value), _LONGEST) for value in row.values()))
    console.print(table)


def _sections(report: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Title and rows of every table, in the order of reading; those without rows are not shown."""
    trade, decision = report["trade"], report["decision"]
    yield "When and at what price", _moments(trade)
    yield "Result", [_result(trade, unit) for unit in ("usd", "bps")]
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
    yield "Similar trades, closed before the signal", _similar(report["neighbours"])
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


def _moments(trade: dict[str, Any]) -> list[dict[str, Any]]:
    best, worst = trade["max_favourable_bps"], trade["max_adverse_bps"]
    rows = [
        ("signal", trade["signal_time"], None, f"{trade['action']}, size {trade['size_multiplier']:g}"),
        ("entry", trade["entry_time"], trade["entry_price"], f"{trade['notional_usd']:.2f} USD"),
        ("best", trade["max_favourable_time"], None, f"{best:+.1f} bps"),
        ("worst", trade["max_adverse_time"], None, f"{worst:+.1f} bps"),
        (
            "exit",
            trade["exit_time"],
            trade["exit_price"],
            f"{trade['exit_reason']}, {trade['bars_held']} bars",
        ),
        ("stop", None, trade["stop_price"], ""),
        ("target", None, trade["target_price"], ""),
    ]
    return [dict(zip(("what", "time, UTC", "price", ""), row, strict=True)) for row in rows]


def _result(trade: dict[str, Any], unit: str) -> dict[str, Any]:
    estimated = trade["estimated_cost_bps"] if unit == "bps" else None
    return {
        "in": unit,
        **{name: trade[f"{name}_{unit}"] for name in _COSTS},
        "estimated cost": estimated,
        "paid cost": trade["paid_cost_bps"] if unit == "bps" else None,
    }


def _context(trade: dict[str, Any]) -> dict[str, Any]:
    lead = "probability_"
    probabilities = {name.removeprefix(lead): trade[name] for name in trade if name.startswith(lead)}
    return {
        "regime": trade["regime"],
        **probabilities,
        "at the exit": trade["exit_regime"],
        "volatility, bps": trade["entry_volatility_bps"],
        "exit": trade["exit_volatility_bps"],
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
    return [
        {"trade": row["trade_id"][:8]}
        | {name: row[name] for name in ("symbol", "regime", "closed_at", "similarity", "net_bps")}
        for row in neighbours or []
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


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, float):
        if 0.0 < abs(value) < _SMALL:
            return f"{value:.6g}"
        return f"{value:,.4f}" if abs(value) < 1_000 else f"{value:,.2f}"
    return value
