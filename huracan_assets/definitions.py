"""The front door that Dagster loads: assets, checks, jobs, the schedule and the sensors, assembled.

No asset lives here. It is the one file of its floor that may look up, for the sensors.
"""

import warnings

import dagster as dg

# Partitioned asset checks are marked preview, once per check; their shape is held by the snapshot test.
warnings.filterwarnings("ignore", category=dg.PreviewWarning)

from huracan_assets import (  # noqa: E402
    agent,
    brain,
    candles,
    evaluation,
    features,
    gates,
    losses,
    memory,
    models,
    patterns,
    performance,
    post_exit,
    regimes,
    shadow,
    wins,
)
from huracan_assets.jobs import MARKET, night_jobs  # noqa: E402
from huracan_assets.partitions import daily_partitions  # noqa: E402
from huracan_assets.retention import retention_job  # noqa: E402
from huracan_resources.resources import Outside  # noqa: E402
from huracan_resources.settings.settings import Settings, load_settings  # noqa: E402

STAGES = [
    candles.ohlcv,
    features.features,
    regimes.regimes,
    agent.ppo_checkpoint,
    shadow.shadow_trades,
    shadow.shadow_scenarios,
    post_exit.post_exit,
    memory.trade_memory,
    wins.win_analysis,
    losses.loss_analysis,
    patterns.pattern_library,
    gates.gate_decisions,
    gates.gate_stats,
    models.confidence_model,
    models.meta_label_model,
    models.feature_importance,
    evaluation.brain_evaluation,
    brain.baseline_brain,
    performance.model_performance,
]


def build_definitions(settings: Settings) -> dg.Definitions:
    """The whole graph over these settings; a test or the console brings its own."""
    from huracan_sensors.chain import chain_sensors
    from huracan_sensors.health import health_sensors
    from huracan_sensors.night import night_schedule
    from huracan_sensors.retention import retention_schedule

    schedule, ageing = settings.schedule, retention_job(STAGES)
    partitions = daily_partitions(settings.universe.first_day)
    jobs = night_jobs(partitions)
    return dg.Definitions(
        assets=[stage.asset(partitions) for stage in STAGES],
        jobs=[*jobs.values(), ageing],
        schedules=[
            night_schedule(jobs[MARKET], schedule.hour, schedule.is_enabled),
            retention_schedule(ageing, schedule.hour, schedule.is_enabled),
        ],
        sensors=[*chain_sensors(jobs), *health_sensors(jobs[MARKET])],
        resources={"outside": Outside(settings)},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions for the settings of this machine."""
    return build_definitions(load_settings())
