"""Spans of time as a person writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.durations import duration_of, minute_of_day, minutes_of
from huracan.errors import InvalidInput


@pytest.mark.parametrize(("text", "minutes"), [("1m", 1), ("90m", 90), ("4h", 240), ("2d", 2_880)])
def test_a_duration_is_a_number_of_minutes(text: str, minutes: int) -> None:
    assert minutes_of(text) == minutes


@pytest.mark.parametrize("text", ["", "4", "h", "0m", "-1h", "1.5h", "4H", "4 h", "1w", "4h30m", "12345678d"])
def test_what_is_no_duration_is_refused_by_its_text(text: str) -> None:
    with pytest.raises(InvalidInput, match=rf"^'{text}' is not a span of time.*such as 90m, 4h or 2d"):
        minutes_of(text)


def test_a_number_without_a_unit_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"^240 is not a span of time"):
        minutes_of(240)  # type: ignore[arg-type]


@pytest.mark.parametrize(("minutes", "text"), [(90, "90m"), (120, "2h"), (1_440, "1d"), (1_500, "25h")])
def test_minutes_are_written_in_the_largest_whole_unit(minutes: int, text: str) -> None:
    assert duration_of(minutes) == text
    assert minutes_of(text) == minutes


@given(minutes=st.integers(1, 9_999_999))
def test_minutes_are_read_as_they_were_written_and_have_one_way_to_be_written(minutes: int) -> None:
    assert minutes_of(duration_of(minutes)) == minutes


@given(count=st.integers(1, 9_999), unit=st.sampled_from([("m", 1), ("h", 60), ("d", 1_440)]))
def test_a_duration_is_so_many_of_its_unit(count: int, unit: tuple[str, int]) -> None:
    assert minutes_of(f"{count}{unit[0]}") == count * unit[1]


@given(text=st.text(max_size=6).filter(lambda text: not (text[:-1].isascii() and text[:-1].isdigit())))
def test_any_other_text_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"such as 90m"):
        minutes_of(text)


def test_a_text_without_end_is_refused_in_a_short_sentence() -> None:
    with pytest.raises(InvalidInput) as caught:
        minutes_of("9" * 10_000 + "d")
    assert len(str(caught.value)) < 150


@given(hour=st.integers(0, 23), minute=st.integers(0, 59))
def test_a_time_of_day_is_its_minutes_since_midnight(hour: int, minute: int) -> None:
    assert minute_of_day(f"{hour:02}:{minute:02}") == hour * 60 + minute


@pytest.mark.parametrize("text", ["24:00", "4:00", "04:60", "0400", "04:00:00", "", "noon", "04:00Z"])
def test_no_other_text_is_a_time_of_day(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"is no time of day.*HH:MM"):
        minute_of_day(text)
