"""A package that somebody installed beside Huracan: found by its entry points, gone after the test."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from huracan import import_closure, registry
from huracan.gates.roster import gate_kinds
from huracan_resources.candle_sources import candle_sources
from tests.end_to_end.command import Answer

_CACHES = (
    registry._packages,
    registry._entry_points,
    import_closure._file_of,
    import_closure._folders_of,
    gate_kinds,
    candle_sources,
)
"""What a process remembers of the packages that there are. The settings remember too, and cannot forget:
what concerns them is run in a process of its own."""


def write_package(folder: Path, name: str, group: str, files: Mapping[str, str]) -> None:
    """The package `name` in `folder` as an installer leaves it, registered under `group`."""
    package, said = folder / name, folder / f"{name}-1.0.dist-info"
    for path in (package, said):
        path.mkdir()
    (said / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (said / "entry_points.txt").write_text(f"[{group}]\n{name} = {name}\n")
    for file, text in {"__init__.py": "", **files}.items():
        (package / file).parent.mkdir(exist_ok=True)
        (package / file).write_text(text)


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """Packages in `folder` are known to this process for a while."""
    before = set(sys.modules)
    with mock.patch.object(sys, "path", [str(folder), *sys.path]):
        _forget()
        try:
            yield
        finally:
            for name in set(sys.modules) - before:
                if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
                    del sys.modules[name]
    _forget()


def _forget() -> None:
    importlib.invalidate_caches()
    for cached in _CACHES:
        cached.cache_clear()


def python_beside(folder: Path, code: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own that finds the packages in `folder`, without this one's settings."""
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HURACAN", "DATABASE"))}
    environ = {**kept, "PYTHONPATH": path, **variables}
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(command, capture_output=True, text=True, env=environ, check=False)


def huracan_beside(folder: Path, *commands: Sequence[str], **variables: str) -> list[Answer]:
    """The command `huracan` likewise, with each of several words: all in one process."""
    done = python_beside(folder, _COMMANDS, json.dumps(commands), **variables)
    assert done.returncode == 0, done.stderr
    return [Answer(*each) for each in json.loads(done.stdout)]


_COMMANDS = """
import json, sys
from click.testing import CliRunner
from huracan_console.main import main
answers = [CliRunner(catch_exceptions=False).invoke(main, words) for words in json.loads(sys.argv[1])]
print(json.dumps([(each.exit_code, each.stdout, each.stderr) for each in answers]))
"""
