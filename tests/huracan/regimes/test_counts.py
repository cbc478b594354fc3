"""Counts of all days so far: on bins by hand, adding up, and ranking as the values themselves would."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.regimes.counts import BINS_PER_OCTAVE, COUNTS_SCHEMA, ObservationCounts, counts_before
from huracan.regimes.observations import MEASURES, FeatureGrid, lay_features_on_grid, measure

DAY = date(2024, 5, 4)
DAY_MS = 86_400_000
START = int(np.datetime64(DAY, "ms").astype(np.int64))


def grid_of(values: dict[str, list[float]], first: date = DAY) -> FeatureGrid:
    """Symbols whose every bar has that volatility and falls as many bps a bar; NaN where it is not ready."""
    volatility = np.array(list(values.values()))
    columns = {
        "return_std_60_bps": volatility,
        "volatility_ratio_10_50": np.ones_like(volatility),
        "trend_strength_60": np.zeros_like(volatility),
        "return_60_bps": -60.0 * volatility,
        "return_15_bps": np.zeros_like(volatility),
        "ema_spread_30_240_bps": np.zeros_like(volatility),
    }
    times = START + (first - DAY).days * DAY_MS + np.arange(volatility.shape[1]) * 60_000
    return FeatureGrid(tuple(values), times, columns, np.isfinite(volatility))


def ranked(counts: ObservationCounts, symbol: str, values: list[float], minimum_bars: int = 1) -> list[float]:
    """The percentiles of volatilities."""
    asked = np.repeat(np.array(values, dtype=float)[None, :, None], len(MEASURES), axis=2)
    return counts.percentiles([symbol], asked, minimum_bars)[0, :, 0].tolist()


def test_what_is_measured_by_hand() -> None:
    table = pa.table(
        {
            "symbol": ["A"] * 4,
            "open_time": pa.array([START + 60_000 * bar for bar in range(4)]).cast(pa.timestamp("ms", "UTC")),
            "is_ready": [True, True, True, False],
            "return_std_60_bps": [4.0, 4.0, 0.0, 4.0],
            "volatility_ratio_10_50": [1.0] * 4,
            "trend_strength_60": [-0.25, 1.0, 0.0, 1.0],
            "return_60_bps": [60.0**0.5 * -3.0, 10.0, 0.0, -50.0],
            "return_15_bps": [15.0**0.5 * -2.0, 15.0**0.5 * -8.0, 5.0, -50.0],
            "ema_spread_30_240_bps": [4.0 * 60.0**0.5 * -2.25, 0.0, 1.0, 1.0],
        }
    )
    found = measure(lay_features_on_grid(table))[0]
    np.testing.assert_allclose(found[0], [4.0, 3.0, 0.5 + 1.5])
    np.testing.assert_allclose(found[1], [4.0, 8.0, 1.0])
    np.testing.assert_allclose(found[2], [0.0, 0.0, 0.0])
    assert np.isnan(found[3]).all()


def test_ranks_by_hand() -> None:
    counts = ObservationCounts.of(grid_of({"A": [1.0, 2.0, 4.0, 8.0, np.nan]}))
    assert counts.bars("A") == 4 and counts.since == {"A": DAY}
    assert ranked(counts, "A", [0.5, 1.0, 2.0, 3.0, 4.0, 8.0, 100.0]) == [0, 0, 25, 50, 50, 75, 100]
    # Half way up in the bin of the 2: half of its quarter.
    half_up = 2.0 ** (1.0 + 0.5 / BINS_PER_OCTAVE)
    assert ranked(counts, "A", [half_up]) == pytest.approx([37.5])
    assert np.isnan(ranked(counts, "A", [np.nan])).all()


def test_what_lies_beyond_the_bins_ranks_in_the_middle_of_the_outermost() -> None:
    counts = ObservationCounts.of(grid_of({"A": [0.0, 0.0, 1.0, 1e9]}))
    assert ranked(counts, "A", [0.0, 0.001, 0.5, 1e7]) == [25, 25, 50, 87.5]


def test_a_symbol_of_too_few_bars_is_ranked_among_all_symbols() -> None:
    counts = ObservationCounts.of(grid_of({"A": [1.0, 1.0, 1.0], "B": [16.0, np.nan, np.nan]}))
    assert ranked(counts, "B", [4.0], minimum_bars=1) == [0]
    assert ranked(counts, "B", [4.0], minimum_bars=2) == [75]
    assert ranked(counts, "NEW", [4.0]) == [75]


_VOLATILITIES = st.lists(st.floats(0.05, 5000.0) | st.just(float("nan")), min_size=1, max_size=40)


@given(first=_VOLATILITIES, second=_VOLATILITIES)
def test_days_add_up_in_any_order_and_through_the_table(first: list[float], second: list[float]) -> None:
    one = ObservationCounts.of(grid_of({"A": first, "B": first[:1] * len(first)}))
    other = ObservationCounts.of(grid_of({"A": second}, DAY + timedelta(days=1)))
    both = ObservationCounts.of(grid_of({"A": [*first, *second], "B": [*first[:1]] * len(first + second)}))
    together = (one + other).to_table("recipe")
    assert together.equals((other + one).to_table("recipe")) and together.schema == COUNTS_SCHEMA
    assert (one + other).bars("A") == both.bars("A") == np.isfinite([*first, *second]).sum()
    again = ObservationCounts.from_table(together)
    assert again.to_table("recipe").equals(together)
    if both.bars("A"):
        np.testing.assert_array_equal(again.counts["A"], both.counts["A"])


@given(values=st.lists(st.floats(0.05, 5000.0), min_size=1, max_size=60), asked=st.floats(0.05, 5000.0))
def test_a_rank_is_that_among_the_values_but_for_the_width_of_a_bin(
    values: list[float], asked: float
) -> None:
    counts = ObservationCounts.of(grid_of({"A": values}))
    (rank,) = ranked(counts, "A", [asked])
    bin_up = 2.0 ** (1.001 / BINS_PER_OCTAVE)
    known = np.array(values)
    assert (
        100 * (known < asked / bin_up).mean() - 1e-9 <= rank <= 100 * (known < asked * bin_up).mean() + 1e-9
    )
    assert rank <= ranked(counts, "A", [asked * 1.2])[0]


def test_other_bins_or_formulas_begin_anew_and_say_so(make_features: pa.Table) -> None:
    own = ObservationCounts.of(lay_features_on_grid(make_features))
    twice = own + own
    carried, why = counts_before(twice.to_table("of now"), make_features, "of now")
    assert why == "" and carried.bars("A") == 2 * own.bars("A")
    for table, told in ((None, "no day before"), (twice.to_table("of before"), "another recipe")):
        anew, why = counts_before(table, make_features, "of now")
        assert told in why and anew.bars("A") == own.bars("A")


@pytest.fixture
def make_features() -> pa.Table:
    grid = grid_of({"A": [1.0, 2.0, 3.0]})
    columns = {name: values[0] for name, values in grid.values.items()}
    times = pa.array(grid.times).cast(pa.timestamp("ms", "UTC"))
    return pa.table({"symbol": ["A"] * 3, "open_time": times, "is_ready": [True] * 3, **columns})
