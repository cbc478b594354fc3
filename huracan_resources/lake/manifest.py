"""The manifest of a partition: what lies in it, what it was made from, and how it was judged.

It holds no wall-clock time, so that the same work twice gives the same bytes. Reading and writing
partitions belongs in `lake`.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from huracan.errors import InputRefused
from huracan.verdict import Verdict


@dataclass(frozen=True)
class FileEntry:
    """One file of a partition: the name under which it lies, its SHA-256, bytes and rows (of a table)."""

    stored_as: str
    sha256: str
    size: int
    rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A partition of `asset` for `day`: `files` by logical name, `inputs` from `asset/day` to content hash.

    `note` says in words what a reader should know, such as why the partition is empty. `aged_out` names files
    that retention let go, each with the day of that; what they were still stands among `files`. What was
    `remade` was made after its night was finished: it is no evidence of what was done that night.
    """

    asset: str
    day: date
    files: dict[str, FileEntry]
    content_hash: str
    inputs: dict[str, str] = field(default_factory=dict)
    code_version: str = ""
    configuration_digest: str = ""
    is_simulated: bool = False
    source: str = ""
    verdicts: tuple[Verdict, ...] = ()
    note: str = ""
    aged_out: dict[str, str] = field(default_factory=dict)
    remade: bool = False

    @property
    def key(self) -> str:
        """`asset/day`: the name under which this partition appears among the inputs of another."""
        return f"{self.asset}/{self.day.isoformat()}"

    @property
    def failed_verdicts(self) -> tuple[Verdict, ...]:
        """The blocking verdicts that failed."""
        return tuple(v for v in self.verdicts if v.blocking and not v.passed)

    @property
    def is_good(self) -> bool:
        """Whether it holds something and no blocking check failed."""
        return bool(self.files) and not self.failed_verdicts

    @property
    def rows(self) -> int:
        """Rows of all tables in the partition."""
        return sum(entry.rows or 0 for entry in self.files.values())

    def to_json(self) -> bytes:
        """Sorted keys, one trailing newline: equal manifests are equal bytes."""
        content = asdict(self) | {"day": self.day.isoformat()}
        content["verdicts"] = [_stored(verdict) for verdict in self.verdicts]
        for name in ("aged_out", "remade"):
            if not content[name]:
                del content[name]
        return (json.dumps(content, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()

    @staticmethod
    def from_json(data: bytes, name: str) -> "Manifest":
        """The manifest in `data`; `InputRefused` naming the file `name` if it is damaged."""
        try:
            content = json.loads(data)
            content["day"] = date.fromisoformat(content["day"])
            content["files"] = {key: FileEntry(**entry) for key, entry in content["files"].items()}
            content["verdicts"] = tuple(Verdict(each.pop("rule"), **each) for each in content["verdicts"])
            # Of an earlier version; it was always empty.
            content.pop("parameters", None)
            manifest = Manifest(**content)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputRefused(f"The manifest {name} is damaged ({error}).", _REBUILD) from error
        if manifest.content_hash != content_hash(manifest.files):
            raise InputRefused(f"The manifest {name} does not agree with its own hash.", _REBUILD)
        return manifest


@dataclass(frozen=True)
class Origin:
    """What a partition was made by and from: the stage's code, configuration and `source` of candles, and the
    `inputs` from `asset/day` to content hash; `remade` as in `Manifest`."""

    inputs: Mapping[str, str] = field(default_factory=dict)
    code_version: str = ""
    configuration_digest: str = ""
    source: str = ""
    is_simulated: bool = False
    remade: bool = False


_REBUILD = (
    "Restore it from a copy. Where there is none, delete that partition's folder and run its day again, with"
    " huracan backfill --remake if its night is finished."
)


def content_hash(files: Mapping[str, FileEntry]) -> str:
    """SHA-256 over the sorted logical names and their hashes: the data version of a partition."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{files[name].sha256}\n".encode())
    return digest.hexdigest()


def _stored(verdict: Verdict) -> dict[str, Any]:
    """Under `rule`, as the check was called when the first manifests were written."""
    content = asdict(verdict) | {"numbers": _plain(verdict.numbers)}
    content["rule"] = content.pop("check")
    return content


def _plain(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has no NaN and no infinity: they are kept as text; NumPy scalars become Python's."""
    plain = {}
    for name, number in numbers.items():
        scalar = number.item() if hasattr(number, "item") else number
        plain[name] = str(scalar) if isinstance(scalar, float) and not math.isfinite(scalar) else scalar
    return plain
