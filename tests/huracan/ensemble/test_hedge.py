"""The ensemble's weights by hand, and that no sequence of outcomes, delays and absences beats its bound."""

from math import exp, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.ensemble.hedge import RATE, Forecaster, Hedge

ROUNDING = 1e-9


def test_two_members_and_three_signals_by_hand() -> None:
    hedge = Hedge()
    first = hedge.forecast("1", {"a": 0.9, "b": 0.5}, 1.0)
    assert first is not None and first.probability == pytest.approx(0.7)
    assert first.disagreement == pytest.approx(0.2)
    assert hedge.learn("1", True)
    # Losses 0.01 and 0.25: the shares become exp(-0.005) and exp(-0.125) over their sum.
    share = exp(-0.005) / (exp(-0.005) + exp(-0.125))
    second = hedge.forecast("2", {"a": 0.8, "b": 0.4}, 0.5)
    assert second is not None and second.shares["a"] == pytest.approx(share)
    assert second.probability == pytest.approx(0.8 * share + 0.4 * (1.0 - share))
    hedge.learn("2", False)
    # Half of the losses 0.64 and 0.16 are added.
    third = hedge.forecast("3", {"a": 0.6, "b": 0.6}, 1.0)
    after = exp(-0.005 - 0.16) / (exp(-0.005 - 0.16) + exp(-0.125 - 0.04))
    assert third is not None and third.shares["a"] == pytest.approx(after)
    assert third.probability == pytest.approx(0.6) and third.disagreement == pytest.approx(0.0)
    hedge.learn("3", True)
    own, together = hedge.tallies["a"], (0.3**2, 0.5 * second.probability**2, 0.4**2)
    assert own.loss == pytest.approx(0.01 + 0.5 * 0.64 + 0.16)
    assert own.ensemble_loss == pytest.approx(sum(together)) and own.signals == 3
    assert own.weight == pytest.approx(2.5) and hedge.bound("a") == pytest.approx(2.0 * log(2.0))
    assert hedge.weights() == pytest.approx({"a": after, "b": 1.0 - after})


def test_a_member_that_sleeps_keeps_its_weight_and_the_others_share_theirs() -> None:
    hedge = Hedge()
    for number, said in enumerate(({"a": 0.9, "b": 0.1, "c": 0.5}, {"a": 0.2, "b": 0.8})):
        before = hedge.forecasters[0].log_weight if hedge.forecasters else {}
        hedge.forecast(str(number), said, 1.0)
        hedge.learn(str(number), True)
    after = hedge.forecasters[0].log_weight
    assert after["c"] == before["c"]
    assert exp(after["a"]) + exp(after["b"]) == pytest.approx(exp(before["a"]) + exp(before["b"]))
    assert sum(exp(each) for each in after.values()) == pytest.approx(3.0)
    assert hedge.tallies["c"].signals == 1 and hedge.tallies["a"].signals == 2


def test_a_signal_is_combined_without_the_end_of_one_that_is_still_open() -> None:
    hedge = Hedge()
    said = {"a": 1.0, "b": 0.0}
    first, second = (hedge.forecast(name, said, 1.0) for name in ("1", "2"))
    assert first is not None and second is not None
    assert (first.forecaster, second.forecaster) == (0, 1) and second.shares == first.shares
    hedge.learn("2", True)
    third = hedge.forecast("3", said, 1.0)
    assert third is not None and third.forecaster == 1 and third.shares["a"] > 0.5
    hedge.learn("1", True)
    assert len(hedge.forecasters) == 2 and not hedge.learn("1", True), "it was learnt from already"


def test_nothing_is_said_where_nobody_is_awake_or_the_signal_does_not_count() -> None:
    hedge = Hedge()
    assert hedge.forecast("1", {}, 1.0) is None and hedge.forecast("2", {"a": 0.5}, 0.0) is None
    assert not hedge.learn("1", True) and not hedge.tallies and hedge.best() is None
    assert hedge.weights() == {}


def test_a_member_that_is_right_wins_the_weight() -> None:
    hedge = Hedge()
    for number in range(200):
        won = number % 3 == 0
        hedge.forecast(
            str(number), {"right": 0.8 if won else 0.2, "even": 0.5, "wrong": 0.1 + 0.8 * (not won)}, 1.0
        )
        hedge.learn(str(number), won)
    weights = hedge.weights()
    assert weights["right"] > 0.99 and hedge.best() == "right"
    assert weights["right"] > weights["even"] > weights["wrong"]
    assert 0.0 < hedge.tallies["right"].regret < hedge.bound("right")


