from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from huracan.candles.schema import TIME
from huracan.errors import InvalidInput
from huracan.models.config import ModelConfig, Unfit
from huracan.models.inputs import (
    META_LABEL_NAMES,
    SIGNAL_COLUMNS,
    confidence_inputs,
    confidence_names,
    meta_label_inputs,
)
from huracan.models.meta_label import MetaLabelModel, fit_meta_label_model
from huracan.models.past import PastTrades, past_trades
from huracan.models.scores import brier_score, roc_auc, score_tail
from huracan.models.split import TradeSplit, blocks_of_time, split_past
from huracan.models.window import trailing_trades

Maker = Callable[..., pa.Table]
NAMES = ("a", "b", "c", "d")


def test_a_trade_closed_after_midnight_is_not_yet_known(make_ledger: Maker) -> None:
    ledger = make_ledger(48, minutes_apart=50)
    kept = trailing_trades(ledger, date(2025, 5, 1), 30, "20m")
    # Signals every 50 minutes from 00:00; the one at 23:20 leaves at 23:40, the next is of the next day.
    assert kept.num_rows == 29
    late = ledger.slice(28, 1).set_column(
        ledger.schema.get_field_index("exit_time"), "exit_time", ledger.slice(29, 1)["exit_time"]
    )
    assert trailing_trades(late, date(2025, 5, 1), 30, "20m").num_rows == 0


def test_winners_that_are_still_open_bias_nothing(make_ledger: Maker) -> None:
    """Fair bets with the stop nearer: of the last hours only the fast ones are closed, and those lost."""
    generator, minutes, count = np.random.default_rng(5), 8 * 60, 1440
    paths = np.cumsum(generator.normal(0.0, 1.0, (count, minutes)), axis=1)
    ends = (paths <= -10.0) | (paths >= 40.0)
    ends[:, -1] = True
    held = ends.argmax(axis=1)
    net = paths[np.arange(count), held]
    ledger = make_ledger(count, minutes_apart=1)
    signal = pc.cast(ledger["signal_time"], pa.int64()).to_numpy()
    changed = {"exit_time": signal + held * 60_000, "net_bps": net}
    for name, values in changed.items():
        index = ledger.schema.get_field_index(name)
        field = ledger.schema.field(index)
        ledger = ledger.set_column(index, field, pa.array(values).cast(field.type))
    day = date(2025, 5, 1)
    closed, ripe = (trailing_trades(ledger, day, 30, wait) for wait in ("1m", "8h"))
    youngest = closed.filter(pc.greater(closed["signal_time"], pc.max(ripe["signal_time"])))
    error = net.std() / np.sqrt(youngest.num_rows)
    assert pc.mean(youngest["net_bps"]).as_py() < -2.0 * error
    assert abs(pc.mean(ripe["net_bps"]).as_py()) < 2.0 * net.std() / np.sqrt(ripe.num_rows)


def test_the_fitted_part_ends_a_whole_holding_before_the_tail(make_ledger: Maker) -> None:
    ledger = make_ledger(400, minutes_apart=7)
    signal = pc.cast(ledger["signal_time"], pa.int64()).to_numpy()
    for hours in (2, 5):
        split = split_past(past_trades(ledger), ModelConfig(), f"{hours}h")
        assert not isinstance(split, Unfit)
        apart = (
            signal[split.tail].min()
            - signal[np.concatenate([split.fit, split.validation, split.calibration])].max()
        )
        assert apart >= (hours + 1) * 3_600_000


def test_the_window_forgets_what_is_older(make_ledger: Maker) -> None:
    kept = trailing_trades(make_ledger(24 * 10), date(2025, 5, 8), 3, "20m")
    assert kept.num_rows == 72
    assert str(pc.min(kept["signal_time"]).as_py().date()) == "2025-05-06"


def test_the_window_does_not_depend_on_the_order_of_rows(make_ledger: Maker) -> None:
    ledger = make_ledger(50)
    shuffled = ledger.take(np.random.default_rng(0).permutation(50))
    day = date(2025, 5, 2)
    assert trailing_trades(shuffled, day, 30, "20m").equals(trailing_trades(ledger, day, 30, "20m"))


