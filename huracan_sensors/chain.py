"""What follows what in a night: a finished job starts the jobs that needed it. Nothing here judges health.

Only runs of a night are followed (the schedule's, and those that the late-partition sensor asks for): a
backfill of history goes job by job, and the console walks the chain itself.
"""

from collections.abc import Iterator, Mapping

import dagster as dg

from huracan_assets.jobs import NEEDS, NEXT, Job

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
            missing = [need for need in NEEDS[name] if not _succeeded(context.instance, need, day)]
            if missing:
                yield dg.SkipReason(f"{name} of {day} waits for {', '.join(missing)}.")
            else:
                yield dg.RunRequest(
                    run_key=f"{name}:{day}:{run.run_id}",
                    job_name=name,
                    partition_key=day,
                    tags={NIGHT_TAG: day},
                )

    return after


def _succeeded(instance: dg.DagsterInstance, job: str, day: str) -> bool:
    """Whether the newest run of the job for that night succeeded."""
    newest = instance.get_runs(dg.RunsFilter(job_name=job, tags={NIGHT_TAG: day}), limit=1)
    return bool(newest) and newest[0].status == dg.DagsterRunStatus.SUCCESS
