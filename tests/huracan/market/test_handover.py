"""Before the handover a day is decided by the night before the last one, and from it on by the last one."""

from datetime import UTC, date, datetime

import numpy as np

from huracan.market.handover import as_date, brain_days


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_the_newer_brain_takes_over_at_the_handover_and_not_a_minute_sooner() -> None:
    moments = {
        "2025-05-10 00:00": "2025-05-08",
        "2025-05-10 03:59": "2025-05-08",
        "2025-05-10 04:00": "2025-05-09",
        "2025-05-10 23:59": "2025-05-09",
        "2025-05-11 00:00": "2025-05-09",
    }
    found = brain_days(np.array([_ms(text) for text in moments]), 4 * 60)
    assert [as_date(day) for day in found] == [date.fromisoformat(text) for text in moments.values()]


def test_a_handover_at_midnight_is_the_day_before_throughout() -> None:
    found = brain_days(np.array([_ms("2025-05-10 00:00"), _ms("2025-05-10 23:59")]), 0)
    assert [as_date(day) for day in found] == [date(2025, 5, 9)] * 2
