"""The Dagster instance of this machine: DAGSTER_HOME, and the storage that it names."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager

from huracan.errors import InvalidInput
from huracan_resources.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[1]


def dagster_home() -> Path:
    """DAGSTER_HOME, or the folder `dagster_home` of this installation."""
    home = Path(os.environ.get("DAGSTER_HOME", REPOSITORY / "dagster_home")).expanduser().resolve()
    if not (home / "dagster.yaml").is_file():
        raise InvalidInput(
            f"DAGSTER_HOME is {home}, which holds no dagster.yaml.",
            f"Unset it, or copy {REPOSITORY / 'dagster_home' / 'dagster.yaml'} there.",
        )
    return home


def environment(settings: Settings) -> Mapping[str, str]:
    """The variables by which every Dagster process of this machine finds the same instance and data."""
    return {
        "DAGSTER_HOME": str(dagster_home()),
        "HURACAN_HOME": str(settings.storage.home),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The instance, saying nothing on the terminal: its events are kept in the event log."""
    os.environ.update(environment(settings))
    with dg.DagsterInstance.get() as instance:
        # By the instance and not by the run's configuration, so that the run looks like any other.
        instance._settings = {**instance._settings, "python_logs": {"python_log_level": "CRITICAL"}}
        # Capturing a run's output redirects this process's own, progress bars included.
        instance._compute_log_manager = NoOpComputeLogManager()
        yield instance
