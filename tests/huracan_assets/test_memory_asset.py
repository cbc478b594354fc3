"""The memory where a recipe has changed: embedded anew from what the trades of before know."""

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.memory.embedding import EmbeddingStatistics
from huracan.candles.schema import TIME, day_start
from huracan_assets.analysis.trade_memory import trade_memory
from huracan_assets.inputs.file_names import EMBEDDING_FILE
from huracan_assets.inputs.recipes import recipe_for
from huracan_assets.reads import resolve_all
from huracan_assets.stage import Outcome, StageContext
from huracan_resources.lake.entry_features import TRACE_FILE
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings
from tests.huracan.conftest import hourly_ledger

DAY = date(2025, 5, 10)
BEFORE = DAY - timedelta(days=1)
FORMER = ("return_1_bps", "a_column_of_before", "rsi_14", "volume_z_20")


@pytest.fixture
def resources(tmp_path: Path) -> Resources:
    """A home of the version before: its trades know four columns, and a space of those was fitted."""
    made = Resources(load_settings(environ={"HURACAN_HOME": str(tmp_path)}))
    space = EmbeddingStatistics(FORMER, np.zeros(4), np.ones(4), np.eye(4, 64), 99, date(2025, 1, 1))
    made.lake.write("trade_memory", BEFORE, {EMBEDDING_FILE: space.to_json().encode()}, note="No session.")
    _store_features(made, recipe_for(made.settings).names)
    _store_ledger(made, {"entry_features": list(FORMER)})
    return made


def _store_features(resources: Resources, names: tuple[str, ...]) -> None:
    random, rows = np.random.default_rng(1), 1440
    times = int(day_start(BEFORE).timestamp() * 1000) + np.arange(rows) * 60_000
    table = pa.table(
        {
            "symbol": ["BTC/USDT"] * rows,
            "open_time": pa.array(times).cast(TIME),
            "is_ready": [True] * rows,
            **{name: random.normal(size=rows).astype(np.float32) for name in names},
        }
    )
    resources.lake.write("features", BEFORE, {"data.parquet": encode_table(table)})


def _store_ledger(resources: Resources, trace: dict[str, object]) -> None:
    files = {"data.parquet": encode_table(hourly_ledger(24)), TRACE_FILE: json.dumps(trace).encode()}
    resources.lake.write("shadow_trades", DAY, files)


def _night(resources: Resources) -> Outcome:
    inputs = resolve_all(resources.lake, trade_memory.reads, DAY, resources.settings)
    return trade_memory.body(inputs, StageContext("trade_memory", DAY, resources.settings, resources, ""))


def test_trades_of_an_older_recipe_lie_in_the_space_of_now_by_the_columns_that_both_have(
    resources: Resources,
) -> None:
    outcome, recipe = _night(resources), recipe_for(resources.settings)
    statistics = EmbeddingStatistics.from_json(outcome.files[EMBEDDING_FILE].decode())
    assert statistics.feature_names == recipe.names and statistics.recipe == recipe.digest
    rows = outcome.tables["data"]
    assert set(rows["embedding_version"].to_pylist()) == {statistics.version}
    assert outcome.metadata["embedded_by_columns"] == 3
    trade, told = hourly_ledger(24)["entry_features"][5].as_py(), rows["entry_features"][5].as_py()
    known = {recipe.names[index]: value for index, value in enumerate(told) if not np.isnan(value)}
    assert known == {name: trade[FORMER.index(name)] for name in FORMER if name in recipe.names}
    lengths = [np.linalg.norm(vector) for vector in rows["embedding"].to_pylist()]
    np.testing.assert_allclose(lengths, 1.0, rtol=1e-5)
    assert all(verdict.passed for verdict in outcome.verdicts if verdict.blocking)


def test_trades_that_were_decided_on_other_bars_are_left_out_and_the_reason_is_told(
    resources: Resources,
) -> None:
    names = list(recipe_for(resources.settings).names)
    _store_ledger(resources, {"entry_features": names, "decision_timeframe": "5m"})
    outcome = _night(resources)
    assert not outcome.tables
    assert outcome.note == "Its trades were decided on bars of 5m, and trades are now on bars of 1m."


def test_features_of_before_fit_no_space_of_now(resources: Resources) -> None:
    _store_features(resources, FORMER)
    outcome = _night(resources)
    assert not outcome.tables and not outcome.files
    assert outcome.note == f"No bar before {DAY} has the features that the embedding is of."
