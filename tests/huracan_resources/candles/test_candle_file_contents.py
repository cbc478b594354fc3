"""What lies in a file: how it is packed, encoded, separated and written, and what contradicts its name."""

import gzip
import io
import json
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from huracan.candles.grid import DayOfCandles, assemble_day
from huracan.candles.schema import Timeframe
from huracan.errors import InvalidInput
from huracan_resources.candles.files import CandleFiles

MINUTE, DAY = Timeframe("1m"), date(2025, 1, 2)
START = 1735776000000
NAME = "BTCUSDT-1m.csv"
HEADER = "timestamp,open,high,low,close,volume"
MINUTES = range(12)


def line(minute: int, time: object = None, close: object = 101, volume: object = 5) -> str:
    at = START + 60_000 * minute if time is None else time
    return f"{at},100,102,99,{close},{volume}"


LINES = [line(minute) for minute in MINUTES]


def text(lines: Sequence[str] = LINES, header: str = HEADER) -> str:
    return "\n".join([header, *lines]) + "\n"


def put(directory: Path, content: str | bytes, name: str = NAME) -> None:
    (directory / name).write_bytes(content.encode() if isinstance(content, str) else content)


def zipped(**members: str | bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_slash_", "/").replace("_dot_", "."), content)
    return packed.getvalue()


def day_of(directory: Path, symbol: str = "BTC/USDT") -> DayOfCandles:
    raw = CandleFiles(directory, MINUTE).fetch_day(symbol, DAY)
    return assemble_day({symbol: raw}, DAY, MINUTE)


def traded(directory: Path) -> list[int]:
    """The minutes of the day that have a candle, all of which are as LINES has them."""
    day = day_of(directory)
    status = day.ohlcv["status"].to_pylist()
    minutes = [minute for minute, word in enumerate(status) if word == "traded"]
    kept = day.ohlcv.take(minutes)
    assert set(kept["close"].to_pylist()) == {101.0} and set(kept["volume"].to_pylist()) == {5.0}
    return minutes


def refused(directory: Path, symbol: str = "BTC/USDT") -> str:
    with pytest.raises(InvalidInput) as error:
        day_of(directory, symbol)
    return str(error.value)


ALL = list(MINUTES)
BOM = b"\xef\xbb\xbf"
READ: dict[str, str | bytes] = {
    "a mark of UTF-8 before a header": BOM + text().encode(),
    "a mark of UTF-8 before rows without a header": BOM + "\n".join(LINES).encode(),
    "files with marks that were joined": BOM + text(LINES[:6]).encode() + BOM + text(LINES[6:]).encode(),
    "a header that comes again, after Windows line ends": text([*LINES[:6], HEADER, *LINES[6:]]).replace(
        "\n", "\r\n"
    ),
    "gzip under the name of a csv": gzip.compress(text().encode()),
    "gzip in a zip": zipped(a=gzip.compress(text().encode())),
    "tabs": text().replace(",", "\t"),
    "a line that tells the separator": "sep=;\n" + text().replace(",", ";"),
    "a header of comments and capitals": text(header="# <TIMESTAMP>,Open,HIGH,Low,Close,Volume"),
    "decimal commas between semicolons": text(
        [f"{START + 60_000 * m};100,0;102,5;99,5;101,0;5,0" for m in MINUTES], HEADER.replace(",", ";")
    ),
    "numbers in quotes": text([",".join(f'"{word}"' for word in each.split(",")) for each in LINES]),
    "full digits in scientific notation": text([line(m, f"{START + 60_000 * m:.12e}") for m in MINUTES]),
    "nanoseconds": text([line(m, (START + 60_000 * m) * 1_000_000) for m in MINUTES]),
    "four units of time": text(
        [line(m, (START + 60_000 * m) * 10 ** (3 * (m % 4)) // 1000) for m in MINUTES]
    ),
    "an offset that changes": text(
        [line(m, f"2025-01-02 0{1 + m % 2}:{m:02d}:00+0{1 + m % 2}:00") for m in MINUTES]
    ),
    "a text of time among epochs": text([*LINES[:3], line(3, "2025-01-02 00:03:00"), *LINES[4:]]),
    "a last line that was not written to its end": text() + "17357767",
    "empty rows at the end": text() + ",,,,,\n\n",
    "minutes without a trade": text([*LINES, line(20).split(",")[0] + ",NaN,NaN,NaN,NaN,0"]),
    "candles that were still open": text(
        [
            f"{line(m, close=c, volume=v)},{final}"
            for m in MINUTES
            for c, v, final in ((100, 1, 0), (101, 5, 1))
        ],
        f"{HEADER},confirm",
    ),
    "the volume of the quote beside that of the base": text(
        [f"{line(m, volume=505)},5" for m in MINUTES], f"{HEADER},Volume BTC"
    ),
    "the symbol as exchanges write it": text(
        [f"{each},{('BTCUSDT', 'BTC-USDT', 'tBTCUSDT', 'XBT/USDT')[m % 4]}" for m, each in enumerate(LINES)],
        f"{HEADER},symbol",
    ),
    "times that end in UTC": text([line(m, f"2025-01-02 00:{m:02d}:00 UTC") for m in MINUTES]),
    "an index without a name": text(header=HEADER[9:]),
    "blanks around names and values": text().replace(",", " , "),
    "line ends of an old Macintosh": text().replace("\n", "\r"),
    "a count of trades with gaps": text(
        [f"{each},{'NaN' if m % 2 else '7.0'}" for m, each in enumerate(LINES)], f"{HEADER},trades"
    ),
}


@pytest.mark.parametrize("content", READ.values(), ids=READ.keys())
def test_what_is_plain_to_whoever_looks_is_read(tmp_path: Path, content: str | bytes) -> None:
    put(tmp_path, content)
    assert traded(tmp_path) == ALL


RECORDS = [dict(zip(HEADER.split(","), map(float, each.split(",")), strict=True)) for each in LINES]
JSON: dict[str, object] = {
    "records": RECORDS,
    "records of texts": [{name: str(value) for name, value in row.items()} for row in RECORDS],
    "arrays of texts": [[str(value) for value in row.values()] for row in RECORDS],
    "arrays with seven fields": [[*row.values(), 1.0] for row in RECORDS],
}


@pytest.mark.parametrize("rows", JSON.values(), ids=JSON.keys())
def test_json_is_read_as_records_and_as_arrays(tmp_path: Path, rows: object) -> None:
    put(tmp_path, json.dumps(rows), "BTC_USDT-1m.json")
    assert traded(tmp_path) == ALL


def test_json_with_a_record_a_line_is_read(tmp_path: Path) -> None:
    put(tmp_path, "\n".join(map(json.dumps, RECORDS)), "BTC_USDT-1m.json")
    assert traded(tmp_path) == ALL


@pytest.mark.parametrize("junk", ["__MACOSX_slash__dot__x_dot_csv", "_dot_DS_Store", "a_slash_Thumbs_dot_db"])
def test_what_a_system_adds_to_an_archive_is_passed_over(tmp_path: Path, junk: str) -> None:
    put(tmp_path, zipped(**{"BTCUSDT-1m_dot_csv": text(), junk: b"\0\5\26\7"}), "BTCUSDT-1m.zip")
    assert traded(tmp_path) == ALL


REFUSED: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "UTF-16 without a mark": (text().encode("utf-16-le"), ("encoding is UTF-16", "Save it as UTF-8")),
    "Windows-1252": (
        text(header="timestamp,open,high,low,close,volume,Währung").encode("cp1252"),
        ("not UTF-8 (byte 0xe4 in line 1)", "Save it as UTF-8"),
    ),
    "zero bytes at the end": (
        text().encode() + b"\0" * 99,
        ("zero bytes from line 14 on", "Download it again"),
    ),
    "a web page": ("<!DOCTYPE html><html>404</html>", ("is a web page", "what the server says")),
    "a pointer of Git LFS": ("version https://git-lfs.github.com/spec/v1\noid x", ("git lfs pull",)),
    "nothing but blanks": ("  \n\n", ("is empty",)),
    "Parquet under the name of a csv": (b"PAR1 and so on", ("of the kind .parquet", "name end in .parquet")),
    "two files in an archive": (zipped(a="1", b="2"), ("2 files where one", "(a, b)", "Unpack it")),
    "another pair in the archive": (
        zipped(**{"ETHUSDT-1m_dot_csv": text()}),
        ("named after BTC/USDT", "a file inside it says 'ETHUSDT-1m'"),
    ),
    "another contract in a column": (
        text([f"{each},BTCUSDT_250328" for each in LINES], f"{HEADER},symbol"),
        ("named after BTC/USDT", "'symbol' says 'BTCUSDT_250328'"),
    ),
    "the perpetual in a column": (
        text([f"{each},BTC-USDT-SWAP" for each in LINES], f"{HEADER},instId"),
        ("named after BTC/USDT", "'instId' says 'BTC-USDT-SWAP'"),
    ),
    "separators of thousands": (
        text([f'{line(m)[:-1]}"1,005.5"' for m in MINUTES]),
        ("column 'volume'", "'1,005.5' has a comma", "without separators of thousands"),
    ),
    "decimal commas between commas": (
        text([f"{START + 60_000 * m},100,0,102,0,99,0,101,0,5,0" for m in MINUTES]),
        ("line 2 has 11 fields where 6 are expected", "decimal point"),
    ),
    "a line that is cut in the middle": (
        text([*LINES[:5], "1735776300000,100,10", *LINES[6:]]),
        ("line 7 has 3 fields where 6 are expected: '1735776300000,100,10'", "Download it again"),
    ),
    "files with other columns joined": (
        text([*LINES[:6], "timestamp,open,close,high,low,volume", *LINES[6:]]),
        ("'open' stands among its values", "were joined"),
    ),
    "a spreadsheet's days": (
        text([line(m, 45659 + m / 1440) for m in MINUTES]),
        ("column 'timestamp'", "of the year 1970", "Spreadsheets count days"),
    ),
    "milliseconds taken for nanoseconds": (
        text([line(m, f"1970-01-01 00:28:55.{776 + m // 17}{m * 6:02d}") for m in MINUTES]),
        ("of the year 1970", "pandas takes numbers as nanoseconds"),
    ),
    "a date written as a number": (
        text([line(m, f"202501020{m:03d}") for m in MINUTES]),
        ("column 'timestamp'", "no epoch"),
    ),
    "a local way to write dates": (
        text([line(m, f"01/02/2025 0:{m:02d}") for m in MINUTES]),
        ("'01/02/2025 0:00' is neither ISO 8601 nor an epoch", "Write times as ISO 8601"),
    ),
    "day and time in two columns": (
        text(
            [line(m, f"2025-01-02,0:{m:02d}:00", close=f"101.{m:02d}") for m in MINUTES],
            f"date,time{HEADER[9:]}",
        ),
        ("only 1 have a time of their own", "'date' begins with 2025-01-02"),
    ),
    "a column that stands twice": (
        text([f"{each},100" for each in LINES], f"{HEADER},Close"),
        ("has the column 'close' twice",),
    ),
    "columns that nobody names": (
        "\n".join(f"{START // 1000 + 60 * m},100,102,99,101,100.5,5,17" for m in MINUTES),
        ("no header", "8 columns are not those of a kline", "Write a header"),
    ),
}


@pytest.mark.parametrize(("content", "parts"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_plain_is_refused_with_what_it_is(
    tmp_path: Path, content: str | bytes, parts: tuple[str, ...]
) -> None:
    put(tmp_path, content)
    told = refused(tmp_path)
    assert NAME in told
    for part in parts:
        assert part in told


def test_lists_without_end_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "[" * 100_000, "BTC_USDT-1m.json")
    assert "in one another without end" in refused(tmp_path)


def test_a_feather_file_whose_buffers_are_not_whole_is_refused(tmp_path: Path) -> None:
    """Feather itself reads it."""
    columns = {name: pa.array([float(START)] * 40) for name in HEADER.split(",")}
    path = tmp_path / "BTCUSDT-1m.feather"
    feather.write_feather(pa.table(columns), str(path), compression="uncompressed")
    content = bytearray(path.read_bytes())
    for at in range(len(content) - 8):
        if int.from_bytes(content[at : at + 8], "little") == 320:  # what one of the buffers is said to hold
            content[at : at + 8] = (5).to_bytes(8, "little")
            break
    path.write_bytes(bytes(content))
    assert "BTCUSDT-1m.feather cannot be read: Column 0" in refused(tmp_path)


def test_an_archive_of_a_later_version_is_refused_and_not_called_damaged(tmp_path: Path) -> None:
    content = bytearray(zipped(a=text()))
    content[content.index(b"PK\1\2") + 6] = 99
    put(tmp_path, bytes(content), "BTCUSDT-1m.zip")
    assert "cannot be unpacked (zip file version 9.9)" in refused(tmp_path)


def test_an_archive_with_a_password_is_refused_and_not_called_damaged(tmp_path: Path) -> None:
    content = bytearray(zipped(a=text()))
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(mark) + offset] |= 1
    put(tmp_path, bytes(content), "BTCUSDT-1m.zip")
    assert "cannot be unpacked" in (told := refused(tmp_path)) and "Unpack it there" in told


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ({"code": "0", "data": []}, "an object of 'code', 'data'"),
        ([[1, 2, 3]], "arrays have 3 fields"),
        ([[START, 100, 102, 99, 101, 100.5, 5, 17]], "arrays have 8 fields"),
        ([[START, 100, 102, 99, 101, 5], [START]], "row 2 has 1 fields and the first 6"),
        ([RECORDS[0], [1]], "no list of candle arrays"),
        ("candles", "no list of candles"),
    ],
)
def test_json_of_another_shape_is_refused_with_its_shape(tmp_path: Path, content: Any, part: str) -> None:
    put(tmp_path, json.dumps(content), "BTC_USDT-1m.json")
    assert part in refused(tmp_path)


