"""A gate's threshold, moved: by how much its setting goes up or down, and not beyond its range."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from huracan.gates.contract import GateKind
from huracan.setting_ranges import FINITE, Range

Values = Mapping[str, Any]
"""Dotted name of a setting, such as `gates.meta_label.margin.panic` -> its value, as JSON has it."""


def threshold_values(values: Values, kind: GateKind[Any]) -> dict[str, Any]:
    """Those by which the threshold of the gate moves: one number, or one by regime or profile; what is not
    set is none."""
    name = f"gates.{kind.name}.{kind.threshold}."
    return {key: value for key, value in values.items() if f"{key}.".startswith(name) and value is not None}


def possible_shift(values: Values, kind: GateKind[Any], shift: float) -> float:
    """The part of `shift`, in the unit of the gate's value and above 0 asking for more, that keeps each
    number of its threshold in `values` within its range: all of them are moved by the same."""
    allowed, numbers = _range(kind), [float(each) for each in threshold_values(values, kind).values()]
    down = max(allowed.lowest - number for number in numbers)
    up = min(allowed.highest - number for number in numbers)
    return kind.threshold_sign * min(max(kind.threshold_sign * shift, down), up)


def shifted_values(values: Values, kind: GateKind[Any], shift: float) -> dict[str, Any]:
    """The numbers of the gate's threshold in `values`, moved."""
    return {name: _moved(number, kind, shift) for name, number in threshold_values(values, kind).items()}


def shifted_settings(settings: Any, kind: GateKind[Any], shift: float) -> Any:
    """The settings of the gate with its threshold moved by `shift`, a `possible_shift`."""
    name = str(kind.threshold)
    return replace(settings, **{name: _moved_all(getattr(settings, name), kind, shift)})


def _moved_all(value: Any, kind: GateKind[Any], shift: float) -> Any:
    names = [each.name for each in fields(value)] if is_dataclass(value) else []
    if not names:
        return _moved(value, kind, shift)
    return replace(value, **{name: _moved(getattr(value, name), kind, shift) for name in names})


def _moved(number: float | None, kind: GateKind[Any], shift: float) -> float | None:
    if number is None or shift == 0.0:
        return number
    allowed = _range(kind)
    # What was rounded may lie a last place beyond the end.
    return min(max(number + kind.threshold_sign * shift, allowed.lowest), allowed.highest)


def _range(kind: GateKind[Any]) -> Range:
    allowed: Range = kind.settings.ranges().get(str(kind.threshold), FINITE)
    return allowed
