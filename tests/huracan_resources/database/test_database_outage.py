"""The database stops before, during and after a day's rows are replaced, and a writer is killed: the old day
or the new one is there, never a part of one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from huracan.errors import Unavailable
from huracan_resources.database.database import Database
from huracan_resources.database.embedded_postgres import embedded_url, stop_embedded
from huracan_resources.database.partition_rows import PartitionRows
from huracan_resources.database.tables import read_partition, replace_partition
from tests.made_once import NewHome

DAY = date(2023, 6, 30)

HALF_A_DAY = """
import sys, time
from datetime import date
from pathlib import Path
import pyarrow as pa
from huracan_resources.database.database import Database
from huracan_resources.database.tables import replace_partition
with Database(Path("/nowhere"), sys.argv[1]).connect() as connection:
    rows = pa.table({"gate": [f"new{n}" for n in range(5)], **{k: [1] * 5 for k in sys.argv[2].split(",")}})
    replace_partition(connection, "gate_stats", date(2023, 6, 30), rows)
    print("half", flush=True)
    time.sleep(60)
"""
_COUNTS = ("judged", "passed", "blocked", "abstained", "good_blocks", "bad_blocks")
_USD = ("passed_net_usd", "blocked_net_usd", "saved_usd")


def _rows(*gates: str) -> pa.Table:
    return pa.table({"gate": list(gates), **{name: [1] * len(gates) for name in (*_COUNTS, *_USD)}})


@pytest.fixture
def home(new_home: NewHome) -> Iterator[Path]:
    with new_home() as home:
        yield home


@pytest.fixture
def served(home: Path) -> Database:
    """A database that is a server of somebody else's: it is not started by who needs it. It holds a day."""
    database = Database(home, embedded_url(home))
    PartitionRows(database).load("gate_stats", DAY, "old", _rows("old"))
    return database


def _gates(database: Database) -> list[str]:
    with database.connect() as connection:
        return sorted(read_partition(connection, "gate_stats", DAY)["gate"].to_pylist())


def test_a_server_that_is_down_before_is_one_clear_error_and_serves_again_later(
    served: Database, home: Path
) -> None:
    stop_embedded(home)
    with pytest.raises(Unavailable, match=r"postgres.* did not answer.*Check that it runs"):
        PartitionRows(served).load("gate_stats", DAY, "new", _rows("new"))
    embedded_url(home)
    assert _gates(served) == ["old"]
    assert PartitionRows(served).load("gate_stats", DAY, "new", _rows("new"))
    assert _gates(served) == ["new"]


def test_a_server_that_stops_in_the_middle_leaves_the_old_day(served: Database, home: Path) -> None:
    with pytest.raises(Unavailable, match="did not answer"), served.connect() as connection:
        replace_partition(connection, "gate_stats", DAY, _rows("new", "newer"))
        stop_embedded(home)
        connection.execute("SELECT 1")
    embedded_url(home)
    assert _gates(served) == ["old"]


def test_a_server_that_dies_at_the_commit_leaves_the_old_day(served: Database, home: Path) -> None:
    server = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
    with pytest.raises(Unavailable), served.connect() as connection:
        replace_partition(connection, "gate_stats", DAY, _rows("new"))
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGKILL)
        os.kill(server, signal.SIGKILL)
    time.sleep(0.2)
    embedded_url(home)
    assert _gates(served) == ["old"]


def test_a_server_that_stops_after_has_the_new_day(served: Database, home: Path) -> None:
    PartitionRows(served).load("gate_stats", DAY, "new", _rows("new"))
    server = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(server, signal.SIGKILL)
    time.sleep(0.2)
    embedded_url(home)
    assert _gates(served) == ["new"]
    # The day again is the day once.
    assert not PartitionRows(served).load("gate_stats", DAY, "new", _rows("new"))
    assert PartitionRows(served).load("gate_stats", DAY, "newer", _rows("new"))
    assert _gates(served) == ["new"]


def test_a_writer_that_is_killed_in_the_middle_leaves_the_old_day(served: Database) -> None:
    command = [sys.executable, "-c", HALF_A_DAY, served.url, ",".join((*_COUNTS, *_USD))]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None and writer.stdout.readline().strip() == "half"
    assert _gates(served) == ["old"]
    writer.kill()
    writer.wait()
    assert _gates(served) == ["old"]
    with psycopg.connect(served.url) as connection:
        # Nothing of the killed one holds a lock for long.
        connection.execute("SET lock_timeout = '10s'")
        replace_partition(connection, "gate_stats", DAY, _rows("after"))
    assert _gates(served) == ["after"]
