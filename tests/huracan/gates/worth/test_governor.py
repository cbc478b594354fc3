"""The governor keeps the pass rate in bounds, and a lower win rate tightens."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.errors import InvalidInput
from huracan.gates.worth.config import GateWorthConfig
from huracan.gates.worth.governor import PassedRecord, govern, passed_record
from huracan.gates.worth.proposals import PROPOSALS_SCHEMA, Asking, gate_proposals
from tests.huracan.gates.worth.made_books import made_book

CONFIG = GateWorthConfig(lowest_pass_rate=0.1, highest_pass_rate=0.9, win_rate_gain=4.0)
SHARE = st.floats(0.0, 1.0)


def _record(win_rate: float, low_bps: float, high_bps: float, pass_rate: float = 0.5) -> PassedRecord:
    return PassedRecord(pass_rate, win_rate, 0.6, low_bps, high_bps, swing_bps=50.0)


def _passed(net_bps: list[float], nights: list[int], weight: list[float] | None = None) -> PassedRecord:
    book = made_book({"only": ["pass"] * len(net_bps)}, net_bps, nights, weight)
    return passed_record(0.5, book, np.random.default_rng(0))


def test_the_break_even_is_that_of_the_sizes_of_wins_and_losses() -> None:
    record = _passed([30.0, -10.0, -20.0], [1, 2, 3], [1.0, 1.0, 2.0])
    assert record.win_rate == pytest.approx(0.25)
    # Losses of 16.7 against wins of 30.
    assert record.break_even == pytest.approx((50 / 3) / (30 + 50 / 3))
    assert record.swing_bps == pytest.approx(30 + 50 / 3)
    assert np.isnan(record.low_bps) and np.isnan(record.high_bps)
    assert _passed([1.0], [1]).break_even is None and _passed([], []).win_rate is None


def test_a_mean_net_that_lies_below_0_tightens_by_hand() -> None:
    # 10 of 50 bps lost for sure are 0.2 of the win rate.
    governed = govern(_record(0.3, -20.0, -10.0), CONFIG)
    assert governed.factor == pytest.approx(np.exp(-4.0 * 0.2))
    assert governed.pass_rate == pytest.approx(0.5 * np.exp(-0.8))
    assert "win 0.300, and 0.600 breaks even" in governed.reason and "-10.00 bps, below 0" in governed.reason
    loosened = govern(_record(0.7, 5.0, 15.0), CONFIG)
    assert loosened.factor == pytest.approx(np.exp(0.4)) and "above 0" in loosened.reason


def test_chance_moves_nothing_and_bounds_are_kept() -> None:
    assert govern(_record(0.4, -20.0, 1.0), CONFIG).factor == 1.0
    unknown = govern(_record(0.4, np.nan, np.nan), CONFIG)
    assert unknown.factor == 1.0 and "too few nights" in unknown.reason
    high, low = (govern(_record(0.5, -1.0, 1.0, rate), CONFIG) for rate in (0.99, 0.05))
    assert high.pass_rate == 0.9 and "The highest pass rate that the settings allow is 0.900" in high.reason
    assert low.pass_rate == 0.1 and low.factor == pytest.approx(2.0) and "lowest" in low.reason
    nothing = govern(replace(_passed([], []), pass_rate=0.0), CONFIG)
    assert nothing.pass_rate == 0.1 and nothing.factor is None and "passed nothing" in nothing.reason
    assert "no winner" in govern(_passed([-1.0] * 9, list(range(9))), CONFIG).reason


def test_days_that_are_alike_seldom_move_a_gate_whose_signals_break_even() -> None:
    """All ten signals of a night win or lose together: ten times the trades say no more."""
    moved = 0
    for seed in range(60):
        net = np.repeat(np.random.default_rng(seed).choice([-20.0, 20.0], 30), 10)
        record = _passed(net.tolist(), np.repeat(np.arange(30), 10).tolist())
        moved += govern(record, CONFIG).factor != 1.0
    assert moved <= 7


BPS = st.floats(-200.0, 200.0)


@given(SHARE, BPS, BPS, st.floats(0.0, 200.0), st.floats(0.1, 400.0))
def test_a_lower_result_never_passes_more(
    pass_rate: float, one: float, other: float, width: float, swing: float
) -> None:
    worse, better = (
        govern(PassedRecord(pass_rate, 0.5, 0.5, low, low + width, swing), CONFIG)
        for low in sorted((one, other))
    )
    assert worse.pass_rate <= better.pass_rate + 1e-12
    for governed in (worse, better):
        assert CONFIG.lowest_pass_rate <= governed.pass_rate <= CONFIG.highest_pass_rate
    if CONFIG.lowest_pass_rate <= pass_rate <= CONFIG.highest_pass_rate and min(one, other) + width < 0.0:
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
    asking = Asking({"asks": "gates.asks.least", "mute": "gates.mute.least"})
    table = gate_proposals(book, 100, CONFIG, np.random.default_rng(0), asking)
    assert table.schema == PROPOSALS_SCHEMA
    asks, mute = table.to_pylist()
    assert asks["is_proposed"] and asks["shift"] > 0.0 and "gained" in asks["reason"]
    # What it passes loses, so fewer should pass: by a threshold that is higher.
    assert asks["win_rate"] < asks["break_even_win_rate"]
    assert asks["governed_factor"] < 1.0 and asks["governed_shift"] > 0.0
    assert asks["governed_pass_rate"] == pytest.approx(asks["governed_factor"] * asks["pass_rate"])
    assert mute["reason"] == "It measured nothing." and mute["governed_pass_rate"] is None
    assert not mute["is_proposed"] and "passed nothing and refused nothing" in mute["governed_reason"]
    few = gate_proposals(book.of_nights(98, 100), 100, CONFIG, np.random.default_rng(0), asking).to_pylist()[
        0
    ]
    assert "30 signals are too few to govern by (100 needed)" in few["governed_reason"]
    assert "too few" in few["reason"] and few["pass_rate"] is not None


def _asked(verdicts: list[str], margin: list[float], settings: dict[str, str]) -> dict[str, Any]:
    count = len(verdicts)
    net = np.random.default_rng(3).normal(-5.0, 20.0, count).tolist()
    nights = np.repeat(np.arange(101 - count // 10, 101), 10).tolist()
    book = made_book({"asks": verdicts}, net, nights, margins={"asks": margin})
    (row,) = gate_proposals(book, 100, CONFIG, np.random.default_rng(0), Asking(settings)).to_pylist()
    return row


def test_of_a_gate_whose_threshold_no_setting_moves_nothing_is_proposed() -> None:
    said, margin = ["pass", "block"] * 150, [1.0, -1.0] * 150
    row = _asked(said, margin, {"other": "gates.other.least"})
    assert row["reason"] == row["governed_reason"] == "Its threshold is none that a setting moves."
    assert not row["is_proposed"] and row["governed_factor"] is None and row["shift"] is None
    assert _asked(said, margin, {"asks": "gates.asks.least"})["governed_factor"] is not None


def test_where_some_answers_were_not_measured_no_shift_leads_to_a_pass_rate() -> None:
    said, settings = ["pass", "block"] * 150, {"asks": "gates.asks.least"}
    assert _asked(said, [1.0, -1.0] * 150, settings)["governed_shift"] is not None
    row = _asked(said, [1.0, -1.0] * 149 + [1.0, np.nan], settings)
    assert row["governed_pass_rate"] is not None and row["governed_shift"] is None


def test_all_thresholds_of_all_books_are_looks_at_one_night() -> None:
    book = made_book({"one": ["pass"], "two": ["pass"], "three": ["pass"]}, [1.0])
    assert Asking({"one": "gates.one.least", "two": "gates.two.least"}, 2).looks(book) == 4
    assert Asking({}, 2).looks(book) == 1
