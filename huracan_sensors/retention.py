"""The schedule of retention: daily, half a day after the night began, and not while a run is under way."""

import dagster as dg

from huracan_assets.retention import DAY_TAG, other_runs

HOURS_AFTER_THE_NIGHT = 12


def retention_schedule(job: dg.JobDefinition, night_hour: int, is_enabled: bool) -> dg.ScheduleDefinition:
    """`job` once a day; a day that is left out is made up for by the next."""
    status = dg.DefaultScheduleStatus.RUNNING if is_enabled else dg.DefaultScheduleStatus.STOPPED

    @dg.schedule(
        name="retention_daily",
        job=job,
        cron_schedule=f"0 {(night_hour + HOURS_AFTER_THE_NIGHT) % 24} * * *",
        execution_timezone="UTC",
        default_status=status,
        description="Lets go what has aged out, unless a night is under way.",
    )
    def retention_daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        under_way = other_runs(context.instance)
        if under_way:
            return dg.SkipReason(f"A run is under way: {under_way[0]}. The next day makes up for it.")
        day = context.scheduled_execution_time.date().isoformat()
        return dg.RunRequest(run_key=f"{job.name}:{day}", tags={DAY_TAG: day})

    return retention_daily
