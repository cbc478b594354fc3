"""The schedule that starts a night: for the day that has closed, switched on by default."""

from datetime import timedelta

import dagster as dg

from huracan_assets.job_definitions import Job
from huracan_assets.jobs import MARKET
from huracan_sensors.chain import NIGHT_TAG


def night_schedule(market: Job, hour: int, is_enabled: bool = True) -> dg.ScheduleDefinition:
    """`market` of the last closed day, every day at `hour` UTC; the sensors of `chain` start the rest."""

    status = dg.DefaultScheduleStatus.RUNNING if is_enabled else dg.DefaultScheduleStatus.STOPPED

    @dg.schedule(
        name="night",
        job=market,
        cron_schedule=f"0 {hour} * * *",
        execution_timezone="UTC",
        default_status=status,
        description="Starts the night for the UTC day that has closed.",
    )
    def night(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        day = (context.scheduled_execution_time - timedelta(days=1)).date().isoformat()
        return night_request(day)

    return night


def night_request(day: str, attempt: str = "", job: str = MARKET) -> dg.RunRequest:
    """The run that starts the night of `day`, or takes it up at `job`; asked for once per `attempt`."""
    key = f"{job}:{day}:{attempt}" if attempt else f"{job}:{day}"
    return dg.RunRequest(run_key=key, job_name=job, partition_key=day, tags={NIGHT_TAG: day})
