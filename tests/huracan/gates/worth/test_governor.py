"""The governor keeps the pass rate in bounds, and a lower win rate tightens."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.errors import InvalidInput
from huracan.gates.worth.config import GateWorthConfig
from huracan.gates.worth.governor import PassedRecord, govern, passed_record
from huracan.gates.worth.proposals import PROPOSALS_SCHEMA, gate_proposals
from tests.huracan.gates.worth.made_books import made_book

CONFIG = GateWorthConfig(lowest_pass_rate=0.1, highest_pass_rate=0.9, win_rate_gain=4.0)
SHARE = st.floats(0.0, 1.0)


def test_the_break_even_is_that_of_the_sizes_of_wins_and_losses() -> None:
    record = passed_record(0.5, np.array([30.0, -10.0, -20.0]), np.array([1.0, 1.0, 2.0]))
    assert record.win_rate == pytest.approx(0.25)
    # Losses of 16.7 against wins of 30.
    assert record.break_even == pytest.approx((50 / 3) / (30 + 50 / 3))
    assert record.effective_trades == pytest.approx(16 / 6)
    assert passed_record(0.5, np.array([1.0]), np.ones(1)).break_even is None
    assert passed_record(0.0, np.zeros(0), np.zeros(0)) == PassedRecord(0.0, None, None, 0.0)


def test_a_win_rate_that_is_surely_too_low_tightens_by_hand() -> None:
    governed = govern(PassedRecord(0.5, 0.4, 0.6, 1e12), CONFIG)
    assert governed.factor == pytest.approx(np.exp(-4.0 * 0.2), abs=1e-4)
    assert governed.pass_rate == pytest.approx(0.5 * np.exp(-0.8), abs=1e-4)
    assert "surely below the 0.600" in governed.reason
    loosened = govern(PassedRecord(0.5, 0.7, 0.6, 1e12), CONFIG)
    assert loosened.factor == pytest.approx(np.exp(0.4), abs=1e-4) and "surely above" in loosened.reason


def test_chance_moves_nothing_and_bounds_are_kept() -> None:
    assert govern(PassedRecord(0.5, 0.4, 0.6, 10.0), CONFIG).factor == 1.0
    high, low = (govern(PassedRecord(rate, 0.5, 0.5, 100.0), CONFIG) for rate in (0.99, 0.05))
    assert high.pass_rate == 0.9 and "The highest pass rate that the settings allow is 0.900" in high.reason
    assert low.pass_rate == 0.1 and low.factor == pytest.approx(2.0) and "lowest" in low.reason
    nothing = govern(PassedRecord(0.0, None, None, 0.0), CONFIG)
    assert nothing.pass_rate == 0.1 and nothing.factor is None and "passed nothing" in nothing.reason
    assert "no winner" in govern(PassedRecord(0.5, 0.0, None, 50.0), CONFIG).reason


@given(SHARE, SHARE, SHARE, st.floats(0.01, 0.99), st.floats(1.0, 1e6))
def test_a_lower_win_rate_never_passes_more(
    pass_rate: float, one: float, other: float, break_even: float, trades: float
) -> None:
    worse, better = (
        govern(PassedRecord(pass_rate, rate, break_even, trades), CONFIG) for rate in sorted((one, other))
    )
    assert worse.pass_rate <= better.pass_rate + 1e-12
    for governed in (worse, better):
        assert CONFIG.lowest_pass_rate <= governed.pass_rate <= CONFIG.highest_pass_rate
    if CONFIG.lowest_pass_rate <= pass_rate <= CONFIG.highest_pass_rate and max(one, other) <= break_even:
        assert worse.factor is not None and worse.factor <= 1.0 + 1e-12


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"lowest_pass_rate": 0.95, "highest_pass_rate": 0.9}, "above highest_pass_rate"),
        ({"lowest_pass_rate": -0.1}, "gate_worth.lowest_pass_rate was -0.1"),
        ({"highest_pass_rate": 1.5}, "gate_worth.highest_pass_rate was 1.5"),
        ({"minimum_signals": 0.0}, "gate_worth.minimum_signals was 0"),
        ({"win_rate_gain": float("nan")}, "gate_worth.win_rate_gain was nan"),
    ],
)
def test_a_setting_out_of_range_is_named(changed: dict[str, float], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        replace(CONFIG, **changed)


def test_each_gate_has_one_row_of_proposals_with_its_reasons() -> None:
    generator, count = np.random.default_rng(2), 600
    margin = generator.normal(1.0, 1.0, count)
    net = 20.0 * (margin - 1.5) + generator.normal(0.0, 20.0, count)
    said = ["pass" if each > 0 else "block" for each in margin]
    book = made_book(
        {"asks": said, "mute": ["abstain"] * count, "combined": said},
        net.tolist(),
        np.repeat(np.arange(41, 101), 10).tolist(),
        margins={"asks": margin.tolist()},
    )
    table = gate_proposals(book, 100, CONFIG, np.random.default_rng(0))
    assert table.schema == PROPOSALS_SCHEMA
    asks, mute = table.to_pylist()
    assert asks["is_proposed"] and asks["shift"] > 0.0 and "gained" in asks["reason"]
    # What it passes loses, so fewer should pass: by a threshold that is higher.
    assert asks["win_rate"] < asks["break_even_win_rate"]
    assert asks["governed_factor"] < 1.0 and asks["governed_shift"] > 0.0
    assert asks["governed_pass_rate"] == pytest.approx(asks["governed_factor"] * asks["pass_rate"])
    assert mute["reason"] == "It measured nothing." and mute["governed_pass_rate"] is None
    assert not mute["is_proposed"] and "passed nothing and refused nothing" in mute["governed_reason"]
    few = gate_proposals(book.of_nights(98, 100), 100, CONFIG, np.random.default_rng(0)).to_pylist()[0]
    assert "30 signals are too few to govern by (100 needed)" in few["governed_reason"]
    assert "too few" in few["reason"] and few["pass_rate"] is not None