@pytest.mark.parametrize("time", ["", "soon", "None", "17357763", "-1"])
def test_a_row_whose_time_is_none_goes_to_the_quarantine_of_the_day_in_which_it_stands(
    tmp_path: Path, time: str
) -> None:
    put(tmp_path, text([*LINES[:4], line(4, time), *LINES[5:]]))
    assert traded(tmp_path) == [minute for minute in ALL if minute != 4]
    (row,) = day_of(tmp_path).quarantine.to_pylist()
    assert (row["reason"], row["open_time"], row["close"]) == ("the open time is missing", None, 101.0)


@pytest.mark.parametrize("time", [None, "soon", True, [1], 10**30])
def test_a_time_of_any_type_in_json_spoils_no_other_row(tmp_path: Path, time: object) -> None:
    rows: list[list[object]] = [list(row.values()) for row in RECORDS]
    rows[0][0] = time
    put(tmp_path, json.dumps(rows), "BTC_USDT-1m.json")
    assert traded(tmp_path) == ALL[1:]
    assert day_of(tmp_path).quarantine["reason"].to_pylist() == ["the open time is missing"]


def test_a_price_that_is_a_word_spoils_no_other_row(tmp_path: Path) -> None:
    put(tmp_path, text([*LINES[:4], line(4, close="cheap"), *LINES[5:]]))
    assert traded(tmp_path) == [minute for minute in ALL if minute != 4]
    assert day_of(tmp_path).quarantine["reason"].to_pylist() == [
        "a price or the volume is not a finite number"
    ]


