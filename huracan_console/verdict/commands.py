"""The words and options of `huracan trials` and `huracan brain`; what each does lies beside it."""

import click

from huracan_console.answering.answers import shared_options
from huracan_console.answering.default_command import GroupWithDefault
from huracan_console.configuring.given import read_settings


@click.group(cls=GroupWithDefault)
def trials() -> None:
    """The procedures that were tried, their evidence, and the ledger that holds them."""


@trials.command("show")
@shared_options
def trials_show(assignments: tuple[str, ...], as_json: bool, verbose: bool) -> int:
    """Every procedure with its evidence and the bar; runs where no command is named."""
    from huracan_console.verdict.trials import show_trials

    return show_trials(read_settings(assignments), as_json=as_json)


@trials.command("rows")
@click.option("--kind", help="procedure, night, day, champion_day or decision.")
@click.option("--procedure", help="The beginning of its digest.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="The newest rows.")
@shared_options
def trials_rows(
    kind: str | None,
    procedure: str | None,
    limit: int,
    assignments: tuple[str, ...],
    as_json: bool,
    verbose: bool,
) -> int:
    """The rows of the ledger, the newest last."""
    from huracan_console.verdict.trials import show_rows

    return show_rows(read_settings(assignments), kind, procedure, limit, as_json=as_json)


@trials.command("verify")
@shared_options
def trials_verify(assignments: tuple[str, ...], as_json: bool, verbose: bool) -> int:
    """Read every row of both copies: whether each is as it was written."""
    from huracan_console.verdict.trials import verify

    return verify(read_settings(assignments), as_json=as_json)


@trials.command("adopt")
@shared_options
def trials_adopt(assignments: tuple[str, ...], as_json: bool, verbose: bool) -> int:
    """Take the database's ledger over into a lake that replaces a lost one."""
    from huracan_console.verdict.trials import adopt

    return adopt(read_settings(assignments), as_json=as_json)


@click.group(cls=GroupWithDefault)
def brain() -> None:
    """The brain that is in force, and a person's own decisions about it."""


@brain.command("show")
@shared_options
def brain_show(assignments: tuple[str, ...], as_json: bool, verbose: bool) -> int:
    """What is in force, since when, and the last decisions; runs where no command is named."""
    from huracan_console.verdict.brain import show_brain

    return show_brain(read_settings(assignments), as_json=as_json)


_REASON = click.option("--reason", required=True, help="Why; it is kept for good.")


@brain.command("promote")
@click.argument("brain_id", metavar="BRAIN")
@_REASON
@shared_options
def brain_promote(
    brain_id: str, reason: str, assignments: tuple[str, ...], as_json: bool, verbose: bool
) -> int:
    """Bring a brain into force by hand, and make its procedure the champion."""
    from huracan_console.verdict.brain import promote

    return promote(read_settings(assignments), brain_id, reason, as_json=as_json)


@brain.command("demote")
@_REASON
@shared_options
def brain_demote(reason: str, assignments: tuple[str, ...], as_json: bool, verbose: bool) -> int:
    """Take out of force what is in it."""
    from huracan_console.verdict.brain import demote

    return demote(read_settings(assignments), reason, as_json=as_json)


@brain.command("rollback")
@_REASON
@shared_options
def brain_rollback(reason: str, assignments: tuple[str, ...], as_json: bool, verbose: bool) -> int:
    """Back to the brain that was in force before."""
    from huracan_console.verdict.brain import rollback

    return rollback(read_settings(assignments), reason, as_json=as_json)
