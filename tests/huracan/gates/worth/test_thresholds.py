"""The threshold that would have earned most, found where it is not judged; and what may not be said."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.gates.worth.config import GateWorthConfig
from huracan.gates.worth.thresholds import (
    PastAnswers,
    Proposal,
    Silent,
    best_shift,
    past_answers,
    propose_threshold,
    shift_for,
)
from tests.huracan.gates.worth.made_books import made_book

CONFIG = GateWorthConfig(minimum_signals=50)


def _past(
    margin: list[float],
    net: list[float],
    weight: list[float] | None = None,
    kept: list[float] | None = None,
) -> PastAnswers:
    """A signal a night, closed on the day on which it came."""
    ones, nights = np.ones(len(margin)), np.arange(len(margin))
    return PastAnswers(
        np.array(margin),
        ones if kept is None else np.array(kept),
        np.array(net),
        ones if weight is None else np.array(weight),
        nights,
        nights,
    )


def test_the_shift_that_earns_most_stands_between_losers_and_winners() -> None:
    assert best_shift(_past([-2.0, 1.0, 3.0, 5.0], [-9.0, -4.0, 6.0, 7.0]), 0.1) == 2.0
    assert best_shift(_past([-4.0, -2.0, 3.0], [-9.0, 4.0, 6.0]), 0.1) == -3.0
    # Below all of them, so that all pass.
    shift = best_shift(_past([-4.0, -2.0], [9.0, 4.0]), 0.1)
    assert -4.0 > shift > -4.0001


def test_where_no_other_threshold_earns_more_it_stays() -> None:
    assert best_shift(_past([-2.0, 3.0], [-9.0, 6.0]), 0.1) == 0.0
    assert best_shift(_past([1.0, 3.0], [5.0, 6.0]), 0.1) == 0.0


def test_so_many_pass_at_least_as_are_wanted_by_their_weight() -> None:
    losers = _past([1.0, 2.0, 3.0, 4.0], [-1.0, -2.0, -3.0, -4.0])
    assert best_shift(losers, 0.5) == 2.5 and best_shift(losers, 0.0) == 4.0
    assert best_shift(_past([1.0, 2.0], [-5.0, -1.0], [1.0, 9.0]), 0.6) == 1.5
    assert best_shift(_past([1.0, 2.0], [-5.0, -1.0], [9.0, 1.0]), 0.6) == 0.0


SIGNALS = st.lists(
    st.tuples(st.integers(-5, 5), st.floats(-50, 50), st.floats(0.1, 5)), min_size=1, max_size=30
)


@given(SIGNALS, st.floats(0, 1))
def test_no_threshold_with_enough_passing_earns_more(
    signals: list[tuple[int, float, float]], lowest: float
) -> None:
    past = _past(*([float(value) for value in each] for each in zip(*signals, strict=True)))
    found = best_shift(past, lowest)

    def earned(shift: float) -> float:
        return float((past.net_bps * past.weight)[past.margin > shift].sum())

    assert past.pass_rate(found) >= lowest - 1e-6
    for shift in np.arange(-5.5, 6.0):
        if past.pass_rate(shift) >= lowest:
            assert earned(shift) <= earned(found) + 1e-6 * past.weight.sum()


@given(SIGNALS, st.floats(0, 1))
def test_a_pass_rate_is_met_as_nearly_as_signals_allow(
    signals: list[tuple[int, float, float]], wanted: float
) -> None:
    past = _past(*([float(value) for value in each] for each in zip(*signals, strict=True)))
    distance = abs(past.pass_rate(shift_for(past, wanted)) - wanted)
    assert all(distance <= abs(past.pass_rate(shift) - wanted) + 1e-6 for shift in np.arange(-5.5, 6.0))
    assert shift_for(past, past.pass_rate()) == 0.0


def _market(informed: float, seed: int) -> PastAnswers:
    """Ten signals a night for 60 nights, of whose result the margin tells `informed`."""
    generator = np.random.default_rng(seed)
    margin = generator.normal(1.0, 1.0, 600)
    net = informed * 20.0 * (margin - 1.0) + generator.normal(0.0, 20.0, 600)
    nights = np.repeat(np.arange(60), 10)
    return PastAnswers(margin, np.ones(600), net, np.ones(600), nights, nights)


def test_what_the_margin_tells_is_proposed_and_judged_where_it_was_not_searched() -> None:
    found = propose_threshold(_market(1.0, 1), CONFIG, np.random.default_rng(0))
    assert isinstance(found, Proposal) and found.is_worth_it
    assert (found.searched_nights, found.judged_nights) == (40, 20)
    assert found.shift == pytest.approx(1.0, abs=0.4) and 0.2 <= found.pass_rate <= 0.8
    late = _market(1.0, 1).take(np.repeat(np.arange(60), 10) >= 40)
    moved = late.net_bps[late.margin > found.shift].sum() - late.net_bps[late.margin > 0].sum()
    assert found.judged_gain_bps == pytest.approx(moved / 200) and found.low_bps < moved / 200


def test_where_the_margin_tells_nothing_proposals_are_rare() -> None:
    proposed = 0
    for seed in range(60):
        found = propose_threshold(_market(0.0, seed), CONFIG, np.random.default_rng(0))
        assert isinstance(found, Proposal)
        proposed += found.is_worth_it
    assert proposed <= 5


def test_where_many_thresholds_are_looked_at_hardly_any_is_proposed_by_chance() -> None:
    one, many = (
        [propose_threshold(_market(0.25, seed), CONFIG, np.random.default_rng(0), looks) for seed in range(8)]
        for looks in (1, 10)
    )
    for narrow, wide in zip(one, many, strict=True):
        assert isinstance(narrow, Proposal) and isinstance(wide, Proposal)
        assert narrow.shift == wide.shift and narrow.judged_gain_bps == wide.judged_gain_bps
        assert narrow.shift == 0.0 or (wide.low_bps < narrow.low_bps and narrow.high_bps < wide.high_bps)
    assert sum(each.is_worth_it for each in many) < sum(each.is_worth_it for each in one)


def test_a_signal_that_was_made_smaller_counts_by_the_size_it_had() -> None:
    # The loser of 8 was traded at a quarter: to lose the winner of 3 with it does not pay.
    assert best_shift(_past([1.0, 2.0, 3.0], [3.0, -8.0, 6.0]), 0.1) == 2.5
    resized = _past([1.0, 2.0, 3.0], [3.0, -8.0, 6.0], kept=[1.0, 0.25, 1.0])
    assert best_shift(resized, 0.1) == 0.0
    past = _market(1.0, 1)
    halved = replace(past, kept=np.where(past.margin > 0.0, 0.5, 1.0))
    whole, half = (propose_threshold(each, CONFIG, np.random.default_rng(0)) for each in (past, halved))
    assert isinstance(whole, Proposal) and isinstance(half, Proposal) and whole.shift == half.shift > 0.0
    assert half.judged_gain_bps == pytest.approx(whole.judged_gain_bps / 2)


def test_of_a_gate_that_resizes_no_loosening_is_proposed() -> None:
    past = _market(1.0, 2)
    strict = replace(past, margin=past.margin - 2.0)
    loosened = propose_threshold(strict, CONFIG, np.random.default_rng(0))
    assert isinstance(loosened, Proposal) and loosened.shift < 0.0
    kept = np.ones(600)
    kept[np.argmax(strict.margin)] = 0.9
    found = propose_threshold(replace(strict, kept=kept), CONFIG, np.random.default_rng(0))
    assert isinstance(found, Proposal) and found.shift >= 0.0


def test_what_was_signalled_before_the_searched_trades_had_closed_does_not_judge() -> None:
    past = _market(1.0, 1)
    early = replace(past, opened=np.where(past.night == 40, 39, past.opened))
    found = propose_threshold(early, CONFIG, np.random.default_rng(0))
    assert isinstance(found, Proposal) and (found.searched_nights, found.judged_nights) == (40, 19)


def test_later_nights_do_not_move_what_was_searched() -> None:
    past = _market(1.0, 3)
    other = replace(past, net_bps=np.where(past.night >= 40, -past.net_bps, past.net_bps))
    one, two = (propose_threshold(each, CONFIG, np.random.default_rng(0)) for each in (past, other))
    assert isinstance(one, Proposal) and isinstance(two, Proposal)
    assert one.shift == two.shift and one.judged_gain_bps == pytest.approx(-two.judged_gain_bps)


def test_too_few_signals_or_nights_give_no_proposal() -> None:
    past = _market(1.0, 1)
    few = propose_threshold(past.take(past.night < 4), CONFIG, np.random.default_rng(0))
    assert isinstance(few, Silent) and "30 signals of 3 nights are too few to search on" in few.reason
    short = propose_threshold(past.take(past.night < 12), CONFIG, np.random.default_rng(0))
    assert isinstance(short, Silent) and "40 signals of 4 nights are too few to judge by" in short.reason
    heavy = replace(past, weight=np.where(np.arange(600) == 0, 1e6, 1.0))
    assert isinstance(propose_threshold(heavy, CONFIG, np.random.default_rng(0)), Silent)


def test_a_gate_whose_answers_do_not_follow_its_margin_is_not_searched() -> None:
    verdicts = {
        "follows": ["pass", "block", "abstain"],
        "other": ["pass", "pass", "block"],
        "mute": ["abstain"] * 3,
    }
    margins = {"follows": [1.0, 0.0, 5.0], "other": [1.0, -1.0, -2.0]}
    book = made_book(verdicts, [1.0, 2.0, 3.0], margins=margins)
    follows = past_answers(book, 0)
    assert isinstance(follows, PastAnswers) and follows.margin.tolist() == [1.0, 0.0]
    assert follows.kept.tolist() == [1.0, 1.0] and not follows.resizes
    smaller = made_book({"only": ["pass, resize 0.5"]}, [1.0], margins={"only": [1.0]})
    found = past_answers(smaller, 0)
    assert isinstance(found, PastAnswers) and found.kept.tolist() == [0.5] and found.resizes
    assert found.opened.tolist() == found.night.tolist() == [100]
    other, mute = past_answers(book, 1), past_answers(book, 2)
    assert isinstance(other, Silent) and "do not follow" in other.reason
    assert isinstance(mute, Silent) and "measured nothing" in mute.reason
