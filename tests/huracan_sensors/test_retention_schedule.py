"""When retention runs: daily, half a day after the night began, and never beside a run."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import pytest

from huracan_assets.retention import DAY_TAG, RETENTION
from huracan_sensors.retention import retention_schedule


@dg.job(name=RETENTION)
def upkeep() -> None:
    return None


@dg.job
def market() -> None:
    return None


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as made:
        yield made


def _tick(instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    moment = datetime(2025, 3, 11, 14, tzinfo=UTC)
    schedule = retention_schedule(upkeep, 2, True)
    answer = schedule(dg.build_schedule_context(instance=instance, scheduled_execution_time=moment))
    assert isinstance(answer, dg.RunRequest | dg.SkipReason)
    return answer


@pytest.mark.parametrize(("night", "cron"), [(2, "0 14 * * *"), (20, "0 8 * * *")])
def test_it_runs_half_a_day_after_the_night_began(night: int, cron: str) -> None:
    assert retention_schedule(upkeep, night, True).cron_schedule == cron


def test_a_machine_that_only_looks_deletes_nothing_by_itself() -> None:
    assert retention_schedule(upkeep, 2, False).default_status == dg.DefaultScheduleStatus.STOPPED
    assert retention_schedule(upkeep, 2, True).default_status == dg.DefaultScheduleStatus.RUNNING


def test_it_asks_once_a_day(instance: dg.DagsterInstance) -> None:
    first, second = _tick(instance), _tick(instance)
    assert isinstance(first, dg.RunRequest) and isinstance(second, dg.RunRequest)
    assert first.run_key == second.run_key == "retention:2025-03-11"
    assert first.tags[DAY_TAG] == "2025-03-11"


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED])
def test_it_leaves_out_a_day_on_which_a_night_is_under_way(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    run = instance.create_run_for_job(market, status=status)
    answer = _tick(instance)
    assert isinstance(answer, dg.SkipReason) and run.run_id in str(answer.skip_message)


def test_runs_that_have_ended_and_its_own_do_not_hold_it_up(instance: dg.DagsterInstance) -> None:
    instance.create_run_for_job(market, status=dg.DagsterRunStatus.FAILURE)
    instance.create_run_for_job(upkeep, status=dg.DagsterRunStatus.STARTED)
    assert isinstance(_tick(instance), dg.RunRequest)
