"""The range of partitions begins where data begin."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from huracan_assets.definitions import build_definitions
from huracan_assets.history import beginning, first_partition
from huracan_assets.inputs.windows import lead_days, window_days
from huracan_assets.jobs import MARKET
from huracan_assets.partitions import daily_partitions
from huracan_assets.reads import Inputs
from huracan_assets.stage import Outcome, StageContext, stage
from huracan_assets.wiring import asset_of
from huracan_console.plan import history_days
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.store import LocalStore
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import Settings, load_settings

TODAY = date(2026, 3, 11)
YESTERDAY = TODAY - timedelta(days=1)


def _settings(home: Path, **more: str) -> Settings:
    return load_settings(more or None, {"HURACAN_HOME": str(home)})


def _hold(settings: Settings, *days: date) -> None:
    for day in days:
        Resources(settings).lake.write("ohlcv", day, {})


def _range(definitions: dg.Definitions) -> tuple[str | None, str | None]:
    asset = next(iter(definitions.assets or []))
    assert isinstance(asset, dg.AssetsDefinition) and asset.partitions_def is not None
    return asset.partitions_def.get_first_partition_key(), asset.partitions_def.get_last_partition_key()


def test_an_empty_home_begins_with_what_its_first_night_fetches(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    first = first_partition(settings, TODAY)
    assert first == history_days(YESTERDAY - timedelta(days=1), settings)[0]
    assert (YESTERDAY - first).days == window_days(settings) + lead_days(settings)


def test_a_home_begins_with_the_first_day_that_it_holds(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    _hold(settings, date(2024, 5, 4), date(2025, 1, 1))
    (tmp_path / "lake" / "ohlcv" / "day=of-nobody").mkdir()
    assert first_partition(settings, TODAY) == date(2024, 5, 4)


def test_a_home_of_two_old_days_still_has_room_for_its_next_night(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    empty = first_partition(settings, TODAY)
    _hold(settings, YESTERDAY - timedelta(days=2), YESTERDAY - timedelta(days=1))
    assert first_partition(settings, TODAY) == empty


def test_a_first_day_that_somebody_set_is_where_partitions_begin(tmp_path: Path) -> None:
    settings = _settings(tmp_path, **{"universe.first_day": "2023-02-03"})
    _hold(settings, date(2025, 1, 1))
    assert first_partition(settings, TODAY) == date(2023, 2, 3)


def test_what_was_filled_in_since_belongs_to_the_range_of_the_next_definitions(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    _hold(settings, date(2025, 6, 1))
    before = build_definitions(settings, first_partition(settings, TODAY))
    assert _range(before)[0] == "2025-06-01"
    # The console's own definitions reach as far back as may be asked for.
    assert _range(build_definitions(settings))[0] == "2022-01-01"
    _hold(settings, date(2025, 5, 20))
    after = build_definitions(settings, first_partition(settings, TODAY))
    assert _range(after)[0] == "2025-05-20"


def test_a_lake_on_s3_is_not_asked_when_definitions_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = _settings(tmp_path, **{"storage.lake_url": "s3://bucket/lake"})
    far = Lake(LocalStore(tmp_path / "bucket"))
    for day in (date(2025, 6, 1), date(2025, 6, 2)):
        far.write("ohlcv", day, {})
    asked: list[str] = []
    real = LocalStore.list

    def listed(self: LocalStore, prefix: str = "") -> Any:
        asked.append(prefix)
        return real(self, prefix)

    monkeypatch.setattr(LocalStore, "list", listed)
    # It may hold any day: none may be hidden.
    assert first_partition(settings, TODAY) == settings.universe.first_day
    assert asked == []
    beginning(settings).remember(far, date(2025, 6, 2))
    assert asked == ["ohlcv/day="]  # once, and never again
    assert first_partition(settings, TODAY) == date(2025, 6, 1)
    beginning(settings).remember(far, date(2025, 5, 20))
    beginning(settings).remember(far, date(2025, 7, 1))
    assert first_partition(settings, TODAY) == date(2025, 5, 20)
    assert asked == ["ohlcv/day="]


def test_a_run_of_candles_is_remembered_for_a_lake_on_s3(tmp_path: Path) -> None:
    @stage(job=MARKET, kinds=set(), reads=[])
    def ohlcv(inputs: Inputs, context: StageContext) -> Outcome:
        """Candles of tests."""
        return Outcome(note="none")

    settings = _settings(tmp_path, **{"storage.lake_url": "s3://bucket/lake"})
    resources = Resources(settings)
    resources.__dict__["lake"] = Lake(LocalStore(tmp_path / "bucket"))
    for day in ("2025-05-02", "2025-05-01"):
        dg.materialize(
            [asset_of(ohlcv, daily_partitions(date(2025, 5, 1)))],
            partition_key=day,
            resources={"resources": resources},
        )
    assert first_partition(settings, TODAY) == date(2025, 5, 1)


def test_what_the_home_remembers_may_be_damaged(tmp_path: Path) -> None:
    settings = _settings(tmp_path, **{"storage.lake_url": "s3://bucket/lake"})
    for content in ("", "[]", '{"s3://bucket/lake/ohlcv": 7}', '{"s3://bucket/lake/ohlcv": "soon"}'):
        (tmp_path / "cache").mkdir(exist_ok=True)
        (tmp_path / "cache" / "first_days.json").write_text(content)
        assert first_partition(settings, TODAY) == settings.universe.first_day
