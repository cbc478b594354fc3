"""A step that somebody stops is never tried again, whatever its retries are for."""

import signal
import time
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from huracan_assets.jobs import MARKET
from huracan_assets.partitions import daily_partitions
from huracan_assets.reads import Inputs
from huracan_assets.stage import Outcome, Retry, StageContext, stage
from huracan_assets.wiring import asset_of
from huracan_console.runs import RunStarter
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings

DAY = date(2025, 3, 1)


@pytest.mark.parametrize("retry", [None, Retry(3, 0.0)])
def test_ctrl_c_in_the_body_of_a_stage_stops_the_run_at_once(tmp_path: Path, retry: Retry | None) -> None:
    calls = []

    @stage(job=MARKET, kinds=set(), reads=[], retry=retry)
    def stopped(inputs: Inputs, context: StageContext) -> Outcome:
        """It is stopped."""
        calls.append(context.day)
        signal.raise_signal(signal.SIGINT)
        time.sleep(5)
        return Outcome(note="none")

    asset = asset_of(stopped, daily_partitions(DAY))
    made = dg.Definitions(
        assets=[asset],
        jobs=[dg.define_asset_job(MARKET, [asset])],
        resources={"resources": Resources(load_settings(environ={"HURACAN_HOME": str(tmp_path)}))},
        executor=dg.in_process_executor,
    )
    with dg.DagsterInstance.ephemeral() as instance:
        with pytest.raises(KeyboardInterrupt):
            RunStarter(made, instance).run(MARKET, DAY, {})
        (run,) = instance.get_runs()
        assert run.status == dg.DagsterRunStatus.FAILURE
        kinds = {event.dagster_event_type for event in instance.all_logs(run.run_id)}
    assert calls == [DAY]
    assert dg.DagsterEventType.STEP_UP_FOR_RETRY not in kinds
