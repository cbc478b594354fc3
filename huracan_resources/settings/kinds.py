"""The types of settings: what a section holds, and which values are lists, secrets or lengths of time."""

import dataclasses
import types
import typing
from typing import Any

from pydantic import BaseModel, SecretStr

from huracan_resources.settings.sections import OpenSection


def fields_of(kind: Any) -> dict[str, Any] | None:
    """Name to type of the settings in a section; None if `kind` is a single value."""
    kind = without_none(kind)
    if isinstance(kind, type) and issubclass(kind, OpenSection):
        kind = kind.complete()
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {name: field.annotation for name, field in kind.model_fields.items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind, include_extras=True)
        return {field.name: hints[field.name] for field in dataclasses.fields(kind)}
    return None


def without_none(kind: Any) -> Any:
    """The type itself of an optional one."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        rest = [argument for argument in typing.get_args(kind) if argument is not type(None)]
        return rest[0] if len(rest) == 1 else kind
    return kind


def type_at(model: Any, key: str) -> Any:
    """The declared type of the setting of that dotted key; None where there is no such setting."""
    kind: Any = model
    for name in key.split("."):
        kind = (fields_of(kind) or {}).get(name)
    return kind


def kinds_in(kind: Any) -> set[Any]:
    """The type itself and those that it is made of."""
    return {kind}.union(*(kinds_in(each) for each in typing.get_args(kind) if not isinstance(each, str)))


def is_secret(kind: Any) -> bool:
    kind = without_none(kind)
    return kind is SecretStr or SecretStr in typing.get_args(kind)
