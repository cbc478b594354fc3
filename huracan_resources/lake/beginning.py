"""The first day that a lake holds of an asset, known without asking an object store.

Definitions load in every process and contact nothing. A lake on disk is looked at; of one on S3 the home
remembers what its runs have found.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from huracan.errors import InputRefused, InvalidInput
from huracan_resources.lake.lake import Lake, named_day
from huracan_resources.lake.store import LocalStore, open_store

_KEPT_AS = "first_days.json"
_LEAD = "day="


@dataclass(frozen=True)
class Beginning:
    """Of `asset` in the lake at `lake_url`, as far as the machine of this `home` knows."""

    home: Path
    lake_url: str
    asset: str

    def known(self) -> date | None:
        """None where nothing is held; `date.min`, for it may be any, where no run of this home has looked
        into the bucket yet."""
        if self._is_far:
            return self._remembered.get(self._name, date.min)
        store = open_store(self.lake_url)
        assert isinstance(store, LocalStore)
        try:
            names = [folder.name for folder in (store.root / self.asset).iterdir()]
        except OSError:
            return None
        days = (named_day(name.removeprefix(_LEAD)) for name in names if name.startswith(_LEAD))
        return min((day for day in days if day is not None), default=None)

    def remember(self, lake: Lake, day: date) -> None:
        """That `day` is held now; the first time the bucket is asked for all others."""
        if not self._is_far:
            return
        known = self._remembered.get(self._name)
        first = min([*lake.days(self.asset), day]) if known is None else min(known, day)
        if first != known:
            days = {name: each.isoformat() for name, each in (self._remembered | {self._name: first}).items()}
            with suppress(InvalidInput):  # A home that may not be written: the next run asks again.
                self._cache.put(_KEPT_AS, json.dumps(days).encode())

    @property
    def _is_far(self) -> bool:
        return self.lake_url.startswith("s3://")

    @property
    def _name(self) -> str:
        return f"{self.lake_url}/{self.asset}"

    @property
    def _cache(self) -> LocalStore:
        return LocalStore(self.home / "cache")

    @property
    def _remembered(self) -> dict[str, date]:
        try:
            kept: dict[str, str] = json.loads(self._cache.get(_KEPT_AS))
            return {name: date.fromisoformat(day) for name, day in kept.items()}
        except (InputRefused, InvalidInput, ValueError, TypeError, AttributeError):
            return {}
