"""Off-policy estimates: by hand, what must not move them, and what no estimate may see."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.evaluation.jackknife import blocks_of, effective_count, jackknife_error
from huracan.evaluation.off_policy import (
    Explored,
    doubly_robust_estimate,
    expected_by_others,
    weighted_estimate,
)
from huracan.evaluation.outcome_model import KINDS, cells


def _by_hand() -> Explored:
    """Three moments on three days; entered long at 1/2, short at 1/4, and long at 1/8 without a fill."""
    zeros = np.zeros(3, dtype=np.int64)
    return Explored(
        block=np.arange(3),
        cell=cells(zeros, zeros, zeros),
        moment=np.arange(3),
        side=np.array([0, 1, 0]),
        propensity=np.array([0.5, 0.25, 0.125]),
        outcome=np.array([[10.0, 1.0], [-20.0, 1.0], [0.0, 0.0]]),
    )


MEAN_BPS = 10.0
"""Of what `_drawn` draws, over all moments."""


def _drawn(seed: int, blocks: int = 12, per_block: int = 40, noise_bps: float = 10.0) -> Explored:
    """An entry brings 5 bps times the number of its regime, 0 to 4, which is drawn the more often the larger
    that number is."""
    generator = np.random.default_rng(seed)
    n = blocks * per_block
    kinds = [generator.integers(0, most, n) for most in KINDS[:3]]
    chance = 0.2 + 0.12 * kinds[0]
    moment = np.flatnonzero(generator.random(n) < chance)
    net = generator.normal(5.0 * kinds[0][moment], noise_bps)
    return Explored(
        block=np.repeat(np.arange(blocks), per_block),
        cell=cells(*kinds),
        moment=moment,
        side=generator.integers(0, 2, moment.size),
        propensity=chance[moment] / 2.0,
        outcome=np.column_stack([net, np.ones(moment.size)]),
    )


def _both(explored: Explored, enters: np.ndarray | None = None) -> list:
    asked = np.ones((explored.block.size, 2), dtype=bool) if enters is None else enters
    expected = expected_by_others(explored)
    own = asked[explored.moment, explored.side]
    return [weighted_estimate(explored, own), doubly_robust_estimate(explored, asked, expected)]


def test_a_drawn_entry_counts_one_over_its_propensity_and_an_unfilled_one_is_none() -> None:
    # 2 x 10 - 4 x 20 over 2 + 4; the third was not filled.
    found = weighted_estimate(_by_hand(), np.ones(3, dtype=bool))
    assert found.mean_net_bps == pytest.approx(-10.0)
    assert found.entries == 2 and found.effective_entries == pytest.approx(36 / 20)
    assert found.low_bps is None and "1.8 effective entries of 2" in found.note


def test_doubly_robust_adds_to_the_model_what_the_drawn_entries_differ_from_it() -> None:
    explored, enters = _by_hand(), np.array([[True, False], [True, True], [True, True]])
    expected = np.zeros((3, 2, 2))
    expected[:, 0], expected[:, 1] = [4.0, 0.5], [-6.0, 0.5]
    # Five entries of the rule: 3 long, 2 short: the model expects (12 - 12) / 5 net and 1/2 filled of each.
    # Drawn ones differ by 2 x 6, 4 x -14, 8 x -4 over 14 net, and 2 x 1/2, 4 x 1/2, 8 x -1/2 filled.
    net, filled = 0.0 + (12 - 56 - 32) / 14, 0.5 + (1 + 2 - 4) / 14
    found = doubly_robust_estimate(explored, enters, expected)
    assert found.mean_net_bps == pytest.approx(net / filled)


def test_where_no_entry_of_the_rule_was_drawn_there_is_no_estimate() -> None:
    for found in _both(_drawn(1), np.zeros((480, 2), dtype=bool)):
        assert (found.mean_net_bps, found.low_bps, found.entries) == (None, None, 0)
        assert found.note == "No entry of the rule was drawn."


def test_entries_of_few_days_have_a_mean_and_no_interval() -> None:
    explored = _drawn(2)
    enters = np.repeat((explored.block < 3)[:, None], 2, axis=1)
    for found in _both(explored, enters):
        assert found.mean_net_bps is not None and found.effective_entries > 20 and found.low_bps is None
        assert found.note == "No interval: too few days with entries of the rule."


@given(seed=st.integers(0, 1000), shift=st.floats(-100, 100), scale=st.floats(0.1, 2.4))
def test_a_constant_moves_estimates_by_itself_and_a_common_factor_of_propensities_does_not(
    seed: int, shift: float, scale: float
) -> None:
    explored = _drawn(seed)
    shifted = explored.outcome + np.array([shift, 0.0])
    moved = replace(explored, outcome=shifted, propensity=explored.propensity * scale)
    for before, after in zip(_both(explored), _both(moved), strict=True):
        assert after.mean_net_bps == pytest.approx(before.mean_net_bps + shift, abs=1e-6)
        assert after.standard_error_bps == pytest.approx(before.standard_error_bps, rel=1e-6)
        assert after.effective_entries == pytest.approx(before.effective_entries)


def test_with_a_right_model_doubly_robust_errs_less_and_with_a_wrong_one_it_is_still_right() -> None:
    drawn = [_drawn(seed, noise_bps=2.0) for seed in range(150)]
    weighted, right = np.array([[each.mean_net_bps for each in _both(one)] for one in drawn]).T
    enters = np.ones((drawn[0].block.size, 2), dtype=bool)
    wrong = np.array(
        [
            doubly_robust_estimate(one, enters, expected_by_others(one) * [-1.0, 1.0]).mean_net_bps
            for one in drawn
        ]
    )
    for found in (weighted, right, wrong):
        assert abs(found.mean() - MEAN_BPS) < 4.0 * found.std() / np.sqrt(found.size)
    assert right.std() < 0.7 * weighted.std() < 0.7 * wrong.std()
    naive = np.array([one.outcome[:, 0].mean() for one in drawn])
    assert naive.mean() > MEAN_BPS + 1.0, "without weights nothing would be wrong: the test would say nothing"


def test_no_block_is_expected_by_a_model_that_has_seen_it() -> None:
    explored = _drawn(3)
    own = explored.block[explored.moment] == 5
    other = np.where(own[:, None], explored.outcome + np.array([1e6, 0.0]), explored.outcome)
    before, after = (expected_by_others(each) for each in (explored, replace(explored, outcome=other)))
    at = explored.block == 5
    assert np.array_equal(before[at], after[at])
    assert np.abs(after[explored.block == 0] - before[explored.block == 0]).max() > 1e3


def test_without_another_block_doubly_robust_is_weighted() -> None:
    weighted, doubly_robust = _both(_drawn(4, blocks=1))
    assert doubly_robust.mean_net_bps == pytest.approx(weighted.mean_net_bps)


def test_the_model_expects_the_mean_of_a_kind_where_many_entries_tell_it() -> None:
    explored = _drawn(5, per_block=4000)
    expected = expected_by_others(explored)[..., 0]
    regime = np.unravel_index(explored.cell, KINDS)[0]
    for code in range(KINDS[0]):
        assert expected[regime == code].mean() == pytest.approx(5.0 * code, abs=0.5)


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.array([3.0, 8.0, 1.0, 4.0, 9.0, 2.0])
    sums = np.column_stack([values, np.ones(6)])
    found = jackknife_error(sums, lambda each: each[:, 0] / each[:, 1], np.ones(6))
    assert found is not None
    assert found.standard_error == pytest.approx(values.std(ddof=1) / np.sqrt(6))
    assert found.half_width == pytest.approx(2.015048 * found.standard_error)  # t of 5 degrees at 95 %
    assert jackknife_error(sums[:4], lambda each: each[:, 0] / each[:, 1], np.ones(4)) is None


def test_effective_counts_by_hand() -> None:
    assert effective_count(np.array([1.0, 1.0, 1.0])) == 3.0
    assert effective_count(np.array([3.0, 1.0])) == pytest.approx(1.6) and effective_count(np.zeros(0)) == 0.0


def test_blocks_of_days_are_numbered_without_holes() -> None:
    days = np.array([20_000, 20_001, 20_002, 20_009, 20_003])
    assert blocks_of(days, 2).tolist() == [0, 0, 1, 2, 1]
    assert blocks_of(days[:0], 2).size == 0
