"""JSON with one spelling: the same value gives the same bytes. Knows nothing of what it writes."""

import json
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np

from huracan.errors import InputRefused, InvalidInput


def canonical_json(value: object) -> bytes:
    """UTF-8 JSON with sorted keys, floats in their shortest exact form and a newline at the end.

    NumPy scalars and arrays and dataclasses become plain values. Raises InvalidInput on NaN or infinity and
    on types that JSON does not have.
    """
    try:
        text = json.dumps(
            value, sort_keys=True, allow_nan=False, ensure_ascii=False, indent=1, default=_plain_value
        )
    except (ValueError, TypeError) as error:
        raise InvalidInput(
            f"A value has no JSON form ({error}).", "Write None for what is not defined."
        ) from error
    return text.encode() + b"\n"


def read_json_object(content: bytes, name: str) -> dict[str, Any]:
    """The object in `content`; InputRefused naming `name` where it is damaged or no object."""
    try:
        value = json.loads(content)
    except ValueError as error:
        raise InputRefused(f"{name} is not readable as JSON ({error}).", "Make or fetch it again.") from error
    if not isinstance(value, dict):
        raise InputRefused(f"{name} holds no JSON object.", "Make or fetch it again.")
    return value


def _plain_value(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} is not supported")
