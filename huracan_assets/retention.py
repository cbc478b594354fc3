"""The job `retention`: what has aged out is deleted, counted and reported, never beside another run.

How it is deleted belongs in `huracan_resources.retention.ageing`, what must stay in `retention_needs`.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import dagster as dg

from huracan.errors import HuracanError, InputRefused
from huracan_assets.retention_needs import check_retention
from huracan_assets.shown import in_words
from huracan_assets.stage import Stage
from huracan_resources.catalogue import catalogue
from huracan_resources.resources import Resources
from huracan_resources.settings.retention import limited

if TYPE_CHECKING:
    from huracan_resources.retention.report import Deletion

RETENTION = "retention"
DAY_TAG = "huracan/retention"
"""On a run: the day for which it was asked for."""

_UNFINISHED = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


def newest_night(resources: Resources, on: date) -> date | None:
    """The last day up to `on` that has a ledger. Ages are counted from it, so that after an outage nothing is
    gone that the nights which are made up for still read."""
    return max((day for day in resources.lake.days("shadow_trades") if day <= on), default=None)


def age_out(resources: Resources, stages: Sequence[Stage], on: date, *, dry: bool) -> "list[Deletion]":
    """Delete what has aged out by the day `on`; with `dry` only tell.

    `InvalidInput` for a setting that is shorter than what the nights read; then nothing is deleted.
    """
    from huracan_resources.retention.ageing import age_out_of_database, age_out_of_lake, oldest_kept
    from huracan_resources.retention.of_dagster import age_out_events, age_out_runs

    check_retention(stages, resources.settings)
    retention, database = resources.settings.retention, resources.database
    found: list[Deletion] = []
    newest = newest_night(resources, on)
    if newest is not None:
        entries = catalogue()
        limits = limited(retention.lake).items()
        files = {(entries[name].asset, entries[name].key): days for name, days in limits}
        found += age_out_of_lake(resources.lake, database, files, newest, on, dry)
        found += age_out_of_database(database, limited(retention.database), newest, on, dry)
    for name, delete in (("event_log", age_out_events), ("runs", age_out_runs)):
        days = limited(retention.dagster).get(name)
        if days is not None:
            found += delete(database, oldest_kept(on, days), on, dry)
    return found


def other_runs(instance: dg.DagsterInstance) -> list[str]:
    """The runs that are under way, but for those of this job: a file must not be deleted under a reader."""
    runs = instance.get_runs(dg.RunsFilter(statuses=list(_UNFINISHED)))
    return [f"{run.job_name} {run.run_id}" for run in runs if run.job_name != RETENTION]


def refuse_while_runs(instance: dg.DagsterInstance) -> None:
    """`InputRefused` while a night or a backfill is under way."""
    under_way = other_runs(instance)
    if under_way:
        raise InputRefused(
            f"Nothing was deleted, because a run is under way: {under_way[0]}.",
            "Try again when it has ended.",
        )


def retention_job(stages: Sequence[Stage]) -> dg.JobDefinition:
    @dg.op(description="Deletes what the settings of retention let go, and reports it.", pool=RETENTION)
    def delete_what_aged_out(context: dg.OpExecutionContext, resources: dg.ResourceParam[Resources]) -> None:
        from huracan_resources.retention.report import sum_up

        asked = context.run.tags.get(DAY_TAG)
        on = date.fromisoformat(asked) if asked else datetime.now(UTC).date()
        try:
            refuse_while_runs(context.instance)
            lines = list(sum_up(age_out(resources, stages, on, dry=False)))
        except HuracanError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        records = [dg.TableRecord({in_words(name): each for name, each in line.items()}) for line in lines]
        context.add_output_metadata(
            {
                "deleted": dg.MetadataValue.table(records, _columns(lines)) if records else "nothing",
                "rows": sum(line["rows"] for line in lines),
                "bytes": sum(line["bytes"] for line in lines),
            }
        )

    @dg.job(
        name=RETENTION,
        description="Lets go what has aged out of the lake, the database and Dagster's log.",
        tags={"dagster/max_runtime": "7200"},
    )
    def retention() -> None:
        delete_what_aged_out()

    return retention


def _columns(lines: Sequence[dict[str, object]]) -> dg.TableSchema:
    return dg.TableSchema(
        [
            dg.TableColumn(in_words(name), "int" if isinstance(value, int) else "string")
            for name, value in lines[0].items()
        ]
    )