def test_an_hour_that_local_time_has_twice_is_kept_out(tmp_path: Path) -> None:
    again = [line(minute, close=100) for minute in (3, 4)]
    put(tmp_path, text([*LINES, *again]))
    assert traded(tmp_path) == [minute for minute in ALL if minute not in (3, 4)]
    assert day_of(tmp_path).quarantine.num_rows == 4


def test_times_of_parquet_that_lost_their_unit_are_refused(tmp_path: Path) -> None:
    times = pa.array([START + 60_000 * minute for minute in MINUTES]).cast(pa.timestamp("ns"))
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), pa.array([1.0] * len(MINUTES)))
    pq.write_table(pa.table({"timestamp": times, **prices}), tmp_path / "BTCUSDT-1m.parquet")
    assert "of the year 1970" in refused(tmp_path)


def test_parquet_with_a_time_that_is_null_keeps_that_row_for_quarantine(tmp_path: Path) -> None:
    times = [datetime(2025, 1, 2, tzinfo=UTC) + timedelta(minutes=minute) for minute in MINUTES]
    at = pa.array([*times[:5], None, *times[6:]], pa.timestamp("us", "UTC"))
    values = {"open": 100.0, "high": 102.0, "low": 99.0, "close": 101.0, "volume": 5.0}
    columns = {name: pa.array([value] * len(MINUTES)) for name, value in values.items()}
    pq.write_table(pa.table({"timestamp": at, **columns}), tmp_path / "BTCUSDT-1m.parquet", row_group_size=4)
    assert traded(tmp_path) == [minute for minute in ALL if minute != 5]
    assert day_of(tmp_path).quarantine.num_rows == 1


