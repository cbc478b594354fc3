"""Comma-separated text as a table: what stands above the header, what separates, and lines that do not fit.

Nothing is said here of what a column means; see `file_columns`.
"""

import io
import re
from collections.abc import Set
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv as pacsv

from huracan_resources.candles.file_content import AGAIN, Unreadable, line_of

KLINE_NAMES = (
    *("open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume"),
    *("trade_count", "taker_buy_volume", "taker_buy_quote_volume", "ignore"),
)
"""What the columns of a file without a header are: six as ccxt gives them, twelve as Binance does."""

_PREAMBLE_LINES = 3  # some publishers put a line of advertisement above the header
_SEPARATORS = (",", ";", "\t", "|")
_FEWEST = 6
_NULLS = (
    "",
    "NaN",
    "nan",
    "-nan",
    "-NaN",
    "null",
    "NULL",
    "None",
    "none",
    "NaT",
    "NA",
    "N/A",
    "#N/A",
    "<NA>",
    "-",
)


@dataclass(frozen=True)
class _Layout:
    separator: str
    skipped_lines: int
    names: list[str] | None
    """None where the header says them"""


def read_text(content: bytes, known_names: Set[str]) -> pa.Table:
    """The table in `content` (UTF-8), with columns of numbers, times or text as they come.

    The header is the first line with four of `known_names` (see `plain_name`); headers that come again, as in
    files that were joined, are left out, and so is a last line that was never written to its end. Raises
    Unreadable.
    """
    layout = _find_layout(content, known_names)
    body = (
        content.split(b"\n", layout.skipped_lines)[layout.skipped_lines] if layout.skipped_lines else content
    )
    if layout.names is None:
        header = body.split(b"\n", 1)[0].rstrip(b"\r")
        body = re.sub(rb"\n" + re.escape(header) + rb"\r?(?=\n|$)", b"", body)
    wrong: list[pacsv.InvalidRow] = []

    def pass_over(row: pacsv.InvalidRow) -> str:
        wrong.append(row)
        return "skip"

    table = pacsv.read_csv(
        io.BytesIO(body),
        pacsv.ReadOptions(column_names=layout.names),
        pacsv.ParseOptions(delimiter=layout.separator, invalid_row_handler=pass_over),
        pacsv.ConvertOptions(
            decimal_point="," if _has_decimal_commas(body, layout.separator) else ".",
            null_values=_NULLS,
            strings_can_be_null=True,
        ),
    )
    _refuse_wrong_lines(wrong, content)
    return table


def plain_name(name: str) -> str:
    """A column's name as it is looked up: `Open time`, `"open_time"` and `<OPEN_TIME>` are one."""
    return name.strip().strip("\"'#<> ").lower().replace(" ", "_")


def _find_layout(content: bytes, known_names: Set[str]) -> _Layout:
    lines = [line.decode("utf-8", "replace") for line in content[:8192].splitlines()[: _PREAMBLE_LINES + 1]]
    if lines[0].lower().startswith("sep="):  # Excel's word for the separator
        separator = lines[0][4:5] or ","
        return _Layout(separator, 1, None)
    best = _Layout(",", 0, None)
    most = 3
    for number, line in enumerate(lines[:_PREAMBLE_LINES]):
        for separator in _SEPARATORS:
            found = len({plain_name(word) for word in line.split(separator)} & known_names)
            if found > most:
                best, most = _Layout(separator, number, None), found
        if most > 3:
            return best
    separator = max(_SEPARATORS, key=lines[0].count)
    fields = lines[0].rstrip().split(separator)
    if not _is_number(fields[0]):
        return _Layout(separator, 0, None)
    if len(fields) < _FEWEST:
        raise Unreadable(
            f"it has no header and {len(fields)} columns where 6 or 12 are expected",
            "Write a header: open_time,open,high,low,close,volume.",
        )
    _refuse_unknown_columns(fields)
    names = [*KLINE_NAMES, *[f"extra_{index}" for index in range(12, len(fields))]][: len(fields)]
    return _Layout(separator, 0, names)


def _has_decimal_commas(body: bytes, separator: str) -> bool:
    edge = re.escape(separator).encode()
    pattern = rb"(?m)(?:^|%b)\"?-?\d+,\d+\"?(?=%b|\r?$)" % (edge, edge)
    return separator != "," and bool(re.search(pattern, body[:4096]))


def _refuse_unknown_columns(fields: list[str]) -> None:
    """Beyond seven columns the seventh of a kline is when it closes; Kraken's has the volume there."""
    if len(fields) <= _FEWEST + 1:
        return
    opens, closes = (
        float(field.strip('" ')) if _is_number(field) else 0.0 for field in (fields[0], fields[6])
    )
    if not opens < closes < opens * 1.1:
        raise Unreadable(
            f"it has no header, and its {len(fields)} columns are not those of a kline",
            "Write a header: open_time,open,high,low,close,volume and so on.",
        )


def _refuse_wrong_lines(wrong: list[pacsv.InvalidRow], content: bytes) -> None:
    """All but a last line that ends in the middle: whoever writes the file is not done with it."""
    for row in wrong:
        text = row.text.encode()
        is_last = content.endswith(text) and row.actual_columns < row.expected_columns
        if is_last and len(wrong) == 1:
            continue
        where = line_of(content, content.find(text))
        told = f"{where} has {row.actual_columns} fields where {row.expected_columns} are expected"
        is_comma = row.actual_columns > row.expected_columns
        raise Unreadable(
            f"{told}: {row.text[:60]!r}",
            "Write numbers with a decimal point and without separators of thousands." if is_comma else AGAIN,
        )


def _is_number(text: str) -> bool:
    try:
        float(text.strip().strip('"'))
    except ValueError:
        return False
    return True
