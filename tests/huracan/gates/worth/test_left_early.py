"""What gates that leave positions are worth: what leaving brought beside what going on made."""

import numpy as np
import pyarrow as pa
import pytest

from huracan.gates.worth.bets import after_the_night
from huracan.gates.worth.judged import JudgedBook, judged_book
from huracan.gates.worth.together import saved_by_all
from huracan.gates.worth.trailing import trailing_worth
from huracan.market.block import MS_PER_DAY
from tests.huracan.gates.worth.made_books import HOUR_MS, made_decisions, made_trades

_NOON = MS_PER_DAY // 2


def _moment(minutes_before_noon: int) -> str:
    """On night 100."""
    moment = np.datetime64(100 * MS_PER_DAY + _NOON - minutes_before_noon * 60_000, "ms")
    return f"pass, close {np.datetime_as_string(moment, unit='m')}Z"


def _book(
    verdicts: dict[str, list[str]], left_bps: dict[str, list[float | None]], net_bps: list[float]
) -> JudgedBook:
    decisions = made_decisions(verdicts)
    rows = zip(decisions["trade_id"].to_pylist(), decisions["gate"].to_pylist(), strict=True)
    left = [left_bps.get(gate, [None] * len(net_bps))[int(trade[1:])] for trade, gate in rows]
    decisions = decisions.append_column("left_net_bps", pa.array(left, pa.float64()))
    return judged_book(decisions, made_trades(net_bps, [100] * len(net_bps)))


def test_leaving_saves_what_going_on_lost() -> None:
    book = _book(
        {"leaves": [_moment(30), _moment(10), "pass"], "halves": ["pass, resize 0.5"] * 3},
        {"leaves": [-20.0, 15.0, None]},
        [-80.0, 40.0, 10.0],
    )
    assert book.saved_bps[:, 0].tolist() == [60.0, -25.0, 0.0]
    assert book.leaves[:, 0].tolist() == [True, True, False] and book.acts[:, 0].tolist() == [
        True,
        True,
        False,
    ]
    # Together half of what leaving brought is made.
    assert saved_by_all(book.parts, book.net_bps) == pytest.approx(
        (-10.0 + 80.0) + (7.5 - 40.0) + (5.0 - 10.0)
    )


def test_of_two_that_leave_a_position_only_the_first_does() -> None:
    book = _book(
        {"late": [_moment(10)], "early": [_moment(30)]}, {"late": [-50.0], "early": [-20.0]}, [-80.0]
    )
    assert book.saved_bps.tolist() == [[30.0, 60.0]]
    assert book.parts.tolist() == [[1.0, 0.25]]
    both = _book({"one": [_moment(30)], "two": [_moment(30)]}, {"one": [-20.0], "two": [-20.0]}, [-80.0])
    assert both.parts.tolist() == [[0.25, 1.0]], "of the same moment the first in the order of gates"


def test_a_trade_that_came_to_nothing_keeps_the_others_finite() -> None:
    book = _book({"leaves": [_moment(30)]}, {"leaves": [-20.0]}, [0.0])
    assert book.saved_bps.tolist() == [[-20.0]] and book.parts.tolist() == [[1.0]]


def test_who_bets_on_what_was_left_does_so_at_that_close_on_what_going_on_made() -> None:
    """Going on made 60 bps more, or lost as much: 60 of the unit of 80."""
    for net, sign in ((40.0, 1.0), (-80.0, -1.0)):
        book = _book({"leaves": [_moment(30)]}, {"leaves": [-20.0]}, [net])
        until = 100 * MS_PER_DAY + _NOON + HOUR_MS
        bet = after_the_night(book, {}, until)["leaves"]
        assert (bet.evidence > 1.0) == (sign > 0)
        (early,) = [after_the_night(book, {}, until - HOUR_MS - 40 * 60_000)["leaves"]]
        assert early.evidence == pytest.approx(1.0), "before that close there is nothing to bet on"


def test_the_trailing_table_counts_what_was_left_and_how_often_rightly() -> None:
    book = _book(
        {"leaves": [_moment(30), _moment(10), "pass", "pass"]},
        {"leaves": [-20.0, 15.0, None, None]},
        [-80.0, 40.0, 10.0, -5.0],
    )
    table = trailing_worth(book, 100, {}, np.random.default_rng(1))
    (row,) = [each for each in table.to_pylist() if each["nights"] == 1]
    assert (row["left"], row["passed"], row["resized"]) == (2, 4, 0)
    assert row["precision"] == pytest.approx(0.5) and row["always"] is None
    assert row["saved_bps"] == pytest.approx((60.0 - 25.0) / 4)
