"""Spans of time as a person writes them."""

import pytest

from huracan.durations import duration_of, minutes_of
from huracan.errors import InvalidInput


@pytest.mark.parametrize(("text", "minutes"), [("1m", 1), ("90m", 90), ("4h", 240), ("2d", 2_880)])
def test_a_duration_is_a_number_of_minutes(text: str, minutes: int) -> None:
    assert minutes_of(text) == minutes


@pytest.mark.parametrize(
    "text", ["", "4", "h", "0m", "-1h", "1.5h", "4H", "4 h", "1w", "4h30m", "12345678d", "４h"]
)
def test_what_is_no_duration_is_refused_by_its_text(text: str) -> None:
    with pytest.raises(InvalidInput, match=f"^'{text}' is not a span of time.*such as 90m, 4h or 2d"):
        minutes_of(text)


def test_a_number_without_a_unit_is_refused() -> None:
    with pytest.raises(InvalidInput, match="^240 is not a span of time"):
        minutes_of(240)  # type: ignore[arg-type]


@pytest.mark.parametrize(("minutes", "text"), [(90, "90m"), (120, "2h"), (1_440, "1d"), (1_500, "25h")])
def test_minutes_are_written_in_the_largest_whole_unit(minutes: int, text: str) -> None:
    assert duration_of(minutes) == text
    assert minutes_of(text) == minutes
