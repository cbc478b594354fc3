"""What an asset declares to read, and the partitions that this comes down to on a day.

The lake refuses a missing day and a day that a gate judged bad; how an asset is run belongs in `running`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain, islice, pairwise

import pyarrow as pa

from huracan.errors import InputRefused
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.manifest import Manifest
from huracan_resources.settings.settings import Settings


@dataclass(frozen=True)
class Read:
    """One declared input: `days` days of `asset`, the last of them `ends` days after the partition's own.

    `days` may depend on the settings. `optional`: nothing is read on the first nights of a history, where
    no earlier partition exists or more than a week is missing; a shorter hole is refused. `edge` false: no
    edge in the graph (a window of a past that another edge orders already), recorded in the manifest all
    the same. What is not `is_needed` may have been judged bad: then nothing is read, and `Inputs.refusal`
    says why. An `is_record` read tells what was done on those days by what was known then; a later version
    of its inputs does not make it stale. Of one that `may_lack_days`, the days that are missing, were
    judged bad or whose `table` has aged out are left out. With `table`, only that table of the days is
    read, and recorded by its own hash: what else changes in them changes nothing here. Days that hold no
    such table (of a version before it, or empty) are among the manifests and not among the hashes. With
    `newest`, the same of the newest earlier partition that holds that table, whatever its verdict. In a
    read that is `chained` by such a table each day was made from the one of the day before.
    """

    asset: str
    days: int | Callable[[Settings], int] = 1
    ends: int = 0
    optional: bool = False
    edge: bool = True
    is_needed: bool = True
    is_record: bool = False
    may_lack_days: bool = False
    table: str = ""
    newest: str = ""
    chained: str = ""
    key: str = ""
    because: str = ""
    """What hangs on it, for whoever reads that it is refused."""

    @property
    def name(self) -> str:
        return self.key or self.asset

    def reach(self, settings: Settings) -> int:
        """How many days before the partition's own it looks back."""
        return (self.days(settings) if callable(self.days) else self.days) - 1 - self.ends


def yesterday(asset: str, *, is_needed: bool = True) -> Read:
    """The partition of the day before; absent only where a history begins."""
    return Read(asset, ends=-1, optional=True, is_needed=is_needed, is_record=True)


def record(asset: str) -> Read:
    """The day's own partition of what is a record of a finished night: it stands although, later, what it was
    made from is made anew."""
    return Read(asset, is_record=True)


