"""A home of its own and the real command `huracan` on it, as a person or a script runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import dagster as dg
from click.testing import CliRunner

from huracan_console.instance import open_instance
from huracan_console.main import main
from huracan_resources.database.database import Database
from huracan_resources.database.embedded_postgres import stop_embedded
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.store import LocalStore
from huracan_resources.settings.settings import Settings, load_settings

FIRST_DAY = date(2025, 2, 6)
DAY = date(2025, 2, 12)
"""The first night: the earliest day whose evening before can train."""

SMALL_NIGHT = {
    "HURACAN__UNIVERSE__SYMBOLS": "BTC/USDT,ETH/USDT",
    "HURACAN__UNIVERSE__FIRST_DAY": FIRST_DAY.isoformat(),
    "HURACAN__REGIMES__MINIMUM_DAYS": "1",
    "HURACAN__TRAINING__WINDOW_DAYS": "3",
    "HURACAN__TRAINING__HELD_OUT_DAYS": "1",
    "HURACAN__TRAINING__MINIMUM_TRAINING_DAYS": "1",
    "HURACAN__TRAINING__TOTAL_STEPS": "8192",
    "HURACAN__TRAINING__LANES": "128",
    "HURACAN__TRAINING__INITIAL_BIAS": "0.0",
    "HURACAN__TRAINING__THREADS": "1",
    # An edge so strong and costs so low that a second of training finds it.
    "HURACAN__SOURCE__SIMULATED__EDGE_STRENGTH": "8",
    "HURACAN__MARKET__COSTS__TAKER_FEE_BPS": "0.5",
    "HURACAN__MARKET__COSTS__HALF_SPREAD_BPS": "0.1",
}
"""A night of seconds that still trades, learns and publishes."""

_OURS = ("HURACAN", "DAGSTER", "DATABASE_URL", "AWS_")


@dataclass(frozen=True)
class Answer:
    """What one call of the command gave."""

    code: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """The one JSON object on standard output."""
        assert self.out.count("\n") == 1, self.out
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def hashes(self) -> dict[str, str]:
        """Content hash by asset, of a night."""
        return {name: asset["content_hash"] for name, asset in self.summary["assets"].items()}


@dataclass
class Home:
    """One HURACAN_HOME: lake, brains, keys and the embedded database, and the variables that choose it."""

    path: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        """The machine's variables without any of ours, and then those of this home."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return kept | {"HURACAN_HOME": str(self.path), "OMP_NUM_THREADS": "1"} | dict(self.variables)

    @property
    def lake(self) -> Lake:
        return Lake(LocalStore(self.path / "lake"))

    @property
    def database(self) -> Database:
        return Database(self.path)

    def settings(self, **overrides: Any) -> Settings:
        return load_settings(overrides, self.environ)

    def run(self, *words: str, **variables: str) -> Answer:
        """`huracan WORDS`, to its end."""
        done = subprocess.run(
            command(*words),
            env=self.environ | variables,
            capture_output=True,
            text=True,
            timeout=300,
            cwd=self.path,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def call(self, *words: str, **variables: str) -> Answer:
        """`huracan WORDS` in this process: the same command without the second that its imports take."""
        with mock.patch.dict(os.environ, self.environ | variables, clear=True):
            result = CliRunner().invoke(main, words)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Answer(result.exit_code, result.stdout, result.stderr)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """`huracan WORDS`, running."""
        return subprocess.Popen(
            command(*words),
            env=self.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.path,
        )

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """Dagster's instance of this home, in this process; the variables of the process are given back."""
        with (
            mock.patch.dict(os.environ, self.environ, clear=True),
            open_instance(self.settings()) as instance,
        ):
            yield instance

    def partitions(self) -> dict[str, bytes]:
        """Every file of the lake, to see that nothing was changed or left behind."""
        root = self.path / "lake"
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    def stop(self) -> None:
        stop_embedded(self.path)


def command(*words: str) -> list[str]:
    return [str(Path(sys.executable).with_name("huracan")), *words]


def assert_whole(lake: Lake) -> None:
    """Every file of the lake is named by a manifest with its hash, and every manifest's files are there; what
    lies beside partitions is the trial ledger and what the code does."""
    assert isinstance(lake.store, LocalStore)
    named = set()
    for key in lake.store.list():
        if key.endswith("/manifest.json"):
            asset, folder, _ = key.split("/")
            day = date.fromisoformat(folder.removeprefix("day="))
            manifest = lake.manifest(asset, day)
            assert manifest is not None
            for name, entry in manifest.files.items():
                lake.read_file(asset, day, name)
                named.add(f"{asset}/{folder}/{entry.stored_as}")
            named.add(key)
    on_disk = {
        path.relative_to(lake.store.root).as_posix() for path in lake.store.root.rglob("*") if path.is_file()
    }
    assert {path for path in on_disk if not path.startswith(("trials/", "behaviours/"))} == named
