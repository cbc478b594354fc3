"""Answers and outcomes come together by trade, book by book, and nothing is guessed."""

import numpy as np
import pyarrow as pa
import pytest

from huracan.errors import InvalidInput
from huracan.gates.worth.judged import judged_book
from huracan.market.ledger import EXPLORED, POLICY
from tests.huracan.gates.worth.made_books import made_book, made_decisions, made_trades


def test_each_answer_stands_at_its_trade_and_gate() -> None:
    book = made_book(
        {"first": ["pass", "block", "abstain"], "second": ["pass, resize 0.5", "pass, order limit", None]},
        [10.0, -20.0, 30.0],
        margins={"first": [1.0, -2.0, float("nan")]},
    )
    assert book.gates == ("first", "second") and book.modes == ("advisory", "advisory")
    assert book.kept.tolist() == [[1.0, 0.5], [0.0, 1.0], [1.0, 1.0]]
    assert book.is_refused.tolist() == [[False, False], [True, False], [False, False]]
    assert book.has_passed.tolist() == [[True, True], [False, True], [False, False]]
    assert book.is_judged.tolist() == [[True, True], [True, True], [True, False]]
    assert book.saved_bps.tolist() == [[0.0, -5.0], [20.0, 0.0], [0.0, 0.0]]
    assert book.margin[:2, 0].tolist() == [1.0, -2.0] and np.isnan(book.margin[:, 1]).all()
    assert book.said[:, 0].tolist() != book.said[:, 1].tolist() and book.said[2, 1] == -1
    assert book.night.tolist() == [100, 100, 100]
    assert book.of_nights(101, 130).net_bps.size == 0 and book.of_nights(100, 100).net_bps.size == 3


def test_a_trade_is_known_to_signals_after_its_last_bar_has_opened() -> None:
    book = made_book({"only": ["pass"]}, [1.0])
    assert book.closed_ms[0] % 1_000 == 1 and book.opened_ms[0] < book.closed_ms[0]


def test_each_book_has_its_own_signals_and_the_newest_mode() -> None:
    decisions = made_decisions({"only": ["pass", "block", "block"]})
    decisions = decisions.append_column("book", pa.array([POLICY, EXPLORED, None]))
    decisions = decisions.append_column("mode", pa.array(["advisory", "advisory", "newer"]))
    trades = made_trades([1.0, 2.0, 3.0], [1, 2, 3])
    own = judged_book(decisions, trades)
    assert own.net_bps.tolist() == [1.0, 3.0] and own.modes == ("newer",)
    explored = judged_book(decisions, trades, np.array([1.0, 4.0, 1.0]), EXPLORED)
    assert explored.net_bps.tolist() == [2.0] and explored.weight.tolist() == [4.0]
    assert judged_book(decisions.drop_columns(["book"]), trades, name=EXPLORED).net_bps.size == 0


def test_what_does_not_fit_together_is_refused() -> None:
    decisions, trades = made_decisions({"only": ["pass", "block"]}), made_trades([1.0, 2.0], [1, 1])
    with pytest.raises(InvalidInput, match=r"1 trades that gates judged are not in the ledger \('t1'\)"):
        judged_book(decisions, trades.slice(0, 1))
    with pytest.raises(InvalidInput, match="2 answers of a gate about a trade were given twice"):
        judged_book(pa.concat_tables([decisions, decisions]), trades)
    with pytest.raises(InvalidInput, match="3 weights were given for 2 trades"):
        judged_book(decisions, trades, np.ones(3))
    with pytest.raises(InvalidInput, match="1 stakes were given for 2 trades"):
        judged_book(decisions, trades, stake=np.ones(1))
    with pytest.raises(InvalidInput, match="A gate answered 'perhaps'"):
        judged_book(made_decisions({"only": ["pass", "perhaps"]}), trades)
