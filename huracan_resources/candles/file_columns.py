"""A table's columns in RAW_SCHEMA or FUNDING_SCHEMA: which is which, and their texts and numbers as values.

A value that is none becomes null and its row goes to quarantine; where most are none, the file is refused.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.schema import TIME
from huracan.errors import InvalidInput
from huracan_resources.candles.file_text import plain_name

ALIASES = {
    "open_time": ("open_time", "timestamp", "date", "datetime", "time", "opentime", "unix", "unix_timestamp"),
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
_UNNAMED = ("", "index", "__index_level_0__")
"""What pandas calls an index without a name: the times, where nothing else is."""
KNOWN_NAMES = frozenset(alias for aliases in ALIASES.values() for alias in aliases)

_OPTIONAL = ("trade_count", "taker_buy_volume")
_IS_FINAL = ("is_closed", "is_final", "confirm", "complete")
_EARLIEST_MS, _LATEST_MS = 1_000_000_000_000, 4_102_444_800_000  # 2001 and 2100
_MOST_UNREADABLE = 0.5
_AS_ISO = "Write times as ISO 8601 in UTC (2025-01-02 00:01:00) or as an epoch, one in each row."
_AS_NUMBERS = "Write numbers with a decimal point and without separators of thousands."


def to_schema(table: pa.Table, schema: pa.Schema, path: Path, base: str) -> pa.Table:
    """`table` with the columns of `schema`, without rows that are marked as not closed yet.

    `base` is the currency in which a volume counts: a column `volume_btc` goes before a mere `volume`, which
    is the quote's where there are both. Raises InvalidInput, naming the file and the column.
    """
    names = [plain_name(name) for name in table.column_names]
    final = next((names.index(name) for name in _IS_FINAL if name in names), None)
    if final is not None:
        table = table.filter(_is_true(table.column(final)))
    columns = []
    for field in schema:
        aliases = ALIASES[field.name]
        if field.name == "volume":
            aliases = (f"volume_{base.lower()}", f"volume_({base.lower()})", *aliases)
        elif field.type == TIME:
            aliases = (*aliases, *_UNNAMED)
        alias = next((each for each in aliases if each in names), None)
        if alias is None and field.name in _OPTIONAL:
            columns.append(pa.nulls(table.num_rows, field.type))
        elif alias is None:
            raise _missing(field, table, path)
        elif names.count(alias) > 1:
            raise InvalidInput(
                f"The file {path} has the column {alias!r} twice.", "Name or leave out the other."
            )
        else:
            index = names.index(alias)
            columns.append(_convert(table.column(index), field, table.column_names[index], path))
    made = pa.table(columns, schema=schema)
    _refuse_rounded_times(made, path, table)
    return made


def _missing(field: pa.Field, table: pa.Table, path: Path) -> InvalidInput:
    what = f"The file {path} has no column {field.name!r} (it has {', '.join(table.column_names)}"
    remedy = f"Give it one named {' or '.join(repr(each) for each in ALIASES[field.name][:3])}."
    if field.type == TIME and table.num_rows and table.num_columns:
        what += f", and its first row begins with {str(table.column(0)[0].as_py())!r}"
        remedy += f" {_AS_ISO}"
    return InvalidInput(f"{what}).", remedy)


class _NoValues(ValueError):
    """A column that cannot be read, with what to do."""

    def __init__(self, told: str, remedy: str) -> None:
        super().__init__(told)
        self.remedy = remedy


def _convert(column: pa.ChunkedArray, field: pa.Field, written: str, path: Path) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    try:
        if field.type == TIME:
            return _to_time(column)
        return _to_number(column, field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, _NoValues) as error:
        told = " ".join(str(error).split())[:160]
        raise InvalidInput(
            f"The column {written!r} of {path} cannot be read as {field.name}: {told}.",
            error.remedy if isinstance(error, _NoValues) else f"{_AS_NUMBERS} {_AS_ISO}",
        ) from error


def _to_number(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if _is_text(column.type):
        column = _parse_numbers(column)
    if kind == pa.float64() or pa.types.is_integer(column.type):
        return column.cast(kind)
    column = column.cast(pa.float64())
    return pc.if_else(pc.is_nan(column), None, column).cast(kind)


def _parse_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    trimmed = pc.utf8_trim_whitespace(column)
    try:
        return trimmed.cast(pa.float64())
    except pa.ArrowInvalid:
        texts = trimmed.to_pylist()
    values = [_number(text) for text in texts]
    bad = [text for text, value in zip(texts, values, strict=True) if text is not None and value is None]
    name = next((text for text in bad if plain_name(text) in KNOWN_NAMES), None)
    if name is not None:
        raise _NoValues(
            f"{name!r} stands among its values", "Files with other columns were joined: part them."
        )
    with_comma = next((text for text in bad if "," in text), None)
    if with_comma is not None:
        raise _NoValues(f"{with_comma!r} has a comma", _AS_NUMBERS)
    if len(bad) > _MOST_UNREADABLE * len(texts):
        raise _NoValues(f"{bad[0]!r} is no number", _AS_NUMBERS)
    return pa.chunked_array([pa.array(values, pa.float64())])


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text.replace("_", " "))
    except ValueError:
        return None


def _to_time(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if _is_text(kind):
        column = _parse_times(column)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
        column = pa.chunked_array([_from_epochs(numbers)])
    elif pa.types.is_date(kind):
        column = column.cast(pa.timestamp("ms"))
    elif pa.types.is_null(kind):
        column = column.cast(TIME)
    elif not pa.types.is_timestamp(kind):
        raise pa.ArrowInvalid(f"values of type {kind} are no times")
    # A finer time than a millisecond is cut; a naive one is taken as UTC.
    if pa.types.is_timestamp(column.type) and column.type.tz is None:
        column = pc.assume_timezone(column, "UTC")
    return _without_implausible(column.cast(TIME, safe=False))


def _without_implausible(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Null for a time before 2001 or after 2100: no candle is of it, and another unit or a cut number is."""
    times = column.cast(pa.int64())
    inside = pc.and_(pc.greater_equal(times, _EARLIEST_MS), pc.less(times, _LATEST_MS))
    outside = column.filter(pc.invert(pc.fill_null(inside, True)))
    if len(outside) == 0:
        return column
    if len(outside) > _MOST_UNREADABLE * len(column):
        year = np.datetime64(outside.cast(pa.int64())[0].as_py(), "ms").astype("datetime64[Y]")
        raise _NoValues(
            f"it would be of the year {year}, so its numbers are no epoch or their unit was mistaken",
            f"{_AS_ISO} Spreadsheets count days from 1900; pandas takes numbers as nanoseconds unless told.",
        )
    return pc.if_else(inside, column, None)


