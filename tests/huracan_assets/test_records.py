"""What a finished night did stays on record: no change of code, settings or older days makes it again."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from huracan.errors import InputRefused
from huracan.tables import INTEGER, Column, Table
from huracan.verdict import Verdict
from huracan_assets.finished import LAST_OF_NIGHT, LEDGER, REMAKE_TAG, is_finished
from huracan_assets.freshness import Freshness
from huracan_assets.jobs import TRADE
from huracan_assets.partitions import daily_partitions
from huracan_assets.reads import Inputs, Read, record
from huracan_assets.registry import stages
from huracan_assets.stage import Outcome, Stage, StageContext, stage
from huracan_assets.wiring import asset_of
from huracan_resources.lake.manifest import Manifest, Origin
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings

DAY = date(2025, 3, 2)
PARTITIONS = daily_partitions(date(2025, 3, 1))
CALLS: list[str] = []
VALUE = Table([Column("value", INTEGER, "a price, or what was made of some")])


@stage(
    job=TRADE,
    kinds=set(),
    reads=[Read("prices", days=2)],
    tables={"data": VALUE},
    settings=["schedule"],
    is_record=True,
)
def session(inputs: Inputs, context: StageContext) -> Outcome:
    CALLS.append("session")
    total = sum(inputs.table("prices")["value"].to_pylist())
    return Outcome(tables={"data": pa.table({"value": [total + context.settings.schedule.hour]})})


@stage(job=TRADE, kinds=set(), reads=[record("session"), Read("prices")], tables={"data": VALUE})
def review(inputs: Inputs, context: StageContext) -> Outcome:
    CALLS.append("review")
    return Outcome(tables={"data": inputs.table("session")})


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    CALLS.clear()
    yield tmp_path


def _resources(home: Path, hour: int = 2) -> Resources:
    return Resources(load_settings({"schedule.hour": hour}, {"HURACAN_HOME": str(home)}))


def _write(resources: Resources, asset: str, day: date, value: int) -> None:
    table = encode_table(pa.table({"value": [value]}))
    resources.lake.write(asset, day, {"data.parquet": table}, origin=Origin(source="test"))


def _run(resources: Resources, *run: Stage, remakes: bool = False) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [asset_of(each, PARTITIONS) for each in run],
        partition_key=DAY.isoformat(),
        resources={"resources": resources},
        tags={REMAKE_TAG: "true"} if remakes else {},
        raise_on_error=False,
    )


def _finished_night(home: Path) -> tuple[Resources, Manifest]:
    resources = _resources(home)
    _write(resources, "prices", DAY, 1)
    assert _run(resources, session).success
    _write(resources, LAST_OF_NIGHT, DAY, 0)
    return resources, resources.lake.require("session", DAY)


def test_a_finished_night_is_not_made_again_by_other_settings(home: Path) -> None:
    _, made = _finished_night(home)
    changed = _resources(home, hour=5)
    assert _run(changed, session).success and CALLS == ["session"]
    assert changed.lake.require("session", DAY) == made
    freshness = Freshness(changed, [session])
    assert freshness.is_done(["session"], DAY)
    assert freshness.kept_records(DAY) == ["session"]
    assert not freshness.is_outdated(["session"], DAY)
    assert freshness.is_outdated(["session"], DAY, with_records=True)


def test_what_a_record_did_outside_the_lake_is_brought_back_where_it_stands(home: Path) -> None:
    _, made = _finished_night(home)
    told: list[Manifest] = []
    declared = replace(session, bring_back=lambda manifest, context: told.append(manifest))
    assert _run(_resources(home, hour=5), declared).success
    assert told == [made] and CALLS == ["session"]


def test_a_finished_night_is_not_made_again_by_an_older_day_that_is_filled_in(home: Path) -> None:
    resources, made = _finished_night(home)
    _write(resources, "prices", date(2025, 3, 1), 10)
    assert _run(resources, session).success and CALLS == ["session"]
    assert resources.lake.require("session", DAY) == made


def test_a_finished_night_is_not_made_again_by_other_code(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resources, made = _finished_night(home)
    monkeypatch.setitem(session.__dict__, "code_version", "another")
    assert _run(resources, session).success and CALLS == ["session"]
    assert resources.lake.require("session", DAY) == made
    assert Freshness(resources, [session]).kept_records(DAY) == ["session"]


def test_a_night_is_finished_by_its_last_asset_or_by_a_later_day_that_was_traded(home: Path) -> None:
    lake = _resources(home).lake
    assert not is_finished(lake, DAY)
    _write(_resources(home), LEDGER, date(2025, 3, 3), 1)
    assert is_finished(lake, DAY) and not is_finished(lake, date(2025, 3, 3))
    _write(_resources(home), LAST_OF_NIGHT, date(2025, 3, 3), 1)
    assert is_finished(lake, date(2025, 3, 3))


def test_a_night_that_is_not_finished_is_made_again_by_what_is_true_now(home: Path) -> None:
    resources = _resources(home)
    _write(resources, "prices", DAY, 1)
    _run(resources, session)
    changed = _resources(home, hour=5)
    assert Freshness(changed, [session]).is_outdated(["session"], DAY)
    assert _run(changed, session).success and CALLS == ["session"] * 2
    assert not changed.lake.require("session", DAY).remade


def test_an_empty_partition_or_a_bad_one_records_nothing(home: Path) -> None:
    resources = _resources(home)
    resources.lake.write("session", DAY, {}, note="There was no policy.")
    _write(resources, LAST_OF_NIGHT, DAY, 0)
    _write(resources, "prices", DAY, 1)
    assert session.record(resources.lake, DAY) is None
    assert _run(resources, session).success and CALLS == ["session"]
    made = session.record(resources.lake, DAY)
    assert made is not None and made.remade, "that night had none"


def test_who_asks_has_a_finished_night_made_again_and_it_is_marked(home: Path) -> None:
    _, made = _finished_night(home)
    changed = _resources(home, hour=5)
    assert _run(changed, session, remakes=True).success and CALLS == ["session"] * 2
    remade = changed.lake.require("session", DAY)
    assert remade.remade and remade.content_hash != made.content_hash
    assert _run(_resources(home), session, remakes=True).success
    again = changed.lake.require("session", DAY)
    assert again.content_hash == made.content_hash and again.remade, "a mark is for good"


def test_a_mark_outlives_a_remake_that_was_judged_bad(home: Path) -> None:
    resources, made = _finished_night(home)
    bad = [Verdict("value", False, "It is wrong.")]
    resources.lake.write("session", DAY, {}, origin=Origin(remade=True), verdicts=bad)
    assert _run(resources, session).success and CALLS == ["session"] * 2
    again = resources.lake.require("session", DAY)
    assert again.content_hash == made.content_hash and again.remade


def test_a_record_whose_folder_is_gone_is_marked_where_it_is_remade(home: Path) -> None:
    resources, _ = _finished_night(home)
    shutil.rmtree(home / "lake" / "session")
    assert _run(resources, session, remakes=True).success
    assert resources.lake.require("session", DAY).remade


def test_a_damaged_manifest_tells_that_a_finished_night_is_remade(home: Path) -> None:
    resources, _ = _finished_night(home)
    (file,) = (home / "lake" / "session").rglob("manifest.json")
    file.write_bytes(b"{")
    with pytest.raises(InputRefused) as refused:
        resources.lake.manifest("session", DAY)
    assert "--remake if its night is finished" in refused.value.remedy


def test_a_night_that_was_traded_while_its_policy_was_trained_again_keeps_the_one_that_traded(
    home: Path,
) -> None:
    resources = _resources(home)
    _write(resources, "prices", DAY, 1)
    _run(resources, session)
    made = resources.lake.require("session", DAY)

    def slow(inputs: Inputs, context: StageContext) -> Outcome:
        _write(resources, LEDGER, date(2025, 3, 3), 1)
        return session.body(inputs, context)

    assert _run(_resources(home, hour=5), replace(session, body=slow)).success
    assert CALLS == ["session"] * 2 and resources.lake.require("session", DAY) == made


@pytest.mark.parametrize("is_damaged", [False, True])
def test_a_record_that_reads_outside_stays_whatever_it_would_find_there_now(
    home: Path, is_damaged: bool
) -> None:
    found = [1]

    def verdict(inputs: Inputs, context: StageContext) -> Outcome:
        CALLS.append("verdict")
        return Outcome(tables={"data": pa.table({"value": [found[0]]})}, source="test")

    declared = replace(session, name="verdict", body=verdict, reads=[], reads_outside=True)
    resources = _resources(home)
    assert _run(resources, declared).success
    _write(resources, LAST_OF_NIGHT, DAY, 0)
    made = resources.lake.require("verdict", DAY)
    found[0] = 2
    if is_damaged:
        (file,) = (home / "lake" / "verdict").rglob("data-*.parquet")
        file.write_bytes(b"damaged")
    assert _run(resources, declared).success is not is_damaged
    assert resources.lake.require("verdict", DAY) == made
    assert _run(resources, declared, remakes=True).success
    assert resources.lake.require("verdict", DAY).remade


def test_a_record_that_stands_publishes_nothing_of_what_it_would_be_now(home: Path) -> None:
    found, published = [1], list[int]()

    def verdict(inputs: Inputs, context: StageContext) -> Outcome:
        value = found[0]

        def publish() -> dict[str, int]:
            published.append(value)
            return {"published": value}

        return Outcome(tables={"data": pa.table({"value": [value]})}, source="test", publish=publish)

    declared = replace(session, name="verdict", body=verdict, reads=[], reads_outside=True)
    resources = _resources(home)
    assert _run(resources, declared).success
    _write(resources, LAST_OF_NIGHT, DAY, 0)
    found[0] = 2
    assert _run(resources, declared).success
    assert published == [1]
    assert _run(resources, declared, remakes=True).success
    assert published == [1, 2]


def test_a_remake_that_changes_nothing_marks_nothing(home: Path) -> None:
    resources, made = _finished_night(home)
    assert _run(resources, session, remakes=True).success and CALLS == ["session"]
    assert resources.lake.require("session", DAY) == made


def test_a_damaged_record_is_made_again_only_where_it_becomes_what_it_was(home: Path) -> None:
    resources, made = _finished_night(home)
    (file,) = (home / "lake" / "session").rglob("data-*.parquet")
    file.write_bytes(b"damaged")
    changed = _run(_resources(home, hour=5), session)
    assert not changed.success
    (failed,) = [event for event in changed.all_events if event.is_step_failure]
    assert "--remake" in str(failed.step_failure_data.user_failure_data.description)
    assert _run(resources, session).success
    assert resources.lake.require("session", DAY) == made
    assert resources.lake.is_whole(made)


def test_what_explains_a_record_is_made_although_its_inputs_have_changed_since(home: Path) -> None:
    resources, made = _finished_night(home)
    _write(resources, "prices", DAY, 7)
    assert _run(resources, session, review).success
    assert CALLS == ["session", "review"]
    assert resources.lake.require("review", DAY).inputs["session/2025-03-02"] == made.content_hash


def test_whatever_reads_a_record_of_its_day_takes_it_as_it_was_made() -> None:
    records = {each.name for each in stages() if each.is_record}
    assert {"ppo_checkpoint", "shadow_trades", "gate_decisions"} <= records
    for each in stages():
        for read in each.reads:
            assert read.is_record or read.asset not in records, f"{each.name} reads {read.asset}"


def test_a_night_that_came_to_its_end_is_whole_although_a_later_version_adds_an_asset(home: Path) -> None:
    resources = _resources(home)
    freshness, lake = Freshness(resources, [session, review]), resources.lake
    lake.write("session", DAY, {"data.parquet": encode_table(pa.table({"value": [1]}))})
    assert not freshness.is_there(["session", "review"], DAY)
    lake.write(LAST_OF_NIGHT, DAY, {})
    assert freshness.is_there(["session", "review"], DAY)
    lake.write("review", DAY, {}, verdicts=[Verdict("value", False, "It is wrong.")])
    assert not freshness.is_there(["session", "review"], DAY)
