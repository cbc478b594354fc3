"""Which files on disk were found to have the SHA-256 of their manifest, so that not every reader hashes them.

What is remembered holds for a day, and only while size, times and inode of the file are the same.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from huracan.errors import InputRefused, InvalidInput
from huracan_resources.lake.store import ObjectStore

VALID_SECONDS = 86_400.0
"""After that a file is hashed again: a disk can change bytes and tell nobody."""
_SETTLED_SECONDS = 2.0
"""A file as young as that may change once more without a new time: clocks of file systems are coarse."""
_KEPT_AS = "verified_files.json"

_Facts = list[int | float | str]


class VerifiedFiles:
    """`kept` is the store that remembers from one process to the next; `clock` gives seconds since 1970."""

    def __init__(self, kept: ObjectStore | None = None, clock: Callable[[], float] = time.time) -> None:
        self._kept, self._clock = kept, clock
        self._has_new = False

    def is_whole(self, path: Path, sha256: str) -> bool:
        """Whether the file has that hash; OSError where it cannot be read."""
        now, facts = self._clock(), _facts(path.stat(), sha256)
        *known, verified_at = self._known.get(str(path), [0.0])
        if known == facts and 0.0 <= now - float(verified_at) < VALID_SECONDS:
            return True
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                return False
        if now - path.stat().st_ctime > _SETTLED_SECONDS:
            self._known[str(path)] = [*facts, now]
            self._has_new = True
        return True

    def save(self) -> None:
        """Remember what was found since. A home that may not be written is hashed anew by every reader."""
        if self._kept is None or not self._has_new:
            return
        now = self._clock()
        fresh = {path: facts for path, facts in self._known.items() if now - float(facts[-1]) < VALID_SECONDS}
        with suppress(InvalidInput):
            self._kept.put(_KEPT_AS, json.dumps(fresh, separators=(",", ":")).encode())
        self._has_new = False

    @cached_property
    def _known(self) -> dict[str, _Facts]:
        """Path -> size, times, inode and hash, and when that was found."""
        if self._kept is None:
            return {}
        try:
            known: dict[str, _Facts] = json.loads(self._kept.get(_KEPT_AS))
            return {path: [*facts[:-1], float(facts[-1])] for path, facts in known.items()}
        except (InputRefused, InvalidInput, ValueError, TypeError, AttributeError, LookupError):
            return {}


def _facts(status: os.stat_result, sha256: str) -> _Facts:
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, sha256]
