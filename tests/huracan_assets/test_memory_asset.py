"""The memory where a recipe has changed: embedded anew from what the trades of before know."""

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.memory.embedding import EmbeddingStatistics
from huracan.analysis.memory.rows import memory_rows
from huracan.candles.schema import TIME, Timeframe, day_start
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


def _store_features(resources: Resources, names: tuple[str, ...], day: date = BEFORE) -> None:
    random, rows = np.random.default_rng(1), 1440
    times = int(day_start(day).timestamp() * 1000) + np.arange(rows) * 60_000
    table = pa.table(
        {
            "symbol": ["BTC/USDT"] * rows,
            "open_time": pa.array(times).cast(TIME),
            "is_ready": [True] * rows,
            **{name: random.normal(size=rows).astype(np.float32) for name in names},
        }
    )
    resources.lake.write("features", day, {"data.parquet": encode_table(table)})


def _store_ledger(resources: Resources, trace: dict[str, object], day: date = DAY) -> None:
    files = {"data.parquet": encode_table(hourly_ledger(24)), TRACE_FILE: json.dumps(trace).encode()}
    resources.lake.write("shadow_trades", day, files)


def _remember(resources: Resources, trace: dict[str, object], day: date) -> None:
    """A night of the version before: 24 trades in its space."""
    _store_ledger(resources, trace, day)
    trades, vectors = hourly_ledger(24), np.eye(24, 64, dtype=np.float32)
    rows = memory_rows(trades, vectors, "of before", day, Timeframe("1m"))
    resources.lake.write("trade_memory", day, {"data.parquet": encode_table(rows)})


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


def test_days_of_the_former_columns_take_no_part_in_the_fit_of_a_new_space(resources: Resources) -> None:
    _store_features(resources, FORMER, BEFORE - timedelta(days=1))
    statistics = EmbeddingStatistics.from_json(_night(resources).files[EMBEDDING_FILE].decode())
    assert statistics.rows == 1440


@pytest.mark.parametrize("is_traded", [True, False])
def test_a_night_says_what_embeds_the_trades_of_an_earlier_recipe_anew(
    resources: Resources, is_traded: bool
) -> None:
    if not is_traded:
        resources.lake.write("shadow_trades", DAY, {}, note="No policy.")
    days = [DAY - timedelta(days=back) for back in (9, 4)]
    for day in days:
        _remember(resources, {"entry_features": list(FORMER)}, day)
    # Of other bars they could not lie in it, and they would be out of the thirty days.
    _remember(resources, {"entry_features": [], "decision_timeframe": "5m"}, DAY - timedelta(days=20))
    _remember(resources, {"entry_features": list(FORMER)}, DAY - timedelta(days=31))
    told = _night(resources).note
    assert told.endswith(
        "The trades of 2 of the 30 days before lie in the space of an earlier recipe, where none is found:"
        " huracan backfill --from 2025-05-01 --to 2025-05-10 --jobs all (--to the last night that is there)"
        " embeds them anew."
    )
    assert told.startswith("The trades" if is_traded else "No session was traded on 2025-05-10. The trades")


def test_a_night_whose_past_lies_in_its_space_says_nothing_of_it(resources: Resources) -> None:
    _store_ledger(resources, {"entry_features": list(FORMER)}, BEFORE)
    space = _night(resources).files[EMBEDDING_FILE]
    rows = _night(resources).tables["data"]
    made = {EMBEDDING_FILE: space, "data.parquet": encode_table(rows)}
    resources.lake.write("trade_memory", BEFORE, made)
    assert _night(resources).note == ""
