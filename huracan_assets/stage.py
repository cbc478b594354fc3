"""The shape that all assets share: declared reads, one pure body, an atomic write with its manifest.

`stage` turns a body into a Dagster asset. It resolves the declared reads through the lake (which refuses a
missing day and a day that a gate judged bad), skips the body when neither its inputs nor its code nor its
configuration changed, writes what the body made, replaces the rows in the database, and reports data version,
row counts, schema and check results. What an asset computes does not belong here.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from huracan.candles.schema import Timeframe
from huracan.errors import HuracanError, InputRefused, InvalidInput, Unavailable
from huracan.verdict import Verdict
from huracan_assets import progress
from huracan_assets.partitions import PREVIOUS_DAY, day_of
from huracan_assets.resources import Outside
from huracan_resources.lake import Lake
from huracan_resources.manifest import Manifest
from huracan_resources.parquet import encode_table
from huracan_resources.settings import Settings

_REPOSITORY = Path(__file__).resolve().parents[1]
OWNERS = ["team:huracan"]


@dataclass(frozen=True)
class Read:
    """One declared input: `days` days of `asset`, the last of them `ends` days after the partition's own.

    `days` may depend on the settings. `optional`: nothing is read on the first nights, before any earlier
    partition exists; a hole after that is refused. `edge` false: no edge in the graph (a window of a past
    that another edge orders already), recorded in the manifest all the same.
    """

    asset: str
    days: int | Callable[[Settings], int] = 1
    ends: int = 0
    optional: bool = False
    edge: bool = True
    key: str = ""

    @property
    def name(self) -> str:
        return self.key or self.asset


def yesterday(asset: str) -> Read:
    """The partition of the day before; absent only before the first one was ever made."""
    return Read(asset, ends=-1, optional=True)


@dataclass(frozen=True)
class Check:
    """A quality gate of a stage. A `blocking` one that fails stops everything that reads the partition."""

    name: str
    description: str
    blocking: bool = True


class Inputs:
    """What a stage declared to read, resolved to manifests; data is read when it is asked for."""

    def __init__(self, lake: Lake, manifests: Mapping[str, Sequence[Manifest]]) -> None:
        self._lake = lake
        self._manifests = manifests

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
        return {
            f"{manifest.asset}/{manifest.day.isoformat()}": manifest.content_hash
            for manifests in self._manifests.values()
            for manifest in manifests
        }

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


@dataclass(frozen=True)
class Night:
    """What a body may know beside its inputs."""

    asset: str
    day: date
    settings: Settings
    outside: Outside

    @property
    def timeframe(self) -> Timeframe:
        return Timeframe(self.settings.universe.timeframe)

    def steps(self, done: int, total: int) -> None:
        """Progress in steps; the last of the stage is reported when its partition is written."""
        self.progress(min(0.99, done / total), f"{done:,} of {total:,} steps")

    def progress(self, fraction: float, text: str = "") -> None:
        progress.report(progress.Progress(self.asset, self.day, fraction, text))


@dataclass(frozen=True)
class Outcome:
    """What a body made. `note` says why a partition is empty when it cannot exist yet."""

    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    verdicts: Sequence[Verdict] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    is_simulated: bool | None = None
    source: str = ""


Body = Callable[[Inputs, Night], Outcome]


@dataclass(frozen=True)
class Stage:
    """A declared asset: what it reads, what its content depends on, how it is judged, and its body."""

    body: Body
    group: str
    kinds: set[str]
    reads: Sequence[Read]
    rooms: Sequence[str]
    blocks: Sequence[str]
    checks: Sequence[Check]
    database: Mapping[str, str]
    retry: dg.RetryPolicy | None
    expected_minutes: float
    reads_outside: bool

    @property
    def name(self) -> str:
        return self.body.__name__

    @property
    def code_version(self) -> str:
        """Changes with any line of the rooms and of the file that declares the stage."""
        return source_digest((*self.rooms, f"../{self.body.__module__.replace('.', '/')}.py"))

    def configuration_digest(self, settings: Settings) -> str:
        return settings.digest(*self.blocks) if self.blocks else ""

    def inputs(self, lake: Lake, day: date, settings: Settings) -> Inputs:
        """What the stage reads for `day`; `InputRefused` where a day is missing or was judged bad."""
        return Inputs(lake, {read.name: _resolve(lake, read, day, settings) for read in self.reads})

    def current(self, lake: Lake, day: date, settings: Settings, inputs: Inputs) -> Manifest | None:
        """The day's manifest, if the partition is good and was made from just these inputs by this code."""
        digest = self.configuration_digest(settings)
        return lake.is_current(self.name, day, inputs.hashes(), self.code_version, digest)

    def asset(self, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
        @dg.asset(
            name=self.name,
            partitions_def=partitions,
            deps=_edges(self.reads),
            check_specs=[
                dg.AssetCheckSpec(
                    check.name,
                    asset=self.name,
                    description=check.description,
                    blocking=check.blocking,
                    partitions_def=partitions,
                )
                for check in self.checks
            ],
            group_name=self.group,
            kinds=self.kinds,
            owners=OWNERS,
            tags={"huracan/group": self.group},
            code_version=self.code_version,
            description=self.body.__doc__,
            metadata={"expected_minutes": self.expected_minutes, "reads": _describe(self.reads)},
            pool=self.name,
            retry_policy=self.retry,
        )
        def wired(
            context: dg.AssetExecutionContext, outside: dg.ResourceParam[Outside]
        ) -> dg.MaterializeResult:
            with _permanent_failures():
                day = day_of(context.partition_key)
                return _run(self, Night(self.name, day, outside.settings, outside))

        return wired


def stage(
    *,
    group: str,
    kinds: set[str],
    reads: Sequence[Read],
    rooms: Sequence[str],
    blocks: Sequence[str],
    checks: Sequence[Check] = (),
    database: Mapping[str, str] | None = None,
    retry: dg.RetryPolicy | None = None,
    expected_minutes: float = 0.1,
    reads_outside: bool = False,
) -> Callable[[Body], Stage]:
    """Declare an asset. `rooms` are the packages of `huracan` whose code its content depends on and `blocks`
    the settings; both are part of its version. `database` maps a table of PostgreSQL to the table of the
    partition whose rows it holds too. What `reads_outside` of the lake (an exchange, the registry) runs every
    time, because no manifest can tell that it is unchanged. The asset's name is the body's, its description
    the docstring."""

    def declare(body: Body) -> Stage:
        return Stage(
            body,
            group,
            kinds,
            reads,
            rooms,
            blocks,
            checks,
            database or {},
            retry,
            expected_minutes,
            reads_outside,
        )

    return declare


def _run(stage: Stage, night: Night) -> dg.MaterializeResult:
    lake = night.outside.lake
    night.progress(0.0)
    inputs = stage.inputs(lake, night.day, night.settings)
    current = stage.current(lake, night.day, night.settings, inputs)
    if current is not None and not stage.reads_outside:
        _load_rows(current, stage.database, night)
        night.progress(1.0, "unchanged")
        return _result(current, stage.checks, {"reused": True})
    outcome = stage.body(inputs, night)
    manifest = lake.write(
        night.asset,
        night.day,
        {f"{name}.parquet": encode_table(table) for name, table in outcome.tables.items()}
        | dict(outcome.files),
        inputs=inputs.hashes(),
        code_version=stage.code_version,
        configuration_digest=stage.configuration_digest(night.settings),
        source=outcome.source or inputs.source,
        is_simulated=inputs.is_simulated if outcome.is_simulated is None else outcome.is_simulated,
        verdicts=outcome.verdicts,
        note=outcome.note,
    )
    _load_rows(manifest, stage.database, night)
    night.progress(1.0, outcome.note)
    return _result(manifest, stage.checks, _table_metadata(outcome, night) | dict(outcome.metadata))


def _load_rows(manifest: Manifest, database: Mapping[str, str], night: Night) -> None:
    """Make the database hold what the partition holds, also where the database is new and the lake is not."""
    for table, name in database.items():
        rows = None
        if f"{name}.parquet" in manifest.files:
            rows = night.outside.lake.read_manifests([manifest], None, name)
        night.outside.rows.load(table, manifest.day, manifest.content_hash, rows)


def _resolve(lake: Lake, read: Read, day: date, settings: Settings) -> list[Manifest]:
    last = day + timedelta(days=read.ends)
    days = read.days(settings) if callable(read.days) else read.days
    if read.optional and lake.manifest(read.asset, last) is None and lake.is_beginning(read.asset, last):
        return []
    return [lake.require(read.asset, last)] if days == 1 else lake.window(read.asset, last, days)


def _result(manifest: Manifest, checks: Sequence[Check], metadata: Mapping[str, Any]) -> dg.MaterializeResult:
    found = {verdict.rule: verdict for verdict in manifest.verdicts}
    unknown = set(found) - {check.name for check in checks}
    if unknown:
        raise InvalidInput(f"{manifest.asset} judged by undeclared rules {sorted(unknown)}.", "Declare them.")
    return dg.MaterializeResult(
        data_version=dg.DataVersion(manifest.content_hash),
        metadata={
            "note": manifest.note or "-",
            "is_simulated": manifest.is_simulated,
            "inputs": dg.MetadataValue.json(dict(manifest.inputs)),
            **metadata,
        },
        check_results=[_check_result(check, found.get(check.name), manifest.note) for check in checks],
    )


def _check_result(check: Check, verdict: Verdict | None, note: str) -> dg.AssetCheckResult:
    if verdict is None:
        verdict = Verdict(check.name, True, f"Nothing to judge: {note or 'the partition is empty.'}")
    return dg.AssetCheckResult(
        check_name=check.name,
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.ERROR if check.blocking else dg.AssetCheckSeverity.WARN,
        description=verdict.reason,
        metadata=dict(verdict.numbers),
    )


def _table_metadata(outcome: Outcome, night: Night) -> dict[str, Any]:
    uri = f"{night.outside.lake.store.url}/{night.asset}/day={night.day.isoformat()}"
    described: dict[str, Any] = {"dagster/uri": uri}
    data = outcome.tables.get("data")
    if data is None:
        return described
    columns = [dg.TableColumn(column.name, str(column.type)) for column in data.schema]
    return described | {
        "dagster/partition_row_count": data.num_rows,
        "dagster/row_count": data.num_rows,
        "dagster/column_schema": dg.TableSchema(columns=columns),
    }


def _edges(reads: Sequence[Read]) -> list[dg.AssetDep]:
    edges: dict[str, dg.AssetDep] = {}
    for read in reads:
        if read.edge:
            mapping = PREVIOUS_DAY if read.ends == -1 else None
            edges[read.asset] = dg.AssetDep(read.asset, partition_mapping=mapping)
    return list(edges.values())


def _describe(reads: Sequence[Read]) -> str:
    def days(read: Read) -> str:
        if callable(read.days):
            return "a window of days"
        return "one day" if read.days == 1 else f"{read.days} days"

    return "; ".join(f"{read.asset}: {days(read)} ending at D{read.ends or ''}" for read in reads) or "-"


class _permanent_failures:
    """Only what the network may have caused is worth a retry; everything else a user must act on."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, HuracanError) and not isinstance(error, Unavailable):
            raise dg.Failure(
                description=str(error),
                metadata={"what": error.what, "remedy": error.remedy},
                allow_retries=False,
            ) from error


@cache
def source_digest(rooms: tuple[str, ...]) -> str:
    """A digest of the source of these rooms, so that a change of code is never mistaken for old work."""
    digest = hashlib.sha256()
    for room in sorted(rooms):
        path = (_REPOSITORY / "huracan" / room).resolve()
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            digest.update(file.relative_to(_REPOSITORY).as_posix().encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
