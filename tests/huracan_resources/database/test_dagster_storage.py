"""Dagster's storage starts by itself, from several processes at once, beside our tables."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from huracan_resources.database.embedded_postgres import embedded_url, stop_embedded

pytestmark = pytest.mark.server  # the processes that it starts use a server

NIGHT = """
import dagster as dg

@dg.asset
def candles() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"rows": 4320})

instance = dg.DagsterInstance.from_ref(dg.DagsterInstance.get().get_ref())
result = dg.materialize([candles], instance=instance, tags={"who": "test"})
assert instance.get_run_by_id(result.run_id).is_success
event = instance.get_latest_materialization_event(dg.AssetKey("candles"))
assert event.asset_materialization.metadata["rows"].value == 4320
print(instance.get_runs_count())
"""


FIRST_START = """
import os
import traceback

import dagster as dg

from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings


def start(hold: int) -> None:
    # A pool of its own: waiting for each other is another matter.
    @dg.asset(pool=f"pool_{os.getpid()}")
    def candles() -> None: ...

    os.read(hold, 1)  # until all are there
    instance = dg.DagsterInstance.get()
    database = Resources(load_settings()).database
    with database.connect() as connection:
        connection.execute("SELECT count(*) FROM incident")
    assert database.query("SELECT count(*) FROM incident")[1] == [(0,)]
    for pool in ("trade", "learn", "publish"):
        assert instance.event_log_storage.initialize_concurrency_limit_to_default(pool)
    assert dg.materialize([candles], instance=instance).success


hold, go = os.pipe()
processes = []
for _ in range(10):
    if not (pid := os.fork()):
        os.close(go)
        try:
            start(hold)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    processes.append(pid)
os.close(go)
print(sum(os.waitpid(pid, 0)[1] != 0 for pid in processes))
"""


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="huracan-test-") as name:
        (Path(name) / "dagster.yaml").write_text(
            "storage:\n  custom:\n    module: huracan_resources.database.dagster_storage\n"
            "    class: HuracanDagsterStorage\n    config: {}\ntelemetry:\n  enabled: false\n"
        )
        yield Path(name)
        stop_embedded(Path(name) / "data")


def _environ(home: Path) -> dict[str, str]:
    environ = os.environ | {"DAGSTER_HOME": str(home), "HURACAN_HOME": str(home / "data")}
    environ.pop("DATABASE_URL", None)
    return environ


def _night(home: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", NIGHT],
        env=_environ(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_ten_processes_that_make_the_first_start_of_a_home_at_once_all_succeed(home: Path) -> None:
    shutil.copy(Path(__file__).parents[3] / "huracan_console" / "dagster.yaml", home)
    start = subprocess.run(
        [sys.executable, "-c", FIRST_START], env=_environ(home), capture_output=True, text=True, timeout=240
    )
    assert start.stdout.strip() == "0", start.stderr


def test_two_processes_at_once_on_a_fresh_home_both_record_their_run(home: Path) -> None:
    nights = [_night(home), _night(home)]
    for night in nights:
        _, errors = night.communicate(timeout=120)
        assert night.returncode == 0, errors
    with psycopg.connect(embedded_url(home / "data")) as connection:
        runs = connection.execute("SELECT count(*) FROM dagster.runs WHERE status = 'SUCCESS'").fetchone()
        versions = connection.execute("SELECT count(*) FROM dagster.alembic_version").fetchone()
        ours = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert (runs, versions, ours) == ((2,), (1,), (0,))
