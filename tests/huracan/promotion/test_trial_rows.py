"""The chain of the trial ledger: whatever is changed, left out, moved or written twice is found."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.errors import InputRefused
from huracan.promotion.trial_rows import TrialRow, check_chain

CONTENT = st.dictionaries(
    st.text(max_size=5),
    st.one_of(
        st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5), st.none()
    ),
    max_size=3,
)


def _chain(contents: list[dict[str, object]]) -> list[TrialRow]:
    rows: list[TrialRow] = []
    for number, content in enumerate(contents):
        rows.append(TrialRow.after(rows, "day", str(number), content))
    return rows


@settings(max_examples=60, deadline=None)
@given(st.lists(CONTENT, min_size=2, max_size=6), st.data())
def test_any_single_damage_is_found(contents: list[dict[str, object]], data: st.DataObject) -> None:
    rows = _chain(contents)
    check_chain(rows)
    check_chain([TrialRow.from_json(row.to_json(), "a row") for row in rows])
    place = data.draw(st.integers(0, len(rows) - 2))
    row = rows[place]
    damages = [
        [*rows[:place], replace(row, content={**row.content, "x": 1.5}), *rows[place + 1 :]],
        [*rows[:place], replace(row, key="another"), *rows[place + 1 :]],
        [*rows[:place], replace(row, previous="0" * 64), *rows[place + 1 :]],
        [*rows[:place], *rows[place + 1 :]],
        [*rows[:place], rows[place + 1], row, *rows[place + 2 :]],
        [*rows[: place + 1], row, *rows[place + 1 :]],
    ]
    for damaged in damages:
        with pytest.raises(InputRefused, match="trial ledger"):
            check_chain(damaged)


def test_a_row_that_was_written_anew_with_its_own_hash_does_not_fit_the_row_after_it() -> None:
    rows = _chain([{"usd": 1.0}, {"usd": 2.0}, {"usd": 3.0}])
    forged = TrialRow.after(rows[:1], "day", "1", {"usd": 99.0})
    with pytest.raises(InputRefused, match="does not follow the row before it"):
        check_chain([rows[0], forged, rows[2]])


def test_a_procedure_that_is_registered_twice_is_its_own_sentence() -> None:
    first = TrialRow.after([], "procedure", "a", {"number": 1})
    with pytest.raises(InputRefused, match="is registered twice"):
        check_chain([first, TrialRow.after([first], "procedure", "a", {"number": 2})])


def test_damaged_bytes_are_refused_by_name() -> None:
    for content in (b"{", b"[]", b'{"sequence": 1}'):
        with pytest.raises(InputRefused, match="the row of a test"):
            TrialRow.from_json(content, "the row of a test")
