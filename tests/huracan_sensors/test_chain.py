"""The chain of a night: what a finished job starts, and what it leaves alone."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import pytest

from huracan_assets.jobs import LEARN, MARKET, PUBLISH, TRADE
from huracan_sensors.chain import NIGHT_TAG, chain_sensors
from huracan_sensors.night import night_schedule

DAY = "2025-03-10"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture(scope="module")
def jobs() -> dict[str, object]:
    partitions = dg.DailyPartitionsDefinition("2025-01-01")

    @dg.asset(partitions_def=partitions)
    def something() -> None:
        return None

    return {
        name: dg.define_asset_job(name, [something], partitions_def=partitions)
        for name in (MARKET, TRADE, LEARN, PUBLISH)
    }


def _ended(
    instance: dg.DagsterInstance, job: str, status: dg.DagsterRunStatus, night: bool = True
) -> dg.DagsterRun:
    @dg.job(name=job)
    def empty() -> None:
        return None

    tags = {"dagster/partition": DAY} | ({NIGHT_TAG: DAY} if night else {})
    run = instance.create_run_for_job(empty, tags=tags)
    is_success = status == dg.DagsterRunStatus.SUCCESS
    kind = dg.DagsterEventType.RUN_SUCCESS if is_success else dg.DagsterEventType.RUN_FAILURE
    instance.report_dagster_event(dg.DagsterEvent(kind.value, job), run_id=run.run_id)
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found


def _requests(
    instance: dg.DagsterInstance, jobs: dict[str, object], run: dg.DagsterRun
) -> list[dg.RunRequest]:
    sensor = next(s for s in chain_sensors(jobs) if s.name == f"after_{run.job_name}")
    context = dg.build_run_status_sensor_context(
        sensor_name=sensor.name,
        dagster_event=dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, run.job_name),
        dagster_instance=instance,
        dagster_run=run,
    )
    result = sensor(context)
    return [each for each in (result or []) if isinstance(each, dg.RunRequest)]


def test_a_finished_market_starts_trade_and_learn_of_the_same_day(instance, jobs) -> None:
    run = _ended(instance, MARKET, dg.DagsterRunStatus.SUCCESS)
    requests = _requests(instance, jobs, run)
    assert [(each.job_name, each.partition_key) for each in requests] == [(TRADE, DAY), (LEARN, DAY)]
    assert all(each.tags[NIGHT_TAG] == DAY for each in requests)


def test_publish_waits_until_both_trade_and_learn_have_succeeded(instance, jobs) -> None:
    trade = _ended(instance, TRADE, dg.DagsterRunStatus.SUCCESS)
    assert _requests(instance, jobs, trade) == []
    learn = _ended(instance, LEARN, dg.DagsterRunStatus.SUCCESS)
    assert [each.job_name for each in _requests(instance, jobs, learn)] == [PUBLISH]


def test_publish_is_started_once_when_trade_and_learn_end_between_two_ticks(instance, jobs) -> None:
    trade = _ended(instance, TRADE, dg.DagsterRunStatus.SUCCESS)
    learn = _ended(instance, LEARN, dg.DagsterRunStatus.SUCCESS)
    requests = [*_requests(instance, jobs, trade), *_requests(instance, jobs, learn)]
    assert [each.job_name for each in requests] == [PUBLISH]


def test_publish_is_not_started_when_the_training_failed(instance, jobs) -> None:
    _ended(instance, LEARN, dg.DagsterRunStatus.FAILURE)
    trade = _ended(instance, TRADE, dg.DagsterRunStatus.SUCCESS)
    assert _requests(instance, jobs, trade) == []


def test_a_run_outside_a_night_starts_nothing(instance, jobs) -> None:
    run = _ended(instance, MARKET, dg.DagsterRunStatus.SUCCESS, night=False)
    assert _requests(instance, jobs, run) == []


def test_the_schedule_asks_at_two_for_the_day_that_has_closed_and_only_once(jobs) -> None:
    schedule = night_schedule(jobs[MARKET], 2)
    assert schedule.cron_schedule == "0 2 * * *"
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    context = dg.build_schedule_context(scheduled_execution_time=datetime(2025, 3, 11, 2, tzinfo=UTC))
    first, second = schedule(context), schedule(context)
    assert first.partition_key == DAY
    assert first.run_key == second.run_key == f"{MARKET}:{DAY}"
