"""Values for people: rounded where nobody reads the rest, never so that something is lost that matters."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan_console.printing.figures import shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "true"),
        (1767225600000, "1767225600000"),
        (-177.87581234, "-177.876"),
        (0.5295123, "0.529512"),
        (18.8851, "18.8851"),
        (104_250.314159, "104250.31"),
        (1_234_567.891, "1234567.89"),
        (0.0012345, "0.0012345"),
        (0.00000812345678, "0.00000812346"),
        (2000.0, "2000"),
        (9.99999999, "10"),
        (0.0, "0"),
        (-0.0, "0"),
        (1.5e-17, "1.5e-17"),
        (6.02214e23, "6.02214e+23"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (float(np.float32(0.1)), "0.1"),
        (Decimal("12.345678901"), "12.3457"),
        (Decimal("170000000000000000001"), "170000000000000000001"),
        (date(2025, 2, 12), "2025-02-12"),
        (datetime(2025, 2, 12, 1, tzinfo=UTC), "2025-02-12 01:00"),
        (datetime(2025, 2, 12, 1, 0, 7, tzinfo=UTC), "2025-02-12 01:00:07"),
        (datetime(2025, 2, 12, 1, 0, 7, 250_000, tzinfo=UTC), "2025-02-12 01:00:07.25"),
        (datetime(2025, 2, 12, 1, tzinfo=timezone(timedelta(hours=2))), "2025-02-11 23:00"),
        ([0.123456789, None, "x\n"], "[0.123457, -, x\\n]"),
        ({"a": 1.0}, "{a: 1}"),
        (np.array([0.5, 1.0]), "[0.5, 1]"),
        (b"\xff\x00", "ff00"),
        ("\x1b[31m89fddc07f56837f4e47db8b127b89f67", "\\x1b[31m89fddc07f56837f4e47db8b127b89f67"),
    ],
)
def test_a_value_is_shown_as_a_person_reads_it(value: object, text: str) -> None:
    assert shown(value) == text


@given(st.floats(min_value=1e-10, max_value=1e14) | st.floats(min_value=-1e14, max_value=-1e-10))
def test_no_number_is_off_by_more_than_half_of_its_sixth_digit(value: float) -> None:
    text = shown(value)
    assert "e" not in text
    assert abs(float(text) - value) <= max(abs(value) * 5.0001e-6, 0.0)


@given(st.integers())
def test_a_whole_number_keeps_every_digit(value: int) -> None:
    assert shown(value) == str(value) == shown(Decimal(value))
