"""A night that is killed with SIGKILL in the middle, and the clean run after it."""

import shutil
import time
from pathlib import Path

import dagster as dg
import pytest

from huracan.errors import InputRefused
from huracan_assets.registry import assets_by_job
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.store import LocalStore
from tests.end_to_end.command import DAY, Answer, Home, assert_whole
from tests.end_to_end.conftest import MakeHome
from tests.end_to_end.night import Night

_POLL_SECONDS, _PATIENCE_SECONDS = 0.02, 300.0
REMADE = ("ppo_checkpoint", *assets_by_job()["publish"])


@pytest.fixture
def interrupted_home(make_home: MakeHome, after_first_night: Night) -> Home:
    """The lake before the training of the day; the database is empty."""
    home = make_home()
    shutil.copytree(after_first_night.left / "lake", home.path / "lake")
    for asset in REMADE:
        shutil.rmtree(home.path / "lake" / asset / f"day={DAY.isoformat()}")
    return home


def _kill_while_it_trains(home: Home) -> None:
    """SIGKILL the console as soon as Dagster has the training's step started."""
    process = home.start("nightly", "--date", DAY.isoformat())
    query = (
        "SELECT 1 FROM dagster.event_logs WHERE step_key = 'ppo_checkpoint'"
        " AND dagster_event_type = 'STEP_START'"
    )
    deadline = time.monotonic() + _PATIENCE_SECONDS
    try:
        while not _table_exists(home):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(_POLL_SECONDS * 10)
        with home.database.connect() as connection:
            while connection.execute(query).fetchone() is None:
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(_POLL_SECONDS)
    finally:
        process.kill()
        process.wait()


def _table_exists(home: Home) -> bool:
    if not (home.path / "postgres" / "PG_VERSION").exists():
        return False
    with home.database.connect() as connection:
        return connection.execute("SELECT to_regclass('dagster.event_logs')").fetchone() != (None,)


def _slots(instance: dg.DagsterInstance) -> int:
    return instance.event_log_storage.get_concurrency_info("ppo_checkpoint").active_slot_count


def test_a_killed_night_leaves_nothing_half_made_and_a_clean_run_ends_like_an_undisturbed_one(
    interrupted_home: Home, first_night: Answer
) -> None:
    home = interrupted_home
    _kill_while_it_trains(home)
    for asset in REMADE:
        assert home.lake.manifest(asset, DAY) is None
    with home.instance() as instance:
        (orphan,) = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        assert (orphan.job_name, orphan.tags["dagster/partition"]) == ("learn", DAY.isoformat())
        assert _slots(instance) == 1

    answer = home.call("nightly", "--date", DAY.isoformat(), "--json")

    assert answer.code == 0, answer.out + answer.err
    assert answer.hashes == first_night.hashes
    assert answer.summary["brain"]["brain_id"] == first_night.summary["brain"]["brain_id"]
    assert_whole(home.lake)
    assert not list((home.path / "recovery").glob("*"))
    with home.instance() as instance:
        dead = instance.get_run_by_id(orphan.run_id)
        assert dead is not None and dead.status == dg.DagsterRunStatus.FAILURE
        assert instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])) == []
        assert _slots(instance) == 0


def test_files_of_a_partition_without_a_manifest_are_not_read(
    after_first_night: Night, tmp_path: Path
) -> None:
    root = tmp_path / "lake"
    folder = f"features/day={DAY.isoformat()}"
    shutil.copytree(after_first_night.left / "lake" / folder, root / folder)
    lake = Lake(LocalStore(root))
    assert lake.read_table("features", DAY).num_rows == 2880
    (root / folder / "manifest.json").unlink()
    assert list((root / folder).glob("*.parquet"))
    assert lake.manifest("features", DAY) is None and lake.days("features") == []
    with pytest.raises(InputRefused, match="There is no partition features/2025-02-12"):
        lake.require("features", DAY)
    with pytest.raises(InputRefused):
        lake.read_table("features", DAY)
