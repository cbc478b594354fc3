"""Text made of columns, one piece of text per row, without a loop over rows. No numbers are computed here."""

from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Column = Any
"""A NumPy array or an Arrow array, one value per row."""


def json_objects(columns: Mapping[str, Column], rows: int) -> pa.Array:
    """One JSON object per row (strings [rows]) with the columns' names as keys, in their order.

    Numbers are rounded to four decimals; null and NaN are `null`. Deterministic to the byte.
    """
    pieces: list[pa.Array | str] = []
    for position, (name, column) in enumerate(columns.items()):
        pieces.append(f'{"{" if position == 0 else ", "}"{name}": ')
        pieces.append(json_values(column))
    if not pieces:
        return pa.array(["{}"] * rows, pa.string())
    return join_rows([*pieces, "}"], rows)


def json_values(column: Column) -> pa.Array:
    """The column as JSON text: numbers, `true`/`false`, quoted strings, `null`."""
    values = as_arrow(column)
    if pa.types.is_string(values.type):
        escaped = pc.replace_substring(pc.replace_substring(values, "\\", "\\\\"), '"', '\\"')
        clean = pc.replace_substring_regex(escaped, r"[\x00-\x1f]", " ")
        text = pc.binary_join_element_wise('"', clean, '"', "")
    else:
        text = _numbers(values, 4)
    return pc.fill_null(text, "null")


def json_lists(columns: Sequence[pa.Array], rows: int) -> pa.Array:
    """One JSON list per row of the columns' JSON text, leaving out nulls."""
    if not columns:
        return pa.array(["[]"] * rows, pa.string())
    # Not `null_handling="skip"`: pyarrow 26 drops the rows in which all are null.
    parts = [pc.fill_null(pc.binary_join_element_wise(", ", column, ""), "") for column in columns]
    inner = pc.utf8_slice_codeunits(pc.binary_join_element_wise(*parts, ""), 2)
    return pc.binary_join_element_wise("[", inner, "]", "")


def sentences(template: str, columns: Mapping[str, Column], rows: int) -> pa.Array:
    """The `template` with `{name}` replaced by each row's value (numbers to one decimal, unknown as `?`)."""
    pieces: list[pa.Array | str] = []
    for literal, name, _, _ in Formatter().parse(template):
        if literal:
            pieces.append(literal)
        if name is not None:
            values = as_arrow(columns[name])
            text = values if pa.types.is_string(values.type) else _numbers(values, 1)
            pieces.append(pc.fill_null(text, "?"))
    return join_rows(pieces, rows)


def percentages(values: npt.NDArray[np.float64]) -> pa.Array:
    """Numbers from 0 to 100 as text in whole percent; null where NaN."""
    whole = pc.cast(as_arrow(np.round(values)), pa.int64())
    return pc.binary_join_element_wise(pc.cast(whole, pa.string()), "%", " ")


def join_rows(pieces: Sequence[pa.Array | str], rows: int) -> pa.Array:
    """Each row's pieces one after the other; a plain string stands for itself in every row."""
    if not any(isinstance(piece, pa.Array) for piece in pieces):
        return pa.array(["".join(str(piece) for piece in pieces)] * rows, pa.string())
    return pc.binary_join_element_wise(*pieces, "")


def as_arrow(column: Column) -> pa.Array:
    """The column as one Arrow array, NaN as null."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if isinstance(column, pa.Array):
        return column
    return pa.array(column, from_pandas=np.asarray(column).dtype.kind == "f")


def _numbers(values: pa.Array, decimals: int) -> pa.Array:
    if pa.types.is_floating(values.type):
        # Adding zero turns -0.0 into 0.0.
        values = pc.add(pc.round(pc.cast(values, pa.float64()), ndigits=decimals), 0.0)
        values = pc.if_else(pc.is_finite(values), values, None)
    return pc.cast(values, pa.string())