def test_parquet_with_a_damaged_footer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-1m.parquet"
    pq.write_table(pa.table({name: pa.array([float(START)] * 4) for name in HEADER.split(",")}), path)
    path.write_bytes(path.read_bytes().replace(b"close", b"cl\xa8se"))
    assert "BTCUSDT-1m.parquet cannot be read" in refused(tmp_path)


KLINES = [f"{each},{START + 60_000 * m + 59_999},505,7,2,202,0" for m, each in enumerate(LINES)]


def test_a_file_beside_its_own_archive_is_dropped_as_a_duplicate_and_counted(tmp_path: Path) -> None:
    put(tmp_path, "\n".join(KLINES), "BTCUSDT-1m-2025-01-02.csv")
    put(tmp_path, zipped(a="\n".join(KLINES)), "BTCUSDT-1m-2025-01-02.zip")
    assert traded(tmp_path) == ALL
    assert day_of(tmp_path).quarantine["reason"].to_pylist() == ["an exact duplicate of an earlier row"] * 12


def test_of_two_files_that_agree_the_order_flow_of_the_one_that_has_it_is_kept(tmp_path: Path) -> None:
    put(tmp_path, text(), "BTCUSDT-1m-2025-01-02.csv")
    put(tmp_path, zipped(a="\n".join(KLINES)), "BTCUSDT-1m-2025-01-02.zip")
    assert traded(tmp_path) == ALL
    assert day_of(tmp_path).ohlcv["trade_count"].to_pylist()[:12] == [7] * 12


