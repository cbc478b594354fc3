"""The ten questions of docs/data.md are asked of two real nights, word for word."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest

from huracan_resources.lake.views import LakeViews
from tests.end_to_end.command import DAY, Answer, Home

DAYS = (DAY, DAY + timedelta(days=1))
_DOCUMENT = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
QUESTIONS = re.findall(
    r"^### (\d+\. .+?)\n\n```sql (lake|database)\n(.+?)\n```", _DOCUMENT, re.MULTILINE | re.DOTALL
)


def _answer(home: Home, where: str, statement: str) -> list[dict[str, Any]]:
    if where == "lake":
        with LakeViews(home.lake) as views:
            return views.query(statement).to_pylist()
    names, rows = home.database.query(statement)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _question(number: int) -> tuple[str, str]:
    _, where, statement = QUESTIONS[number - 1]
    return where, statement


def test_there_are_ten_questions() -> None:
    assert [title.split(".")[0] for title, _, _ in QUESTIONS] == [str(number) for number in range(1, 11)]


@pytest.mark.parametrize(("title", "where", "statement"), QUESTIONS, ids=[q[0] for q in QUESTIONS])
def test_a_question_of_the_documentation_has_an_answer(
    home: Home, second_night: Answer, title: str, where: str, statement: str
) -> None:
    rows = _answer(home, where, statement)
    assert rows
    unknown = [name for name in rows[0] if all(row[name] is None for row in rows)]
    assert len(unknown) < len(rows[0]), "A question whose answer is nothing but nulls asks for nothing."


def test_what_the_symbols_earned_and_paid_is_what_the_ledger_says(home: Home, second_night: Answer) -> None:
    rows = _answer(home, *_question(1))
    ledger = home.lake.read_manifests([home.lake.require("shadow_trades", day) for day in DAYS])
    for row in rows:
        own = ledger.filter(pc.equal(ledger["symbol"], row["symbol"]))
        assert row["trades"] == own.num_rows and own.num_rows > 0
        assert row["net_usd"] == pytest.approx(pc.sum(own["net_usd"]).as_py())
        assert row["win_rate"] == pytest.approx(np.mean(own["net_bps"].to_numpy() > 0))
    assert sum(row["trades"] for row in rows) == ledger.num_rows


def test_a_share_of_the_winners_is_beyond_luck_and_not_all_of_them(home: Home, second_night: Answer) -> None:
    for row in _answer(home, *_question(4)):
        won = home.lake.read_table("win_analysis", row["day"])
        assert row["winners"] == won.num_rows
        assert float(row["beyond_random_entries"]) == pytest.approx(
            np.mean(won["is_beyond_luck"].to_numpy(False))
        )
        assert 0 < row["mean_percentile"] < 100 and 0 < row["beyond_random_entries"] < 1


def test_every_table_that_the_documentation_names_is_there(home: Home, second_night: Answer) -> None:
    by_hand = _DOCUMENT.partition("## Every column")[0]
    named = set(re.findall(r"^\| \*{0,2}`(\w+)`", by_hand, re.MULTILINE))
    with LakeViews(home.lake) as views:
        there = set(views.tables) | {"trades"}
    assert len(named) > 10
    assert named <= there
