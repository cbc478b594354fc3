"""The shape that all assets share: reads, skips, gates between runs, and rows in the database."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from huracan.errors import InvalidInput, Unavailable
from huracan.tables import FLOAT, INTEGER, TEXT, Column, Table
from huracan.verdict import Verdict
from huracan_assets import wiring
from huracan_assets.finished import STANDING_TAG
from huracan_assets.freshness import Freshness
from huracan_assets.jobs import TRADE
from huracan_assets.partitions import daily_partitions
from huracan_assets.reads import Inputs, Read, yesterday
from huracan_assets.shown import Markdown
from huracan_assets.stage import Check, Outcome, Retry, Stage, StageContext, stage
from huracan_assets.wiring import asset_of
from huracan_resources.database.database import Database
from huracan_resources.database.embedded_postgres import embedded_url, stop_embedded
from huracan_resources.database.tables import read_partition
from huracan_resources.lake.manifest import Origin
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.made_once import NewHome

FIRST = date(2025, 3, 1)
PARTITIONS = daily_partitions(FIRST)
VALUE = Table([Column("value", INTEGER, "hour and day of the month, summed", "days")])
CALLS: list[str] = []


@pytest.fixture
def resources(tmp_path: Path, database: Database) -> Resources:
    CALLS.clear()
    made = Resources(load_settings(environ={"HURACAN_HOME": str(tmp_path)}))
    made.__dict__["database"] = database
    return made


def _declare(body: Callable[[Inputs, StageContext], Outcome], **options: object) -> Stage:
    given: dict[str, object] = {"job": TRADE, "kinds": set(), "reads": [], "tables": {"data": VALUE}}
    return stage(**{**given, **options})(body)  # type: ignore[arg-type]


def numbers(inputs: Inputs, context: StageContext) -> Outcome:
    CALLS.append("numbers")
    value = context.settings.schedule.hour + context.day.day
    return Outcome(
        tables={"data": pa.table({"value": [value]})},
        verdicts=[Verdict("value_is_small", value < 20, f"The value is {value}.")],
        source="test",
    )


def total(inputs: Inputs, context: StageContext) -> Outcome:
    CALLS.append("total")
    values = inputs.table("numbers")["value"].to_pylist()
    return Outcome(tables={"data": pa.table({"value": [sum(values)]})})


def before(inputs: Inputs, context: StageContext) -> Outcome:
    if not inputs.has("numbers"):
        return Outcome(note="There is nothing before the first night.")
    return Outcome(tables={"data": inputs.table("numbers")})


IMPORTANCE = Table(
    [Column("feature", TEXT, "input"), Column("gain", FLOAT, "its share"), Column("rank", INTEGER, "from 1")],
    name="feature_importance",
    in_database=True,
)
SMALL = [Check("value_is_small", "The value is below 20.")]
NUMBERS = _declare(numbers, checks=SMALL, settings=["schedule"])
TOTAL = _declare(total, reads=[Read("numbers", days=3)])
BEFORE = _declare(before, reads=[yesterday("numbers")])


def _run(resources: Resources, stages: list[Stage], day: int, **options: object) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [asset_of(each, PARTITIONS) for each in stages],
        partition_key=FIRST.replace(day=day).isoformat(),
        resources={"resources": resources},
        instance=options.pop("instance", None) or dg.DagsterInstance.ephemeral(),  # type: ignore[arg-type]
        raise_on_error=False,
        **options,  # type: ignore[arg-type]
    )


def _value(resources: Resources, asset: str, day: int) -> int:
    return resources.lake.read_table(asset, FIRST.replace(day=day))["value"][0].as_py()


def _failure(result: dg.ExecuteInProcessResult) -> str:
    failed = [event for event in result.all_events if event.is_step_failure]
    data = failed[0].step_failure_data
    assert data.user_failure_data is not None
    return str(data.user_failure_data.description)


def test_the_same_inputs_code_and_settings_are_not_computed_twice(resources: Resources) -> None:
    assert _run(resources, [NUMBERS, TOTAL], 1).success
    assert _run(resources, [NUMBERS, TOTAL], 1).success
    assert CALLS == ["numbers", "total"]


def test_reused_work_still_shows_what_it_showed(resources: Resources) -> None:
    def pictured(inputs: Inputs, context: StageContext) -> Outcome:
        return Outcome(tables={"data": pa.table({"value": [1]})}, metadata={"plot": Markdown("a curve")})

    declared = _declare(pictured)
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            result = _run(resources, [declared], 1, instance=instance)
        metadata = result.asset_materializations_for_node("pictured")[0].metadata
    assert metadata["reused"].value is True
    assert metadata["plot"].value == "a curve"
    assert metadata["dagster/partition_row_count"].value == 1


def test_a_changed_setting_computes_again_only_what_depends_on_it(resources: Resources) -> None:
    _run(resources, [NUMBERS, TOTAL], 1)
    settings = resources.settings.model_copy(
        update={"schedule": resources.settings.schedule.model_copy(update={"hour": 5})}
    )
    changed = Resources(settings)
    changed.__dict__["database"] = resources.database
    _run(changed, [NUMBERS], 1)
    assert CALLS == ["numbers", "total", "numbers"]
    assert _value(changed, "numbers", 1) == 6


def test_a_changed_input_computes_again_what_was_made_from_it(resources: Resources) -> None:
    for day in (1, 2):
        _run(resources, [NUMBERS, TOTAL], day)
    files = {"data.parquet": _parquet(pa.table({"value": [100]}))}
    resources.lake.write("numbers", FIRST, files, origin=Origin(source="test"))
    _run(resources, [TOTAL], 2)
    assert CALLS.count("total") == 3
    assert _value(resources, "total", 2) == 104


def test_a_failed_blocking_check_stops_what_follows_in_the_same_run(resources: Resources) -> None:
    result = _run(resources, [NUMBERS, TOTAL], 25)
    assert not result.success
    assert CALLS == ["numbers"]
    evaluation = result.get_asset_check_evaluations()[0]
    assert not evaluation.passed
    assert evaluation.partition == "2025-03-25"


def test_a_failed_blocking_check_stops_what_follows_in_a_later_run(resources: Resources) -> None:
    _run(resources, [NUMBERS], 25)
    result = _run(resources, [TOTAL], 25)
    assert not result.success
    assert "numbers/2025-03-25 was judged bad by value_is_small" in _failure(result)


def test_a_warning_check_fails_and_lets_the_night_go_on(resources: Resources) -> None:
    def cautious(inputs: Inputs, context: StageContext) -> Outcome:
        return Outcome(
            tables={"data": pa.table({"value": [1]})},
            verdicts=[Verdict("is_fine", False, "It is not.", blocking=False)],
        )

    warned = _declare(cautious, checks=[Check("is_fine", "All is well.", blocking=False)])
    result = _run(resources, [warned], 1)
    assert result.success
    assert not result.get_asset_check_evaluations()[0].passed


def test_a_hole_in_a_window_is_refused_and_named(resources: Resources) -> None:
    for day in (1, 3):
        _run(resources, [NUMBERS], day)
    result = _run(resources, [TOTAL], 3)
    assert not result.success
    assert "There is no partition numbers/2025-03-02" in _failure(result)


def test_a_window_is_shorter_where_history_begins(resources: Resources) -> None:
    _run(resources, [NUMBERS], 1)
    _run(resources, [NUMBERS, TOTAL], 2)
    assert _value(resources, "total", 2) == (2 + 1) + (2 + 2)


def test_the_first_night_has_no_yesterday_and_says_so(resources: Resources) -> None:
    assert _run(resources, [BEFORE], 1).success
    manifest = resources.lake.manifest("before", FIRST)
    assert manifest is not None and manifest.note == "There is nothing before the first night."


def test_a_missing_yesterday_after_the_first_night_is_refused(resources: Resources) -> None:
    _run(resources, [NUMBERS], 1)
    assert not _run(resources, [BEFORE], 3).success


def test_a_partition_made_from_an_earlier_input_is_not_read_beside_the_new_one(resources: Resources) -> None:
    def both(inputs: Inputs, context: StageContext) -> Outcome:
        return Outcome(tables={"data": inputs.table("total")})

    _run(resources, [NUMBERS, TOTAL], 1)
    files = {"data.parquet": _parquet(pa.table({"value": [9]}))}
    resources.lake.write("numbers", FIRST, files, origin=Origin(source="test"))
    result = _run(resources, [_declare(both, reads=[Read("numbers"), Read("total")])], 1)
    assert "total/2025-03-01 was made from an earlier numbers/2025-03-01" in _failure(result)
    record = _declare(both, reads=[Read("numbers"), Read("total", is_record=True)])
    assert _run(resources, [record], 1).success


def test_a_yesterday_that_is_not_needed_may_have_been_judged_bad(resources: Resources) -> None:
    def careful(inputs: Inputs, context: StageContext) -> Outcome:
        return Outcome(note=f"Not used: {inputs.refusal('numbers')}")

    _run(resources, [NUMBERS], 25)
    assert _run(resources, [_declare(careful, reads=[yesterday("numbers", is_needed=False)])], 26).success
    manifest = resources.lake.manifest("careful", FIRST.replace(day=26))
    assert manifest is not None and "judged bad by value_is_small" in manifest.note


def test_fetching_again_keeps_good_candles_from_worse_ones_and_from_other_sources(
    resources: Resources,
) -> None:
    answers = iter([(1, "a"), (2, "b"), (99, "a"), (3, "a")])

    def fetched(inputs: Inputs, context: StageContext) -> Outcome:
        value, source = next(answers)
        return Outcome(
            tables={"data": pa.table({"value": [value]})},
            verdicts=[Verdict("value_is_small", value < 20, f"The value is {value}.")],
            source=source,
        )

    declared = _declare(fetched, checks=SMALL, reads_outside=True)
    assert _run(resources, [declared], 1).success
    assert "comes from 'a', and this run brings 'b'" in _failure(_run(resources, [declared], 1))
    assert "The good partition of before is kept" in _failure(_run(resources, [declared], 1))
    assert _value(resources, "fetched", 1) == 1
    assert _run(resources, [declared], 1).success
    assert _value(resources, "fetched", 1) == 3


def test_a_run_that_takes_what_stands_asks_outside_only_for_what_does_not(resources: Resources) -> None:
    answers = iter([1, 2, 3, 99])

    def fetched(inputs: Inputs, context: StageContext) -> Outcome:
        return Outcome(tables={"data": pa.table({"value": [next(answers)]})}, source="test")

    declared = _declare(fetched, reads_outside=True, settings=["schedule"])
    for tags, value in (({STANDING_TAG: "true"}, 1), ({STANDING_TAG: "true"}, 1), ({}, 2)):
        assert _run(resources, [declared], 1, tags=tags).success
        assert _value(resources, "fetched", 1) == value
    schedule = resources.settings.schedule.model_copy(update={"hour": 5})
    other = Resources(resources.settings.model_copy(update={"schedule": schedule}))
    other.__dict__["database"] = resources.database
    assert _run(other, [declared], 1, tags={STANDING_TAG: "true"}).success
    assert _value(resources, "fetched", 1) == 3


def test_a_damaged_file_is_made_again(resources: Resources, tmp_path: Path) -> None:
    _run(resources, [NUMBERS], 1)
    (file,) = (tmp_path / "lake" / "numbers" / "day=2025-03-01").glob("data-*.parquet")
    file.write_bytes(b"x" + file.read_bytes()[1:])
    assert _run(resources, [NUMBERS], 1).success
    assert CALLS == ["numbers", "numbers"]
    assert _value(resources, "numbers", 1) == 3


def test_a_declared_check_that_was_not_answered_is_an_error_and_not_a_pass(resources: Resources) -> None:
    def unjudged(inputs: Inputs, context: StageContext) -> Outcome:
        return Outcome(tables={"data": pa.table({"value": [1]})})

    assert "was judged by []" in _failure(_run(resources, [_declare(unjudged, checks=SMALL)], 1))


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"valued": [1]}, "it lacks value; it adds valued"),
        ({"value": [1.5]}, r"of another type are value \(double, not int64\)"),
        ({"value": [1], "more": ["x"]}, "it adds more"),
    ],
)
def test_a_table_that_is_not_as_declared_is_refused_and_nothing_is_written(
    resources: Resources, columns: dict[str, list[object]], told: str
) -> None:
    def careless(inputs: Inputs, context: StageContext) -> Outcome:
        return Outcome(tables={"data": pa.table(columns)})

    with pytest.raises(AssertionError, match=f"careless made the table data otherwise than declared: {told}"):
        raise AssertionError(_failure(_run(resources, [_declare(careless)], 1)))
    assert resources.lake.manifest("careless", FIRST) is None


def test_columns_in_another_order_are_refused(resources: Resources) -> None:
    def shuffled(inputs: Inputs, context: StageContext) -> Outcome:
        return Outcome(tables={"data": pa.table({"rank": [1], "gain": [1.0], "feature": ["a"]})})

    result = _run(resources, [_declare(shuffled, tables={"data": IMPORTANCE})], 1)
    assert "its columns are rank, gain, feature" in _failure(result)


def test_an_empty_partition_has_no_table_to_refuse(resources: Resources) -> None:
    def idle(inputs: Inputs, context: StageContext) -> Outcome:
        return Outcome(note="Nothing to do.")

    assert _run(resources, [_declare(idle)], 1).success


def test_columns_are_told_with_their_meaning_and_unit_before_a_run_and_after(resources: Resources) -> None:
    def told(inputs: Inputs, context: StageContext) -> Outcome:
        return Outcome(tables={"data": pa.table({"value": [1]})})

    declared = _declare(told, tables={"data": VALUE, "detail": IMPORTANCE})
    specification = next(iter(asset_of(declared, PARTITIONS).specs))
    made = _run(resources, [declared], 1).asset_materializations_for_node("told")[0].metadata
    for schema in (specification.metadata["dagster/column_schema"], made["dagster/column_schema"].value):
        (column,) = schema.columns
        assert (column.name, column.type) == ("value", "int64")
        assert column.description == "hour and day of the month, summed [days]"
    assert "| `gain` | `double` |  | its share |" in specification.metadata["table feature_importance"].value


def test_partitions_of_two_candle_sources_are_not_mixed(resources: Resources) -> None:
    _run(resources, [NUMBERS], 1)
    files = {"data.parquet": _parquet(pa.table({"value": [1]}))}
    resources.lake.write("numbers", FIRST.replace(day=2), files, origin=Origin(source="other"))
    result = _run(resources, [TOTAL], 2)
    assert "comes from" in _failure(result) and "HURACAN_HOME" in _failure(result)


def test_a_permanent_error_is_tried_once_and_the_network_again(resources: Resources) -> None:
    def wrong(inputs: Inputs, context: StageContext) -> Outcome:
        CALLS.append("wrong")
        raise InvalidInput("The symbol X is unknown.", "Write it as BASE/QUOTE.")

    def unreachable(inputs: Inputs, context: StageContext) -> Outcome:
        CALLS.append("unreachable")
        raise Unavailable("The exchange did not answer.", "Look at the network.")

    retry = Retry(times=2, delay_seconds=0.01)
    for body in (wrong, unreachable):
        assert not _run(resources, [_declare(body, retry=retry)], 1).success
    assert CALLS == ["wrong", "unreachable", "unreachable", "unreachable"]


def test_rows_lost_from_the_database_come_back_from_the_lake(resources: Resources) -> None:
    def importance(inputs: Inputs, context: StageContext) -> Outcome:
        CALLS.append("importance")
        table = pa.table({"feature": ["a"], "gain": [1.0], "rank": pa.array([1], pa.int64())})
        return Outcome(tables={"data": table})

    declared = _declare(importance, tables={"data": IMPORTANCE})
    _run(resources, [declared], 7)
    with resources.database.connect() as connection:
        connection.execute("DELETE FROM feature_importance")
        connection.execute("DELETE FROM partition_rows")
    assert _run(resources, [declared], 7).success
    with resources.database.connect() as connection:
        rows = connection.execute("SELECT day, feature FROM feature_importance").fetchall()
    assert rows == [(date(2025, 3, 7), "a")]
    assert CALLS == ["importance"]


def _aged(resources: Resources, asset: str, day: int, file: str) -> None:
    manifest = resources.lake.require(asset, FIRST.replace(day=day))
    resources.lake.remove_aged_out(resources.lake.age_out(manifest, file, date(2025, 6, 1)), file)


def test_a_backfill_passes_over_what_aged_out_and_a_window_has_it_made_again(resources: Resources) -> None:
    _run(resources, [NUMBERS], 1)
    content = resources.lake.require("numbers", FIRST).content_hash
    _aged(resources, "numbers", 1, "data.parquet")
    freshness = Freshness(resources, [NUMBERS])
    assert freshness.is_done(["numbers"], FIRST) and not freshness.is_readable(["numbers"], FIRST)
    refused = _run(resources, [TOTAL], 1)
    assert "data.parquet aged out on 2025-06-01 by retention" in _failure(refused)
    assert _run(resources, [NUMBERS, TOTAL], 1).success
    assert resources.lake.require("numbers", FIRST).content_hash == content
    assert freshness.is_readable(["numbers"], FIRST)


def test_rows_stay_as_they_are_where_the_file_that_they_came_from_has_aged_out(resources: Resources) -> None:
    def importance(inputs: Inputs, context: StageContext) -> Outcome:
        CALLS.append("importance")
        table = pa.table({"feature": ["kept"], "gain": [1.0], "rank": [1]})
        return Outcome(tables={"data": pa.table({"value": [1]}), "detail": table})

    declared = _declare(importance, tables={"data": VALUE, "detail": IMPORTANCE})
    _run(resources, [declared], 8)
    _aged(resources, "importance", 8, "detail.parquet")
    with resources.database.connect() as connection:
        connection.execute("DELETE FROM partition_rows")
    assert _run(resources, [declared], 8).success
    with resources.database.connect() as connection:
        rows = connection.execute(
            "SELECT feature FROM feature_importance WHERE day = '2025-03-08'"
        ).fetchall()
    assert rows == [("kept",)] and CALLS == ["importance"]


def _parquet(table: pa.Table) -> bytes:
    from huracan_resources.lake.parquet import encode_table

    return encode_table(table)


def test_an_asset_whose_database_stops_while_it_works_is_tried_again_and_leaves_whole_rows(
    resources: Resources, new_home: NewHome
) -> None:
    with new_home() as home:
        served = Database(home, embedded_url(home))
        resources.__dict__["database"] = served
        served.migrate()

        def importance(inputs: Inputs, context: StageContext) -> Outcome:
            CALLS.append("importance")
            # The first try finds the server gone when it writes; somebody starts it before the second.
            stop_embedded(home) if len(CALLS) == 1 else embedded_url(home)
            rows = pa.table({"feature": ["a", "b"], "gain": [1.0, 2.0], "rank": [1, 2]})
            return Outcome(tables={"data": rows})

        declared = _declare(importance, tables={"data": IMPORTANCE}, reads_outside=True)
        result = _run(resources, [declared], 1)
        assert result.success and CALLS == ["importance"] * 2
        with served.connect() as connection:
            assert read_partition(connection, "feature_importance", FIRST)["rank"].to_pylist() == [1, 2]


def test_an_asset_whose_database_stays_away_says_so_and_what_to_do(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "DATABASE_RETRY", Retry(times=1, delay_seconds=0))
    resources.__dict__["database"] = Database(Path("/nowhere"), "postgresql://user:hunter2@127.0.0.1:1/name")

    def importance(inputs: Inputs, context: StageContext) -> Outcome:
        return Outcome(tables={"data": pa.table({"feature": ["a"], "gain": [1.0], "rank": [1]})})

    result = _run(resources, [_declare(importance, tables={"data": IMPORTANCE})], 1)
    failed = [event for event in result.all_events if event.is_step_failure]
    shown = str(failed[0].step_failure_data.error)
    assert not result.success and [event.is_step_up_for_retry for event in result.all_events].count(True) == 1
    assert "127.0.0.1:1" in shown and "Check that it runs" in shown and "hunter2" not in shown
