"""What a bar is told of the nearest pattern: worked out by hand, and of the day before alone."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from huracan.analysis.memory.embedding import EmbeddingStatistics
from huracan.analysis.patterns.context import PRIOR_TRADES, KnownPatterns, with_pattern_context
from huracan.analysis.patterns.table import PATTERNS_SCHEMA
from huracan.market.block import MarketBlock

FIRST = date(2024, 1, 1)
BARS = 24
NAMES = ("f0", "f1")
PLAIN = EmbeddingStatistics(NAMES, np.zeros(2), np.ones(2), np.eye(2), 100, FIRST - timedelta(days=1))
"""Features are the vector's two coordinates, but for its length."""


def _library(*changes: dict[str, Any], statistics: EmbeddingStatistics = PLAIN) -> pa.Table:
    rows = []
    for change in changes:
        row = dict.fromkeys(PATTERNS_SCHEMA.names) | {
            "state": "candidate",
            "embedding_version": statistics.version,
            "feature_means": [0.0] * len(statistics.feature_names),
        }
        rows.append(row | change)
    return pa.Table.from_pylist(rows, schema=PATTERNS_SCHEMA)


EAST = {"centroid": [1.0, 0.0], "trades": 90, "win_rate": 0.6, "mean_net_bps": 25.0}
NORTH = {"centroid": [0.0, 1.0], "trades": 30, "win_rate": 0.3, "mean_net_bps": -40.0}


def _patterns(*changes: dict[str, Any]) -> KnownPatterns:
    return KnownPatterns.of(_library(*changes), PLAIN)


def _block(features: NDArray[np.float32], statistics: EmbeddingStatistics = PLAIN) -> MarketBlock:
    """Hourly bars from FIRST on."""
    symbols, bars, _ = features.shape
    flat = np.ones((symbols, bars))
    times = (FIRST - date(1970, 1, 1)).days * 86_400_000 + np.arange(bars) * 3_600_000
    return MarketBlock(
        symbols=tuple(f"S{index}" for index in range(symbols)),
        feature_names=statistics.feature_names,
        open_time_ms=times,
        features=features,
        open=flat,
        high=flat,
        low=flat,
        close=flat,
        is_tradable=flat.astype(bool),
        is_ready=flat.astype(bool),
        volatility_bps=flat,
        traded_value_usd=flat,
        regime=flat.astype(np.int8),
        regime_probabilities=np.ones((symbols, bars, 4), np.float32),
        day_index=times // 86_400_000,
    )


def _random(days: int, symbols: int = 2, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(symbols, days * BARS, 2)).astype(np.float32)


def test_a_pattern_of_shorts_that_wins_speaks_against_a_long_entry() -> None:
    bar = np.array([[3.0, 0.0]], np.float32)
    for side, sign in (("long", 1), ("short", -1), (None, 1)):
        found = _patterns(EAST | {"side": side}).context(bar)
        assert found[0] == pytest.approx([sign * 0.1, sign * 0.25, 90 / 120])


def test_a_bar_takes_the_numbers_of_the_nearest_pattern() -> None:
    rows = np.array([[3.0, 0.0], [0.0, 0.2], [4.0, 3.0]], np.float32)
    found = _patterns(EAST, NORTH).context(rows)
    assert found[0] == pytest.approx([0.1, 0.25, 90 / 120])
    assert found[1] == pytest.approx([-0.2, -0.4, 30 / 60])
    assert found[2] == pytest.approx([0.1, 0.25, 0.75 * 0.8])  # the cosine to the east is 4 / 5


def test_where_no_pattern_lies_on_the_bars_side_nothing_is_known() -> None:
    rows = np.array([[-1.0, -1.0], [0.0, 0.0], [np.nan, np.nan]], np.float32)
    assert not _patterns(EAST, NORTH).context(rows).any()
    assert not _patterns().context(rows).any()


def test_a_retired_pattern_says_nothing_any_more() -> None:
    found = _patterns(EAST, NORTH | {"state": "retired"}).context(np.array([[1.0, 2.0]], np.float32))
    assert found[0, 0] == pytest.approx(0.1)
    assert found[0, 2] == pytest.approx(0.75 / np.sqrt(5))


def test_reliability_grows_with_trades_and_never_reaches_one() -> None:
    row = np.array([[1.0, 0.0]], np.float32)
    found = [_patterns(EAST | {"trades": trades}).context(row)[0, 2] for trades in (1, 30, 1000)]
    assert found == pytest.approx([1 / (1 + PRIOR_TRADES), 0.5, 1000 / 1030])


def test_a_pattern_of_another_embedding_is_embedded_anew_from_its_features() -> None:
    old = NORTH | {"embedding_version": "older", "feature_means": [0.0, 5.0], "centroid": [1.0, 0.0]}
    assert _patterns(old).context(np.array([[0.0, 1.0]], np.float32))[0, 2] == pytest.approx(0.5)


