"""The front door that Dagster loads: assets, checks, jobs, the schedule and the sensors, assembled.

No asset lives here: the registry finds them. It is the one file of its floor that may look up, for sensors.
"""

import warnings
from datetime import UTC, date, datetime

import dagster as dg

from huracan_assets.history import first_partition
from huracan_assets.job_definitions import night_jobs
from huracan_assets.jobs import MARKET
from huracan_assets.partitions import daily_partitions
from huracan_assets.registry import stages
from huracan_assets.retention import retention_job
from huracan_assets.wiring import asset_of
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import Settings, load_settings


def build_definitions(settings: Settings, first_day: date | None = None) -> dg.Definitions:
    """The whole graph over these settings; a test or the console brings its own.

    Its partitions begin on `first_day`, or on the first that the settings allow: so the console runs every
    day that may be asked for, and the UI lists those that there are.
    """
    from huracan_sensors.chain import chain_sensors
    from huracan_sensors.health import health_sensors
    from huracan_sensors.night import night_schedule
    from huracan_sensors.retention import retention_schedule

    # Partitioned asset checks are marked preview, once per check; their shape is held by the snapshot test.
    warnings.filterwarnings("ignore", category=dg.PreviewWarning)
    schedule, ageing = settings.schedule, retention_job(stages())
    first_day = first_day or settings.universe.first_day
    partitions = daily_partitions(first_day)
    jobs = night_jobs(partitions)
    return dg.Definitions(
        assets=[asset_of(stage, partitions) for stage in stages()],
        jobs=[*jobs.values(), ageing],
        schedules=[
            night_schedule(jobs[MARKET], schedule.hour, schedule.is_enabled),
            retention_schedule(ageing, schedule.hour, schedule.is_enabled),
        ],
        sensors=[*chain_sensors(jobs), *health_sensors(jobs, first_day)],
        resources={"resources": Resources(settings)},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions for the settings of this machine, and for what its lake holds."""
    settings = load_settings()
    return build_definitions(settings, first_partition(settings, datetime.now(UTC).date()))
