"""`huracan prove patterns`: simulated nights with a planted pattern and without, and what the library made of
them. It needs no database, no lake and no Dagster."""

import json
from dataclasses import replace

import click
from rich import box
from rich.console import Console
from rich.table import Table

from huracan.analysis.patterns.config import PatternConfig
from huracan.errors import InvalidInput
from huracan.proof.pattern_proof_settings import PATTERN_CASES, PatternCase, PatternProofSettings
from huracan.proof.pattern_proof_table import MarketRow, PatternProof

_PIPED = 130
"""Columns where the output is no terminal."""


def run_pattern_proof(
    config: PatternConfig,
    cases: tuple[str, ...],
    markets: int | None,
    console: Console,
    *,
    as_json: bool,
) -> int:
    """Exit code 0 where every bar is met, 1 where one is missed. `config` is what a night would use."""
    from huracan.proof.pattern_proof import prove_patterns

    settings = PatternProofSettings()
    settings = replace(settings, config=config, markets=markets or settings.markets)
    proof = prove_patterns(
        settings, _known(cases), lambda row: console.print(_line(row), highlight=False, soft_wrap=True)
    )
    if as_json:
        click.echo(json.dumps(proof.to_json(), sort_keys=True))
    else:
        _print_tables(proof)
    return 0 if proof.is_met else 1


def _known(cases: tuple[str, ...]) -> tuple[PatternCase, ...]:
    unknown = [case for case in cases if case not in PATTERN_CASES]
    if unknown:
        raise InvalidInput(f"There is no case {unknown[0]!r}.", f"Use one of {', '.join(PATTERN_CASES)}.")
    return tuple(case for case in PATTERN_CASES if not cases or case in cases)


def _line(row: MarketRow) -> str:
    found = f"found on night {row.found_night}" if row.found_night else "nothing found"
    wrong = f", something else on night {row.false_night}" if row.false_night else ""
    return f"{row.case}, market {row.seed}: {found}{wrong}; {row.trades} trades"


def _print_tables(proof: PatternProof) -> None:
    """To standard output: every market, then the bars."""
    terminal = Console()
    console = terminal if terminal.is_terminal else Console(width=_PIPED)
    console.print(_rows_table(proof.rows))
    console.print(
        "night: the first on which the planted context was reliable. wrong: on which something else was. "
        "alike: by how many percent points more of the nearest earlier trades end as a trade does than of "
        "random ones."
    )
    console.print(_bars_table(proof))


def _rows_table(rows: tuple[MarketRow, ...]) -> Table:
    table = Table(title="Reliable patterns by market", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("case", no_wrap=True)
    for name in ("market", "trades", "net bps", "night", "wrong", "alike", "evidence"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("most evident pattern", no_wrap=True)
    for row in rows:
        table.add_row(
            row.case,
            str(row.seed),
            str(row.trades),
            f"{row.mean_net_bps:.1f}",
            str(row.found_night or "-"),
            str(row.false_night or "-"),
            "-" if row.outcome_lift is None else f"{100 * row.outcome_lift:+.1f}",
            f"{row.evidence:.3g}",
            row.name,
        )
    return table


def _bars_table(proof: PatternProof) -> Table:
    table = Table(title="Bars", title_justify="left")
    for name in ("case", "what"):
        table.add_column(name)
    for name in ("found", "bar"):
        table.add_column(name, justify="right")
    table.add_column("")
    for bar in proof.bars:
        mark = "[green]met" if bar.is_met else "[red]MISSED"
        table.add_row(bar.case, bar.what, f"{bar.value:.3f}", f"{bar.limit:g}", mark)
    return table
