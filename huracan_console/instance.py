"""The Dagster instance of this machine: DAGSTER_HOME, and the storage that it names."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from pydantic import SecretStr

from huracan.errors import InvalidInput
from huracan_resources.folders import make_folder
from huracan_resources.lake.whole_file import write_whole
from huracan_resources.settings.settings import Settings, explain, plain
from huracan_resources.settings.sources import OVERRIDE

WORKSPACE = Path(__file__).with_name("workspace.yaml")
_CONFIGURATION = Path(__file__).with_name("dagster.yaml")


def dagster_home(home: Path) -> Path:
    """DAGSTER_HOME, or the folder `dagster` of the home, with the files that this version brings for it.

    Dagster writes beside its configuration, and ours may lie where nobody can write.
    """
    if given := os.environ.get("DAGSTER_HOME"):
        folder = Path(given).expanduser().resolve()
        if not (folder / _CONFIGURATION.name).is_file():
            raise InvalidInput(
                f"DAGSTER_HOME is {folder}, which holds no {_CONFIGURATION.name}.",
                f"Unset it, or copy {_CONFIGURATION} there.",
            )
        return folder
    folder = home / "dagster"
    make_folder(folder)
    for ours in (_CONFIGURATION, WORKSPACE):
        file, wanted = folder / ours.name, ours.read_bytes()
        if not file.is_file() or file.read_bytes() != wanted:
            write_whole(file, wanted, home)
    return folder


def environment(settings: Settings) -> dict[str, str]:
    """The variables by which every Dagster process of this machine finds the same instance, data and
    settings, those of the command line included."""
    return _said(settings, "") | _place(settings)


def _place(settings: Settings) -> dict[str, str]:
    return _said(settings, "database.") | {
        "DAGSTER_HOME": str(dagster_home(settings.storage.home)),
        "HURACAN_HOME": str(settings.storage.home),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }


def _said(settings: Settings, block: str) -> dict[str, str]:
    """What the command line says about `block`, as variables."""
    return {
        OVERRIDE + key.upper().replace(".", "__"): _as_text(attrgetter(key)(settings))
        for key, _, origin in explain(settings)
        if origin == "command line" and key.startswith(block)
    }


def _as_text(value: Any) -> str:
    """A setting as a variable's text, which the settings read back to the same value."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return json.dumps([_as_text(item) if isinstance(item, SecretStr) else plain(item) for item in value])
    if isinstance(value, Mapping):
        return json.dumps(plain(value))
    return "null" if value is None else str(value)


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The instance, saying nothing on the terminal: its events are kept in the event log."""
    before = dict(os.environ)
    os.environ.update(_place(settings))
    try:
        with dg.DagsterInstance.get() as instance:
            # By the instance and not by the run's configuration, so that the run looks like any other.
            instance._settings = {**instance._settings, "python_logs": {"python_log_level": "CRITICAL"}}
            # Capturing a run's output redirects this process's own, progress bars included.
            instance._compute_log_manager = NoOpComputeLogManager()
            yield instance
    finally:
        # Another home that this process opens has another folder: ours must not pass for one that was given.
        os.environ.clear()
        os.environ.update(before)
