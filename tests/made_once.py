"""What a run of the suite makes once, whichever of its workers needs it first, and copies afterwards."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import fasteners  # type: ignore[import-untyped]

from huracan_resources.database.embedded_postgres import stop_embedded

NewHome = Callable[[], AbstractContextManager[Path]]


@dataclass(frozen=True)
class MadeOnce:
    """Folders that all workers of a run share."""

    shared: Path

    def __call__(self, name: str, make: Callable[[Path], None]) -> Path:
        """The folder `name`, which `make` fills if no worker has; nobody changes it afterwards."""
        made, aside = self.shared / name, self.shared / f"{name}.new"
        with fasteners.InterProcessLock(self.shared / f"{name}.lock"):
            if not made.exists():
                shutil.rmtree(aside, ignore_errors=True)
                aside.mkdir()
                make(aside)
                aside.rename(made)
        return made


@contextmanager
def empty_home() -> Iterator[Path]:
    """A directory for HURACAN_HOME, whose server is stopped in the end."""
    # Not below pytest's own directory: its path is too long for a socket, which would take a link in /tmp.
    with tempfile.TemporaryDirectory(prefix="huracan-test-") as name:
        yield Path(name)
        stop_embedded(Path(name))


def copy_folder(source: Path, target: Path) -> None:
    """With the owners of its files: a database belongs to the account that its server runs as."""
    subprocess.run(["cp", "-a", f"{source}/.", str(target)], check=True)
