"""What follows what in a night: a finished job starts the jobs that needed it. Nothing here judges health.

Only runs of a night are followed (the schedule's, and those that the late-partition sensor asks for): a
backfill of history goes job by job, and the console walks the chain itself.
"""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from huracan_assets.job_definitions import Job
from huracan_assets.jobs import NEEDS, NEXT

NIGHT_TAG = "huracan/night"
"""On every run of a night: the day. It is what makes the chain follow a run."""

PARTITION_TAG = "dagster/partition"


def chain_sensors(jobs: Mapping[str, Job]) -> list[dg.SensorDefinition]:
    return [_after(jobs, job) for job, following in NEXT.items() if following]


def _after(jobs: Mapping[str, Job], job: str) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        name=f"after_{job}",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[jobs[job]],
        request_jobs=[jobs[name] for name in NEXT[job]],
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Starts {' and '.join(NEXT[job])} when {job} of a night has succeeded.",
    )
    def after(context: dg.RunStatusSensorContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        run = context.dagster_run
        day = run.tags.get(NIGHT_TAG)
        if day is None:
            yield dg.SkipReason(f"Run {run.run_id} is not part of a night.")
            return
        for name in NEXT[job]:
            waits = _reason_to_wait(context.instance, run, NEEDS[name], day)
            if waits:
                yield dg.SkipReason(f"{name} of {day} is not started by this run: {waits}.")
            else:
                yield dg.RunRequest(
                    run_key=f"{name}:{day}:{run.run_id}",
                    job_name=name,
                    partition_key=day,
                    tags={NIGHT_TAG: day},
                )

    return after


def _reason_to_wait(instance: dg.DagsterInstance, run: dg.DagsterRun, needs: Sequence[str], day: str) -> str:
    """Why `run`, which has succeeded, does not start a job with these needs; empty if it does.

    Only the last of them to end starts it: two that end between two ticks would start it twice.
    """
    ended = []
    for need in needs:
        newest = instance.get_run_records(dg.RunsFilter(job_name=need, tags={NIGHT_TAG: day}), limit=1)
        if not newest or newest[0].dagster_run.status != dg.DagsterRunStatus.SUCCESS:
            return f"{need} has not succeeded"
        ended.append((newest[0].end_time or 0.0, newest[0].dagster_run.run_id))
    last = max(ended)[1]
    return "" if last == run.run_id else f"run {last} ended after it"