NAMES = ("a", "b", "c", "d")
chance = st.floats(0.0, 1.0)
signal = st.tuples(
    st.dictionaries(st.sampled_from(NAMES), chance, min_size=1),
    st.floats(0.01, 1.0),
    st.integers(0, 5),
    st.sampled_from(("won", "lost", "against")),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(signal, min_size=1, max_size=60))
def test_no_sequence_makes_the_regret_exceed_the_bound(
    signals: list[tuple[dict[str, float], float, int, str]],
) -> None:
    """Members sleep, signals count for less than 1 and end late, and an adversary may choose the outcome
    that is the worse one for the ensemble."""
    hedge = Hedge()
    open_until: list[tuple[int, str, bool]] = []
    for number, (said, weight, delay, how) in enumerate(signals):
        for due in sorted(each for each in open_until if each[0] <= number):
            hedge.learn(due[1], due[2])
            open_until.remove(due)
        told = hedge.forecast(str(number), said, weight)
        assert told is not None
        won = told.probability < 0.5 if how == "against" else how == "won"
        open_until.append((number + 1 + delay, str(number), won))
    for _, name, won in sorted(open_until):
        hedge.learn(name, won)
    assert not hedge.waiting and len(hedge.forecasters) <= 6
    for name, tally in hedge.tallies.items():
        assert tally.regret <= hedge.bound(name) + ROUNDING
        assert hedge.bound(name) <= 2.0 * log(len(NAMES)) * len(hedge.forecasters) + ROUNDING
        assert hedge.bound(name) <= tally.weight + ROUNDING
    for own in hedge.forecasters:
        assert sum(exp(each) for each in own.log_weight.values()) == pytest.approx(len(own.log_weight))


def test_signals_that_are_open_together_cost_as_many_bounds_and_no_more() -> None:
    """All are combined before anything is known, and one member is right of all."""
    for rounds in (1, 50):
        hedge = Hedge()
        for number in range(rounds):
            names = [f"{number}-{place}" for place in range(40)]
            for name in names:
                hedge.forecast(name, {"never": 0.0, "always": 1.0}, 1.0)
            for name in names:
                hedge.learn(name, False)
        regret = hedge.tallies["never"].regret
        assert regret > 2.0 * log(2.0), "what one forecaster without delay could lose"
        assert regret <= hedge.bound("never") <= 40 * 2.0 * log(2.0)


@pytest.mark.parametrize("members", (2, 7))
def test_an_adversary_who_knows_the_combined_probability_cannot_exceed_the_bound(members: int) -> None:
    """Always against it, with members that the outcome makes right in turn: the worst that is known."""
    hedge = Hedge()
    for number in range(3000):
        said = {f"m{each}": float((number // 2**each) % 2) for each in range(members)}
        told = hedge.forecast(str(number), said, 1.0)
        assert told is not None
        hedge.learn(str(number), told.probability < 0.5)
    best = hedge.best()
    assert best is not None and hedge.tallies[best].regret <= 2.0 * log(members)
    assert hedge.bound(best) == pytest.approx(2.0 * log(members))


@given(st.dictionaries(st.sampled_from(NAMES), chance, min_size=1), st.booleans(), st.floats(0.0, 1.0))
def test_the_combined_loss_is_no_more_than_the_mix(said: dict[str, float], won: bool, weight: float) -> None:
    """What the bound rests on: the square loss is exp-concave at the rate, a weight included."""
    own = Forecaster({name: float(place) for place, name in enumerate(NAMES)})
    shares = own.shares(said)
    together = weight * (sum(shares[name] * chance for name, chance in said.items()) - won) ** 2
    after = own.after(said, won, weight)
    any_name = next(iter(said))
    grown = (after.log_weight[any_name] - own.log_weight[any_name]) / RATE
    mix = grown + weight * (said[any_name] - won) ** 2
    assert together <= mix + ROUNDING


def test_a_greater_rate_than_the_loss_bears_would_break_what_the_bound_rests_on() -> None:
    """So the property above can fail."""
    # f(p) = exp(-rate p^2) is concave on [0, 1] up to a rate of 1/2 alone.
    for rate, is_concave in ((0.5, True), (1.0, False)):
        mean = (exp(-rate * 1.0) + exp(-rate * 0.81)) / 2.0
        assert (mean <= exp(-rate * 0.95**2)) == is_concave
