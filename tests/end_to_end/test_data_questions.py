"""The ten questions of docs/data.md are asked of two real nights, word for word."""

import re
from pathlib import Path

import pytest

from huracan_resources.lake_views import LakeViews
from tests.end_to_end.command import Answer, Home

_DOCUMENT = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
QUESTIONS = re.findall(
    r"^### (\d+\. .+?)\n\n```sql (lake|database)\n(.+?)\n```", _DOCUMENT, re.MULTILINE | re.DOTALL
)
MAY_BE_EMPTY = {"3.", "9.", "10."}
"""Two nights may have tried no rule and found no pattern, and a first trade has nothing before it."""


def test_there_are_ten_questions() -> None:
    assert [title.split(".")[0] for title, _, _ in QUESTIONS] == [str(number) for number in range(1, 11)]


@pytest.mark.parametrize(("title", "where", "statement"), QUESTIONS, ids=[q[0] for q in QUESTIONS])
def test_a_question_of_the_documentation_has_an_answer(
    home: Home, second_night: Answer, title: str, where: str, statement: str
) -> None:
    if where == "lake":
        with LakeViews(home.lake) as views:
            rows = views.query(statement).to_pylist()
    else:
        with home.database.connect() as connection:
            found = connection.execute(statement.encode())
            names = [column.name for column in found.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    assert rows or title.split(" ")[0] in MAY_BE_EMPTY
    if rows:
        unknown = [name for name in rows[0] if all(row[name] is None for row in rows)]
        assert len(unknown) < len(rows[0]), "A question whose answer is nothing but nulls asks for nothing."


def test_every_table_that_the_documentation_names_is_there(home: Home, second_night: Answer) -> None:
    named = set(re.findall(r"^\| \*{0,2}`(\w+)`", _DOCUMENT, re.MULTILINE))
    with LakeViews(home.lake) as views:
        there = set(views.tables) | {"trades"}
    assert len(named) > 10
    assert named <= there
