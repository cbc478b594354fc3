"""The rows of the trial ledger: append-only, each chained to the one before by its hash.

What the rows say is read in `record`; where they are kept belongs to the resources.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from huracan.errors import InputRefused
from huracan.models.canonical import canonical_json, read_json_object

PROCEDURE, NIGHT, DAY, CHAMPION_DAY, DECISION = "procedure", "night", "day", "champion_day", "decision"
KINDS = (PROCEDURE, NIGHT, DAY, CHAMPION_DAY, DECISION)
"""A registration, a night's weights, a day on paper, one of a champion's frozen brain, what is in force."""
_RESTORE = (
    "Nothing in it is ever changed: put back what stood there. The other copy has it: delete the row here, in"
    " the table trials or below trials/ in the lake, and the next night writes it again."
)


@dataclass(frozen=True)
class TrialRow:
    """One row. `key` is unique within its kind; `previous` is the hash of the row before, empty at first."""

    sequence: int
    kind: str
    key: str
    content: Mapping[str, Any]
    previous: str
    sha256: str

    @staticmethod
    def after(rows: Sequence["TrialRow"], kind: str, key: str, content: Mapping[str, Any]) -> "TrialRow":
        """The row that comes next. Content is kept as it is read again."""
        previous = rows[-1].sha256 if rows else ""
        plain = json.loads(canonical_json(content))
        sequence = len(rows) + 1
        return TrialRow(sequence, kind, key, plain, previous, _digest(sequence, kind, key, plain, previous))

    @property
    def name(self) -> str:
        """For people."""
        return f"Row {self.sequence} of the trial ledger ({self.kind} {self.key[:40]})"

    def to_json(self) -> bytes:
        return canonical_json(vars(self))

    @staticmethod
    def from_json(content: bytes, name: str) -> "TrialRow":
        """The inverse of `to_json`; InputRefused naming `name` where it is damaged."""
        plain = read_json_object(content, name)
        try:
            return TrialRow(**plain)
        except TypeError as error:
            raise InputRefused(f"{name} is no row of a trial ledger ({error}).", _RESTORE) from error


def check_chain(rows: Iterable[TrialRow]) -> None:
    """InputRefused naming the first row that was changed, left out, moved, or written twice."""
    previous, seen = "", set[tuple[str, str]]()
    for number, row in enumerate(rows, 1):
        if row.sequence != number:
            raise InputRefused(
                f"Row {number} of the trial ledger is missing: row {row.sequence} follows.", _RESTORE
            )
        if row.sha256 != _digest(row.sequence, row.kind, row.key, row.content, row.previous):
            raise InputRefused(f"{row.name} was changed after it was written.", _RESTORE)
        if row.previous != previous:
            raise InputRefused(f"{row.name} does not follow the row before it.", _RESTORE)
        if (row.kind, row.key) in seen:
            says = "is registered twice" if row.kind == PROCEDURE else "was recorded twice"
            raise InputRefused(f"{row.name} {says}: its first row counts.", _RESTORE)
        seen.add((row.kind, row.key))
        previous = row.sha256


def _digest(sequence: int, kind: str, key: str, content: Mapping[str, Any], previous: str) -> str:
    told = {"sequence": sequence, "kind": kind, "key": key, "content": content, "previous": previous}
    return hashlib.sha256(canonical_json(told)).hexdigest()