class Inputs:
    """What a stage declared to read, resolved to manifests; data is read when it is asked for."""

    def __init__(
        self,
        lake: Lake,
        manifests: Mapping[str, Sequence[Manifest]],
        refusals: Mapping[str, str] | None = None,
        records: Collection[str] = (),
        tables: Mapping[str, str] | None = None,
    ) -> None:
        self._lake = lake
        self._manifests = manifests
        self._tables = tables or {}
        self._refusals = refusals or {}
        self._refuse_stale(records)

    def refuse_unchained(self, name: str, table: str) -> None:
        """InputRefused for a day of the read that was made without the table of the day before it, or from
        another. Partitions of versions that had no such table are not asked."""
        held = [each for each in self._manifests[name] if f"{table}.parquet" in each.files]
        for before, manifest in pairwise(held):
            key, sha256 = table_hash(before, table)
            if before.day + timedelta(days=1) == manifest.day and manifest.inputs.get(key) != sha256:
                raise InputRefused(
                    f"{manifest.key} was not judged beside {before.key} as it is now.",
                    f"Run huracan backfill from {manifest.day} on: what is stale is made again.",
                )

    def _refuse_stale(self, records: Collection[str]) -> None:
        """Partitions that are read together must have been made from one another as they are now; where one
        was made from a single table of another, as that table is now. What an asset read of its own days
        before is for `refuse_unchained`."""
        read = [manifest for manifests in self._manifests.values() for manifest in manifests]
        present = {manifest.key: manifest.content_hash for manifest in read} | dict(
            table_hash(manifest, file.removesuffix(".parquet"))
            for manifest in read
            for file in manifest.files
            if file.endswith(".parquet")
        )
        for name, manifests in self._manifests.items():
            for manifest in () if name in records else manifests:
                own = f"{manifest.asset}/"
                stale = [
                    key
                    for key, made in manifest.inputs.items()
                    if present.get(key, made) != made and not ("#" in key and key.startswith(own))
                ]
                if stale:
                    raise InputRefused(
                        f"{manifest.key} was made from an earlier {stale[0]}.",
                        f"Run huracan backfill from {manifest.day} on: what is stale is made again.",
                    )

    def refusal(self, name: str) -> str:
        """Why a read that is not needed was refused; empty if it was not."""
        return self._refusals.get(name, "")

    def days(self, name: str) -> list[date]:
        return [manifest.day for manifest in self._manifests[name]]

    def manifests(self, name: str) -> list[Manifest]:
        return list(self._manifests[name])

    def last(self, name: str) -> Manifest | None:
        return self._manifests[name][-1] if self._manifests[name] else None

    def table(
        self,
        name: str,
        file: str = "data",
        columns: Sequence[str] | None = None,
        last_days: int | None = None,
    ) -> pa.Table:
        """All days of the read that hold the table (or only its last ones), in day order, as one table."""
        manifests = self._manifests[name][-last_days:] if last_days else self._manifests[name]
        return self._lake.read_manifests(manifests, columns, file)

    def tables(self, name: str, file: str) -> list[pa.Table]:
        """The same, one table for each day that holds it."""
        held = [each for each in self._manifests[name] if f"{file}.parquet" in each.files]
        return [self._lake.read_manifests([manifest], None, file) for manifest in held]

    def each_day(self, name: str) -> Iterator[pa.Table]:
        """The table `data` of every day of the read that holds it, in day order, read one at a time."""
        for manifest in self._manifests[name]:
            if "data.parquet" in manifest.files:
                yield self._lake.read_manifests([manifest])

    def tables_by_day(self, name: str) -> dict[date, pa.Table]:
        """The table `data` of every day of the read that holds it."""
        held = [each for each in self._manifests[name] if "data.parquet" in each.files]
        return {manifest.day: self._lake.read_manifests([manifest]) for manifest in held}

    def of_day(
        self, name: str, day: date, columns: Sequence[str] | None = None, file: str = "data"
    ) -> pa.Table:
        """The table of one day of the read; `InputRefused` where there is none."""
        return self._lake.read_manifests([self.manifest_of(name, day)], columns, file)

    def file_of_day(self, name: str, day: date, file: str) -> bytes | None:
        """One file of one day of the read; None where the partition has no such file."""
        manifest = self.manifest_of(name, day)
        held = file in manifest.files
        return self._lake.read_file(manifest.asset, day, file) if held else None

    def holds(self, name: str, day: date, file: str = "data.parquet") -> bool:
        """Whether that day of the read is there and has the file."""
        return any(manifest.day == day and file in manifest.files for manifest in self._manifests[name])

    def manifest_of(self, name: str, day: date) -> Manifest:
        for manifest in self._manifests[name]:
            if manifest.day == day:
                return manifest
        raise InputRefused(f"There is no good {name} of {day}.", f"Run huracan backfill from {day} on.")

    def files_by_day(self, name: str, file: str) -> dict[date, bytes]:
        """One file of every day of the read that holds it."""
        held = [each for each in self._manifests[name] if file in each.files]
        return {manifest.day: self._lake.read_file(manifest.asset, manifest.day, file) for manifest in held}

    def has(self, name: str, file: str = "data.parquet") -> bool:
        """Whether any day of the read holds this file; a partition that says why it is empty does not."""
        return any(file in manifest.files for manifest in self._manifests[name])

    def file(self, name: str, file: str) -> bytes | None:
        """One file of the last day of the read; None where the partition is absent or has no such file."""
        manifest = self.last(name)
        if manifest is None or file not in manifest.files:
            return None
        return self._lake.read_file(manifest.asset, manifest.day, file)

    def hashes(self) -> dict[str, str]:
        """What was read -> the hash of its content; `asset/day#table` where one table of it is all."""
        hashes: dict[str, str] = {}
        for name, manifests in self._manifests.items():
            table = self._tables.get(name)
            if table is None:
                hashes |= {manifest.key: manifest.content_hash for manifest in manifests}
            else:
                held = (each for each in manifests if f"{table}.parquet" in each.files)
                hashes |= dict(table_hash(each, table) for each in held)
        return hashes

    @property
    def is_simulated(self) -> bool:
        return any(manifest.is_simulated for manifests in self._manifests.values() for manifest in manifests)

    @property
    def source(self) -> str:
        """Where the candles behind all of it come from; two sources in one history are refused."""
        found: dict[str, Manifest] = {}
        for manifests in self._manifests.values():
            found |= {manifest.source: manifest for manifest in manifests}
        if len(found) > 1:
            first, second = sorted(found)[:2]
            raise InputRefused(
                f"{found[first].key} comes from {first!r}, but {found[second].key} from {second!r}.",
                "Backfill those days from one source, or give each source a HURACAN_HOME of its own.",
            )
        return next(iter(found), "")


