"""The health sensors: a run that failed, a check that failed, a newest partition that is late.

Each turns what it sees into troubles; telling of them once is the business of `alerts`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import dagster as dg

from huracan_assets.inputs.windows import lead_days
from huracan_assets.job_definitions import Job
from huracan_assets.jobs import MARKET, TRADE
from huracan_resources.resources import Resources
from huracan_sensors.alerts import Trouble, alert, resolve, resolve_others
from huracan_sensors.chain import NIGHT_TAG
from huracan_sensors.lateness import LATE_KIND, late_days, late_troubles, missed_run
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


def health_sensors(jobs: Mapping[str, Job], first_day: date) -> list[dg.SensorDefinition]:
    """`first_day` is where the partitions of the `jobs` begin: no run can be asked for before it."""
    return [run_failed, run_recovered, check_failed, _partition_late(jobs, first_day)]


@dg.run_failure_sensor(
    name="run_failed",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Alerts when a run fails, once per job and day.",
)
def run_failed(context: dg.RunFailureSensorContext, resources: dg.ResourceParam[Resources]) -> None:
    run = context.dagster_run
    day = run.tags.get("dagster/partition", "no partition")
    failures = context.get_step_failure_events()
    steps = ", ".join(event.step_key for event in failures if event.step_key) or "no step"
    causes = " ".join(dict.fromkeys(filter(None, map(_cause, failures))))
    trouble = Trouble(
        _identity(run),
        "run failed",
        f"{run.job_name} of {day} failed",
        f"in {steps}; run {run.run_id}. {causes}".rstrip(),
    )
    alert(resources, [trouble], datetime.now(UTC))


def _cause(failure: dg.DagsterEvent) -> str:
    """What an asset said of its failure, and what to do; empty where the machinery failed."""
    told = failure.step_failure_data.user_failure_data
    return told.description or "" if told is not None else ""


@dg.run_status_sensor(
    name="run_recovered",
    run_status=dg.DagsterRunStatus.SUCCESS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Closes the incident of a failed run when the same job succeeds for the same day.",
)
def run_recovered(context: dg.RunStatusSensorContext, resources: dg.ResourceParam[Resources]) -> None:
    resolve(resources, [_identity(context.dagster_run)], datetime.now(UTC))


def _identity(run: dg.DagsterRun) -> str:
    return f"run:{run.job_name}:{run.tags.get('dagster/partition', 'no partition')}"


@dg.sensor(
    name="check_failed",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Alerts when an asset check fails, whatever started its run, once per check and day.",
)
def check_failed(
    context: dg.SensorEvaluationContext, resources: dg.ResourceParam[Resources]
) -> dg.SensorResult | dg.SkipReason:
    cursor = int(context.cursor) if context.cursor else 0
    records = context.instance.get_event_records(
        dg.EventRecordsFilter(event_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION, after_cursor=cursor),
        limit=_BATCH,
        ascending=True,
    )
    now, judged = datetime.now(UTC), latest_checks(records)
    told = alert(resources, [trouble for trouble in judged.values() if trouble is not None], now)
    resolve(resources, [identity for identity, trouble in judged.items() if trouble is None], now)
    last = records[-1].storage_id if records else cursor
    return dg.SensorResult(cursor=str(last), skip_reason=f"{len(records)} checks seen, {len(told)} alerts.")


def latest_checks(records: Sequence[dg.EventLogRecord]) -> dict[str, Trouble | None]:
    """Identity to the trouble of each check's last evaluation in the batch; None where it passed."""
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
    return latest


def _partition_late(jobs: Mapping[str, Job], first_day: date) -> dg.SensorDefinition:
    @dg.sensor(
        name="partition_late",
        jobs=[jobs[MARKET], jobs[TRADE]],
        minimum_interval_seconds=600,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Alerts when the newest day is late, and starts missed nights, one after the other.",
    )
    def partition_late(
        context: dg.SensorEvaluationContext, resources: dg.ResourceParam[Resources]
    ) -> dg.SensorResult:
        now = datetime.now(UTC)
        settings = resources.settings
        history = settings.training.window_days + lead_days(settings)
        late = late_days(resources.lake, settings.schedule.hour, now, history, since=first_day)
        troubles = late_troubles(late)
        told = alert(resources, troubles, now)
        over = resolve_others(resources, LATE_KIND, troubles, now)
        is_ours = settings.schedule.is_enabled and not _is_night_under_way(context.instance)
        missed = missed_run(resources.lake, late) if is_ours else None
        if missed is not None:
            job, day = missed
            # Once an hour: an exchange that was down at two may be up at five.
            attempt = f"{now:%Y-%m-%dT%H}"
            return dg.SensorResult(run_requests=[night_request(day.isoformat(), attempt, job)])
        reason = f"{len(late)} partitions late, {len(told)} alerts, {len(over)} resolved."
        return dg.SensorResult(skip_reason=reason)

    return partition_late


def _is_night_under_way(instance: dg.DagsterInstance) -> bool:
    """Whether a run of some night has not ended: missed nights follow one another, each needs the last."""
    unfinished = instance.get_runs(dg.RunsFilter(statuses=list(_UNFINISHED)))
    return any(NIGHT_TAG in run.tags for run in unfinished)
