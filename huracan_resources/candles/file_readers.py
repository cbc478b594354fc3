"""One file of candles or funding rates, whatever its format, as a table in RAW_SCHEMA or FUNDING_SCHEMA.

Parquet, feather, CSV, Binance's kline CSV and zip, freqtrade's and Binance's JSON arrays. Nothing is
judged here but whether the file can be read at all; which files belong together is `candle_files`' matter.
"""

import gzip
import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from huracan.candles.schema import FUNDING_SCHEMA, RAW_SCHEMA, TIME
from huracan.errors import InvalidInput

_ALIASES = {
    "open_time": ("open_time", "timestamp", "date", "datetime", "time", "opentime", "unix"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "v", "vol", "base_volume"),
    "trade_count": ("trade_count", "count", "trades", "number_of_trades", "num_trades", "n_trades"),
    "taker_buy_volume": (
        "taker_buy_volume",
        "taker_buy_base_volume",
        "taker_buy_base_asset_volume",
        "taker_base_vol",
        "taker_buy_base",
    ),
    "settled_at": ("settled_at", "timestamp", "funding_time", "fundingtime", "calc_time", "date", "time"),
    "funding_rate": ("funding_rate", "fundingrate", "last_funding_rate", "rate", "open"),
}
_OPTIONAL = ("trade_count", "taker_buy_volume")
_KLINE_NAMES = (
    *("open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume"),
    *("trade_count", "taker_buy_volume", "taker_buy_quote_volume", "ignore"),
)
_FOOTER_TIMES = ("timestamp", "open_time", "date")
_PREAMBLE_LINES = 3  # some publishers put a line of advertisement above the header
_UNREADABLE = (OSError, EOFError, zlib.error, zipfile.BadZipFile, pa.ArrowException, ValueError)


def read_candles(path: Path, row_group: int | None = None) -> pa.Table:
    """The file's rows (of one Parquet row group where given) in RAW_SCHEMA, in the file's order.

    Raises InvalidInput naming the file, and the column where one is missing or unreadable.
    """
    return _to_schema(_read_file(path, row_group), RAW_SCHEMA, path)


def read_funding(path: Path) -> pa.Table:
    """The file's rows in FUNDING_SCHEMA, in the file's order. Raises as `read_candles`.

    A file without a column of rates is freqtrade's, which keeps them in the column `open`.
    """
    return _to_schema(_read_file(path, None), FUNDING_SCHEMA, path)


def _read_file(path: Path, row_group: int | None) -> pa.Table:
    try:
        return _read(path, row_group)
    except FileNotFoundError as error:
        raise InvalidInput(f"The file {path} is gone.", "Put it back or choose another directory.") from error
    except _UNREADABLE as error:
        told = " ".join(str(error).split())[:160]
        raise InvalidInput(
            f"The file {path} cannot be read: {told}.", "Download it again; it may be cut short."
        ) from error


def _read(path: Path, row_group: int | None) -> pa.Table:
    name = path.name.lower()
    if name.endswith(".parquet"):
        import pyarrow.parquet as pq

        if row_group is None:
            return pq.ParquetFile(path).read()
        return pq.ParquetFile(path).read_row_group(row_group)
    if name.endswith(".feather"):
        import pyarrow.feather as feather

        return feather.read_table(path)
    if name.endswith((".json", ".json.gz")):
        return _from_arrays(json.loads(_content(path)))
    return _from_csv(_content(path))


def _content(path: Path) -> bytes:
    """The bytes of a plain file, a gzip file, or the one file inside a zip."""
    name = path.name.lower()
    if name.endswith(".gz"):
        with gzip.open(path) as stream:
            return stream.read()
    if name.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            inner = [each for each in archive.namelist() if not each.endswith("/")]
            if len(inner) != 1:
                raise ValueError(f"it holds {len(inner)} files where one is expected")
            return archive.read(inner[0])
    return path.read_bytes()


def _from_arrays(rows: Any) -> pa.Table:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise ValueError("it is no array of candle arrays")
    width = len(rows[0]) if rows else 6
    if width < 6 or any(len(row) != width for row in rows):
        raise ValueError("its rows do not have one length of at least six fields")
    values = np.array(rows, dtype=np.float64).reshape(-1, width)
    return pa.table({name: values[:, column] for column, name in enumerate(_KLINE_NAMES[:width])})


