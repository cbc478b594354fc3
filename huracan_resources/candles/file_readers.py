"""One file of candles or funding rates, whatever its format, as a table in RAW_SCHEMA or FUNDING_SCHEMA.

Parquet, feather, CSV, Binance's kline CSV and zip, JSON arrays and records. Nothing is judged here but
whether the file can be read at all, and whether it says that it is of another market; which files belong
together is the matter of `files`.
"""

import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.schema import FUNDING_SCHEMA, RAW_SCHEMA
from huracan.errors import InvalidInput
from huracan_resources.candles.file_columns import KNOWN_NAMES, is_plausible, to_schema
from huracan_resources.candles.file_content import AGAIN, Unreadable, as_text, read_content, refuse_other_kind
from huracan_resources.candles.file_json import read_json
from huracan_resources.candles.file_names import guess_pair, read_market, split_symbol
from huracan_resources.candles.file_text import plain_name, read_text

_SYMBOL_COLUMNS = (
    "symbol",
    "pair",
    "ticker",
    "instrument",
    "instrument_id",
    "instid",
    "inst_id",
    "product_id",
)
_FOOTER_TIMES = ("timestamp", "open_time", "date")
_UNREADABLE = (OSError, EOFError, zlib.error, zipfile.BadZipFile, pa.ArrowException, ValueError)


def read_candles(path: Path, symbol: str, row_group: int | None = None) -> pa.Table:
    """The file's rows (of one Parquet row group where given) in RAW_SCHEMA, in the file's order.

    Raises InvalidInput naming the file, and the column where one is missing or unreadable, or where a column
    of symbols or the file inside an archive names another market than `symbol`.
    """
    return _read_as(RAW_SCHEMA, path, symbol, row_group)


def read_funding(path: Path, symbol: str) -> pa.Table:
    """The file's rows in FUNDING_SCHEMA, in the file's order. Raises as `read_candles`.

    A file without a column of rates is freqtrade's, which keeps them in the column `open`.
    """
    return _read_as(FUNDING_SCHEMA, path, symbol, None)


def _read_as(schema: pa.Schema, path: Path, symbol: str, row_group: int | None) -> pa.Table:
    try:
        table, inner_names = _read(path, row_group)
    except FileNotFoundError as error:
        raise InvalidInput(f"The file {path} is gone.", "Put it back or choose another directory.") from error
    except PermissionError as error:
        raise InvalidInput(f"The file {path} may not be read.", "Give this user the right to.") from error
    except _UNREADABLE as error:
        told = " ".join(str(error).split())[:160]
        remedy = error.remedy if isinstance(error, Unreadable) else AGAIN
        raise InvalidInput(f"The file {path} cannot be read: {told}.", remedy) from error
    stems = [PurePosixPath(name).stem for name in inner_names]
    _refuse_other_market([stem for stem in stems if guess_pair(stem)], symbol, path, "a file inside it")
    for index, name in enumerate(table.column_names):
        if plain_name(name) in _SYMBOL_COLUMNS:
            _refuse_other_market(_texts(table.column(index)), symbol, path, f"its column {name!r}")
    return to_schema(table, schema, path, split_symbol(symbol)[0])


def _read(path: Path, row_group: int | None) -> tuple[pa.Table, tuple[str, ...]]:
    """The table, and the names of the files inside archives that it was taken from."""
    name = path.name.lower()
    if name.endswith((".parquet", ".feather")):
        try:
            return _read_columnar(path, row_group), ()
        except pa.ArrowInvalid:
            with path.open("rb") as stream:
                refuse_other_kind(stream.read(512), path.suffix.lower())
            raise
    unpacked = read_content(path)
    content = as_text(unpacked.content)
    if name.endswith((".json", ".json.gz")):
        return read_json(content), unpacked.inner_names
    return read_text(content, KNOWN_NAMES), unpacked.inner_names


def _read_columnar(path: Path, row_group: int | None) -> pa.Table:
    import pyarrow.feather as feather
    import pyarrow.parquet as pq

    if path.suffix.lower() == ".feather":
        table = feather.read_table(path)
    elif row_group is None:
        table = pq.ParquetFile(path).read()
    else:
        table = pq.ParquetFile(path).read_row_group(row_group)
    table.validate(full=True)  # feather does not look whether its buffers are whole
    return table


def _texts(column: pa.ChunkedArray) -> list[str]:
    return [str(value) for value in pc.unique(column).to_pylist() if value is not None]


def _refuse_other_market(texts: Iterable[str], symbol: str, path: Path, where: str) -> None:
    """Raise InvalidInput for a text that names another pair, or another contract of the same one."""
    base, _, settle = split_symbol(symbol)
    for text in texts:
        market = read_market(_as_usual(text), symbol)
        if market is None and text.upper() == base.upper():
            continue
        if market is None or market.oddity or market.settle not in ("", settle.upper()):
            raise InvalidInput(
                f"The file {path} is named after {symbol}, but {where} says {text!r}.",
                "Rename the file after what it holds, or take the other rows out of it.",
            )


def _as_usual(text: str) -> str:
    """Bitfinex writes tBTCUSD, Kraken and BitMEX XBT."""
    bare = text[1:] if text[:1] == "t" and text[1:].isupper() else text
    return bare.replace("XBT", "BTC")


def row_group_bounds(path: Path) -> list[tuple[int, int]] | None:
    """Least open time and just after the greatest of every row group, None where the footer does not say."""
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path)
    except (pa.ArrowException, OSError, ValueError):
        return None  # reading the file will say what is wrong with it
    schema = metadata.schema.to_arrow_schema()
    name = next((each for each in _FOOTER_TIMES if each in schema.names), None)
    if name is None or not pa.types.is_timestamp(schema.field(name).type):
        return None
    column = schema.names.index(name)
    bounds = []
    for group in range(metadata.num_row_groups):
        statistics = metadata.row_group(group).column(column).statistics
        if statistics is None or not statistics.has_min_max or statistics.null_count:
            return None
        ends = pa.array([statistics.min, statistics.max]).cast(pa.timestamp("ms", "UTC"), safe=False)
        least, greatest = pc.cast(ends, pa.int64()).to_pylist()
        if not is_plausible(least) or not is_plausible(greatest):
            return None
        bounds.append((least, greatest + 1))
    return bounds
