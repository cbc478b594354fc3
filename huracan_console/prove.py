"""`huracan prove learner`: planted markets, trained nights, and whether the learner found what is in them.

It needs no database, no lake and no Dagster. What is proved how is in `huracan.proof`.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from huracan.agent.config import TrainingConfig
from huracan.errors import InvalidInput
from huracan.proof.proof_settings import CASES, Case, ProofSettings
from huracan.proof.proof_table import Bar, LearnerProof, ProofRow
from huracan_console.printing.tables import Column, Table, print_table, standard_output


def run_proof(
    settings: ProofSettings, cases: tuple[str, ...], plot: Path | None, console: Console, *, as_json: bool
) -> int:
    """Exit code 0 where every bar is met, 1 where one is missed."""
    from huracan.proof.learner_proof import prove_learner
    from huracan.proof.proof_plot import draw_proof

    if plot is not None and not plot.parent.is_dir():
        raise InvalidInput(f"The folder of --plot {plot} does not exist.", "Make it first.")
    proof = prove_learner(
        settings, _known(cases), lambda row: console.print(_line(row), highlight=False, soft_wrap=True)
    )
    if plot is not None:
        plot.write_bytes(draw_proof(proof))
    if as_json:
        click.echo(json.dumps(proof.to_json(), sort_keys=True))
    else:
        _print_tables(proof)
    return 0 if proof.is_met else 1


def proof_settings(training: TrainingConfig, seeds: int | None, steps: int | None) -> ProofSettings:
    """The full proof with a night's own training on the proof's window; `steps` are of each seed of it."""
    proof = ProofSettings()
    known = replace(
        training,
        window_days=proof.training.window_days,
        held_out_days=proof.training.held_out_days,
        embargo_days=proof.training.embargo_days,
        minimum_training_days=proof.training.minimum_training_days,
    )
    horizons = tuple(
        replace(each, training=_as_told(each.training, training, steps)) for each in proof.horizons
    )
    known = _as_told(known, training, steps)
    return replace(proof, horizons=horizons, training=known, seeds=proof.seeds if seeds is None else seeds)


def _as_told(known: TrainingConfig, training: TrainingConfig, steps: int | None) -> TrainingConfig:
    """With the seeds and the machine of the settings, and the steps of the command line."""
    told = replace(known, seed_count=training.seed_count, threads=training.threads, device=training.device)
    return told if steps is None else replace(told, total_steps=steps)


def _known(cases: tuple[str, ...]) -> tuple[Case, ...]:
    unknown = [case for case in cases if case not in CASES]
    if unknown:
        raise InvalidInput(f"There is no case {unknown[0]!r}.", f"Use one of {', '.join(CASES)}.")
    return tuple(case for case in CASES if not cases or case in cases)


def _line(row: ProofRow) -> str:
    variant = f" ({row.variant})" if row.variant else ""
    return (
        f"{row.case}{variant}, seed {row.seed}: {row.net_bps:.1f} bps a day of {row.best_net_bps:.1f},"
        f" {row.trades:.2f} trades of {row.best_trades:.2f}"
    )


def _print_tables(proof: LearnerProof) -> None:
    """To standard output: every trained policy, then the bars."""
    console = standard_output()
    print_table(_rows_table(proof.rows), console)
    console.print()
    print_table(bars_table(proof.bars), console)


def _rows_table(rows: tuple[ProofRow, ...]) -> Table:
    numbers = ("agent", "best", "share", "no luck", "trades", "best")
    columns = [Column("case"), Column("seed"), *(Column(name, is_number=True) for name in numbers)]
    told = [
        (
            *(f"{row.case} {row.variant}".strip(), row.seed, f"{row.net_bps:.1f}", f"{row.best_net_bps:.1f}"),
            *(_percent(row.share), _percent(row.expected_share)),
            *(f"{row.trades:.2f}", f"{row.best_trades:.2f}"),
        )
        for row in rows
    ]
    return Table(columns, told, "Net bps per day and symbol, on days after the window")


def bars_table(bars: Sequence[Bar]) -> Table:
    """What was required and found, and whether that is enough."""
    columns = [
        *(Column("case"), Column("what", folds=True), Column("found", is_number=True)),
        *(Column("bar", is_number=True), Column("", colours=True)),
    ]
    rows = [
        (bar.case, bar.what, f"{bar.value:.3f}", f"{bar.limit:g}", "met" if bar.is_met else "MISSED")
        for bar in bars
    ]
    return Table(columns, rows, "Bars", ["green" if bar.is_met else "red" for bar in bars])


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"
