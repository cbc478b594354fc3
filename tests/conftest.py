"""Fixtures that any test may ask for."""

import os

# Before numpy is imported. There is a worker for every core: a second thread of linear algebra would only
# wait for it, and burns a core while it waits.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import gc
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from huracan_resources.database.database import Database
from huracan_resources.database.embedded_postgres import embedded_url, stop_embedded
from tests.made_once import MadeOnce, NewHome, copy_folder, empty_home

_SERVER_FIXTURES = {"new_home", "s3_endpoint"}
"""Whoever asks for one, however far below, is marked `server`."""
_SERVERS = {"postgres", "pg_ctl", "initdb", "rclone"}

S3_KEY, S3_SECRET = "test-key", "test-secret-of-some-length"

_ROOT = Path(__file__).resolve().parent.parent

# The first example of a property may compile; how long one takes is measured in benchmarks, not here.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def pytest_sessionfinish() -> None:
    """Commands that were run in this process kept what they loaded out of Python's search for garbage."""
    gc.unfreeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever asks for a server is marked `server`, and so is every test of whole nights."""
    for item in items:
        asks = isinstance(item, pytest.Function) and _SERVER_FIXTURES & set(item.fixturenames)
        if asks or "end_to_end" in item.path.parts:
            item.add_marker("server")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A test that starts a server by other means must say so, or `make quick` would grow slow unseen."""
    _watch.may_start = item.get_closest_marker("server") is not None
    return (yield)


class _Watch:
    """Hears of every process that is started from here."""

    may_start = True

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen" and not self.may_start and Path(str(arguments[0])).name in _SERVERS:
            pytest.fail(f"{arguments[0]} is started by a test that is not marked `server`.")


_watch = _Watch()
sys.addaudithook(_watch)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The directory of real candles: HURACAN_TEST_DATA, or `shared/data` beside the repository."""
    directory = Path(os.environ.get("HURACAN_TEST_DATA", _ROOT.parent / "shared" / "data"))
    if not directory.is_dir():
        pytest.skip("no real data")
    return directory


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """What the workers of this run share."""
    own = tmp_path_factory.getbasetemp()
    return MadeOnce(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)


@pytest.fixture(scope="session")
def new_home(made_once: MadeOnce) -> NewHome:
    """Opens a home with an empty database of its own, whose cluster is a copy: to make one takes seconds."""

    def make(folder: Path) -> None:
        with empty_home() as home:
            embedded_url(home)
            stop_embedded(home)
            with (home / "postgres" / "postgresql.conf").open("a") as opened:
                # A server that is killed loses nothing by it: only a machine without power does.
                opened.write("fsync = off\n")
            copy_folder(home, folder)

    @contextmanager
    def open_home() -> Iterator[Path]:
        cluster = made_once("cluster", make)
        with empty_home() as home:
            copy_folder(cluster, home)
            yield home

    return open_home


@pytest.fixture(scope="session")
def database(new_home: NewHome) -> Iterator[Database]:
    """A fresh embedded database with all migrations applied."""
    with new_home() as home:
        database = Database(home)
        with database.connect():
            yield database


def _rclone() -> str | None:
    beside = Path(sys.executable).parent / "rclone"
    return str(beside) if beside.exists() else shutil.which("rclone")


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real S3 server that checks signatures, with the bucket `bucket`."""
    binary = _rclone()
    if binary is None:
        pytest.skip("rclone is not installed")
    root = tmp_path_factory.mktemp("s3")
    (root / "bucket").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [binary, "serve", "s3", "--auth-key", f"{S3_KEY},{S3_SECRET}", "--addr", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*command, "--config", os.devnull, "--vfs-cache-mode", "off", str(root)], stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)
