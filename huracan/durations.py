"""Spans of time, and times of day, as a person writes them: `90m`, `4h`, `2d`; `04:00`. No clock."""

import re
from typing import Annotated

from huracan.errors import InvalidInput

Duration = Annotated[str, "a span of time"]
"""A whole number of minutes, hours or days, at least one minute: `90m`, `4h`, `2d`."""

MINUTES_PER_HOUR, MINUTES_PER_DAY = 60, 1_440
_MINUTES = {"m": 1, "h": MINUTES_PER_HOUR, "d": MINUTES_PER_DAY}
_WRITTEN = re.compile(r"([1-9][0-9]{0,6})([mhd])")
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


def minutes_of(text: Duration) -> int:
    """How many minutes `text` is. InvalidInput, which names it, where it is no duration."""
    written = _WRITTEN.fullmatch(text) if isinstance(text, str) else None
    if written is None:
        raise InvalidInput(
            f"{_shown(text)} is not a span of time.",
            "Write a whole number of minutes, hours or days, such as 90m, 4h or 2d.",
        )
    return int(written[1]) * _MINUTES[written[2]]


def duration_of(minutes: int) -> Duration:
    """The shortest way to write so many minutes: 120 is `2h`."""
    for unit in ("d", "h"):
        if minutes % _MINUTES[unit] == 0:
            return f"{minutes // _MINUTES[unit]}{unit}"
    return f"{minutes}m"


def minute_of_day(text: str) -> int:
    """Minutes from 00:00 to a time of day such as `04:00`. InvalidInput, which names it, where it is none."""
    written = _TIME_OF_DAY.fullmatch(text) if isinstance(text, str) else None
    if written is None:
        raise InvalidInput(f"{_shown(text)} is no time of day.", "Write it as HH:MM, from 00:00 to 23:59.")
    return int(written[1]) * MINUTES_PER_HOUR + int(written[2])


def _shown(text: object) -> str:
    said = repr(text)
    return said if len(said) <= 40 else f"{said[:37]}..."
