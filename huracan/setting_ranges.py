"""The ranges that numbers of the settings must lie in; each setting names its own where it is declared."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from huracan.durations import minutes_of
from huracan.errors import InvalidInput

_HUGE, _TINY = sys.float_info.max, sys.float_info.min


@dataclass(frozen=True)
class Range:
    """Ends included; nothing that is not finite lies in it."""

    lowest: float
    highest: float
    remedy: str
    may_lack: bool = False
    """Whether None is a choice."""


FINITE = Range(-_HUGE, _HUGE, "Give a finite number.")
FROM_0 = Range(0.0, _HUGE, "Give a finite number, at least 0.")
ABOVE_0 = Range(_TINY, _HUGE, "Give a finite number above 0.")
SHARE = Range(0.0, 1.0, "Give a share from 0 to 1.")
COUNT = Range(1.0, _HUGE, "Give at least 1.")


def or_none(range_: Range) -> Range:
    """The same, and None turns the setting off."""
    return replace(range_, remedy=range_.remedy[:-1] + ", or null.", may_lack=True)


def check_ranges(group: str, settings: object, ranges: Mapping[str, Range]) -> None:
    """InvalidInput naming the first field of `settings` outside its range, as a field of `group`."""
    for name, allowed in ranges.items():
        value = getattr(settings, name)
        if value is None and allowed.may_lack:
            continue
        # NaN lies between nothing.
        if value is None or not allowed.lowest <= value <= allowed.highest:
            raise InvalidInput(f"{group}.{name} was {value}.", allowed.remedy)


def check_durations(group: str, settings: object, names: Iterable[str]) -> None:
    """InvalidInput naming the first of the fields `names` of `settings` that is no duration."""
    for name in names:
        try:
            minutes_of(getattr(settings, name))
        except InvalidInput as wrong:
            raise InvalidInput(f"{group}.{name} is {getattr(settings, name)!r}.", wrong.remedy) from wrong
