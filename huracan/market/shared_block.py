"""A market block in a file without a name, which several processes look at without holding it several times.

The file is gone with the last process that has it open, however that one ended.
"""

import os
import tempfile
from dataclasses import dataclass, fields
from typing import IO, Any

import numpy as np

from huracan.market.block import MarketBlock

_ALIGNMENT = 64
"""Bytes: of a cache line, and of the widest vector registers."""


@dataclass(frozen=True)
class BlockLayout:
    """Where the arrays of a block lie in its file."""

    names: dict[str, tuple[str, ...]]
    """The fields that are no arrays."""
    arrays: dict[str, tuple[int, str, tuple[int, ...]]]
    """Field -> first byte, type, shape."""


def nameless_file() -> IO[bytes]:
    """An empty file that no directory lists."""
    return tempfile.TemporaryFile(prefix="huracan-block-")


def write_block(block: MarketBlock, file: IO[bytes]) -> BlockLayout:
    """Writes every array of the block to the file, which is empty; where they lie."""
    names: dict[str, tuple[str, ...]] = {}
    arrays: dict[str, tuple[int, str, tuple[int, ...]]] = {}
    for field in fields(block):
        value = getattr(block, field.name)
        if not isinstance(value, np.ndarray):
            names[field.name] = value
            continue
        first = -(-file.tell() // _ALIGNMENT) * _ALIGNMENT
        file.seek(first)
        # A slice of days is contiguous symbol by symbol only.
        for part in value if value.ndim > 1 else (value,):
            file.write(np.ascontiguousarray(part).data)
        arrays[field.name] = (first, value.dtype.str, value.shape)
    file.flush()
    return BlockLayout(names, arrays)


def map_block(descriptor: int, layout: BlockLayout) -> MarketBlock:
    """The block in the file, mapped: pages are shared until one is written to, and what is written stays
    with the writer."""
    found: dict[str, Any] = dict(layout.names)
    with os.fdopen(os.dup(descriptor), "rb") as file:
        for name, (first, kind, shape) in layout.arrays.items():
            if 0 in shape:
                found[name] = np.zeros(shape, kind)
                continue
            # Writable to its own process: compiled loops know read-only arrays as another type.
            found[name] = np.asarray(np.memmap(file, kind, "c", first, shape))
    return MarketBlock(**found)
