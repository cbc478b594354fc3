"""A position that has made its scalp goes on only where the market still runs."""

import numpy as np
import pytest

from huracan.analysis.outcome import directions
from huracan.errors import InvalidInput
from huracan.gates.evidence.going_on import Standing
from huracan.gates.runner_unlock import RunnerUnlockGateSettings
from tests.huracan.gates.columns import positions
from tests.huracan.gates.positions.made_marks import fitted, taught

RUNS = {"long_move": 1.0, "short_move": 1.0, "imbalance": 0.5, "activity": 1.2}
RESTS = {"long_move": 0.0, "short_move": -1.0, "imbalance": -0.5, "activity": 1.0}


def test_a_scalp_with_one_sign_is_left_where_going_on_lost() -> None:
    given = taught("runner_unlock").tend(positions([1.2], [0.5], **RESTS))
    assert given.closes.tolist() == [True] and given.forbids == (("TRAIL",),)
    assert "positions that had made their scalp with 1 of 4 signs: mean -" in given.reason[0]


def test_a_scalp_with_all_signs_goes_on_and_its_stop_may_follow() -> None:
    given = taught("runner_unlock").tend(positions([1.2], [0.5], **RUNS))
    assert given.closes.tolist() == [False] and given.forbids == ((),)


def test_exactly_at_what_going_on_usually_makes_a_scalp_is_left() -> None:
    gate = fitted("runner_unlock", [{"gain": 1.2, **RESTS, "remaining_bps": -10.0}])
    given = gate.tend(positions([1.2], [0.5], **RESTS))
    assert given.value[0] == given.threshold[0] == pytest.approx(-10.0) and given.closes.tolist() == [True]


def test_the_stop_may_not_follow_before_the_scalp_is_made_nor_with_fewer_signs_than_required() -> None:
    gate = taught("runner_unlock")
    early = gate.tend(positions([0.9], [0.5], **RUNS))
    assert early.forbids == (("TRAIL",),) and not early.speaks.any()
    three = RUNS | {"long_move": 0.0}
    for required, forbidden in ((3, ()), (4, ("TRAIL",))):
        strict = fitted("runner_unlock", [], required_signs=required)
        assert strict.tend(positions([1.2], [0.5], **three)).forbids == (forbidden,)


def test_signs_and_the_scalp_begin_at_their_thresholds() -> None:
    """Gain 1, long move 0.5, short move 0, flow 0, activity 1."""
    rows = positions(
        [1.0, 0.99, 1.0, 1.0, 1.0],
        [0.5] * 5,
        long_move=[0.5, 0.5, 0.49, 0.5, None],
        short_move=[0.0, 0.0, 0.0, -0.01, 0.0],
        imbalance=[0.0, 0.0, 0.0, -0.01, 0.0],
        activity=[1.0, 1.0, 1.0, 0.99, 1.0],
    )
    found = RunnerUnlockGateSettings().kinds(Standing.of(rows, directions(rows)))
    assert found == ["4", None, "3", "1", None]


def test_signs_of_a_short_position_are_those_of_a_falling_market() -> None:
    down = {"long_move": -1.0, "short_move": -1.0, "imbalance": -0.5, "activity": 1.2}
    both = positions([1.2, 1.2], [0.5, 0.5], side=["short", "long"], **down)
    assert taught("runner_unlock").tend(both).closes.tolist() == [False, True]


def test_without_a_past_nothing_is_left_and_enough_signs_unlock() -> None:
    given = fitted("runner_unlock", [], trades=0).tend(positions([1.2, 1.2], [0.5, 0.5], **RUNS))
    assert not given.closes.any() and not given.speaks.any() and given.forbids == ((), ())
    assert np.isnan(given.value).all()


def test_a_number_of_signs_that_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"gates.runner_unlock.required_signs was 5"):
        RunnerUnlockGateSettings(required_signs=5)
