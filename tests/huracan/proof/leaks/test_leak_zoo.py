"""Planted leaks are stopped by the product's own checks, and what is clean is not."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.candles.schema import TIME
from huracan.features.invariance import DayFeatures
from huracan.market.block import MS_PER_DAY
from huracan.proof.leaks import feature_bed, zoo
from huracan.proof.leaks.candles import LEAK_RECIPE, leak_candles
from huracan.proof.leaks.columns import CLEAN, LEAK_COLUMNS, judge_leaks
from huracan.proof.leaks.feature_bed import FeatureBed
from huracan.proof.leaks.forms import FEW_BARS, FORMS, MIDNIGHT, ONE_COLUMN, ONE_SYMBOL, WHOLE, Form
from huracan.proof.leaks.table_leaks import (
    centred,
    changed,
    closed_up,
    filled_backwards,
    scaled_by_all,
    shifted,
)
from huracan.proof.leaks.zoo import LeakRow, LeakSettings, leak_bars, run_zoo
from huracan.verdict import Verdict

NAN = np.nan
ASKED = (
    *("shift by -1", "centred window", "backward fill", "full-sample scaler", "smoothed regime"),
    *("off-by-one join", "label among features", "same-bar fill at its close", "wrong resample side"),
    *("future neighbour in memory", "tuning on the test slice", "index-merge misalignment"),
)


@pytest.mark.slow
def test_every_planted_leak_is_stopped_in_every_form_and_no_clean_night_is() -> None:
    rows = run_zoo(LeakSettings(clean_nights=3, leaking_nights=1))
    assert [row for row in rows if not row.is_right] == []
    assert all(bar.is_met for bar in leak_bars(rows))
    forms = {(row.leak, row.form) for row in rows}
    assert {(leak, form) for leak in ASKED for form in FORMS} <= forms
    by = {row.leak: set(row.stopped_by.split(", ")) for row in rows if row.form == WHOLE}
    assert by["label among features"] == {"features_prefix_invariance", "no_label_among_features"}
    assert by["smoothed regime"] == {"regimes_prefix_invariance"}
    assert by["off-by-one join"] == {"block_holds_its_tables"}
    assert by["same-bar fill at its open"] == {"ledger_conservation"}
    assert by["future neighbour in memory"] == {"memory_as_of"}
    assert by["tuning on the test slice"] == {"training_knows_no_held_out"}
    assert judge_leaks([asdict(row) for row in rows]).passed
    assert [column.name for column in LEAK_COLUMNS] == list(asdict(rows[0]))


def test_a_leak_passes_where_the_check_looks_at_too_few_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    bed, form = FeatureBed(leak_candles(2, 5)), Form(MIDNIGHT)
    assert not bed.night(0, "shift by -1", form)[0].passed

    def looks_late(made: DayFeatures, seed: int) -> list[Verdict]:
        cuts = [each for each in feature_bed.every_cut(("G1/USDT:USDT",), 288) if each.bar == 200]
        return [feature_bed.judge_prefix(made, cuts, np.random.default_rng(seed))]

    monkeypatch.setattr(feature_bed, "judge_features", looks_late)
    assert bed.night(0, "shift by -1", form)[0].passed


def test_the_zoo_says_which_leak_no_check_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    class Careless(FeatureBed):
        def night(self, _index: int, _leak: str | None, _form: Form) -> list[Any]:
            return []

        def closely(self, _leak: str, _form: Form) -> list[Any]:
            return []

    monkeypatch.setattr(zoo, "beds", lambda _: {"features": Careless(leak_candles(2, 5))})
    rows = run_zoo(LeakSettings(clean_nights=1, leaking_nights=1, forms=(WHOLE,)))
    assert not any(row.is_right for row in rows if row.leak != CLEAN)
    passed, alarms = leak_bars(rows)
    assert (passed.value, passed.is_met, alarms.is_met) == (7, False, True)
    verdict = judge_leaks([asdict(row) for row in rows])
    assert not verdict.passed and verdict.blocking and "shift by -1 (everywhere)" in verdict.reason


def test_an_alarm_on_a_clean_night_is_as_bad_as_a_leak() -> None:
    alarm = LeakRow("features", CLEAN, "", 60, 1, "no_label_among_features")
    assert not alarm.is_right and replace(alarm, stopped_by="", stopped_nights=0).is_right
    assert leak_bars([alarm])[1].value == 1
    verdict = judge_leaks([asdict(alarm)])
    assert not verdict.passed and "no_label_among_features (features)" in verdict.reason


def _table(symbols: Sequence[str], bars: int) -> pa.Table:
    times = pa.array(np.tile(np.arange(bars, dtype=np.int64) * 300_000, len(symbols))).cast(TIME)
    values = np.arange(bars * len(symbols), dtype=np.float32)
    names = {f"x{index}": values + index for index in range(3)}
    return pa.table({"symbol": np.repeat(symbols, bars), "open_time": times, **names})


@pytest.mark.parametrize("name", FORMS)
def test_a_form_spoils_what_it_names_and_nothing_else(name: str) -> None:
    honest = _table(("A", "B"), 3 * 288)
    spoiled = changed(honest, ("x0", "x1", "x2"), lambda values: values + 1e6)
    mixed = Form(name).mixed(honest, spoiled, ("x0", "x1", "x2"))
    differs = np.stack([mixed[f"x{i}"].to_numpy() != honest[f"x{i}"].to_numpy() for i in range(3)])
    assert differs.any(axis=1).tolist() == [name != ONE_COLUMN, True, name != ONE_COLUMN]
    rows = differs[1]
    times = honest["open_time"].cast(pa.int64()).to_numpy()
    if name in (WHOLE, ONE_COLUMN):
        assert rows.all()
    elif name == ONE_SYMBOL:
        assert rows.tolist() == [False] * 864 + [True] * 864
    elif name == MIDNIGHT:
        assert rows.tolist() == (times % MS_PER_DAY == 0).tolist()
    else:
        assert name == FEW_BARS and 0.03 < rows.mean() < 0.07
        assert rows[:864].tolist() == rows[864:].tolist(), "a bar is one for all symbols"


def test_columns_that_know_the_future_are_what_they_are_called() -> None:
    values = np.array([1.0, NAN, NAN, 4.0, 5.0])
    assert shifted(values)[3:].tolist() == [5.0, 5.0]
    assert filled_backwards(values).tolist() == [1.0, 4.0, 4.0, 4.0, 5.0]
    assert closed_up(values)[:3].tolist() == [1.0, 4.0, 5.0]
    assert centred(values).tolist() == [1.0, 2.5, 10 / 3, 4.5, 4.5]
    assert scaled_by_all(np.array([1.0, 3.0])).tolist() == [-1.0, 1.0]


@given(st.lists(st.floats(-1e3, 1e3) | st.just(NAN), min_size=1, max_size=30))
def test_every_change_keeps_the_rows(values: list[float]) -> None:
    for change in (shifted, centred, filled_backwards, scaled_by_all, closed_up):
        assert change(np.array(values)).size == len(values)


def test_simulated_candles_have_gaps_and_every_second_day_begins_with_one() -> None:
    market = leak_candles(4, 5)
    begins = [market.features(index)["is_ready"][0].as_py() for index in range(4)]
    assert begins == [True, False, True, False]
    assert market.features(0).column_names[3:] == list(LEAK_RECIPE.names)
