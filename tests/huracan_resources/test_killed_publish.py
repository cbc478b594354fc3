"""A writer that is killed at any step leaves what was there before, and the same work again ends it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

import psycopg
import pytest

from huracan.agent.bias_config import BiasConfig
from huracan.brain.brain import load_brain
from huracan.brain.bundle import build_bundle
from huracan.brain.signature import generate_key_pair
from huracan.errors import InputRefused
from huracan.promotion.champion import IN_FORCE, PROMOTE, Act
from huracan_resources.brains import (
    BRAIN_ASSET,
    BRAIN_FILE,
    BrainRecord,
    bundle_key,
    publish,
    read_bundle,
    read_latest,
)
from huracan_resources.database.database import Database
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.huracan.brain.conftest import ACTIONS, make_parts, make_policy

ROOT = Path(__file__).resolve().parents[2]
BEFORE, DAY = date(2025, 6, 29), date(2025, 6, 30)
PRIVATE, PUBLIC = generate_key_pair()
Bundle = dict[str, bytes]

_STEPS = (
    (os, "fsync"),
    (tempfile, "mkstemp"),
    *((Path, name) for name in ("mkdir", "chmod", "replace", "unlink")),
    *((psycopg.Connection, name) for name in ("execute", "commit")),
)
"""Every call by which a writer changes anything."""


class Killed(BaseException):
    """The process ended here."""


def _raise() -> NoReturn:
    raise Killed


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def dying_at(step: int, die: Callable[[], None] = _raise) -> Iterator[None]:
    """`die` before the step; whoever is dead does nothing any more, not even clean up."""
    taken = count()

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if next(taken) >= step:
                die()
            return None if name == "fsync" else real(*arguments, **named)

        return call

    with ExitStack() as patches:
        for owner, name in _STEPS:
            patches.enter_context(mock.patch.object(owner, name, counted(name, getattr(owner, name))))
        yield


@pytest.fixture(scope="module")
def bundles() -> dict[date, Bundle]:
    """A brain of each of two days, both promoted."""
    parts = make_parts(make_policy(ACTIONS, BiasConfig()))
    return {day: build_bundle(replace(parts, day=day), PRIVATE) for day in (BEFORE, DAY)}


@pytest.fixture
def resources(tmp_path: Path, database: Database, bundles: dict[date, Bundle]) -> Iterator[Resources]:
    """A home in which the day before was published."""
    opened = _open(tmp_path / "home", database)
    _night(opened, BEFORE, bundles[BEFORE])
    yield opened
    with database.connect() as connection:
        connection.execute("DELETE FROM brain_registry")
        connection.execute("DELETE FROM trials")


def _open(home: Path, database: Database) -> Resources:
    resources = Resources(load_settings(environ={"HURACAN_HOME": str(home)}))
    resources.__dict__["database"] = database
    return resources


def _night(resources: Resources, day: date, files: Bundle) -> BrainRecord:
    """What the end of a night writes, in its order."""
    record = BrainRecord.of(files, day, resources.brains.url, resources.settings.digest())
    act = PROMOTE if day == BEFORE else IN_FORCE
    publish(resources, record, files, [Act(act, "a procedure", "It earns.", is_tonights=True)])
    facts = {"verdict": record.verdict, "bundle": bundle_key(day, record.brain_id)}
    resources.lake.write(BRAIN_ASSET, day, {BRAIN_FILE: json.dumps(facts).encode(), "notes.txt": b"n"})
    return record


def _latest_day(resources: Resources) -> date:
    """The day of the brain that `latest` points at, which loads."""
    latest = read_latest(resources.brains)
    assert latest is not None
    brain = load_brain(read_bundle(resources.brains, latest["bundle"]), PUBLIC)
    return date.fromisoformat(brain.manifest["day"])


def _assert_published(resources: Resources, record: BrainRecord) -> None:
    load_brain(Path(record.bundle_url), PUBLIC)
    assert _latest_day(resources) == DAY
    with resources.database.connect() as connection:
        rows = connection.execute("SELECT day, brain_id FROM brain_registry ORDER BY day").fetchall()
    assert len(rows) == 2 and rows[-1] == (DAY, record.brain_id)
    assert not [path for path in resources.settings.storage.home.rglob(".writing-*") if path.is_file()]


@pytest.mark.parametrize("part", range(6))
def test_a_night_killed_at_any_step_of_publishing_is_whole_after_the_next_run(
    part: int, resources: Resources, database: Database, bundles: dict[date, Bundle], tmp_path: Path
) -> None:
    was_killed = True
    for step in count(part, 6):
        home = tmp_path / f"step-{step}"
        shutil.copytree(resources.settings.storage.home, home)
        killed = _open(home, database)
        try:
            with dying_at(step):
                _night(killed, DAY, bundles[DAY])
            was_killed = False
        except Killed:
            assert _latest_day(killed) in (BEFORE, DAY)
        again = _open(home, database)
        _assert_published(again, _night(again, DAY, bundles[DAY]))
        if not was_killed:
            break
        shutil.rmtree(home)
    assert step > 100


def test_a_night_made_again_under_other_code_and_killed_leaves_a_latest_that_loads(
    resources: Resources, database: Database, bundles: dict[date, Bundle], tmp_path: Path
) -> None:
    """The same policy, so the same files but for the manifest: they must not be mixed in one folder."""
    _night(resources, DAY, bundles[DAY])
    parts = make_parts(make_policy(ACTIONS, BiasConfig()))
    remade = build_bundle(replace(parts, day=DAY, code_version="of later"), PRIVATE)
    for step in count(0, 3):
        home = tmp_path / f"step-{step}"
        shutil.copytree(resources.settings.storage.home, home)
        killed = _open(home, database)
        try:
            with dying_at(step):
                _night(killed, DAY, remade)
        except Killed:
            assert _latest_day(killed) == DAY
            shutil.rmtree(home)
        else:
            break
    _assert_published(killed, BrainRecord.of(remade, DAY, killed.brains.url, ""))
    assert step > 100


_PROGRAM = """
import sys
from tests.huracan_resources.test_killed_publish import publish_and_die
publish_and_die(*sys.argv[1:])
"""


def publish_and_die(home: str, url: str, files: str, step: str) -> None:
    """In a process of its own, which ends by SIGKILL before the step."""
    database = Database(Path(home), url)
    with database.connect():
        pass  # the first connection of a process looks for migrations, which is no step of publishing
    bundle = {path.name: path.read_bytes() for path in Path(files).iterdir()}
    with dying_at(int(step), _kill):
        _night(_open(Path(home), database), DAY, bundle)


@pytest.mark.parametrize("step", [9, 60, 95, 110])
def test_a_process_killed_while_it_publishes_leaves_a_brain_that_loads_after_the_next_run(
    step: int, resources: Resources, bundles: dict[date, Bundle], tmp_path: Path
) -> None:
    files, home = tmp_path / "files", resources.settings.storage.home
    files.mkdir()
    for name, content in bundles[DAY].items():
        (files / name).write_bytes(content)
    arguments = [str(home), resources.database.url, str(files), str(step)]
    done = subprocess.run([sys.executable, "-c", _PROGRAM, *arguments], check=False, cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert _latest_day(resources) in (BEFORE, DAY)
    _assert_published(resources, _night(resources, DAY, bundles[DAY]))


def test_a_file_that_does_not_belong_to_a_bundle_goes_when_it_is_published_again(
    resources: Resources, bundles: dict[date, Bundle]
) -> None:
    record = _night(resources, DAY, bundles[DAY])
    (Path(record.bundle_url) / "notes.txt").write_bytes(b"mine")
    with pytest.raises(InputRefused, match=r"notes\.txt"):
        load_brain(Path(record.bundle_url), PUBLIC)
    _assert_published(resources, _night(resources, DAY, bundles[DAY]))


def test_what_a_version_of_before_left_in_a_bundle_keeps_nobody_from_loading_it(
    resources: Resources, bundles: dict[date, Bundle]
) -> None:
    record = _night(resources, DAY, bundles[DAY])
    left = Path(record.bundle_url) / ".writing-abc"
    left.write_bytes(b"ha")
    load_brain(Path(record.bundle_url), PUBLIC)
    _night(resources, DAY, bundles[DAY])
    assert not left.exists()
