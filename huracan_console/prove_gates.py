"""`huracan prove gates`: markets of candles with one planted harm and without any, and what the gates refuse.
It needs no database, no lake and no Dagster."""

import json
from dataclasses import replace

import click
from rich.console import Console

from huracan.errors import InvalidInput
from huracan.gates.contract import SettingsByName
from huracan.models.config import ModelConfig
from huracan.proof.gate_plants import Plant
from huracan.proof.gate_proof_settings import GATE_CASES, GateProofSettings
from huracan.proof.gate_proof_table import GateProof, GateRow
from huracan_console.printing.tables import Column, Table, print_table, standard_output
from huracan_console.prove import bars_table


def run_gate_proof(
    gates: SettingsByName,
    models: ModelConfig,
    cases: tuple[str, ...],
    markets: int | None,
    console: Console,
    *,
    as_json: bool,
) -> int:
    """Exit code 0 where every bar is met, 1 where one is missed. `gates` and `models` are what a night would
    use."""
    from huracan.proof.gate_proof import prove_gates

    settings = GateProofSettings()
    nights = replace(settings.nights, models=models)
    settings = replace(settings, nights=nights, markets=markets or settings.markets)
    proof = prove_gates(
        settings,
        gates,
        _known(cases),
        lambda row: console.print(_line(row), highlight=False, soft_wrap=True),
    )
    if as_json:
        click.echo(json.dumps(proof.to_json(), sort_keys=True))
    else:
        _print_tables(proof, settings)
    return 0 if proof.is_met else 1


def _known(cases: tuple[str, ...]) -> tuple[Plant, ...]:
    unknown = [case for case in cases if case not in GATE_CASES]
    if unknown:
        raise InvalidInput(f"There is no case {unknown[0]!r}.", f"Use one of {', '.join(GATE_CASES)}.")
    return tuple(case for case in GATE_CASES if not cases or case in cases)


def _line(row: GateRow) -> str:
    if row.case == "none":
        return (
            f"none, market {row.seed}: {row.refused_but_cost:.1%} of {row.signals} signals refused by any"
            f" gate but cost, most by {row.gate} ({row.refused:.1%})"
        )
    return (
        f"{row.case}, market {row.seed}: {row.gate} refuses {_percent(row.refused_of_oracle)} of the"
        f" oracle's {row.planted} and {_percent(row.refused_winners)} of the {row.winners} winners"
    )


def _print_tables(proof: GateProof, settings: GateProofSettings) -> None:
    """To standard output: every market, then the bars."""
    console = standard_output()
    print_table(_rows_table(proof.rows, settings), console)
    console.print(
        "\noracle: signals that it refuses, how well it tells losers from winners (AUC), and its share of the"
        " winners. refused: share of the oracle's signals, and of all winners, that the gate refuses."
        " but cost: share of all signals that any gate but cost refuses.\n"
    )
    print_table(bars_table(proof.bars), console)


def _rows_table(rows: tuple[GateRow, ...], settings: GateProofSettings) -> Table:
    numbers = ("market", "signals", "oracle", "AUC", "its winners", "refused", "winners", "but cost")
    columns = [
        Column("case"),
        *(Column(name, is_number=True) for name in numbers),
        *(Column("gate"), Column("", colours=True)),
    ]
    is_met = [row.is_met(settings) for row in rows]
    told = [
        (
            *(row.case, row.seed, row.signals, row.planted, f"{row.oracle_auc:.2f}"),
            *(_percent(row.oracle_winners), _percent(row.refused_of_oracle), _percent(row.refused_winners)),
            *(_percent(row.refused_but_cost), row.gate, "met" if met else "MISSED"),
        )
        for row, met in zip(rows, is_met, strict=True)
    ]
    return Table(columns, told, "Refused signals by market", ["green" if met else "red" for met in is_met])


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
