"""First whether to act, then how: by hand, and against the sums of all probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from huracan.market.actions import action_kinds, action_names
from huracan.market.choice import choose

LONG, BOTH = action_names(False), action_names(True)


def _chosen(chances: dict[str, float], names: tuple[str, ...], illegal: tuple[str, ...] = ()) -> str:
    """Of actions with these probabilities; all others are not legal."""
    scores = np.log([[chances.get(name, 1.0) for name in names]]).astype(np.float32)
    masks = np.array([[name in chances and name not in illegal for name in names]])
    (action,) = choose(scores, masks, action_kinds(names)).tolist()
    return names[action]


@pytest.mark.parametrize(
    ("chances", "action"),
    [
        ({"WAIT": 0.4, "ENTER_HALF": 0.2, "ENTER_FULL": 0.21, "ENTER_ONE_AND_HALF": 0.19}, "ENTER_FULL"),
        ({"WAIT": 0.51, "ENTER_HALF": 0.2, "ENTER_FULL": 0.2, "ENTER_ONE_AND_HALF": 0.09}, "WAIT"),
        ({"WAIT": 0.5, "ENTER_FULL": 0.5}, "WAIT"),
        # No direction is known: neither side for itself is more probable than to wait.
        ({"WAIT": 0.4, "ENTER_FULL": 0.15, "ENTER_HALF": 0.15, "ENTER_SHORT_FULL": 0.3}, "WAIT"),
        ({"WAIT": 0.3, "ENTER_FULL": 0.17, "ENTER_HALF": 0.16, "ENTER_SHORT_FULL": 0.32}, "ENTER_FULL"),
        (
            {"WAIT": 0.3, "ENTER_FULL": 0.3, "ENTER_SHORT_HALF": 0.2, "ENTER_SHORT_FULL": 0.2},
            "ENTER_SHORT_HALF",
        ),
        # Both leave; by the larger of the two the exit is named.
        ({"HOLD": 0.4, "EXIT": 0.2, "SCRATCH": 0.3, "TRAIL": 0.1}, "SCRATCH"),
        ({"HOLD": 0.4, "EXIT": 0.25, "SCRATCH": 0.25, "TRAIL": 0.1}, "EXIT"),
        # What leaves other positions is not taken together.
        ({"HOLD": 0.4, "ADD": 0.3, "TRAIL": 0.3}, "HOLD"),
        ({"EXIT": 0.3, "HOLD": 0.2, "ADD": 0.3, "SCALE_OUT": 0.2}, "EXIT"),
    ],
)
def test_the_kind_is_chosen_by_its_sum_and_the_action_within_it(
    chances: dict[str, float], action: str
) -> None:
    assert _chosen(chances, BOTH) == action
    if not any("SHORT" in name for name in chances):
        assert _chosen(chances, LONG) == action


def test_only_legal_actions_speak_for_their_kind() -> None:
    chances = {"WAIT": 0.4, "ENTER_HALF": 0.15, "ENTER_FULL": 0.2, "ENTER_ONE_AND_HALF": 0.25}
    assert _chosen(chances, LONG) == "ENTER_ONE_AND_HALF"
    assert _chosen(chances, LONG, illegal=("ENTER_HALF",)) == "ENTER_ONE_AND_HALF"
    assert _chosen(chances, LONG, illegal=("ENTER_ONE_AND_HALF",)) == "WAIT"


@st.composite
def _rows(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    spread = draw(st.sampled_from([0.01, 1.0, 30.0, 3000.0]))
    scores = generator.normal(0.0, spread, (40, len(BOTH))).astype(np.float32)
    masks = generator.random(scores.shape) < draw(st.sampled_from([0.2, 0.6, 1.0]))
    masks[np.arange(40), generator.integers(0, len(BOTH), 40)] = True
    return scores, masks


@given(_rows())
def test_it_is_the_largest_sum_of_probabilities_and_its_most_probable_action(
    rows: tuple[NDArray[np.float32], NDArray[np.bool_]],
) -> None:
    scores, masks = rows
    kinds = np.array(action_kinds(BOTH))
    for score, mask, action in zip(*rows, choose(scores, masks, kinds.tolist()).tolist(), strict=True):
        powers = np.exp(np.where(mask, score.astype(np.float64), -np.inf) - score[mask].max())
        sums = {kind: powers[kinds == kind].sum() for kind in kinds}
        assert mask[action]
        assert sums[kinds[action]] >= max(sums.values()) * (1 - 1e-12)
        assert score[action] == score[mask & (kinds == kinds[action])].max()


@given(_rows())
def test_without_kinds_it_is_the_largest_score_to_the_bit(
    rows: tuple[NDArray[np.float32], NDArray[np.bool_]],
) -> None:
    scores, masks = rows
    close = np.nextafter(np.float32(2.0), scores)  # neighbours of 2, which are equal as probabilities
    for each in (scores, close):
        largest = np.where(masks, each, -np.inf).argmax(axis=1)
        for kinds in ((), BOTH):
            assert np.array_equal(choose(each, masks, kinds), largest)


@given(_rows(), st.integers(1, 40))
def test_a_rows_action_depends_on_no_other_row(
    rows: tuple[NDArray[np.float32], NDArray[np.bool_]], count: int
) -> None:
    scores, masks = rows
    kinds = action_kinds(BOTH)
    whole = choose(scores, masks, kinds)
    assert np.array_equal(choose(scores[-count:], masks[-count:], kinds), whole[-count:])
    assert np.array_equal(choose(scores[None, :, :], masks[None, :, :], kinds)[0], whole)
