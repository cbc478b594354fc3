"""The version of code: a digest of its source, so that a change is never mistaken for old work."""

import hashlib
from functools import cache
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[1]


@cache
def source_digest(rooms: tuple[str, ...]) -> str:
    """Over the Python files of these packages of `huracan`, or of files relative to it."""
    digest = hashlib.sha256()
    for room in sorted(rooms):
        path = (_REPOSITORY / "huracan" / room).resolve()
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            digest.update(file.relative_to(_REPOSITORY).as_posix().encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
