"""Dagster's old logs go; its partitions, their checks and the runs behind them are shown as before."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS

from huracan_resources.database.database import Database
from huracan_resources.retention import of_dagster
from huracan_resources.retention.of_dagster import age_out_events, age_out_runs
from tests.made_once import NewHome

TODAY = datetime.now(UTC).date()
TOMORROW = TODAY + timedelta(days=1)
PARTITIONS = dg.DailyPartitionsDefinition("2025-01-01")
CHECK = dg.AssetCheckSpec("is_whole", asset="candles", partitions_def=PARTITIONS)


@dg.asset(partitions_def=PARTITIONS, check_specs=[CHECK])
def candles(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    context.log.info("A line of the log.")
    if context.partition_key == "2025-01-03":
        raise dg.Failure("The exchange was down.")
    passed = context.partition_key != "2025-01-02"
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=passed, metadata={"rows": 4320})])


@dg.job
def upkeep() -> None:
    @dg.op
    def sweep() -> None:
        return None

    sweep()


@pytest.fixture(scope="module")
def database(new_home: NewHome) -> Iterator[Database]:
    """A database of its own: Dagster's tables are made in it."""
    with new_home() as home:
        yield Database(home)


@pytest.fixture
def instance(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """An instance in that database: three partitions, of which one failed, and a run without assets."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("HURACAN_HOME", str(database.home))
    (database.home / "dagster.yaml").write_text(
        "storage:\n  custom:\n    module: huracan_resources.database.dagster_storage\n"
        "    class: HuracanDagsterStorage\n    config: {}\ntelemetry:\n  enabled: false\n"
    )
    with dg.DagsterInstance.from_config(str(database.home)) as made:
        for day in ("2025-01-01", "2025-01-02", "2025-01-03"):
            dg.materialize([candles], partition_key=day, instance=made, raise_on_error=False)
        assert upkeep.execute_in_process(instance=made).success
        yield made
        made.wipe()
    with database.connect() as connection:
        connection.execute("DELETE FROM retention_report")


def _shown(instance: dg.DagsterInstance) -> dict[str, object]:
    """What the UI tells of the asset: made and failed partitions, metadata, checks, runs."""
    key, storage = dg.AssetKey("candles"), instance.event_log_storage
    records = instance.fetch_materializations(key, limit=10).records
    history = storage.get_asset_check_execution_history(CHECK.key, limit=10)
    return {
        "materialized": sorted(instance.get_materialized_partitions(key)),
        "failed": sorted(
            storage.get_latest_asset_partition_materialization_attempts_without_materializations(key)
        ),
        "records": [(each.run_id, each.partition_key, each.storage_id) for each in records],
        "checks": [(each.run_id, each.status, each.event) for each in history],
        "by partition": [
            (each.partition_key, each.latest_execution_status)
            for each in storage.get_asset_check_partition_info([CHECK.key])
        ],
        "events": [
            (kind, each.storage_id, each.event_log_entry)
            for kind in (*ASSET_EVENTS, *ASSET_CHECK_EVENTS)
            for each in instance.get_event_records(dg.EventRecordsFilter(kind), limit=50)
        ],
        "runs": sorted((run.run_id, run.status) for run in instance.get_runs() if run.job_name != "upkeep"),
    }


def _events(database: Database) -> int:
    with database.connect() as connection:
        row = connection.execute("SELECT count(*) FROM dagster.event_logs").fetchone()
    assert row is not None
    return int(row[0])


def test_partitions_checks_and_runs_are_shown_as_before_and_the_log_of_steps_is_gone(
    instance: dg.DagsterInstance, database: Database
) -> None:
    before, events = _shown(instance), _events(database)
    assert before["materialized"] == ["2025-01-01", "2025-01-02"] and before["failed"] == ["2025-01-03"]
    (would,) = age_out_events(database, TOMORROW, TODAY, dry=True)
    assert _events(database) == events
    (found,) = age_out_events(database, TOMORROW, TODAY, dry=False)
    assert found == would and found.day == TODAY and found.bytes > 10_000
    assert _events(database) == events - found.rows and found.rows > events / 2
    assert _shown(instance) == before
    assert age_out_events(database, TOMORROW, TODAY, dry=False) == []
    with database.connect() as connection:
        reported = connection.execute("SELECT table_name, day, rows, bytes FROM retention_report").fetchall()
    assert reported == [("event_logs", TODAY, found.rows, found.bytes)]


def test_an_asset_can_be_made_again_after_its_log_has_gone(
    instance: dg.DagsterInstance, database: Database
) -> None:
    age_out_events(database, TOMORROW, TODAY, dry=False)
    assert dg.materialize([candles], partition_key="2025-01-04", instance=instance).success
    assert len(instance.get_materialized_partitions(dg.AssetKey("candles"))) == 3


def test_a_run_is_forgotten_only_where_it_made_and_judged_nothing(
    instance: dg.DagsterInstance, database: Database
) -> None:
    before = _shown(instance)
    (found,) = age_out_runs(database, TOMORROW, TODAY, dry=True)
    assert found.rows == 1 and len(instance.get_runs()) == 4
    assert age_out_runs(database, TOMORROW, TODAY, dry=False) == [found]
    assert _shown(instance) == before
    assert sorted(run.job_name for run in instance.get_runs()) == ["__ephemeral_asset_job__"] * 3
    with database.connect() as connection:
        orphans = connection.execute(
            "SELECT count(*) FROM dagster.event_logs WHERE run_id NOT IN (SELECT run_id FROM dagster.runs)"
        ).fetchone()
    assert orphans == (0,)


def test_what_ended_on_a_day_that_is_kept_and_what_is_under_way_is_left_alone(
    instance: dg.DagsterInstance, database: Database
) -> None:
    assert age_out_events(database, TODAY, TODAY, dry=False) == []
    assert age_out_runs(database, TODAY, TODAY, dry=False) == []
    age_out_events(database, TOMORROW, TODAY, dry=False)
    age_out_runs(database, TOMORROW, TODAY, dry=False)
    run = instance.create_run_for_job(upkeep, status=dg.DagsterRunStatus.STARTED)
    instance.report_engine_event("Working.", run)
    events = _events(database)
    assert age_out_events(database, TOMORROW, TODAY, dry=False) == []
    assert age_out_runs(database, TOMORROW, TODAY, dry=False) == []
    assert _events(database) == events and instance.get_run_by_id(run.run_id) is not None


def test_a_database_without_dagster_has_nothing_to_delete(new_home: NewHome) -> None:
    with new_home() as home:
        empty = Database(home)
        assert age_out_events(empty, date(2025, 1, 1), TODAY, dry=False) == []
        assert age_out_runs(empty, date(2025, 1, 1), TODAY, dry=True) == []


def test_every_event_by_which_dagster_knows_assets_and_checks_is_among_those_that_are_kept() -> None:
    known = {kind.value for kind in (*ASSET_EVENTS, *ASSET_CHECK_EVENTS)}
    named = {kind.value for kind in dg.DagsterEventType if kind.value.startswith(("ASSET_", "FRESHNESS_"))}
    assert known <= set(of_dagster.ASSET_EVENTS)
    assert named - {"ASSET_STORE_OPERATION"} <= set(of_dagster.ASSET_EVENTS)
