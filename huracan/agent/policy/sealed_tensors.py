"""Tensors and facts as safetensors bytes under a digest, and back. No pickle; what they mean is not known."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from huracan.errors import InputRefused

Tensors = Mapping[str, NDArray[Any]]
_KEY, _DIGEST = "huracan", "digest"


def seal(tensors: Tensors, facts: Mapping[str, Any]) -> bytes:
    """A pure function of `tensors` (of numbers or truths) and `facts` (JSON-able)."""
    plain = {name: np.ascontiguousarray(values) for name, values in tensors.items()}
    stamped = {**facts, _DIGEST: _digest(plain, facts)}
    # One metadata key: safetensors keeps several in an unordered map, and the bytes would differ by chance.
    return bytes(save(plain, {_KEY: _text(stamped)}))


def read_facts(sealed: bytes) -> dict[str, Any]:
    """The facts alone, their digest not yet checked. InputRefused where the bytes are of another kind."""
    # The safetensors layout: 8 bytes of header length, little endian, then JSON.
    length = int.from_bytes(sealed[:8], "little")
    try:
        header = json.loads(sealed[8 : 8 + length])
        facts: dict[str, Any] = json.loads(header["__metadata__"][_KEY])
    except (ValueError, KeyError, TypeError) as error:
        raise damaged() from error
    if not isinstance(facts, dict):
        raise damaged()
    return facts


def unseal(sealed: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Tensors and facts. InputRefused where the bytes were cut or any of them was altered."""
    facts = read_facts(sealed)
    try:
        tensors = dict(load(sealed))
    except (SafetensorError, ValueError, KeyError) as error:
        raise damaged() from error
    if facts.pop(_DIGEST, None) != _digest(tensors, facts):
        raise damaged()
    return tensors, facts


def damaged() -> InputRefused:
    """The refusal of bytes that are not what was saved."""
    return InputRefused("The checkpoint is damaged, altered or cut short.", "Fetch or train it again.")


def _digest(tensors: Tensors, facts: Mapping[str, Any]) -> str:
    found = hashlib.sha256(_text(facts).encode())
    for name in sorted(tensors):
        values = tensors[name]
        found.update(f"\n{name} {values.dtype.str} {values.shape}\n".encode())
        found.update(values.tobytes())
    return found.hexdigest()


def _text(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, sort_keys=True)