def test_no_outcome_of_an_earlier_part_overlaps_a_later_part(make_ledger: Maker) -> None:
    ledger = make_ledger(200, minutes_apart=7)
    split = split_past(past_trades(ledger), ModelConfig(), "2h")
    assert not isinstance(split, Unfit)
    signal = pc.cast(ledger["signal_time"], pa.int64()).to_numpy()
    left = pc.cast(ledger["exit_time"], pa.int64()).to_numpy()
    hour = 3_600_000
    assert left[split.fit].max() <= signal[split.validation].min() - hour
    assert left[split.validation].max() <= signal[split.calibration].min() - hour
    assert left[split.calibration].max() <= signal[split.tail].min() - hour
    assert len(split.tail) == 40


def test_too_few_trades_are_an_answer_not_an_error(make_ledger: Maker) -> None:
    answer = split_past(past_trades(make_ledger(59)), ModelConfig(), "2h")
    assert answer == Unfit("59 closed trades, 60 are needed.", 59)
    wide = replace(ModelConfig(), embargo_minutes=10**6)
    assert isinstance(split_past(past_trades(make_ledger(100)), wide, "2h"), Unfit)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 4000), min_size=10, max_size=60),
    st.tuples(*[st.floats(0.01, 0.6)] * 3),
    st.integers(0, 60),
)
def test_no_part_of_a_split_is_empty(
    minutes: list[int], shares: tuple[float, float, float], embargo: int
) -> None:
    start = pa.array(np.sort(minutes) * 60_000).cast(TIME)
    trades = pa.table({"signal_time": start, "exit_time": start})
    past = PastTrades(trades, np.ones(len(minutes)), np.zeros(len(minutes), dtype=bool))
    tail, validation, calibration = shares
    config = ModelConfig(
        minimum_trades=2,
        tail_fraction=tail,
        validation_fraction=validation,
        calibration_fraction=calibration,
        embargo_minutes=embargo,
    )
    split = split_past(past, config, "10m", np.ones(len(minutes)))
    assert isinstance(split, Unfit) and split.reason.endswith(("began.", "holds only winners."))
    split = split_past(past, config, "10m")
    assume(not isinstance(split, Unfit))
    assert isinstance(split, TradeSplit)
    assert all(len(each) for each in (split.fit, split.validation, split.calibration, split.tail))


def test_blocks_of_time_are_two_holdings_long_and_thirty_at_most() -> None:
    hour = 3_600_000
    assert blocks_of_time(np.array([9, 0, 3, 4]) * hour, "2h").tolist() == [2, 0, 0, 1]
    assert len(np.unique(blocks_of_time(np.arange(1000) * hour, "2h"))) == 30
    assert blocks_of_time(np.zeros(0, dtype=np.int64), "2h").size == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trailing_days", 0), ("minimum_trades", 0), ("minimum_own_trades", 0), ("tail_fraction", 0.0),
        ("validation_fraction", 1.0), ("calibration_fraction", -0.2), ("embargo_minutes", -1),
        ("maximum_rounds", 0), ("patience_rounds", 0), ("learning_rate", 0.0), ("leaves", 1),
        ("minimum_leaf_trades", 0), ("logistic_strength", float("inf")), ("interval_coverage", float("nan")),
        ("interval_coverage", 1.0), ("adaptation_step", -0.1), ("permutations", 0), ("seed", -1),
    ],
)  # fmt: skip
def test_a_choice_that_cannot_be_is_refused_by_its_name(name: str, value: float) -> None:
    with pytest.raises(InvalidInput, match=rf"models\.{name} was {value}.*Give "):
        replace(ModelConfig(), **{name: value})


def test_the_inputs_are_signal_columns_alone(make_ledger: Maker) -> None:
    ledger = make_ledger(5)
    seen = ledger.select(SIGNAL_COLUMNS)
    assert np.array_equal(confidence_inputs(seen, NAMES), confidence_inputs(ledger, NAMES))
    assert np.array_equal(meta_label_inputs(seen), meta_label_inputs(ledger))
    assert confidence_inputs(ledger, NAMES).shape == (5, len(confidence_names(NAMES)))
    assert meta_label_inputs(ledger).shape == (5, len(META_LABEL_NAMES))
    assert meta_label_inputs(ledger.slice(0, 0)).shape == (0, len(META_LABEL_NAMES))


