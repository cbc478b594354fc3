"""What one layer of settings says, key by key: unknown keys and what nobody can have meant are refused."""

import dataclasses
import difflib
import re
import typing
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from huracan.durations import Duration, duration_of, minutes_of
from huracan.errors import InvalidInput
from huracan_resources.settings import secrets
from huracan_resources.settings.by_decisions import ByDecisions, Values, is_by_decisions
from huracan_resources.settings.former import FORMER
from huracan_resources.settings.kinds import fields_of, is_secret, kinds_in, without_none

_A_NAME = re.compile(r"[a-z0-9_]{1,40}")
"""What may be a misspelt setting; what stands in its place and looks otherwise may be a secret."""


@dataclasses.dataclass(frozen=True)
class Origin:
    """Who says something: as it is shown beside a setting, as an error names it, and the lines of keys."""

    shown: str
    where: str
    lines: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def of(self, key: str) -> str:
        return self.shown + self._line(key)

    def refusing(self, key: str) -> str:
        return self.where + self._line(key)

    def _line(self, key: str) -> str:
        return f", line {self.lines[key]}" if key in self.lines else ""


def checked(kind: Any, tree: Mapping[str, Any], origin: Origin) -> Values:
    return {key: (value, origin.of(key)) for key, value in _leaves(kind, tree, "", origin)}


def _leaves(kind: Any, tree: Mapping[str, Any], lead: str, origin: Origin) -> Iterator[tuple[str, Any]]:
    """Each single value with its dotted key; an unknown key is refused with the nearest known one."""
    known = fields_of(kind) or {}
    for name, value in tree.items():
        key = f"{lead}{name}"
        if name not in known:
            raise _unknown(lead, str(name), known, origin.refusing(key))
        inner = fields_of(known[name])
        if inner is None:
            if is_secret(known[name]):
                secrets.remember(value)
            said = f"{origin.refusing(key)}: the setting {key}"
            if is_by_decisions(value) and typing.get_origin(known[name]) is not dict:
                yield key, ByDecisions({each: _single(known[name], of, said) for each, of in value.items()})
            else:
                yield key, _single(known[name], value, said)
        elif isinstance(value, Mapping):
            yield from _leaves(known[name], value, f"{key}.", origin)
        elif value is not None:
            raise InvalidInput(
                f"{origin.refusing(key)}: {key} is a section, not a single value.",
                f"It holds {', '.join(inner)}.",
            )


def _single(kind: Any, value: Any, said: str) -> Any:
    """A value as it is handed on; `said` names it in refusals."""
    _refuse_guesses(kind, value, said)
    if without_none(kind) != Duration or value is None:
        return _listed(kind, value)
    try:
        return duration_of(minutes_of(value))
    except InvalidInput as error:
        raise InvalidInput(f"{said}: {error.what}", error.remedy) from None


def _refuse_guesses(kind: Any, value: Any, named: str) -> None:
    """What pydantic would take and nobody has meant: a switch for a number, a number for a day."""
    kind = without_none(kind)
    if isinstance(value, Mapping):
        inner, each_of = fields_of(kind) or {}, typing.get_args(kind)[1:]
        for name, each in value.items():
            _refuse_guesses(inner.get(name, each_of[0] if each_of else None), each, f"{named}.{name}")
        return
    if _has_flag(value) and bool not in kinds_in(kind):
        raise InvalidInput(
            f"{named} cannot be true or false; YAML reads yes, no, on and off as these.",
            "Write a number, or text in quotes.",
        )
    if kind is date and value is not None and not isinstance(value, date):
        day, _, time = str(value).replace("T", " ").partition(" ")
        try:
            date.fromisoformat(day if "-" in day else "")
        except ValueError:
            raise InvalidInput(f"{named} is no day of the calendar.", "Write it as YYYY-MM-DD.") from None
        if time.strip("0:Z"):
            raise InvalidInput(f"{named} is a day, without a time.", "Write it as YYYY-MM-DD.")


def _has_flag(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_has_flag(each) for each in value)
    return isinstance(value, bool)


def _unknown(lead: str, name: str, known: Mapping[str, Any], where: str) -> InvalidInput:
    """With what took its place, or the nearest setting of the section, or of one inside it: `cost_buffer` may
    mean `cost.buffer`."""
    if f"{lead}{name}" in FORMER:
        what = f"{where}: the setting {lead}{name} is one of an earlier version."
        return InvalidInput(what, FORMER[f"{lead}{name}"])
    deeper = [f"{section}.{inner}" for section in known for inner in fields_of(known[section]) or ()]
    near = difflib.get_close_matches(name, [*known, *deeper], n=1, cutoff=0.5)
    hint = f"Did you mean {lead}{near[0]}?" if near else f"Known: {', '.join(known) or 'nothing below that'}."
    shown = f"{lead}{name}" if _A_NAME.fullmatch(name) else f"{lead}(withheld)"
    return InvalidInput(f"{where}: the setting {shown} is unknown.", hint)


def _listed(kind: Any, value: Any) -> Any:
    """`a, b` for a setting that is a list; one secret of a list, for only who uses it knows where it ends."""
    if not isinstance(value, str) or typing.get_origin(without_none(kind)) not in (tuple, list):
        return value
    parts = [value] if is_secret(kind) else value.split(",")
    return [part.strip() for part in parts if part.strip()]
