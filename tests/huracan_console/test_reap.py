"""Runs whose process has died are ended and free what they held; runs that may live are left alone."""

import time
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._daemon.types import DaemonHeartbeat

from huracan_console.runs import WORKER_TAG, reap, worker_identity


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def _started(instance: dg.DagsterInstance, **tags: str) -> str:
    @dg.job
    def market() -> None:
        return None

    run = instance.create_run_for_job(market, tags=tags, status=dg.DagsterRunStatus.STARTED)
    return run.run_id


def _daemon_was_alive(instance: dg.DagsterInstance, seconds_ago: float) -> None:
    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - seconds_ago, "SENSOR", "one", []))


def test_a_run_of_a_console_that_died_is_ended_and_one_that_lives_is_not(
    instance: dg.DagsterInstance,
) -> None:
    host = worker_identity().rsplit(":", 2)[0]
    dead = _started(instance, **{WORKER_TAG: f"{host}:999999999:1.00"})
    alive = _started(instance, **{WORKER_TAG: worker_identity()})
    assert reap(instance) == [dead]
    assert instance.get_run_by_id(dead).status == dg.DagsterRunStatus.FAILURE
    assert instance.get_run_by_id(alive).status == dg.DagsterRunStatus.STARTED


def test_a_run_of_the_daemon_is_left_alone_while_the_daemon_lives(instance: dg.DagsterInstance) -> None:
    _started(instance)
    _daemon_was_alive(instance, seconds_ago=30)
    assert reap(instance) == []


def test_a_run_of_the_daemon_is_ended_after_a_power_cut(instance: dg.DagsterInstance) -> None:
    run = _started(instance)
    _daemon_was_alive(instance, seconds_ago=600)
    assert reap(instance) == [run]
    assert instance.get_run_by_id(run).status == dg.DagsterRunStatus.FAILURE
