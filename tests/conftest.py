"""Fixtures that any test may ask for."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from huracan_resources.database.database import Database
from huracan_resources.database.embedded_postgres import stop_embedded

S3_KEY, S3_SECRET = "test-key", "test-secret-of-some-length"

_ROOT = Path(__file__).resolve().parent.parent


class _NightScheduling(LoadFileScheduling):
    """Each file stays on one worker, which makes its fixtures once; so do all files of the shared nights."""

    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid.partition("::")[0])


@cache
def _scope(file: str) -> str:
    """Those that look at the shared nights name their fixtures: `first_night`, `second_night`."""
    is_shared = re.search(r"(first|second)_night: |_night: Path", (_ROOT / file).read_text())
    return "the shared nights" if is_shared else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """What xdist calls instead of its own schedulers."""
    return _NightScheduling(config, log)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The directory of real candles: HURACAN_TEST_DATA, or `shared/data` beside the repository."""
    directory = Path(os.environ.get("HURACAN_TEST_DATA", _ROOT.parent / "shared" / "data"))
    if not directory.is_dir():
        pytest.skip("no real data")
    return directory


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    """A fresh embedded database with all migrations applied."""
    # Not below pytest's own directory: its path is too long for a socket, and closed to other accounts.
    with tempfile.TemporaryDirectory(prefix="huracan-test-") as name:
        database = Database(Path(name))
        with database.connect():
            yield database
        stop_embedded(Path(name))


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
