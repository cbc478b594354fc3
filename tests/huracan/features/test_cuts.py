"""Where a day is cut in two to look for leaks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from huracan.features.cuts import CUTS, Cut, every_cut, pick_cuts


@given(st.integers(1, 30), st.sampled_from([6, 24, 288, 1440]), st.integers(0, 1000))
def test_each_symbol_is_cut_at_midnight_and_somewhere_else_and_at_the_end_of_a_gap(
    count: int, bars: int, seed: int
) -> None:
    symbols = [f"S{index}" for index in range(count)]
    has_candle = np.ones((count, bars), np.bool_)
    has_candle[0, 2:4] = False
    cuts = pick_cuts(symbols, has_candle, np.random.default_rng(seed))
    assert len(cuts) == len(set(cuts)) and all(0 <= cut.bar < bars for cut in cuts)
    assert {Cut(symbol, 0) for symbol in symbols} <= set(cuts)
    assert Cut("S0", 3) in cuts, "the last bar of the gap: what fills it comes next"
    assert len(cuts) >= min(CUTS, bars * count) * (0.5 if bars < 100 else 0.9)
    assert cuts == pick_cuts(symbols, has_candle, np.random.default_rng(seed))


def test_all_cuts_of_a_day_are_every_bar_of_every_symbol() -> None:
    assert every_cut(("A", "B"), 2) == [Cut("A", 0), Cut("A", 1), Cut("B", 0), Cut("B", 1)]
