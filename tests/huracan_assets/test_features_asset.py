"""The asset `features`: what it is made of, and what of an earlier day makes it again."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from huracan.candles.hourly import hourly_summaries
from huracan.candles.schema import Timeframe
from huracan_assets.inputs.recipes import recipe_for
from huracan_assets.market.features import features
from huracan_assets.market.regimes import regimes
from huracan_assets.reads import Inputs, resolve_all
from huracan_assets.running import run_stage
from huracan_assets.stage import StageContext
from huracan_resources.lake.manifest import Origin
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.huracan.conftest import made_candles

DAY = date(2024, 5, 30)
QUARTER = Timeframe("15m")
SYMBOLS = ("BTC/USDT", "ETH/USDT")
DAYS = 31
MakeResources = Callable[..., Resources]


@pytest.fixture
def made(tmp_path: Path) -> MakeResources:
    """A lake of 31 days of candles, with their summaries unless the day is among `without`."""

    def make(decision: str = "15m", without: tuple[date, ...] = ()) -> Resources:
        chosen = {
            "universe.symbols": list(SYMBOLS),
            "universe.timeframe": "15m",
            "market.decision_timeframe": decision,
        }
        resources = Resources(load_settings(chosen, {"HURACAN_HOME": str(tmp_path)}))
        candles = made_candles(DAY, DAYS, symbols=SYMBOLS, timeframe="15m")
        for back in range(DAYS):
            day, per_day = DAY - timedelta(days=back), 2 * QUARTER.bars_per_day
            table = candles.slice((DAYS - 1 - back) * per_day, per_day)
            if day not in without:
                _store(resources, day, data=table, hourly=hourly_summaries(table, QUARTER))
        return resources

    return make


def _store(resources: Resources, day: date, **tables: pa.Table) -> None:
    files = {f"{name}.parquet": encode_table(table) for name, table in tables.items()}
    resources.lake.write("ohlcv", day, files, origin=Origin(source="test"))


def _inputs(resources: Resources) -> Inputs:
    return resolve_all(resources.lake, features.reads, DAY, resources.settings)


def _run(resources: Resources) -> pa.Table:
    digest = features.configuration_digest(resources.settings)
    made = run_stage(features, StageContext("features", DAY, resources.settings, resources, digest))
    assert not made.manifest.failed_verdicts
    return resources.lake.read_table("features", DAY)


def _stored(resources: Resources, day: date) -> dict[str, pa.Table]:
    return {name: resources.lake.read_table("ohlcv", day, name) for name in ("data", "hourly")}


def test_a_partition_has_a_row_for_each_decision_bar_and_the_recipes_columns(made: MakeResources) -> None:
    resources = made("4h")
    table, recipe = _run(resources), recipe_for(resources.settings)
    assert table.num_rows == 2 * 6
    assert tuple(table.column_names) == ("symbol", "open_time", "is_ready", *recipe.names)
    assert "ema_spread_30_240_bps" not in table.column_names
    assert np.all(table["available_30d"].to_numpy() == 1.0)


def test_of_weeks_ago_only_the_hours_are_an_input(made: MakeResources) -> None:
    resources, old = made(), DAY - timedelta(days=28)
    _run(resources)
    before = _inputs(resources).hashes()
    assert f"ohlcv/{old}#hourly" in before and f"ohlcv/{old}" not in before
    stored = _stored(resources, old)
    # The same hours: a volume moved from one bar to the next, say, or another row in quarantine.
    _store(resources, old, **stored, quarantine=pa.table({"reason": ["odd"]}))
    assert _inputs(resources).hashes() == before
    hourly = stored["hourly"]
    raised = pa.array(hourly["high"].to_numpy() * 1.01)
    changed = hourly.set_column(hourly.column_names.index("high"), "high", raised)
    _store(resources, old, data=stored["data"], hourly=changed)
    assert _inputs(resources).hashes() != before


def test_a_day_that_is_missing_weeks_ago_leaves_the_others(made: MakeResources) -> None:
    gone = tuple(DAY - timedelta(days=back) for back in (24, 25))
    table = _run(made(without=gone))
    assert np.all(table["available_30d"].to_numpy() == 1.0)
    assert np.isfinite(table["return_30d_bps"].to_numpy()).all()
    assert all(table["is_ready"].to_pylist())


def test_candles_of_a_version_without_hours_give_features_without_horizons(made: MakeResources) -> None:
    resources = made()
    for back in range(DAYS):
        day = DAY - timedelta(days=back)
        _store(resources, day, data=resources.lake.read_table("ohlcv", day))
    table = _run(resources)
    assert not np.any(table["available_7d"].to_numpy()) and all(table["is_ready"].to_pylist())


def test_how_often_is_decided_makes_features_and_regimes_again_and_costs_do_not(made: MakeResources) -> None:
    settings = made().settings
    digests = {
        (stage.name, key): stage.configuration_digest(
            load_settings({"universe.timeframe": "15m", **changes}, environ={})
        )
        for stage in (features, regimes)
        for key, changes in {
            "same": {},
            "costs": {"market.costs.multiplier": 2.0},
            "decisions": {"market.decision_timeframe": "1h", "regimes.fit_days": settings.regimes.fit_days},
        }.items()
    }
    for name in ("features", "regimes"):
        assert digests[name, "same"] == digests[name, "costs"] != digests[name, "decisions"]
