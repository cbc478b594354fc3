"""The trailing table by hand: what each column says of a few signals, and that no later night is seen."""

from typing import Any

import numpy as np
import pytest

from huracan.gates.worth.bets import after_the_night
from huracan.gates.worth.judged import JudgedBook
from huracan.gates.worth.trailing import trailing_worth
from huracan.gates.worth.trailing_columns import TRAILING_SCHEMA
from huracan.market.block import MS_PER_DAY
from tests.huracan.gates.worth.made_books import made_book


def _rows(book: JudgedBook, night: int = 100) -> dict[tuple[str, int], dict[str, Any]]:
    bets = after_the_night(book, {}, (night + 1) * MS_PER_DAY)
    table = trailing_worth(book, night, bets, np.random.default_rng(1))
    assert table.schema == TRAILING_SCHEMA
    return {(row["gate"], row["nights"]): row for row in table.to_pylist()}


def test_what_is_said_of_a_night_by_hand() -> None:
    rows = _rows(
        made_book(
            {
                "refuses": ["block", "block", "block", "pass", "abstain"],
                "halves": ["pass, resize 0.5", "block", "pass", "pass, resize 2.0", "abstain"],
                "combined": ["block", "block", "block", "pass, resize 2.0", "abstain"],
            },
            [-30.0, -10.0, 20.0, 8.0, -4.0],
            weight=[1.0, 2.0, 1.0, 1.0, 1.0],
        )
    )
    row = rows["refuses", 1]
    assert (row["book"], row["mode"], row["judged"], row["nights_held"]) == ("policy", "advisory", 5, 1)
    assert (row["passed"], row["blocked"], row["abstained"], row["resized"]) == (1, 3, 1, 0)
    assert row["effective_judged"] == pytest.approx(36 / 8)
    assert (row["refused_winners"], row["refused_losers"], row["always"]) == (1, 2, None)
    assert row["pass_rate"] == pytest.approx(1 / 5) and row["pass_rate_before"] is None
    assert row["precision"] == pytest.approx(3 / 4) and row["loser_share"] == pytest.approx(4 / 6)
    assert row["saved_bps"] == pytest.approx((30 + 20 - 20) / 6)
    assert row["saved_low_bps"] is None and row["saved_high_bps"] is None
    # All: the first is refused, the second and third too, the fourth doubled.
    assert row["saved_by_all_bps"] == pytest.approx((30 + 20 - 20 + 8) / 6)
    assert row["saved_last_bps"] == pytest.approx((15 + 0 - 20) / 6)
    assert row["overlapping_gate"] == "halves" and row["overlap"] == pytest.approx(1 / 3)
    halves = rows["halves", 1]
    assert (halves["passed"], halves["blocked"], halves["resized"]) == (3, 1, 2)
    assert halves["precision"] == 1.0 and halves["refused_losers"] == 1
    assert halves["saved_bps"] == pytest.approx((15 + 20 + 8) / 6)
    assert row["shapley_bps"] + halves["shapley_bps"] == pytest.approx(row["saved_by_all_bps"])
    combined = rows["combined", 1]
    assert combined["saved_bps"] == pytest.approx(combined["saved_by_all_bps"])
    assert combined["shapley_bps"] is None and combined["overlapping_gate"] is None
    assert combined["harm_nights"] == 1 and combined["harm_evidence"] > 0.0


def test_a_window_holds_its_nights_alone_and_tells_what_changed_since_those_before() -> None:
    nights = [*range(87, 94), *range(94, 101), 101]
    verdicts = ["pass"] * 7 + ["block"] * 6 + ["pass", "block"]
    book = made_book({"only": verdicts}, [-1.0] * 13 + [5.0, 99.0], nights)
    row = _rows(book)["only", 7]
    assert (row["judged"], row["nights_held"], row["blocked"]) == (7, 7, 6)
    assert row["pass_rate"] == pytest.approx(1 / 7) and row["pass_rate_before"] == 1.0
    assert row["pass_rate_change"] == pytest.approx(-6 / 7)
    assert row["saved_bps"] == pytest.approx(6 / 7)
    assert row["saved_low_bps"] < row["saved_bps"] < row["saved_high_bps"]
    assert _rows(book)["only", 30]["judged"] == 14 and _rows(book)["only", 1]["judged"] == 1


def test_a_gate_that_always_says_the_same_is_told_as_such() -> None:
    verdicts = {
        "passes": ["pass", "pass"],
        "rests": ["pass, order limit", "pass, order limit"],
        "chooses": ["pass, order market", "pass, order limit"],
        "refuses": ["block", "block"],
        "abstains": ["abstain", "abstain"],
        "resizes": ["pass, resize 0.5", "pass, resize 0.5"],
        "differs": ["pass", "block"],
        "new": [None, "pass"],
        "silent at first": ["abstain", "pass"],
    }
    rows = _rows(made_book(verdicts, [1.0, 2.0], [99, 100]))
    assert {gate: rows[gate, 30]["always"] for gate in verdicts} == {
        "passes": "passes",
        "rests": "passes",
        "chooses": None,
        "refuses": "refuses",
        "abstains": "abstains",
        "resizes": None,
        "differs": None,
        "new": "passes",
        "silent at first": "passes",
    }
    assert rows["abstains", 30]["pass_rate"] is None and rows["abstains", 30]["precision"] is None
    assert rows["new", 30]["judged"] == 1


def test_later_nights_change_nothing_of_a_night() -> None:
    generator = np.random.default_rng(4)
    nights = np.sort(generator.integers(60, 121, 300))
    verdicts = {
        gate: generator.choice(["pass", "block", "abstain", "pass, resize 0.5"], 300).tolist()
        for gate in ("one", "two", "three")
    }
    book = made_book(verdicts, generator.normal(0, 40, 300).tolist(), nights.tolist())
    assert _rows(book) == _rows(book.of_nights(0, 100))
    assert _rows(book) != _rows(book, 101)


def test_of_no_signal_nothing_is_said() -> None:
    book = made_book({"only": ["pass"]}, [1.0], [60])
    assert _rows(book) == {}
