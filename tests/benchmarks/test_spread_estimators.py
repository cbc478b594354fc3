"""The estimators that were compared: by hand, and on a bounce that is known."""

import numpy as np
import pytest

from spread_estimators import ESTIMATORS, Bars, abdi_ranaldo_by_pair, corwin_schultz, roll


def _bars(high: list[float], low: list[float], close: list[float]) -> Bars:
    """Of log prices in bps."""
    prices = [np.exp(np.array(values) * 1e-4) for values in (close, high, low, close)]
    return Bars(np.arange(len(close)) * 60_000, *prices)


def test_roll_by_hand() -> None:
    # returns 10, -10, 10: products -100, -100
    close = [0.0, 10.0, 0.0, 10.0]
    assert roll(_bars(close, close, close)) == pytest.approx(10.0)
    rising = [0.0, 1.0, 2.0, 3.0]
    assert roll(_bars(rising, rising, rising)) == 0.0


def test_corwin_schultz_by_hand() -> None:
    # Two bars of the same range R: beta is 2 R^2, gamma R^2, and so alpha R: all of it is spread.
    ranges = _bars([10.0, 10.0], [-10.0, -10.0], [0.0, 0.0])
    assert corwin_schultz(ranges) == pytest.approx(10.0, rel=1e-4)
    # a range of both that is wider than either is volatility
    assert corwin_schultz(_bars([10.0, 40.0], [-10.0, 20.0], [0.0, 30.0])) == 0.0


def test_abdi_ranaldo_corrects_every_pair_by_itself() -> None:
    # moments 10 x 10 and -10 x 10: roots 10 and 0
    bars = _bars([0.0, 0.0, 20.0], [0.0, 0.0, 20.0], [10.0, 10.0, 0.0])
    assert abdi_ranaldo_by_pair(bars) == pytest.approx(5.0)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_wide_bounce_is_found_by_all_of_them(name: str) -> None:
    generator = np.random.default_rng(2)
    middle = 100 * np.exp(np.cumsum(generator.normal(0, 1e-5, (5000, 50)).ravel())).reshape(5000, 50)
    trades = middle * (1 + 10e-4 * generator.choice([-1, 1], middle.shape))
    bars = Bars(np.arange(5000) * 60_000, trades[:, 0], trades.max(axis=1), trades.min(axis=1), trades[:, -1])
    assert ESTIMATORS[name](bars) == pytest.approx(10.0, rel=0.15)


def test_bars_are_joined_and_made_to_bounce() -> None:
    bars = _bars([3.0, 5.0, 1.0], [0.0, -2.0, 0.0], [1.0, 2.0, 1.0])
    (row,) = zip(*(getattr(bars.joined(2), name) for name in ("high", "low", "close")), strict=True)
    assert np.log(row) * 1e4 == pytest.approx([5.0, -2.0, 2.0])
    bouncing = bars.with_bounce(10.0, np.random.default_rng(1))
    assert np.abs(bouncing.close / bars.close - 1) == pytest.approx(10e-4)
    assert (bouncing.high / bouncing.low - bars.high / bars.low) == pytest.approx(20e-4, rel=1e-2)