def resolve_all(lake: Lake, reads: Sequence[Read], day: date, settings: Settings) -> Inputs:
    """Every declared read for `day`; `InputRefused` where a needed one is missing or was judged bad."""
    manifests: dict[str, list[Manifest]] = {}
    refusals: dict[str, str] = {}
    for read in reads:
        try:
            manifests[read.name] = resolve(lake, read, day, settings)
        except InputRefused as refused:
            last = day + timedelta(days=read.ends)
            if read.because:
                raise InputRefused(f"{refused.what} {read.because}", refused.remedy) from None
            if read.is_needed or lake.manifest(read.asset, last) is None:
                raise
            manifests[read.name], refusals[read.name] = [], refused.what
    records = {read.name for read in reads if read.is_record}
    tables = {read.name: read.newest or read.table for read in reads if read.newest or read.table}
    inputs = Inputs(lake, manifests, refusals, records, tables)
    for read in reads:
        if read.chained:
            inputs.refuse_unchained(read.name, read.chained)
    return inputs


def table_hash(manifest: Manifest, table: str) -> tuple[str, str]:
    """Name and hash of one table of a partition, among the inputs of another."""
    return f"{manifest.key}#{table}", manifest.files[f"{table}.parquet"].sha256


def _has(manifest: Manifest, read: Read) -> bool:
    """Whether the single table that is read, where it is one, has not aged out."""
    return f"{read.table}.parquet" not in manifest.aged_out


def _days_back(lake: Lake, asset: str) -> Iterator[date]:
    yield from reversed(lake.days(asset))


def resolve(lake: Lake, read: Read, day: date, settings: Settings) -> list[Manifest]:
    last = day + timedelta(days=read.ends)
    if read.newest:
        # It mostly is the last day's: all days are listed only where it is not.
        held = chain([last], (each for each in _days_back(lake, read.asset) if each < last))
        earlier = (lake.manifest(read.asset, each) for each in held)
        holding = (each for each in earlier if each is not None and f"{read.newest}.parquet" in each.files)
        return list(islice(holding, 1))
    days = read.days(settings) if callable(read.days) else read.days
    if read.may_lack_days:
        asked = [lake.manifest(read.asset, last - timedelta(days=back)) for back in range(days - 1, -1, -1)]
        return [each for each in asked if each is not None and not each.failed_verdicts and _has(each, read)]
    first = settings.universe.first_day
    is_there = lake.manifest(read.asset, last) is not None
    if read.optional and not is_there and lake.is_beginning(read.asset, last, first):
        return []
    return [lake.require(read.asset, last)] if days == 1 else lake.window(read.asset, last, days, first)
