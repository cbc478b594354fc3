"""`huracan brain`: what is in force and why, and a person's own decisions about it."""

import getpass
import json
import socket
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import click

from huracan.brain.brain import load_brain
from huracan.brain.signature import public_key_of
from huracan.errors import InvalidInput
from huracan.promotion.champion import (
    DEMOTE,
    PROMOTE,
    ROLLBACK,
    VALID_DAYS,
    Act,
    InForce,
    in_force,
    row_of,
)
from huracan.promotion.record import TrialRecord
from huracan.promotion.trial_rows import DECISION
from huracan_console.printing.tables import Column, Table, print_table, standard_output
from huracan_resources.brains import bundle_key, decisions_of, point_latest, read_bundle
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import Settings

_SHOWN = 10


def show_brain(settings: Settings, *, as_json: bool) -> int:
    """Exit code 0: what is in force, and the last decisions."""
    resources = Resources(settings)
    decisions = decisions_of(resources.trials.rows())
    state = in_force(decisions)
    if as_json:
        told = None if state is None else {name: str(value) for name, value in asdict(state).items()}
        click.echo(json.dumps({"in_force": told, "decisions": decisions}, sort_keys=True))
        return 0
    console = standard_output()
    console.print(_in_words(state), highlight=False, soft_wrap=True)
    if decisions:
        columns = [*(Column(name) for name in ("night", "act", "brain", "by")), Column("reason", folds=True)]
        cells = [
            (each["day"], each["act"], each["brain_id"], each["by"], each["reason"])
            for each in decisions[-_SHOWN:]
        ]
        print_table(Table(columns, cells, "The last decisions"), console)
    return 0


def promote(settings: Settings, brain_id: str, reason: str, *, as_json: bool) -> int:
    """A brain of the registry into force, and its procedure as the champion."""
    resources = Resources(settings)
    act, told = _of_brain(resources, brain_id, PROMOTE, reason)
    return _write(resources, act, told, as_json=as_json)


def demote(settings: Settings, reason: str, *, as_json: bool) -> int:
    """Out of force what is in it: nothing is, until a procedure earns its place anew."""
    resources = Resources(settings)
    state = _state(resources)
    act = Act(DEMOTE, None, reason, ended=state.procedure)
    return _write(resources, act, f"{state.brain_id} is out of force; nothing is in force.", as_json=as_json)


def rollback(settings: Settings, reason: str, *, as_json: bool) -> int:
    """Back to the brain that was in force before."""
    resources = Resources(settings)
    state = _state(resources)
    decisions = decisions_of(resources.trials.rows())
    former = [each["brain_id"] for each in decisions if each["brain_id"] not in (None, state.brain_id)]
    if not former:
        raise InvalidInput("No other brain was ever in force.", "Use huracan brain demote.")
    act, told = _of_brain(resources, former[-1], ROLLBACK, reason)
    return _write(resources, act, told, as_json=as_json)


def _state(resources: Resources) -> InForce:
    state = in_force(decisions_of(resources.trials.rows()))
    if state is None:
        raise InvalidInput("Nothing is in force.", "See huracan brain for the last decisions.")
    return state


def _of_brain(resources: Resources, brain_id: str, act: str, reason: str) -> tuple[Act, str]:
    """The act that brings a registered brain into force, once it was loaded and proven whole."""
    from huracan_resources.signing import signing_key

    day, key, procedure = _registered(resources, brain_id)
    brain = load_brain(read_bundle(resources.brains, key), public_key_of(signing_key(resources.settings)))
    until = day + timedelta(days=VALID_DAYS)
    late = "" if datetime.now(UTC).date() < until else f" It was made for days before {until}."
    state = in_force(decisions_of(resources.trials.rows()))
    ended = state.procedure if state is not None and state.procedure != procedure else None
    made = Act(act, procedure, reason, brain_id=brain.brain_id, bundle=key, brain_day=day, ended=ended)
    return made, f"{brain.brain_id} is in force.{late}"


def _registered(resources: Resources, brain_id: str) -> tuple[Any, str, str]:
    """Night, key of the bundle, and procedure of a brain."""
    with resources.database.connect() as connection:
        found = connection.execute(
            "SELECT day, numbers ->> 'procedure' FROM brain_registry WHERE brain_id = %s",
            (brain_id,),
        ).fetchone()
    if found is None:
        raise InvalidInput(f"There is no brain {brain_id!r}.", "SELECT brain_id FROM brain_registry has all.")
    day, procedure = found
    if procedure is None or TrialRecord(resources.trials.rows(), date.max).registered(procedure) is None:
        raise InvalidInput(
            f"{brain_id} was made by no procedure that the trial ledger has registered: by an earlier"
            " version, in mode research, or before the ledger began anew.",
            "Take one of a later night.",
        )
    return day, bundle_key(day, brain_id), procedure


def _write(resources: Resources, act: Act, told: str, *, as_json: bool) -> int:
    if resources.settings.mode != "shadow":
        raise InvalidInput(
            "The home is set to research (mode): nothing comes into force.", "Set mode=shadow."
        )
    if not act.reason.strip():
        raise InvalidInput("The reason is empty.", "Say in --reason why.")
    now = datetime.now(UTC)
    moment = now.isoformat(timespec="seconds")
    content = row_of(act, now.date(), moment, _who(), None)
    place = len(resources.trials.rows()) + 1
    written = resources.trials.append(DECISION, f"{moment}:{act.act}:{place}", content)
    if dict(written.content) != content:
        raise InvalidInput("Somebody else decided at this moment.", "See huracan brain, and decide again.")
    point_latest(resources.brains, resources.trials.rows())
    click.echo(json.dumps(content, sort_keys=True) if as_json else told)
    return 0


def _who() -> str:
    """Who asks: a note, and no proof of it."""
    with suppress(OSError, KeyError):
        return f"{getpass.getuser()}@{socket.gethostname()}"
    return socket.gethostname()


def _in_words(state: InForce | None) -> str:
    if state is None:
        return "Nothing is in force."
    return (
        f"{state.brain_id} is in force, of the night of {state.day}; its procedure {state.procedure[:8]} is"
        f" the champion since {state.since}."
    )
