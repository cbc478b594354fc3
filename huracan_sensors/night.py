"""The schedule that starts a night: for the day that has closed, switched on by default."""

from datetime import timedelta

import dagster as dg

from huracan_assets.jobs import MARKET, Job
from huracan_sensors.chain import NIGHT_TAG


def night_schedule(market: Job, hour: int) -> dg.ScheduleDefinition:
    """`market` of the last closed day, every day at `hour` UTC; the sensors of `chain` start the rest."""

    @dg.schedule(
        name="night",
        job=market,
        cron_schedule=f"0 {hour} * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Starts the night for the UTC day that has closed.",
    )
    def night(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        day = (context.scheduled_execution_time - timedelta(days=1)).date().isoformat()
        return night_request(day)

    return night


def night_request(day: str) -> dg.RunRequest:
    """The run that starts the night of `day`, asked for at most once."""
    return dg.RunRequest(run_key=f"{MARKET}:{day}", partition_key=day, tags={NIGHT_TAG: day})