def _from_csv(content: bytes) -> pa.Table:
    lines = content[:4096].splitlines()[:_PREAMBLE_LINES]
    if not lines:
        raise ValueError("it is empty")
    if _is_number(lines[0].split(b",")[0]):
        width = lines[0].count(b",") + 1
        if width < 6:
            raise ValueError(f"it has no header and {width} columns where 6 or 12 are expected")
        names = [*_KLINE_NAMES, *[f"extra_{index}" for index in range(12, width)]][:width]
        return pacsv.read_csv(io.BytesIO(content), pacsv.ReadOptions(column_names=names))
    known = {alias for aliases in _ALIASES.values() for alias in aliases}
    skipped = 0
    for number, line in enumerate(lines):
        words = {_plain(word) for word in line.decode("utf-8", "replace").split(",")}
        if len(words & known) >= 4:
            skipped = number
            break
    return pacsv.read_csv(io.BytesIO(content), pacsv.ReadOptions(skip_rows=skipped))


def _is_number(text: bytes) -> bool:
    try:
        float(text.strip().strip(b'"'))
    except ValueError:
        return False
    return True


def _plain(name: str) -> str:
    return name.strip().strip('"').lower().replace(" ", "_")


def _to_schema(table: pa.Table, schema: pa.Schema, path: Path) -> pa.Table:
    by_name = {_plain(name): name for name in reversed(table.column_names)}
    columns = []
    for field in schema:
        name = field.name
        alias = next((each for each in _ALIASES[name] if each in by_name), None)
        if alias is None and name in _OPTIONAL:
            columns.append(pa.nulls(table.num_rows, field.type))
        elif alias is None:
            raise InvalidInput(
                f"The file {path} has no column {name!r} (it has {', '.join(table.column_names)}).",
                f"Give it one named {' or '.join(repr(each) for each in _ALIASES[name][:3])}.",
            )
        else:
            columns.append(_convert(table.column(by_name[alias]), field, by_name[alias], path))
    return pa.table(columns, schema=schema)


def _convert(column: pa.ChunkedArray, field: pa.Field, written: str, path: Path) -> pa.ChunkedArray:
    try:
        if field.type == TIME:
            return _to_time(column)
        if field.name == "trade_count" and not pa.types.is_integer(column.type):
            column = column.cast(pa.float64())
        return column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        told = " ".join(str(error).split())[:120]
        raise InvalidInput(
            f"The column {written!r} of {path} cannot be read as {field.name}: {told}.",
            "Write numbers with a decimal point, and times as ISO 8601 (UTC) or as an epoch.",
        ) from error


def _to_time(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = _parse_times(column)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
        is_null = np.isnan(numbers)
        if np.isinf(numbers).any():
            raise pa.ArrowInvalid("a time is infinite")
        column = pa.chunked_array([pa.array(_epoch_ms(np.where(is_null, 0.0, numbers)), mask=is_null)])
    elif pa.types.is_date(kind):
        column = column.cast(pa.timestamp("ms"))
    elif not pa.types.is_timestamp(kind):
        raise pa.ArrowInvalid(f"values of type {kind} are no times")
    # A finer time than a millisecond is cut; a naive one is taken as UTC.
    if pa.types.is_timestamp(column.type) and column.type.tz is None:
        column = pc.assume_timezone(column, "UTC")
    return column.cast(TIME, safe=False)


def _parse_times(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """ISO 8601 texts, all with a zone or all without one."""
    try:
        return column.cast(pa.timestamp("ms", "UTC"))
    except pa.ArrowInvalid:
        return column.cast(pa.timestamp("ms"))


def _epoch_ms(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Seconds, milliseconds, microseconds or nanoseconds, told apart by magnitude, row by row.

    Binance's spot archives changed from milliseconds to microseconds on 2025-01-01, and there are files
    that mix units.
    """
    conditions = [values < 1e11, values < 1e14, values < 1e17]
    scaled = np.select(conditions, [values * 1e3, values, values / 1e3], values / 1e6)
    return np.round(scaled).astype(np.int64)


def row_group_bounds(path: Path) -> list[tuple[int, int]] | None:
    """Least open time and just after the greatest of every row group, None where the footer does not say."""
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path)
    except (pa.ArrowException, OSError):
        return None  # reading the file will say what is wrong with it
    schema = metadata.schema.to_arrow_schema()
    name = next((each for each in _FOOTER_TIMES if each in schema.names), None)
    if name is None or not pa.types.is_timestamp(schema.field(name).type):
        return None
    column = schema.names.index(name)
    bounds = []
    for group in range(metadata.num_row_groups):
        statistics = metadata.row_group(group).column(column).statistics
        if statistics is None or not statistics.has_min_max:
            return None
        ends = pa.array([statistics.min, statistics.max]).cast(pa.timestamp("ms", "UTC"), safe=False)
        least, greatest = pc.cast(ends, pa.int64()).to_pylist()
        bounds.append((least, greatest + 1))
    return bounds