def test_meta_label_inputs_by_hand(make_ledger: Maker) -> None:
    ledger = make_ledger(3)
    row = ledger.slice(1, 1)
    chances = np.array(row["action_probabilities"][0].as_py(), dtype=np.float64)
    values = dict(zip(META_LABEL_NAMES, meta_label_inputs(row)[0], strict=True))
    assert values["action_margin"] == pytest.approx(chances[0] - chances[1])
    assert values["action_entropy"] == pytest.approx(-(chances * np.log(chances)).sum())
    assert values["cost_to_volatility"] == pytest.approx(22.0 / row["entry_volatility_bps"][0].as_py())
    assert values["probability_range"] == 1.0


def test_a_short_is_told_from_a_long(make_ledger: Maker) -> None:
    ledger = make_ledger(4)
    index = ledger.schema.get_field_index("side")
    mixed = ledger.set_column(index, "side", pa.array(["long", "short", "long", None]))
    inputs = confidence_inputs(mixed, NAMES)
    assert inputs[:, confidence_names(NAMES).index("is_short")].tolist() == [0.0, 1.0, 0.0, 0.0]


def test_trades_of_two_lists_of_actions_may_lie_in_one_window(make_ledger: Maker) -> None:
    old, new = make_ledger(3), make_ledger(4, seed=2)
    wider = [[*row, 0.0, 0.0] for row in new["action_probabilities"].to_pylist()]
    index = new.schema.get_field_index("action_probabilities")
    new = new.set_column(index, new.schema.field(index), pa.array(wider, new.schema.field(index).type))
    both = meta_label_inputs(pa.concat_tables([new, old]))
    assert np.array_equal(both[:4], meta_label_inputs(new))
    assert np.array_equal(both[4:], meta_label_inputs(old))
    assert np.allclose(both[:4, :2], meta_label_inputs(make_ledger(4, seed=2))[:, :2])


def test_features_of_another_recipe_are_refused(make_ledger: Maker) -> None:
    with pytest.raises(InvalidInput):
        confidence_inputs(make_ledger(3), ("a", "b"))


def test_scores_by_hand() -> None:
    won = np.array([True, False, True, False])
    assert roc_auc(won, np.array([0.9, 0.1, 0.5, 0.5])) == pytest.approx(3.5 / 4)
    assert roc_auc(np.array([True, True]), np.array([0.1, 0.2])) is None
    assert brier_score(won, np.array([1.0, 0.0, 0.5, 0.5])) == pytest.approx(0.125)


def test_skill_is_more_than_a_lucky_ranking() -> None:
    generator = np.random.default_rng(0)
    won = generator.random(100) < 0.5
    assert not score_tail(won, np.full(100, 0.5), 0.5).show_skill
    assert score_tail(won, np.where(won, 0.6, 0.4), 0.5).show_skill
    assert not score_tail(won, np.where(won, 0.02, 0.01), 0.5).show_skill  # ranks, but far from calibrated
    assert score_tail(won, np.full(100, 0.5), 0.5).auc_error == pytest.approx(0.058, abs=0.001)
    assert not score_tail(won[won], np.full(int(won.sum()), 0.9), 0.5).show_skill


def test_trades_of_a_version_with_fewer_columns_are_past_trades_too(make_ledger: Maker) -> None:
    ledger = make_ledger(80)
    lately = ("mode", "exit_model_id", "exit_regime", "action_bias")
    old = ledger.slice(0, 40).drop_columns(list(lately))
    for own in (old, pa.concat_tables([old, ledger.slice(40)], promote_options="default")):
        past = past_trades(own)
        assert past.trades.schema == ledger.schema and past.trades.num_rows == own.num_rows
        assert past.trades["net_bps"].to_pylist() == ledger["net_bps"].to_pylist()[: own.num_rows]
        assert past.trades["mode"].null_count == own.num_rows
    fitted = fit_meta_label_model(
        past_trades(pa.concat_tables([old, ledger.slice(40)], promote_options="default")),
        replace(ModelConfig(), minimum_trades=20, embargo_minutes=0),
        "20m",
    )
    assert isinstance(fitted, MetaLabelModel)
