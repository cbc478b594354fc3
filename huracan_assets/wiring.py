"""A stage as Dagster knows it: the asset with its edges, checks, pool and retries, and what a run reports.

How a stage runs belongs in `running`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from huracan.errors import HuracanError, Unavailable
from huracan.tables import Table, as_markdown
from huracan.verdict import Verdict
from huracan_assets.finished import REMAKE_TAG
from huracan_assets.partitions import PREVIOUS_DAY, day_of
from huracan_assets.reads import Read
from huracan_assets.running import Made, run_stage
from huracan_assets.shown import Markdown, Rows
from huracan_assets.stage import DATABASE_RETRY, Check, Outcome, Retry, Stage, StageContext
from huracan_resources.lake.manifest import Manifest
from huracan_resources.resources import Resources
from huracan_resources.settings.secrets import withhold_in

OWNERS = ["team:huracan"]


def asset_of(stage: Stage, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The stage as an asset with a step that runs it for the partition's day."""

    @dg.asset(
        name=stage.name,
        partitions_def=partitions,
        deps=edges_of(stage.reads),
        check_specs=[
            dg.AssetCheckSpec(
                check.name,
                asset=stage.name,
                description=check.description,
                blocking=check.blocking,
                partitions_def=partitions,
            )
            for check in stage.checks
        ],
        group_name=stage.group,
        kinds=set(stage.kinds),
        owners=OWNERS,
        tags={"huracan/group": stage.group},
        code_version=stage.code_version,
        description=stage.body.__doc__,
        metadata={
            "expected_minutes": stage.expected_minutes,
            "reads": describe_reads(stage.reads),
            **describe_tables(stage),
        },
        pool=stage.name,
        retry_policy=_retry_policy(stage.retry or (DATABASE_RETRY if stage.database else None)),
    )
    def wired(
        context: dg.AssetExecutionContext, resources: dg.ResourceParam[Resources]
    ) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster reads it, and refuses one with a parameter
        with _permanent_failures():
            settings, day = resources.settings, day_of(context.partition_key)
            digest = stage.configuration_digest(settings)
            remakes = REMAKE_TAG in context.run.tags
            known = StageContext(stage.name, day, settings, resources, digest, remakes)
            made = run_stage(stage, known)
            return _result(stage, made, _shown(stage, made, known, context.instance))

    return wired


def edges_of(reads: Sequence[Read]) -> list[dg.AssetDep]:
    edges: dict[str, dg.AssetDep] = {}
    for read in reads:
        if read.edge:
            mapping = PREVIOUS_DAY if read.ends == -1 else None
            edges[read.asset] = dg.AssetDep(read.asset, partition_mapping=mapping)
    return list(edges.values())


def describe_reads(reads: Sequence[Read]) -> str:
    def days(read: Read) -> str:
        if callable(read.days):
            return "a window of days"
        return "one day" if read.days == 1 else f"{read.days} days"

    return "; ".join(f"{read.asset}: {days(read)} ending at D{read.ends or ''}" for read in reads) or "-"


def describe_tables(stage: Stage) -> dict[str, Any]:
    """What the catalogue shows before there is any partition: the columns of the main table where Dagster
    looks for them, those of every other table below its name in SQL."""
    names = stage.view_names()
    described: dict[str, Any] = {
        f"table {names[key]}": dg.MetadataValue.md(as_markdown(table.columns))
        for key, table in stage.tables.items()
        if key != "data"
    }
    if "data" in stage.tables:
        described["dagster/column_schema"] = _column_schema(stage.tables["data"])
    return described


def _column_schema(table: Table) -> dg.TableSchema:
    columns = table.columns
    return dg.TableSchema([dg.TableColumn(each.name, str(each.type), each.text) for each in columns])


def _retry_policy(retry: Retry | None) -> dg.RetryPolicy | None:
    if retry is None:
        return None
    return dg.RetryPolicy(
        max_retries=retry.times,
        delay=retry.delay_seconds,
        backoff=dg.Backoff.EXPONENTIAL,
        jitter=dg.Jitter.PLUS_MINUS if retry.has_jitter else None,
    )


def _shown(
    stage: Stage, made: Made, context: StageContext, instance: dg.DagsterInstance
) -> Mapping[str, Any]:
    if made.outcome is None:
        return {**_shown_before(context, instance), "reused": True}
    told = {name: _metadata_value(value) for name, value in made.outcome.metadata.items()}
    return _table_metadata(stage, made.outcome, context) | told


def _metadata_value(value: Any) -> Any:
    if isinstance(value, Markdown):
        return dg.MetadataValue.md(value.text)
    if isinstance(value, Rows):
        return dg.MetadataValue.table([dg.TableRecord(record) for record in value.records])
    return value


def _shown_before(context: StageContext, instance: dg.DagsterInstance) -> Mapping[str, Any]:
    """What the UI showed of the partition when it was made: a plot stays in sight when work is reused."""
    made = dg.AssetRecordsFilter(dg.AssetKey(context.asset), asset_partitions=[context.day.isoformat()])
    records = instance.fetch_materializations(made, limit=1).records
    shown = records[0].asset_materialization if records else None
    return shown.metadata if shown else {}


def _table_metadata(stage: Stage, outcome: Outcome, context: StageContext) -> dict[str, Any]:
    uri = f"{context.resources.lake.store.url}/{context.asset}/day={context.day.isoformat()}"
    described: dict[str, Any] = {"dagster/uri": uri}
    data = outcome.tables.get("data")
    if data is None:
        return described
    return described | {
        "dagster/partition_row_count": data.num_rows,
        "dagster/row_count": data.num_rows,
        "dagster/column_schema": _column_schema(stage.tables["data"]),
    }


def _result(stage: Stage, made: Made, metadata: Mapping[str, Any]) -> dg.MaterializeResult[Any]:
    manifest = made.manifest
    found = {verdict.check: verdict for verdict in manifest.verdicts}
    return dg.MaterializeResult(
        data_version=dg.DataVersion(manifest.content_hash),
        metadata={
            "note": manifest.note or "-",
            "is_simulated": manifest.is_simulated,
            "remade": manifest.remade,
            "inputs": dg.MetadataValue.json(dict(manifest.inputs)),
            **metadata,
        },
        check_results=[_check_result(check, found.get(check.name), manifest) for check in stage.checks],
    )


def _check_result(check: Check, verdict: Verdict | None, manifest: Manifest) -> dg.AssetCheckResult:
    if verdict is None:
        why = manifest.note or "the partition is empty."
        verdict = Verdict(check.name, True, f"Nothing to judge: {why}")
    return dg.AssetCheckResult(
        check_name=check.name,
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.ERROR if check.blocking else dg.AssetCheckSeverity.WARN,
        description=verdict.reason,
        metadata=dict(verdict.numbers),
    )


class _permanent_failures:
    """Only what the network may have caused is worth a retry; everything else a user must act on.

    Dagster keeps what an error says, so no secret leaves here in one.
    """

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None:
            withhold_in(error)
        if isinstance(error, HuracanError) and not isinstance(error, Unavailable):
            raise dg.Failure(
                description=str(error),
                metadata={"what": error.what, "remedy": error.remedy},
                allow_retries=False,
            ) from error
