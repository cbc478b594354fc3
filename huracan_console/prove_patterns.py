"""`huracan prove patterns`: simulated nights with a planted pattern and without, and what the library made of
them. It needs no database, no lake and no Dagster."""

import json
from dataclasses import replace

import click
from rich.console import Console

from huracan.analysis.patterns.config import PatternConfig
from huracan.errors import InvalidInput
from huracan.proof.pattern_proof_settings import PATTERN_CASES, PatternCase, PatternProofSettings
from huracan.proof.pattern_proof_table import MarketRow, PatternProof
from huracan_console.printing.tables import Column, Table, print_table, standard_output
from huracan_console.prove import bars_table


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
    console = standard_output()
    print_table(_rows_table(proof.rows), console)
    console.print(
        "\nnight: the first on which the planted context was reliable. wrong: on which something else was. "
        "alike: by how many percent points more of the nearest earlier trades end as a trade does than of "
        "random ones.\n"
    )
    print_table(bars_table(proof.bars), console)


def _rows_table(rows: tuple[MarketRow, ...]) -> Table:
    numbers = ("market", "trades", "net bps", "night", "wrong", "alike", "evidence")
    columns = [
        *(Column("case"), *(Column(name, is_number=True) for name in numbers)),
        Column("most evident pattern", folds=True),
    ]
    told = [
        (
            *(row.case, row.seed, row.trades, f"{row.mean_net_bps:.1f}"),
            *(row.found_night or None, row.false_night or None),
            None if row.outcome_lift is None else f"{100 * row.outcome_lift:+.1f}",
            *(f"{row.evidence:.3g}", row.name),
        )
        for row in rows
    ]
    return Table(columns, told, "Reliable patterns by market")
