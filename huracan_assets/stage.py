"""The shape that all assets share: declared reads, one pure body, an atomic write with its manifest.

`stage` turns a body into a Dagster asset. It resolves the declared reads through the lake (which refuses a
missing day and a day that a gate judged bad), skips the body when neither its inputs nor its code nor its
configuration changed, writes what the body made, replaces the rows in the database, and reports data version,
row counts, schema and check results. What an asset computes does not belong here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import dagster as dg
import pyarrow as pa

from huracan.candles.schema import Timeframe
from huracan.errors import HuracanError, InputRefused, InvalidInput, Unavailable
from huracan.verdict import Verdict
from huracan_assets import progress
from huracan_assets.code_version import source_digest
from huracan_assets.database_rows import load_lost_days, load_rows
from huracan_assets.partitions import day_of
from huracan_assets.reads import Inputs, Read, describe_reads, edges_of, resolve_all
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.manifest import Manifest
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Outside
from huracan_resources.settings.settings import Settings

OWNERS = ["team:huracan"]

DATABASE_RETRY = dg.RetryPolicy(max_retries=3, delay=2, backoff=dg.Backoff.EXPONENTIAL)
"""For what a database that restarts may cause; the rows of a day are replaced whole, so again is safe."""


@dataclass(frozen=True)
class Check:
    """A quality gate of a stage. A `blocking` one that fails stops everything that reads the partition."""

    name: str
    description: str
    blocking: bool = True


@dataclass(frozen=True)
class Night:
    """What a body may know beside its inputs."""

    asset: str
    day: date
    settings: Settings
    outside: Outside
    configuration_digest: str

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
    searches: Sequence[str]
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
        return resolve_all(lake, self.reads, day, settings)

    def current(
        self, lake: Lake, day: date, settings: Settings, inputs: Inputs, *, may_be_aged_out: bool = False
    ) -> Manifest | None:
        """The day's manifest, if the partition is good and was made from just these inputs by this code."""
        digest, made_from = self.configuration_digest(settings), inputs.hashes()
        return lake.is_current(
            self.name, day, made_from, self.code_version, digest, may_be_aged_out=may_be_aged_out
        )

    def asset(self, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
        @dg.asset(
            name=self.name,
            partitions_def=partitions,
            deps=edges_of(self.reads),
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
            metadata={"expected_minutes": self.expected_minutes, "reads": describe_reads(self.reads)},
            pool=self.name,
            retry_policy=self.retry or (DATABASE_RETRY if self.database else None),
        )
        def wired(
            context: dg.AssetExecutionContext, outside: dg.ResourceParam[Outside]
        ) -> dg.MaterializeResult:
            with _permanent_failures():
                settings, day = outside.settings, day_of(context.partition_key)
                night = Night(self.name, day, settings, outside, self.configuration_digest(settings))
                return _run(self, night, context.instance)

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
    searches: Sequence[str] = (),
    retry: dg.RetryPolicy | None = None,
    expected_minutes: float = 0.1,
    reads_outside: bool = False,
) -> Callable[[Body], Stage]:
    """Declare an asset. `rooms` are the packages of `huracan` whose code its content depends on and `blocks`
    the settings; both are part of its version. `database` maps a table of PostgreSQL to the table of the
    partition whose rows it holds too. `searches` names assets whose earlier days the body looks for in their
    tables there; days that the database lost are loaded before. What `reads_outside` of the lake (an
    exchange, the registry) runs every time, because no manifest can tell that it is unchanged. The asset's
    name is the body's, its description the docstring."""

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
            searches,
            retry,
            expected_minutes,
            reads_outside,
        )

    return declare


def _run(stage: Stage, night: Night, instance: dg.DagsterInstance) -> dg.MaterializeResult:
    lake = night.outside.lake
    night.progress(0.0)
    inputs = stage.inputs(lake, night.day, night.settings)
    current = stage.current(lake, night.day, night.settings, inputs)
    if current is not None and not stage.reads_outside:
        load_rows(current, stage.database, night.outside)
        night.progress(1.0, "unchanged")
        return _result(current, stage.checks, {**_shown_before(night, instance), "reused": True})
    for asset in stage.searches:
        load_lost_days(asset, {asset: "data"}, night.day, night.outside)
    outcome = stage.body(inputs, night)
    _refuse_unjudged(stage, outcome)
    if stage.reads_outside:
        _keep_good(lake.manifest(night.asset, night.day), outcome, outcome.source or inputs.source)
    manifest = lake.write(
        night.asset,
        night.day,
        {f"{name}.parquet": encode_table(table) for name, table in outcome.tables.items()}
        | dict(outcome.files),
        inputs=inputs.hashes(),
        code_version=stage.code_version,
        configuration_digest=night.configuration_digest,
        source=outcome.source or inputs.source,
        is_simulated=inputs.is_simulated if outcome.is_simulated is None else outcome.is_simulated,
        verdicts=outcome.verdicts,
        note=outcome.note,
    )
    load_rows(manifest, stage.database, night.outside)
    night.progress(1.0, outcome.note)
    return _result(manifest, stage.checks, _table_metadata(outcome, night) | dict(outcome.metadata))


def _refuse_unjudged(stage: Stage, outcome: Outcome) -> None:
    """A declared check without a verdict would read as passed; only an empty partition may lack one."""
    judged = {verdict.rule: verdict.blocking for verdict in outcome.verdicts}
    declared = {check.name: check.blocking for check in stage.checks}
    if (judged.keys() - declared) or (declared.keys() - judged.keys() and not outcome.note):
        raise InvalidInput(
            f"{stage.name} declares the checks {sorted(declared)} and was judged by {sorted(judged)}.",
            "Judge by every declared check.",
        )
    if any(blocking != declared[rule] for rule, blocking in judged.items()):
        raise InvalidInput(f"{stage.name} blocks by other checks than it declares.", "Make them agree.")


def _keep_good(kept: Manifest | None, outcome: Outcome, source: str) -> None:
    """What was fetched again must not destroy what is there: not by another source, not by worse candles."""
    if kept is None or kept.failed_verdicts:
        return
    if kept.source and source and kept.source != source:
        raise InputRefused(
            f"{kept.key} comes from {kept.source!r}, and this run brings {source!r}.",
            "Give each source a HURACAN_HOME of its own, or remove that partition first.",
        )
    failed = [verdict for verdict in outcome.verdicts if verdict.blocking and not verdict.passed]
    if failed:
        raise InputRefused(
            f"{kept.key} was fetched again and judged bad by {failed[0].rule}: {failed[0].reason}",
            "The good partition of before is kept; remove it first if it is wrong.",
        )


def _shown_before(night: Night, instance: dg.DagsterInstance) -> Mapping[str, Any]:
    """What the UI showed of the partition when it was made: a plot stays in sight when work is reused."""
    made = dg.AssetRecordsFilter(dg.AssetKey(night.asset), asset_partitions=[night.day.isoformat()])
    records = instance.fetch_materializations(made, limit=1).records
    shown = records[0].asset_materialization if records else None
    return shown.metadata if shown else {}


def _result(manifest: Manifest, checks: Sequence[Check], metadata: Mapping[str, Any]) -> dg.MaterializeResult:
    found = {verdict.rule: verdict for verdict in manifest.verdicts}
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
