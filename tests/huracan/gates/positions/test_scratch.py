"""A young position from whose place going on surely lost is left."""

import pytest

from huracan.analysis.outcome import directions
from huracan.errors import InvalidInput
from huracan.gates.evidence.going_on import Standing
from huracan.gates.scratch import ScratchGateSettings, YoungShare
from tests.huracan.gates.columns import positions
from tests.huracan.gates.positions.made_marks import fitted, taught

AGAINST = {"imbalance": -0.5}


def test_a_young_loss_with_the_flow_against_it_is_left_where_going_on_lost() -> None:
    given = taught("scratch").tend(positions([-0.5], [0.05], **AGAINST))
    assert given.closes.tolist() == [True] and given.speaks.tolist() == [True]
    assert given.reason[0].startswith("The upper end (99%) of the mean going on of -")
    assert "young positions with a slight loss and the flow against: mean -" in given.reason[0]


def test_the_same_loss_goes_on_where_the_flow_is_not_against_it() -> None:
    given = taught("scratch").tend(positions([-0.5], [0.05], imbalance=0.5))
    assert given.closes.tolist() == [False] and given.speaks.tolist() == [True]


def test_exactly_at_what_going_on_usually_makes_a_position_is_left() -> None:
    """Nothing spreads, so that the upper end is the mean, and the mean that of all."""
    gate = fitted("scratch", [{"gain": -0.5, **AGAINST, "remaining_bps": -10.0}])
    given = gate.tend(positions([-0.5], [0.05], **AGAINST))
    assert given.value[0] == given.threshold[0] == pytest.approx(-10.0) and given.closes.tolist() == [True]


def test_what_it_looks_at_begins_at_its_thresholds() -> None:
    """Loss 0.25, deep 0.75, young up to a tenth of the holding, flow from 0.1."""
    rows = positions(
        [-0.25, -0.24, -0.75, -0.74, -0.5, -0.5, -0.5],
        [0.09, 0.09, 0.09, 0.09, 0.11, 0.09, 0.09],
        imbalance=[-0.1, -0.1, -0.1, -0.1, -0.1, -0.09, None],
    )
    assert ScratchGateSettings().kinds(Standing.of(rows, directions(rows))) == [
        "slight, flow against", None, "deep, flow against", "slight, flow against", None,
        "slight, flow not against", None,
    ]  # fmt: skip


def test_a_short_position_has_the_flow_against_it_when_buyers_take() -> None:
    both = positions([-0.5, -0.5], [0.05, 0.05], side="short", imbalance=[0.5, -0.5])
    assert taught("scratch").tend(both).closes.tolist() == [True, False]


def test_a_position_that_is_old_or_wins_is_none_of_its_affairs() -> None:
    given = taught("scratch").tend(positions([-0.5, 0.5], [0.5, 0.05], **AGAINST))
    assert not given.closes.any() and not given.speaks.any()
    assert set(given.reason) == {
        "It is not young, does not lose enough, or who took at the close is not known."
    }


def test_of_each_past_position_only_the_first_close_of_a_kind_counts() -> None:
    """From the first on it lost 40; the one after, of the same kind, would tell the opposite."""
    first = {"gain": -0.5, **AGAINST, "remaining_bps": -40.0}
    mean = fitted("scratch", [first, {**first, "gain": -0.6, "remaining_bps": 400.0}]).evidence.net.usual
    assert (mean.mean, mean.trades) == (pytest.approx(-40.0), pytest.approx(60.0))


def test_a_close_from_which_nobody_knows_what_going_on_made_is_no_evidence() -> None:
    gate = fitted("scratch", [{"gain": -0.5, **AGAINST, "remaining_bps": None}])
    assert gate.evidence.net.by_class == ()


def test_a_short_past_leaves_nothing() -> None:
    rows = [{"gain": -0.5, **AGAINST, "remaining_bps": -40.0}]
    given = fitted("scratch", rows, trades=29).tend(positions([-0.5], [0.05], **AGAINST))
    assert not given.speaks.any() and "say too little (30 needed)" in given.reason[0]


def test_a_share_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"gates.scratch.young_share.scalp was 1.5"):
        ScratchGateSettings(young_share=YoungShare(scalp=1.5))
