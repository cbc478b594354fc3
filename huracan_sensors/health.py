"""The health sensors: a run that failed, a check that failed, a newest partition that is late.

Each turns what it sees into troubles; telling of them once is the business of `alerts`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg

from huracan_assets.jobs import Job
from huracan_assets.resources import Outside
from huracan_sensors.alerts import Trouble, alert, resolve_others
from huracan_sensors.chain import NIGHT_TAG
from huracan_sensors.lateness import LATE_KIND, late_days, late_troubles, missed_night
from huracan_sensors.night import night_request

_BATCH = 200
"""Check evaluations read per tick."""

_UNFINISHED = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


def health_sensors(market: Job) -> list[dg.SensorDefinition]:
    return [run_failed, check_failed, _partition_late(market)]


@dg.run_failure_sensor(
    name="run_failed",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Alerts when a run fails, once per job and day.",
)
def run_failed(context: dg.RunFailureSensorContext, outside: dg.ResourceParam[Outside]) -> None:
    run = context.dagster_run
    day = run.tags.get("dagster/partition", "no partition")
    steps = [event.step_key for event in context.get_step_failure_events()]
    trouble = Trouble(
        f"run:{run.job_name}:{day}",
        "run failed",
        f"{run.job_name} of {day} failed",
        f"in {', '.join(filter(None, steps)) or 'no step'}; run {run.run_id}",
    )
    alert(outside, [trouble], datetime.now(UTC))


@dg.sensor(
    name="check_failed",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Alerts when an asset check fails, whatever started its run, once per check and day.",
)
def check_failed(
    context: dg.SensorEvaluationContext, outside: dg.ResourceParam[Outside]
) -> dg.SensorResult | dg.SkipReason:
    cursor = int(context.cursor) if context.cursor else 0
    records = context.instance.get_event_records(
        dg.EventRecordsFilter(event_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION, after_cursor=cursor),
        limit=_BATCH,
        ascending=True,
    )
    troubles = failed_checks(records)
    told = alert(outside, troubles, datetime.now(UTC))
    last = records[-1].storage_id if records else cursor
    return dg.SensorResult(cursor=str(last), skip_reason=f"{len(records)} checks seen, {len(told)} alerts.")


def failed_checks(records: Sequence[dg.EventLogRecord]) -> list[Trouble]:
    """The troubles among check evaluations; a check that passed later in the batch is no trouble."""
    latest: dict[str, Trouble | None] = {}
    for record in records:
        event = record.event_log_entry.dagster_event
        if event is None:
            continue
        data = event.asset_check_evaluation_data
        identity = f"check:{data.asset_key.to_user_string()}:{data.check_name}:{data.partition}"
        latest[identity] = (
            None
            if data.passed
            else Trouble(
                identity,
                "check failed",
                f"{data.asset_key.to_user_string()} of {data.partition} failed {data.check_name}",
                data.description or "",
            )
        )
    return [trouble for trouble in latest.values() if trouble is not None]


def _partition_late(market: Job) -> dg.SensorDefinition:
    @dg.sensor(
        name="partition_late",
        job=market,
        minimum_interval_seconds=600,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Alerts when the newest day is late, and starts missed nights, one after the other.",
    )
    def partition_late(
        context: dg.SensorEvaluationContext, outside: dg.ResourceParam[Outside]
    ) -> dg.SensorResult:
        now = datetime.now(UTC)
        late = late_days(outside.lake, outside.settings.schedule.hour, now)
        troubles = late_troubles(late)
        told = alert(outside, troubles, now)
        over = resolve_others(outside, LATE_KIND, troubles, now)
        missed = None if _is_night_under_way(context.instance) else missed_night(outside.lake, late)
        if missed is not None:
            return dg.SensorResult(run_requests=[night_request(missed.isoformat())])
        reason = f"{len(late)} partitions late, {len(told)} alerts, {len(over)} resolved."
        return dg.SensorResult(skip_reason=reason)

    return partition_late


def _is_night_under_way(instance: dg.DagsterInstance) -> bool:
    """Whether a run of some night has not ended: missed nights follow one another, each needs the last."""
    unfinished = instance.get_runs(dg.RunsFilter(statuses=list(_UNFINISHED)))
    return any(NIGHT_TAG in run.tags for run in unfinished)
