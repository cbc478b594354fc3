"""How the last `huracan nightly` ended, kept in the home: what failed leaves no partition that says so.

A night of the daemon is not here; where one fails an incident is opened.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from huracan.errors import HuracanError
from huracan_resources.settings.secrets import withhold

_FILE = "last_night.json"


@dataclass(frozen=True)
class Failure:
    """What failed of a night, and why in one line."""

    what: str
    day: date
    reason: str


@dataclass(frozen=True)
class NightRecord:
    """The night of `day`, which ended at `ended_at` (UTC); it succeeded where nothing failed."""

    day: date
    ended_at: datetime
    failures: Sequence[Failure] = ()

    def write(self, home: Path) -> None:
        """Keep it in place of the last one. A disk that takes no more spoils no night for that."""
        with suppress(OSError):
            draft = home / f"{_FILE}.new"
            draft.write_text(json.dumps(asdict(self), default=str) + "\n")
            draft.replace(home / _FILE)

    @staticmethod
    @contextmanager
    def of_refusal(day: date, home: Path) -> Iterator[None]:
        """Keep it too where the night of `day` ends by one of our errors, before any run or between two."""
        try:
            yield
        except HuracanError as error:
            NightRecord(day, datetime.now(UTC), [Failure("the night", day, withhold(str(error)))]).write(home)
            raise

    @staticmethod
    def read(home: Path) -> "NightRecord | None":
        """None where there is none, or where the file holds anything else."""
        try:
            content = json.loads((home / _FILE).read_text())
            failures = [
                Failure(str(each["what"]), date.fromisoformat(each["day"]), str(each["reason"]))
                for each in content["failures"]
            ]
            ended_at = datetime.fromisoformat(content["ended_at"])
            return NightRecord(date.fromisoformat(content["day"]), ended_at, failures)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None
