"""Rows as JSON and CSV: values of every kind that the lake and the database give, by hand and by property."""

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.errors import InvalidInput
from huracan_console.printing.row_text import as_json_value, rows_as_csv, rows_as_json


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Decimal("6"), 6),
        (Decimal("1.5000000000000000"), 1.5),
        (Decimal("NaN"), None),
        (2**70, 2**70),
        (True, True),
        (float("nan"), None),
        (float("-inf"), "-inf"),
        (b"\xff\x00", "ff00"),
        (date(2025, 2, 12), "2025-02-12"),
        (datetime(2025, 2, 12, 1, tzinfo=UTC), "2025-02-12T01:00:00+00:00"),
        ({"a": [Decimal("1"), None]}, {"a": [1, None]}),
        (np.array([0.5, 1.0], dtype=np.float32), [0.5, 1.0]),
        ((1, b"\x01"), [1, "01"]),
    ],
)
def test_a_value_becomes_what_json_has_for_it(value: object, plain: object) -> None:
    assert as_json_value(value) == plain
    assert json.loads(json.dumps(as_json_value(value), allow_nan=False)) == plain


@given(st.lists(st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.integers(), st.text())))
def test_numbers_and_text_are_read_back_as_they_were(rows: list[tuple[float, int, str]]) -> None:
    names = ["x", "n", "text"]
    assert [tuple(row.values()) for row in json.loads(rows_as_json(names, rows))] == rows
    read = list(csv.reader(io.StringIO(rows_as_csv(names, rows), newline="")))
    assert [(float(x), int(n)) for x, n, _ in read[1:]] == [row[:2] for row in rows]


def test_two_columns_of_one_name_are_no_object_and_fine_in_a_table_of_text() -> None:
    with pytest.raises(InvalidInput, match="called 'a'"):
        rows_as_json(["a", "b", "a"], [])
    assert rows_as_csv(["a", "a"], [(1, [1, None]), (None, date(2025, 1, 2))]) == (
        'a,a\n1,"[1, null]"\n,2025-01-02\n'
    )
