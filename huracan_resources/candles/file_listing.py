"""What lies below a directory: links are followed, and what a system hides or leaves behind is passed over.

What the names mean is told in `file_names`.
"""

import os
from pathlib import Path

from huracan.errors import InvalidInput

SUFFIXES = (".parquet", ".csv", ".csv.gz", ".feather", ".zip", ".json", ".json.gz")

_LEFT_BEHIND = {"__macosx", "@eadir", "#recycle", "$recycle.bin", "lost+found", "desktop.ini", "thumbs.db"}


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is a system's own (`._x.csv`, `__MACOSX`) or an editor's."""
    return name.startswith((".", "~$")) or name.lower() in _LEFT_BEHIND


def list_files(directory: Path) -> list[Path]:
    """All files below `directory` that are not hidden, of whatever kind, in a fixed order.

    A folder that is a link is entered; one that is reached in several ways, or lies in a circle, once. Raises
    InvalidInput for a folder that may not be read: what it holds would be called missing.
    """
    found: list[Path] = []
    entered: set[tuple[int, int]] = set()
    for folder, folders, files in os.walk(directory, onerror=_refuse, followlinks=True):
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in entered:
            folders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        found += [Path(folder, name) for name in files if not is_hidden(name)]
    return sorted(found)


def suffix_of(path: Path) -> str:
    """The kind of a file as its name ends, as written: `.csv.gz`, `.CSV`, or what follows the last dot."""
    name = path.name.lower()
    known = max((suffix for suffix in SUFFIXES if name.endswith(suffix)), key=len, default="")
    return path.name[-len(known) :] if known else path.suffix


def is_readable_kind(path: Path) -> bool:
    return path.name.lower().endswith(SUFFIXES)


def stem_of(path: Path) -> str:
    """The name without what tells the kind."""
    suffix = suffix_of(path)
    return path.name[: -len(suffix)] if suffix else path.name


def _refuse(error: OSError) -> None:
    raise InvalidInput(
        f"The folder {error.filename} cannot be read: {error.strerror}.",
        "Give this user the right to read it, or move it out of the directory.",
    ) from error