def is_plausible(time_ms: int) -> bool:
    """Whether a candle may be of this time, in milliseconds since 1970."""
    return _EARLIEST_MS <= time_ms < _LATEST_MS


def _from_epochs(numbers: npt.NDArray[np.float64]) -> pa.Array:
    """Seconds, milliseconds, microseconds or nanoseconds, told apart by magnitude, row by row.

    Binance's spot archives changed from milliseconds to microseconds on 2025-01-01, and there are files
    that mix units.
    """
    is_none = ~np.isfinite(numbers)
    values = np.where(is_none, 0.0, numbers)
    conditions = [values < 1e11, values < 1e14, values < 1e17]
    scaled = np.select(conditions, [values * 1e3, values, values / 1e3], values / 1e6)
    scaled = np.clip(np.round(scaled), -_LATEST_MS, 2 * _LATEST_MS)
    return pa.array(scaled.astype(np.int64), mask=is_none).cast(TIME)


def _parse_times(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """ISO 8601 texts and epochs; where not all are one kind each by itself, null where a text is neither."""
    column = pc.replace_substring_regex(pc.utf8_trim_whitespace(column), r"(\d) ?(UTC|GMT)$", r"\1Z")
    for kind in (
        pa.timestamp("ms", "UTC"),
        pa.timestamp("ns", "UTC"),
        pa.timestamp("ms"),
        pa.timestamp("ns"),
    ):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    texts = column.to_pylist()
    epochs = np.array([number if (number := _number(text)) is not None else np.nan for text in texts])
    times = _from_epochs(epochs).to_pylist()
    bad = []
    for row, text in enumerate(texts):
        if text is not None and times[row] is None:
            times[row] = _iso_time(text)
            if times[row] is None:
                bad.append(text)
    if len(bad) > _MOST_UNREADABLE * len(texts):
        raise _NoValues(f"{bad[0]!r} is neither ISO 8601 nor an epoch", _AS_ISO)
    return pa.chunked_array([pa.array(times, TIME)])


def _iso_time(text: str) -> object:
    for kind in (pa.timestamp("ns", "UTC"), pa.timestamp("ns")):
        try:
            time = pa.scalar(text).cast(kind)
        except pa.ArrowInvalid:
            continue
        return (
            pa.scalar(time.value, pa.int64()).cast(pa.timestamp("ns", "UTC")).cast(TIME, safe=False).as_py()
        )
    return None


def _refuse_rounded_times(made: pa.Table, path: Path, table: pa.Table) -> None:
    """Rows of many candles that share their times have lost digits of them, or their time of day."""
    name = made.schema.names[0]
    times = made.column(name).drop_null()
    if len(times) < 10 or 2 * (own := len(pc.unique(times))) > len(times):
        return
    if 2 * own > made.group_by(made.schema.names).aggregate([]).num_rows:
        return  # the same rows several times
    alias = next(each for each in table.column_names if plain_name(each) in (*ALIASES[name], *_UNNAMED))
    first = table.column(table.column_names.index(alias))[0].as_py()
    shown = f"{first:g}" if isinstance(first, float) else str(first)
    raise InvalidInput(
        f"Of the {len(times)} rows of {path} only {own} have a time of their own: the column {alias!r} begins"
        f" with {shown}, which has lost digits or the time of day.",
        "Export it again with whole times; spreadsheets round long numbers to 1.7E+12 unless they are text.",
    )


def _is_true(column: pa.ChunkedArray) -> pa.Array:
    if pa.types.is_dictionary(column.type) or _is_text(column.type):
        lower = pc.utf8_lower(column.cast(pa.string()))
        return pc.is_in(lower, pa.array(["true", "1", "yes"]))
    return pc.equal(column.cast(pa.float64() if not pa.types.is_boolean(column.type) else pa.int8()), 1)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
