"""Candles in JSON as a table: arrays as freqtrade and Binance write them, records as pandas does.

Nothing is said here of what a column means; see `file_columns`.
"""

import json
from typing import Any

import numpy as np
import pyarrow as pa

from huracan_resources.candles.file_content import Unreadable
from huracan_resources.candles.file_text import KLINE_NAMES

_KNOWN_WIDTHS = (6, 7, 12)


def read_json(content: bytes) -> pa.Table:
    """A list of arrays or of records, or one of them a line. Raises Unreadable, and json's own errors."""
    rows = _rows(content)
    if isinstance(rows, dict):
        raise Unreadable(
            f"it is no list of candles but an object of {', '.join(map(repr, list(rows)[:5]))}",
            "Save the list of candles alone: arrays of six or twelve fields, or records with named fields.",
        )
    if not isinstance(rows, list):
        raise Unreadable("it is no list of candles", "Save the list of candles alone.")
    if rows and all(isinstance(row, dict) for row in rows):
        names = dict.fromkeys(name for row in rows for name in row)
        return pa.table({name: _column([row.get(name) for row in rows]) for name in names})
    return _from_arrays(rows)


def _rows(content: bytes) -> Any:
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        lines = content.splitlines()
        if error.msg != "Extra data" or len(lines) < 2:
            raise
        return [json.loads(line) for line in lines if line.strip()]
    except RecursionError as error:
        raise Unreadable(
            "its lists lie in one another without end", "Save the list of candles alone."
        ) from error


def _from_arrays(rows: list[Any]) -> pa.Table:
    if not all(isinstance(row, list) for row in rows):
        raise Unreadable("it is no list of candle arrays", "Write all rows as arrays, or all as records.")
    width = len(rows[0]) if rows else 6
    for number, row in enumerate(rows):
        if len(row) != width:
            raise Unreadable(f"its row {number + 1} has {len(row)} fields and the first {width}")
    if width not in _KNOWN_WIDTHS:
        raise Unreadable(
            f"its arrays have {width} fields, and what each means is not known",
            "Write arrays of six fields (open time, open, high, low, close, volume), or records.",
        )
    try:
        values = np.array(rows, dtype=np.float64).reshape(-1, width)
        columns = [values[:, index] for index in range(width)]
    except (TypeError, ValueError):
        columns = [_column(list(column)) for column in zip(*rows, strict=True)]
    return pa.table(dict(zip(KLINE_NAMES, columns, strict=False)))


def _column(values: list[Any]) -> pa.Array:
    """Numbers where all are, else text; what is neither is text too, and no number when it is read as one."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())
