"""The same night twice: in another home it gives the same bytes, in the same home it changes nothing."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import pytest

from huracan_assets.registry import stages
from tests.end_to_end.command import DAY, SMALL_NIGHT, Answer, Home
from tests.end_to_end.conftest import MakeHome
from tests.end_to_end.night import Night
from tests.made_once import empty_home


@pytest.fixture(scope="module")
def other_home(signing_key: str) -> Iterator[Home]:
    """Nothing is there, not even the cluster of a database."""
    with empty_home() as path:
        yield Home(path, {**SMALL_NIGHT, "HURACAN_SIGNING_KEY": signing_key})


@pytest.fixture(scope="module")
def other_night(other_home: Home) -> Answer:
    answer = other_home.run("nightly", "--date", DAY.isoformat(), "--json")
    assert answer.code == 0, answer.out + answer.err
    return answer


def test_the_same_night_in_a_fresh_home_gives_the_same_hashes(
    home: Home, first_night: Answer, other_home: Home, other_night: Answer
) -> None:
    assert other_night.hashes == first_night.hashes
    assert other_night.summary["brain"]["brain_id"] == first_night.summary["brain"]["brain_id"]
    for stage in stages():
        for back in range(1, 7):
            day = DAY - timedelta(days=back)
            ours, theirs = home.lake.manifest(stage.name, day), other_home.lake.manifest(stage.name, day)
            assert ours == theirs, (stage.name, day)


def test_a_night_run_again_reuses_what_is_there_and_changes_nothing(
    make_home: MakeHome, first_night: Answer, after_second_night: Night
) -> None:
    home = make_home(after_second_night)
    before = home.partitions()
    again = home.call("nightly", "--date", DAY.isoformat(), "--json")
    assert again.code == 0, again.err
    assert again.hashes == first_night.hashes
    assert home.partitions() == before
    assert [run["job"] for run in again.summary["runs"]] == ["market", "trade", "learn", "publish"]
    with home.instance() as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey("ppo_checkpoint"))
    assert event is not None and event.asset_materialization is not None
    assert event.asset_materialization.partition == DAY.isoformat()
    assert event.asset_materialization.metadata["reused"].value is True
