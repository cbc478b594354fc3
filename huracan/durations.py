"""Spans of time as a person writes them: `90m`, `4h`, `2d`. No clock is read here."""

import re

from huracan.errors import InvalidInput

Duration = str
"""A whole number of minutes, hours or days, at least one minute: `90m`, `4h`, `2d`."""

MINUTES_PER_HOUR, MINUTES_PER_DAY = 60, 1_440
_MINUTES = {"m": 1, "h": MINUTES_PER_HOUR, "d": MINUTES_PER_DAY}
_WRITTEN = re.compile(r"([1-9][0-9]{0,6})([mhd])")


def minutes_of(text: Duration) -> int:
    """How many minutes `text` is. InvalidInput, which names it, where it is no duration."""
    written = _WRITTEN.fullmatch(text) if isinstance(text, str) else None
    if written is None:
        raise InvalidInput(
            f"{text!r} is not a span of time.",
            "Write a whole number of minutes, hours or days, such as 90m, 4h or 2d.",
        )
    return int(written[1]) * _MINUTES[written[2]]


def duration_of(minutes: int) -> Duration:
    """The shortest way to write so many minutes: 120 is `2h`."""
    for unit in ("d", "h"):
        if minutes % _MINUTES[unit] == 0:
            return f"{minutes // _MINUTES[unit]}{unit}"
    return f"{minutes}m"
