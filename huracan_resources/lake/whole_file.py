"""Files that are there whole or not at all, whoever is killed meanwhile.

Each is written aside, outside the folders of objects, synced to disk and renamed into place. A writer holds
the lock of what it writes, so that what a killed one left is known by a lock that is free.
"""

import fcntl
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from huracan_resources.folders import make_folder

_ASIDE, _PREFIX = ".writing", ".writing-"


def is_unfinished(name: str) -> bool:
    """Whether a file of that name is not complete yet."""
    return name.startswith(_PREFIX)


def write_whole(path: Path, data: bytes, root: Path) -> None:
    """Replace the file `path`, whose folder lies at or below `root`. OSError leaves the old one."""
    aside = _aside(path.parent, root)
    make_folder(aside, root)
    # Beside the objects only versions of before left any.
    for folder in (aside, path.parent):
        _sweep(folder)
    handle, temporary = _open_locked(aside)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)
            temporary.chmod(0o644)
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_directory(path.parent)


def _aside(folder: Path, root: Path) -> Path:
    """As far up as the disk of `folder` reaches, for nothing is renamed from one disk to another."""
    disk = folder.stat().st_dev
    while folder != root and folder.parent.stat().st_dev == disk:
        folder = folder.parent
    return folder / _ASIDE


def _open_locked(folder: Path) -> tuple[int, Path]:
    """A new file of this writer, who holds its lock for as long as it is open."""
    while True:
        handle, name = tempfile.mkstemp(prefix=_PREFIX, dir=folder)
        # On a disk without locks nobody can take one, so nothing is swept there either.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        # Before the lock was taken another writer may have swept it.
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)


def _sweep(folder: Path) -> None:
    """Remove what writers left that were killed: the lock of one who lives cannot be taken."""
    for left in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError), left.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


def _sync_directory(directory: Path) -> None:
    """Make a rename survive a power cut."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