@pytest.mark.parametrize(("first", "told"), [(-5, "5 of its 12"), (-1440, "12 of its 12")])
def test_a_file_whose_rows_are_of_other_days_than_its_name_promises_is_refused(
    tmp_path: Path, first: int, told: str
) -> None:
    put(tmp_path, text([line(first + minute) for minute in MINUTES]), "BTCUSDT-1m-2025-01-02.csv")
    assert f"is dated 2025-01-02, but {told} rows are of other days" in refused(tmp_path)


def test_a_file_may_end_with_the_first_bar_of_the_next_day(tmp_path: Path) -> None:
    put(tmp_path, text([*LINES, line(1440)]), "BTCUSDT-1m-2025-01-02.csv")
    assert traded(tmp_path) == ALL


def test_files_that_contradict_each_other_in_one_bar_lose_it_and_in_many_are_refused(tmp_path: Path) -> None:
    lines = [line(minute) for minute in range(60)]
    put(tmp_path, text(lines), "BTCUSDT-1m.csv")
    put(tmp_path, text([*lines[1:], line(60)]), "BTCUSDT-1m-2025-01-02.csv")
    assert traded(tmp_path) == list(range(61))
    put(tmp_path, text([line(0, volume=1), *lines[1:]]), "BTCUSDT-1m-2025-01-02.csv")
    assert traded(tmp_path) == list(range(1, 60))
    put(tmp_path, text([line(minute, volume=1) for minute in range(30)]), "BTCUSDT-1m-2025-01-02.csv")
    told = refused(tmp_path)
    assert "BTCUSDT-1m-2025-01-02.csv and BTCUSDT-1m.csv" in told or "BTCUSDT-1m.csv and" in told
    assert "different candles of the same 30 bars, as of 2025-01-02 00:00 UTC" in told
