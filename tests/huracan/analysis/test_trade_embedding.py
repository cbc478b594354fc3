"""Embeddings: decorrelated, of length one, with statistics of the past only."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.memory.embedding import EmbeddingStatistics, embed_trades, fit_embedding
from huracan.analysis.memory.rows import MEMORY_SCHEMA, memory_rows, with_entries_named
from huracan.analysis.trades.checks import judge_embeddings
from huracan.candles.schema import Timeframe
from huracan.errors import InvalidInput

DAY = date(2023, 6, 2)
NAMES = ("momentum", "volatility", "range", "volume")


def _matrix(table: pa.Table) -> np.ndarray:
    return np.column_stack([table.column(name).to_numpy() for name in NAMES])


def test_whitened_features_are_uncorrelated_with_variance_one(feature_rows) -> None:
    table = feature_rows(5, 1)
    statistics = fit_embedding(table, NAMES, DAY)
    vectors = statistics.standardise(_matrix(table)) @ statistics.rotation
    kept = vectors[:, np.abs(vectors).max(axis=0) > 0]
    covariance = np.cov(kept, rowvar=False)
    assert np.allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-9)
    assert np.all(np.diag(covariance) <= 1.01)


def test_vectors_have_sixty_four_numbers_and_length_one(statistics, make_trades) -> None:
    vectors = embed_trades(make_trades({}, {}, {}), statistics)
    assert vectors.shape == (3, 64) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)


def test_rows_of_the_day_or_later_change_nothing(feature_rows) -> None:
    past = feature_rows(5, 1)
    later = feature_rows(5, 2)
    times = [value + timedelta(days=5) for value in later.column("open_time").to_pylist()]
    later = later.set_column(1, "open_time", pa.array(times, past.schema.field("open_time").type))
    with_future = pa.concat_tables([past, later])
    assert fit_embedding(with_future, NAMES, DAY).to_json() == fit_embedding(past, NAMES, DAY).to_json()
    another_day = fit_embedding(with_future, NAMES, DAY + timedelta(days=1))
    assert another_day.version != fit_embedding(past, NAMES, DAY).version


def test_statistics_survive_json_to_the_bit_and_a_changed_number_is_refused(statistics, make_trades) -> None:
    text = statistics.to_json()
    again = EmbeddingStatistics.from_json(text)
    assert again.version == statistics.version
    trades = make_trades({}, {})
    assert embed_trades(trades, again).tobytes() == embed_trades(trades, statistics).tobytes()
    with pytest.raises(InvalidInput, match="version"):
        EmbeddingStatistics.from_json(text.replace('"rows": 1', '"rows": 2'))


def test_an_unknown_or_constant_feature_counts_as_average(feature_rows, make_trades) -> None:
    table = feature_rows(5, 1)
    constant = table.set_column(3, "momentum", pa.array(np.full(len(table), 3.0, dtype=np.float32)))
    statistics = fit_embedding(constant, NAMES, DAY)
    rows = np.array([[99.0, 1, 1, 1], [-99.0, 1, 1, 1], [np.nan, 1, 1, 1]])
    vectors = statistics.embed(rows)
    assert np.array_equal(vectors[0], vectors[1]) and np.array_equal(vectors[0], vectors[2])


def test_statistics_serve_for_four_weeks_and_never_an_earlier_day(statistics) -> None:
    fitted = replace(statistics, recipe="now")
    assert fitted.serves("now", DAY) and fitted.serves("now", DAY + timedelta(days=27))
    assert not fitted.serves("now", DAY + timedelta(days=28))
    assert not fitted.serves("now", DAY - timedelta(days=1))
    assert not fitted.serves("another", DAY)


def test_statistics_of_before_recipes_were_kept_are_read_and_serve_no_recipe(statistics) -> None:
    text = statistics.to_json()
    assert '"recipe"' not in text
    assert EmbeddingStatistics.from_json(text).version == statistics.version
    assert not EmbeddingStatistics.from_json(text).serves("now", DAY)
    kept = replace(statistics, recipe="now")
    assert kept.version != statistics.version
    assert EmbeddingStatistics.from_json(kept.to_json()).recipe == "now"


def test_trades_of_an_older_recipe_are_embedded_by_the_columns_that_they_share(
    statistics, make_trades
) -> None:
    former, row = ("gone", *NAMES[1:]), [7.0, 1.0, -2.0, 0.5]
    old = with_entries_named(make_trades({"entry_features": row}), former, NAMES)
    unknown = make_trades({"entry_features": [float("nan"), *row[1:]]})
    assert np.array_equal(embed_trades(old, statistics), embed_trades(unknown, statistics))
    assert old.schema == unknown.schema
    same = make_trades({"entry_features": row})
    assert with_entries_named(same, NAMES, NAMES) is same


def test_a_trade_with_another_number_of_features_is_refused_by_name(statistics, make_trades) -> None:
    with pytest.raises(InvalidInput, match="t001 has 2"):
        embed_trades(make_trades({}, {"entry_features": [1.0, 2.0]}), statistics)


def test_the_verdict_accepts_spread_vectors_and_refuses_degenerate_ones() -> None:
    spread = np.random.default_rng(3).normal(size=(50, 64)).astype(np.float32)
    spread /= np.linalg.norm(spread, axis=1, keepdims=True)
    good = judge_embeddings(spread)
    assert good.passed and good.check == "memory_embedding"
    assert 0.05 < float(good.numbers["mean_absolute_cosine"]) < 0.2
    same = np.repeat(spread[:1], 50, axis=0)
    assert not judge_embeddings(same).passed
    broken = spread.copy()
    broken[3, 3] = np.nan
    assert not judge_embeddings(broken).passed
    broken[3] = 0
    assert not judge_embeddings(broken).passed


def test_memory_rows_say_when_the_outcome_was_known(statistics, make_trades, winning) -> None:
    trades = make_trades({}, winning, {"exit_reason": "END_OF_SESSION", "entry_features": [None, 1, 1, 1]})
    rows = memory_rows(trades, embed_trades(trades, statistics), statistics.version, DAY, Timeframe("1m"))
    assert rows.schema == MEMORY_SCHEMA
    exit_bar = trades.column("exit_time")[0].as_py()
    assert rows.column("closed_at")[0].as_py() == exit_bar + timedelta(minutes=1)
    assert rows.column("is_winner").to_pylist() == [False, True, False]
    assert rows.column("is_end_of_session").to_pylist() == [False, False, True]
    assert np.isnan(rows.column("entry_features")[2].as_py()[0])
    with pytest.raises(InvalidInput):
        memory_rows(trades, np.zeros((2, 64), np.float32), "v", DAY, Timeframe("1m"))
