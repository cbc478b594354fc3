"""Fitted gates as plain JSON values, and back, to the bit: what a brain carries so that its consumer can run
them.

A gate is dataclasses of numbers, texts and tuples, and models. Its class is the one that its `fit` returns,
and every part is read as its class declares it, so that nothing in a bundle can name what is made of it.
"""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from huracan.errors import InputRefused, InvalidInput
from huracan.gates.contract import Gate
from huracan.gates.roster import describe_gates, gate_kinds
from huracan.gates.settings import BINDING, GateSettings, Mode
from huracan.models.canonical import canonical_json
from huracan.models.confidence import ConfidenceModel
from huracan.models.conformal import ConformalModel
from huracan.models.meta_label import MetaLabelModel

MODELS: Mapping[str, Any] = {
    "confidence": ConfidenceModel,
    "meta_label": MetaLabelModel,
    "conformal": ConformalModel,
}
"""Name of each model's file in a bundle, without its ending -> its class. A gate refers to them by name."""
_SETTINGS, _MODEL, _NUMBER = "$settings", "$model", "$number"
"""What stands for a part that is told elsewhere; no field of a dataclass can be called so."""
_REMEDY = "Load the brain with the version of huracan that made it."


def fitted_as_plain(gate: Gate) -> dict[str, Any]:
    """The gate with its settings; InvalidInput where it holds what has no plain form."""
    settings = next((each for each in _parts(gate) if isinstance(each, GateSettings)), None)
    return {"settings": None if settings is None else _plain(settings, False), "state": _plain(gate, True)}


def fitted_from_plain(name: str, plain: Mapping[str, Any], models: Mapping[str, Any]) -> Gate:
    """The inverse; `models` by their names in MODELS. InputRefused where there is no such gate, or it was
    written by a version that fitted it otherwise."""
    kinds = gate_kinds()
    if name not in kinds:
        raise InputRefused(f"The brain's gate {name} is not known here.", "Install the package that has it.")
    kind = kinds[name]
    try:
        made = get_type_hints(kind.fit).get("return")
        if not (is_dataclass(made) and (hasattr(made, "judge") or hasattr(made, "tend"))):
            raise TypeError("its `fit` does not say which dataclass it returns")
        settings = plain["settings"] and _read(kind.settings, plain["settings"], _Known(None, models))
        gate: Gate = _read(made, plain["state"], _Known(settings, models))
    except (KeyError, TypeError, ValueError, NameError) as wrong:
        what = f"The brain's gate {name} is not as it is fitted here ({wrong})."
        raise InputRefused(what, _REMEDY) from wrong
    return gate


def gates_of_bundle(gates: Mapping[str, Gate], modes: Mapping[str, Mode]) -> dict[str, Any]:
    """What the bundle keeps: each gate described for people, its mode, and all that it takes to run it.

    A gate that would not be read back as it is has no `fitted` state, and `why_not_fitted`; InvalidInput
    where it binds.
    """
    told = describe_gates(gates)
    described: Any = told["gates"]
    for name, gate in gates.items():
        state: dict[str, Any] = {"fitted": None, "mode": modes[name]}
        try:
            state["fitted"] = _proven(name, gate)
        except (InvalidInput, InputRefused) as wrong:
            if modes[name] == BINDING:
                raise InvalidInput(
                    f"The gate {name} binds, and a brain cannot carry it: {wrong.what}", wrong.remedy
                ) from wrong
            state["why_not_fitted"] = wrong.what
        described[name] |= state
    return told


def _proven(name: str, gate: Gate) -> dict[str, Any]:
    """Its plain form, from which the same gate was read back."""
    plain = fitted_as_plain(gate)
    models = {part: each for each in _parts(gate) for part, kind in MODELS.items() if type(each) is kind}
    again = fitted_from_plain(name, json.loads(canonical_json(plain)), models)
    if fitted_as_plain(again) != plain or type(again) is not type(gate):
        raise InvalidInput(
            f"The gate {name} is not read back as it was written.",
            "Keep dataclasses, tuples, numbers and texts in it, each of the type that its class declares.",
        )
    return plain


class _Known:
    """What parts refer to instead of holding it."""

    def __init__(self, settings: Any, models: Mapping[str, Any]) -> None:
        self.settings, self.models = settings, models


def _parts(value: Any) -> list[Any]:
    """The value and every dataclass below it; of a model nothing below."""
    if isinstance(value, tuple):
        return [part for each in value for part in _parts(each)]
    if isinstance(value, Mapping):
        return [part for each in value.values() for part in _parts(each)]
    if type(value) in MODELS.values():
        return [value]
    if not is_dataclass(value):
        return []
    return [value, *(part for each in fields(value) for part in _parts(getattr(value, each.name)))]


def _plain(value: Any, by_reference: bool) -> Any:
    if by_reference and isinstance(value, GateSettings):
        return {_SETTINGS: True}
    for name, model in MODELS.items():
        if type(value) is model:
            return {_MODEL: name}
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _plain(each, by_reference) for key, each in value.items()}
    if isinstance(value, tuple):
        return [_plain(each, by_reference) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name), by_reference) for each in fields(value)}
    if isinstance(value, float) and not np.isfinite(value):
        return {_NUMBER: repr(float(value))}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InvalidInput(
        f"A fitted gate holds a {type(value).__name__}.", "Keep dataclasses, tuples, numbers and texts in it."
    )


def _read(kind: Any, plain: Any, known: _Known) -> Any:
    """`plain` as the type `kind` has it; KeyError, TypeError or ValueError where it cannot be."""
    if isinstance(plain, dict) and plain.keys() == {_SETTINGS}:
        return known.settings
    if isinstance(plain, dict) and plain.keys() == {_MODEL}:
        return known.models[plain[_MODEL]]
    if isinstance(plain, dict) and plain.keys() == {_NUMBER}:
        return float(plain[_NUMBER])
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _read(_chosen(arguments, plain), plain, known)
    if origin is Literal:
        return plain
    if origin is tuple:
        kinds = arguments[:1] * len(plain) if arguments[-1:] == (...,) else arguments
        return tuple(_read(each, part, known) for each, part in zip(kinds, plain, strict=True))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: _read(arguments[1], part, known) for key, part in plain.items()}
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        names = {each.name for each in fields(kind)}
        if plain.keys() != names:
            raise ValueError(f"{getattr(kind, '__name__', kind)} has other parts")
        return kind(**{name: _read(hints[name], plain[name], known) for name in names})  # type: ignore[operator]
    return float(plain) if kind is float else plain


def _chosen(kinds: tuple[Any, ...], plain: Any) -> Any:
    """Of the members of a union the one that `plain` is of."""
    if plain is None:
        return NoneType
    for kind in kinds:
        if is_dataclass(kind):
            is_own = isinstance(plain, dict) and plain.keys() == {each.name for each in fields(kind)}
        elif get_origin(kind) is tuple:
            is_own = isinstance(plain, list)
        elif kind is float:
            is_own = isinstance(plain, int | float) and not isinstance(plain, bool)
        else:
            is_own = isinstance(kind, type) and isinstance(plain, kind)
        if is_own:
            return kind
    raise TypeError(f"{type(plain).__name__} is none of {kinds}")
