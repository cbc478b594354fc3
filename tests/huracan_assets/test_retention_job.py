"""What the nights still read is never let go, and what has aged out goes in one job."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from huracan.candles.schema import TIMEFRAMES
from huracan.errors import AgedOut, InputRefused, InvalidInput
from huracan.tables import Always
from huracan_assets.definitions import build_definitions
from huracan_assets.registry import stages
from huracan_assets.retention import RETENTION, age_out, refuse_while_runs
from huracan_assets.retention_needs import check_retention, needs_of
from huracan_resources.catalogue import catalogue, name_of
from huracan_resources.database.database import Database
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.retention import FOREVER, DatabaseRetention, LakeRetention
from huracan_resources.settings.settings import Settings, load_settings

NEWEST = date(2025, 6, 30)


def _settings(home: Path = Path("/nowhere"), **overrides: object) -> Settings:
    given = {key.replace("__", "."): value for key, value in overrides.items()}
    return load_settings(given, {"HURACAN_HOME": str(home)})


@pytest.fixture
def resources(tmp_path: Path, database: Database) -> Iterator[Resources]:
    """Sixty nights up to NEWEST, each with its trade and its signals, in the lake."""
    made = Resources(_settings(tmp_path, retention__lake__shadow_signals=45))
    made.__dict__["database"] = database
    table = encode_table(pa.table({"symbol": ["BTC/USDT", "ETH/USDT"]}))
    for back in range(60):
        files = {"data.parquet": table, "signals.parquet": table}
        made.lake.write("shadow_trades", NEWEST - timedelta(days=back), files)
    yield made
    with database.connect() as connection:
        connection.execute("DELETE FROM retention_report")


@pytest.mark.parametrize("profile", ["local", "production", "monitoring"])
def test_the_default_settings_keep_all_that_the_nights_read_however_often_is_decided(profile: str) -> None:
    environ = {"HURACAN_ENV": profile, "HURACAN_HOME": "/nowhere"}
    for decisions in TIMEFRAMES:
        for stored in ("1m", decisions):
            said = {"universe.timeframe": stored, "market.decision_timeframe": decisions}
            check_retention(stages(), load_settings(said, environ))


def test_the_needs_are_those_that_the_assets_declare() -> None:
    settings = _settings(training__window_days=120, models__trailing_days=40)
    needs = needs_of(stages(), settings)
    # Of the last 8 nights the gates read 40 days that end the day before, and a day more before the handover.
    assert (needs["shadow_trades", ""].days, needs["shadow_trades", ""].reader) == (8 + 41, "gated_trades")
    # The market of a whole window may have to be made again, each day with its own warm-up.
    assert needs["ohlcv", ""].days > 8 + 120 and needs["features", ""].days > 8 + 120 + 14
    # Of weeks before it a day reads the hours alone, and the half-spreads.
    assert needs["ohlcv", "hourly"].days == needs["ohlcv", "data"].days + 30 - 2
    assert needs["ohlcv", "spreads"].days == needs["ohlcv", ""].days + 28


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("lake.shadow_signals", "needs the last 39 days"),
        ("lake.features", "regimes needs the last"),
        ("lake.gate_decisions", "needs the last 67 days"),
        ("database.shadow_signals", "a missed night needs the last 8 days"),
        ("dagster.event_log", "a missed night needs the last 8 days"),
    ],
)
def test_days_shorter_than_what_is_read_are_refused_with_the_reader(key: str, words: str) -> None:
    settings = load_settings({f"retention.{key}": 7}, {"HURACAN_HOME": "/nowhere"})
    with pytest.raises(InvalidInput, match=words) as refused:
        check_retention(stages(), settings)
    assert f"Set retention.{key} to" in refused.value.remedy


def test_a_setting_that_is_too_short_deletes_nothing(resources: Resources) -> None:
    resources.settings = _settings(retention__lake__shadow_signals=45, retention__dagster__runs=1)
    with pytest.raises(InvalidInput, match=r"retention\.dagster\.runs is 1"):
        age_out(resources, stages(), NEWEST, dry=False)
    assert len([key for key in resources.lake.store.list() if "/signals-" in key]) == 60


def test_the_settings_know_every_table_that_an_asset_makes_and_the_database_holds() -> None:
    in_lake, in_database = (
        set(LakeRetention.complete().model_fields),
        set(DatabaseRetention.complete().model_fields),
    )
    for stage in stages():
        assert set(stage.database) <= in_database, f"{stage.name}: decide how long its tables are kept"
        views = {name_of(stage.name, table) for table in stage.database.values()}
        assert views <= in_lake, f"{stage.name}: decide how long its tables are kept"
    may_age = {name for name in in_lake if _accepts_days(name)}
    assert may_age == {
        name for name, entry in catalogue().items() if not isinstance(entry.table.keep, Always)
    }


def _accepts_days(table: str) -> bool:
    try:
        load_settings({f"retention.lake.{table}": 1000}, {"HURACAN_HOME": "/nowhere"})
    except InvalidInput:
        return False
    return True


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("lake.shadow_signal", 90, r"retention\.lake\.shadow_signal is unknown.*shadow_signals"),
        ("database.trade_memory", 365, "always kept: every search reads all of it"),
        ("lake.win_analysis", 365, "always kept: trades, analyses and verdicts"),
        ("lake.shadow_signals", 0, r"retention\.lake\.shadow_signals is wrong"),
        ("lake.shadow_signals", "ninety", r"retention\.lake\.shadow_signals is wrong"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(key: str, value: object, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        load_settings({f"retention.{key}": value}, {"HURACAN_HOME": "/nowhere"})


def test_a_variable_sets_the_days_of_a_table_or_forever() -> None:
    environ = {
        "HURACAN_HOME": "/nowhere",
        "HURACAN__RETENTION__LAKE__SHADOW_SIGNALS": "120",
        "HURACAN__RETENTION__LAKE__GATE_DECISIONS": "forever",
    }
    lake = load_settings(environ=environ).retention.lake
    assert (lake.shadow_signals, lake.gate_decisions, lake.features) == (120, FOREVER, FOREVER)
    assert load_settings().digest() == load_settings({"retention.lake.shadow_signals": 120}).digest()


def test_ages_are_counted_from_the_newest_night_so_that_an_outage_lets_nothing_go(
    resources: Resources,
) -> None:
    long_after = NEWEST + timedelta(days=300)
    would = age_out(resources, stages(), long_after, dry=True)
    lines = [each for each in would if each.kind == "lake"]
    assert {each.kept_from for each in lines} == {NEWEST - timedelta(days=44)} and len(lines) == 15
    earlier = age_out(resources, stages(), NEWEST - timedelta(days=10), dry=True)
    assert len([each for each in earlier if each.kind == "lake"]) == 5


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def _job(resources: Resources) -> dg.JobDefinition:
    definitions = build_definitions(resources.settings)
    return dg.Definitions(
        jobs=[definitions.resolve_job_def(RETENTION)], resources={"resources": resources}
    ).resolve_job_def(RETENTION)


def test_the_job_deletes_reports_and_shows_what_was_deleted(
    resources: Resources, instance: dg.DagsterInstance
) -> None:
    tags = {"huracan/retention": (NEWEST + timedelta(days=1)).isoformat()}
    result = _job(resources).execute_in_process(
        instance=instance, tags=tags, resources={"resources": resources}
    )
    assert result.success
    (output,) = [event for event in result.all_events if event.event_type_value == "STEP_OUTPUT"]
    shown = output.step_output_data.metadata
    assert shown["rows"].value == 30 and shown["deleted"].value.records[0].data["table"] == "shadow_signals"
    assert "first day" in [column.name for column in shown["deleted"].value.schema.columns]
    with resources.database.connect() as connection:
        reported = connection.execute("SELECT count(*), sum(rows), min(day) FROM retention_report").fetchone()
    assert reported == (15, 30, NEWEST - timedelta(days=59))
    with pytest.raises(AgedOut):
        resources.lake.read_table("shadow_trades", NEWEST - timedelta(days=45), "signals")
    assert resources.lake.read_table("shadow_trades", NEWEST - timedelta(days=44), "signals").num_rows == 2


def test_the_job_deletes_nothing_while_a_night_is_under_way(
    resources: Resources, instance: dg.DagsterInstance
) -> None:
    @dg.job
    def market() -> None:
        return None

    run = instance.create_run_for_job(market, status=dg.DagsterRunStatus.STARTED)
    with pytest.raises(InputRefused, match=f"under way: market {run.run_id}"):
        refuse_while_runs(instance)
    result = _job(resources).execute_in_process(
        instance=instance, raise_on_error=False, resources={"resources": resources}
    )
    assert not result.success
    assert len([key for key in resources.lake.store.list() if "/signals-" in key]) == 60
    assert datetime.now(UTC).date() > NEWEST