def test_each_bar_asks_the_library_of_the_night_in_force_at_its_close_and_no_other() -> None:
    east, north = _patterns(EAST), _patterns(NORTH)
    block = _block(np.ones((2, 4 * BARS, 2), np.float32))
    libraries = {FIRST: east, FIRST + timedelta(days=2): north}
    # From 04:00 of the day after on, for 24 hours: the bar that closes then opened at 03:00.
    for handover, begins in ((4 * 60, 3), (60, 0), (0, -1)):
        known = with_pattern_context(block, libraries, handover).pattern_context[:, :, 0]
        expected = np.zeros(4 * BARS)
        expected[BARS + begins : 2 * BARS + begins] = 0.1
        expected[3 * BARS + begins : 4 * BARS + begins] = -0.2
        assert np.allclose(known, expected[None])


def test_a_decision_bar_asks_by_its_close(coarser: Callable[[MarketBlock, int], MarketBlock]) -> None:
    block = coarser(_block(np.ones((1, 2 * BARS, 2), np.float32)), 4)
    known = with_pattern_context(block, {FIRST: _patterns(EAST)}, 4 * 60).pattern_context[0, :, 0]
    # Those that close at 04:00, 08:00 ... of the second day; the next midnight lies before the next handover.
    assert (known != 0).tolist() == [False] * 6 + [True] * 6


def test_statistics_that_are_too_young_or_of_other_features_say_nothing() -> None:
    block = _block(np.ones((1, BARS, 2), np.float32))
    before = FIRST - timedelta(days=1)
    young = KnownPatterns.of(_library(EAST), replace(PLAIN, before_day=FIRST))
    other = KnownPatterns.of(_library(EAST), replace(PLAIN, feature_names=("f0", "f9")))
    for library in (young, other):
        assert not with_pattern_context(block, {before: library}, 60).pattern_context.any()
    assert with_pattern_context(block, {before: _patterns(EAST)}, 60).pattern_context.all()


def test_a_bar_that_is_not_ready_is_told_nothing() -> None:
    block = _block(np.ones((1, BARS, 2), np.float32))
    block.is_ready[0, :5] = False
    known = with_pattern_context(block, {FIRST - timedelta(days=1): _patterns(EAST)}, 60).pattern_context
    assert not known[0, :5].any()
    assert known[0, 5:].all()


@pytest.mark.parametrize("cut", [2, 7, BARS, BARS + 11])
def test_a_bar_depends_on_no_later_bar(cut: int) -> None:
    features = _random(days=2)
    day = timedelta(days=1)
    libraries = {FIRST - day: _patterns(EAST, NORTH), FIRST: _patterns(NORTH)}
    whole = with_pattern_context(_block(features), libraries, 60).pattern_context
    prefix = with_pattern_context(_block(features[:, :cut]), libraries, 60).pattern_context
    assert np.allclose(whole[:, :cut], prefix, rtol=0, atol=1e-6)
    scrambled = features.copy()
    scrambled[:, cut:] = np.random.default_rng(9).normal(size=scrambled[:, cut:].shape) * 50
    libraries[FIRST + day] = _patterns(EAST)  # of the last day, known only after it
    again = with_pattern_context(_block(scrambled), libraries, 60).pattern_context
    assert np.array_equal(whole[:, :cut], again[:, :cut])


def test_a_day_of_twenty_symbols_takes_well_under_a_second() -> None:
    generator = np.random.default_rng(3)
    names = tuple(f"f{index}" for index in range(60))
    statistics = EmbeddingStatistics(
        names, np.zeros(60), np.ones(60), generator.normal(size=(60, 64)), 100, FIRST - timedelta(days=1)
    )
    centroids = generator.normal(size=(12, 64))
    library = _library(
        *[EAST | {"centroid": (row / np.linalg.norm(row)).tolist()} for row in centroids],
        statistics=statistics,
    )
    patterns = KnownPatterns.of(library, statistics)
    rows = generator.normal(size=(1440, 60)).astype(np.float32)
    began = time.process_time()
    for _ in range(20):
        patterns.context(rows)
    assert time.process_time() - began < 1.0


def test_a_library_as_the_night_makes_it_can_be_asked(
    make_trades: Callable[..., pa.Table], statistics: EmbeddingStatistics
) -> None:
    from huracan.analysis.memory.rows import memory_rows
    from huracan.analysis.patterns.library import pattern_library
    from huracan.candles.schema import Timeframe

    day = date(2023, 6, 2)
    trades = make_trades(*[{"entry_features": [float(index % 2), 0.0, 0.3, 9.0]} for index in range(80)])
    vectors = np.zeros((80, statistics.dimensions), np.float32)
    memory = memory_rows(trades, vectors, statistics.version, day, Timeframe("1m"))
    library = pattern_library(memory, statistics, day + timedelta(days=1)).table
    patterns = KnownPatterns.of(library, statistics)
    found = patterns.context(np.array([[0.0, 0.0, 0.3, 9.0]], np.float32))
    assert found[0, :2] == pytest.approx([-0.5, -0.4])
    assert found[0, 2] == pytest.approx(40 / 70, abs=1e-4)
