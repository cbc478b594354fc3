"""A stage as Dagster knows it: the asset with its edges, checks, pool and retries, and what a run reports.

How a stage runs belongs in `running`.
"""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError

from huracan.errors import HuracanError, Unavailable
from huracan.tables import as_markdown
from huracan.verdict import Verdict
from huracan_assets.finished import REMAKE_TAG, STANDING_TAG
from huracan_assets.history import FIRST_ASSET, beginning
from huracan_assets.metadata import column_schema, partition_metadata
from huracan_assets.partitions import PREVIOUS_DAY, day_of
from huracan_assets.reads import Read
from huracan_assets.running import Made, run_stage
from huracan_assets.shown import in_words
from huracan_assets.stage import DATABASE_RETRY, Check, Retry, Stage, StageContext
from huracan_resources.lake.manifest import Manifest
from huracan_resources.resources import Resources
from huracan_resources.settings.secrets import withhold_in

OWNERS = ["team:huracan"]


def asset_of(stage: Stage, partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The stage as an asset with a step that runs it for the partition's day."""

    retry = _retry_policy(stage.retry or (DATABASE_RETRY if stage.database else None))

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
        description=inspect.cleandoc(stage.body.__doc__ or ""),
        metadata={
            "expected minutes": stage.expected_minutes,
            "reads": describe_reads(stage.reads),
            **describe_tables(stage),
        },
        pool=stage.name,
        retry_policy=retry,
    )
    def wired(
        context: dg.AssetExecutionContext, resources: dg.ResourceParam[Resources]
    ) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster reads it, and refuses one with a parameter
        with _permanent_failures(is_retried=retry is not None):
            settings, day = resources.settings, day_of(context.partition_key)
            digest = stage.configuration_digest(settings)
            tags = context.run.tags
            remakes, asks = REMAKE_TAG in tags, STANDING_TAG not in tags
            known = StageContext(stage.name, day, settings, resources, digest, remakes, asks)
            made = run_stage(stage, known)
            if stage.name == FIRST_ASSET:
                beginning(settings).remember(resources.lake, day)
            return _result(stage, made, partition_metadata(stage, made, known, context.instance))

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
        described["dagster/column_schema"] = column_schema(stage.tables["data"])
    return described


def _retry_policy(retry: Retry | None) -> dg.RetryPolicy | None:
    if retry is None:
        return None
    return dg.RetryPolicy(
        max_retries=retry.times,
        delay=retry.delay_seconds,
        backoff=dg.Backoff.EXPONENTIAL,
        jitter=dg.Jitter.PLUS_MINUS if retry.has_jitter else None,
    )


def _result(stage: Stage, made: Made, metadata: Mapping[str, Any]) -> dg.MaterializeResult[Any]:
    manifest = made.manifest
    found = {verdict.check: verdict for verdict in manifest.verdicts}
    return dg.MaterializeResult(
        data_version=dg.DataVersion(manifest.content_hash),
        metadata=metadata,
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
        metadata={in_words(name): value for name, value in verdict.numbers.items()},
    )


class _permanent_failures:
    """Only what the network may have caused is worth a retry; everything else a user must act on.

    Dagster keeps what an error says, so no secret leaves here in one.
    """

    def __init__(self, *, is_retried: bool) -> None:
        self._is_retried = is_retried

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None:
            withhold_in(error)
        is_stopped = isinstance(error, (KeyboardInterrupt, DagsterExecutionInterruptedError))
        if is_stopped and self._is_retried:
            # Dagster would take it for a reason to try again; where it does not, it calls the run cancelled.
            raise dg.Failure(description="It was stopped.", allow_retries=False) from error
        if isinstance(error, HuracanError) and not isinstance(error, Unavailable):
            raise dg.Failure(
                description=str(error),
                metadata={"what": error.what, "remedy": error.remedy},
                allow_retries=False,
            ) from error
