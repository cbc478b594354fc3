"""A size that is too large for the regime is made smaller, and refused where none is allowed."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.gates.action_masks import ActionMasksGateSettings, RegimeSizes, regime_uncertainty
from huracan.gates.contract import BLOCK, PASS, Answer, resize
from huracan.regimes.model import REGIMES
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.columns import shown, with_column
from tests.huracan.gates.conftest import one

Maker = Callable[..., pa.Table]


def _answers(trades: pa.Table, **settings: object) -> tuple[Answer, ...]:
    own = {"action_masks": ActionMasksGateSettings(**settings)}
    return one("action_masks", hourly_ledger(0), settings=own).judge(shown(trades)).answer


def _sized(*sizes: float) -> pa.Table:
    return with_column(hourly_ledger(len(sizes)), "size_multiplier", list(sizes))


def test_every_regime_has_its_largest_size_which_itself_passes() -> None:
    # The ledger goes round: trend, range, high volatility, panic.
    given = one("action_masks", hourly_ledger(0)).judge(shown(_sized(1.5, 1.5, 1.0, 0.5)))
    assert given.answer == (PASS,) * 4
    assert "A size of 1.5 is allowed in trend" in given.reason[0] and "above 1.5." in given.reason[0]
    assert _answers(_sized(1.51, 2.0, 1.5, 1.0)) == (
        resize(1.5 / 1.51),
        resize(0.75),
        resize(1.0 / 1.5),
        resize(0.5),
    )


def test_where_nothing_is_allowed_it_refuses_and_says_what_would_pass() -> None:
    settings = {"action_masks": ActionMasksGateSettings(largest_size=RegimeSizes(panic=0.0))}
    given = one("action_masks", hourly_ledger(0), settings=settings).judge(shown(_sized(1.0, 1.0, 1.0, 0.5)))
    assert given.answer == (PASS, PASS, PASS, BLOCK)
    assert (
        "A size of 0.5 is too large in panic" in given.reason[3] and "0 would pass whole" in given.reason[3]
    )


def test_nobody_enters_large_in_a_regime_that_nobody_is_sure_of() -> None:
    trades = _sized(1.5, 1.0)
    for name in REGIMES:
        trades = with_column(trades, f"probability_{name}", [0.25, 0.25])
    assert regime_uncertainty(trades) == pytest.approx([1.0, 1.0])
    assert _answers(trades) == (resize(1.0 / 1.5), PASS)
    two = with_column(with_column(trades, "probability_trend", [0.5] * 2), "probability_range", [0.5] * 2)
    for name in REGIMES[2:]:
        two = with_column(two, f"probability_{name}", [0.0] * 2)
    assert regime_uncertainty(two) == pytest.approx([0.5, 0.5])
    assert _answers(two) == (PASS, PASS)
    assert _answers(two, maximum_uncertainty=0.5) == (resize(1.0 / 1.5), PASS)


def test_a_signal_without_a_regime_gets_the_smallest_size() -> None:
    trades = with_column(_sized(0.5, 1.0), "regime", [None, None])
    given = one("action_masks", hourly_ledger(0)).judge(shown(trades))
    assert given.answer == (PASS, resize(0.5))
    assert given.reason[1].endswith(
        "The signal has no regime: the smallest of the regimes' sizes is the largest."
    )


@settings(max_examples=25)
@given(st.floats(0.1, 3.0), st.floats(0.1, 3.0))
def test_no_size_comes_out_larger_than_allowed_or_than_it_was(one: float, two: float) -> None:
    answers = _answers(_sized(one, one, two, two))
    for size, answer, largest in zip((one, one, two, two), answers, (1.5, 1.5, 1.0, 0.5), strict=True):
        assert np.isclose(size * answer.size_factor, min(size, largest))
