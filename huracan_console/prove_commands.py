"""The words and options of `huracan prove`; what each proof does lies in the files beside it."""

from pathlib import Path

import click

from huracan_console.answering.answers import progress_console, shared_options
from huracan_console.configuring.given import read_settings


@click.group()
def prove() -> None:
    """Proofs on simulated markets whose truth is known."""


@prove.command("learner")
@click.option(
    "--case",
    "cases",
    multiple=True,
    help="planted, weak, none, switch, costs, slow_1m, slow_15m, slow_1h, none_15m or none_1h; repeatable.",
)
@click.option("--seeds", type=click.IntRange(min=1), help="Markets per case.")
@click.option("--steps", type=click.IntRange(min=1), help="Training steps instead of the configured ones.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the proof as a PNG.")
@shared_options
def prove_learner(
    cases: tuple[str, ...],
    seeds: int | None,
    steps: int | None,
    plot: Path | None,
    assignments: tuple[str, ...],
    as_json: bool,
    verbose: bool,
) -> int:
    """Train on markets with a planted edge, a weak one and none, and examine what was learned."""
    from huracan_console.prove import proof_settings, run_proof

    settings = proof_settings(read_settings(assignments).training, seeds, steps)
    return run_proof(settings, cases, plot, progress_console(as_json), as_json=as_json)


@prove.command("patterns")
@click.option("--case", "cases", multiple=True, help="planted, none or fair; repeatable.")
@click.option("--markets", type=click.IntRange(min=1), help="Markets per case.")
@shared_options
def prove_patterns(
    cases: tuple[str, ...], markets: int | None, assignments: tuple[str, ...], as_json: bool, verbose: bool
) -> int:
    """Play nights on markets with a planted pattern and without, and see what the library calls reliable."""
    from huracan_console.prove_patterns import run_pattern_proof

    config = read_settings(assignments).patterns
    return run_pattern_proof(config, cases, markets, progress_console(as_json), as_json=as_json)


@prove.command("gates")
@click.option(
    "--case",
    "cases",
    multiple=True,
    help="toxic_flow, cost_trap, false_pattern, broken_feed, losing_regime or none; repeatable.",
)
@click.option("--markets", type=click.IntRange(min=1), help="Markets per case.")
@shared_options
def prove_gates(
    cases: tuple[str, ...], markets: int | None, assignments: tuple[str, ...], as_json: bool, verbose: bool
) -> int:
    """Judge entries on markets with one planted harm and without any, and see what each gate refuses."""
    from huracan_console.prove_gates import run_gate_proof

    settings = read_settings(assignments)
    return run_gate_proof(
        settings.gates, settings.models, cases, markets, progress_console(as_json), as_json=as_json
    )


@prove.command("promotion")
@click.option("--case", "cases", multiple=True, help="nulls, power, leaks or trained; repeatable.")
@click.option(
    "--markets",
    type=click.IntRange(min=2),
    help="Markets of each policy, draws of each ratio, nights of each leak.",
)
@shared_options
def prove_promotion(
    cases: tuple[str, ...], markets: int | None, assignments: tuple[str, ...], as_json: bool, verbose: bool
) -> int:
    """Judge policies without skill, brains trained on nothing and days of a known Sharpe ratio, night by
    night by the whole verdict; and plant leaks of the future, which checks must stop."""
    from huracan_console.prove_promotion import run_promotion_proof

    limits = read_settings(assignments).promotion
    return run_promotion_proof(limits, cases, markets, progress_console(as_json), as_json=as_json)
