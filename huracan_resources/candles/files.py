"""The user's own files of candles, as a CandleSource: found by name, opened when needed, kept a while.

Which file holds what is told in `file_names`, how a format is read in `file_readers`.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huracan.candles.defects import MISSING_TIME, open_times_ms
from huracan.candles.funding import empty_funding
from huracan.candles.market_info import MarketInfo
from huracan.candles.schema import Timeframe
from huracan.candles.source import CandleSourceKind, SourceIdentity, empty_candles, unknown_symbol
from huracan.errors import InvalidInput, SymbolRefused
from huracan_resources.candles.file_contradictions import refuse_contradictions, refuse_other_days
from huracan_resources.candles.file_listing import is_readable_kind, list_files
from huracan_resources.candles.file_names import (
    CandleFile,
    explain_passed_over,
    guess_symbols,
    match_files,
    range_of_days,
    suggested_name,
    tell,
)
from huracan_resources.candles.file_readers import read_candles, row_group_bounds
from huracan_resources.candles.funding_files import FundingFiles
from huracan_resources.settings.sections import Section

_ROWS_IN_MEMORY = 2_000_000  # about 130 MB: three symbols' row groups, or years of daily files
_LARGE_FILE_ROWS = 200_000
_BARS_A_CONTRADICTION = 100
"""Files that contradict each other in more than one of so many bars of a day are refused by their names."""


class FilesSettings(Section):
    """The user's own candle files."""

    directory: Path | None = None
    """Searched with all that lies below it."""
    exchange: str | None = None
    """Picks one where the directory holds several."""


@dataclass(frozen=True)
class _Segment:
    """A part of a symbol's history that is read at once: a file, or a row group of a Parquet file."""

    file: CandleFile
    row_group: int | None
    first_ms: int
    """least open time, or the start that a dated name promises"""
    end_ms: int
    """just after the last open time, or the end that a dated name promises"""


@dataclass(frozen=True)
class _Rows:
    times: npt.NDArray[np.int64]
    """of a row without a time that of the row before it, so that it comes to the day in which it stands"""
    table: pa.Table
    is_sorted: bool

    def between(self, start_ms: int, end_ms: int) -> pa.Table:
        if self.is_sorted:
            first, last = np.searchsorted(self.times, [start_ms, end_ms])
            return self.table.slice(int(first), int(last - first))
        return self.table.filter(pa.array((self.times >= start_ms) & (self.times < end_ms)))


class CandleFiles:
    """A CandleSource over a directory. `exchange` chooses where files of several exchanges lie together.

    A day is taken from one folder: of several that hold it, from the one with most of its rows, then from the
    one nearest to the directory.
    """

    def __init__(self, directory: Path, timeframe: Timeframe, exchange: str | None = None) -> None:
        if not directory.is_dir():
            raise InvalidInput(
                f"The candle directory {directory} does not exist.", "Create it or set another directory."
            )
        self._directory = directory
        self._timeframe = timeframe
        self._funding = FundingFiles(directory)
        self._exchange = exchange
        self._segments: dict[str, list[_Segment]] = {}
        self._rows: OrderedDict[tuple[Path, int | None], _Rows] = OrderedDict()
        self._mapped: dict[Path, _Rows] = {}
        self._scratch: TemporaryDirectory[str] | None = None

    @property
    def identity(self) -> SourceIdentity:
        """`files`, with the timeframe and the chosen exchange; not the path, which differs by machine."""
        return SourceIdentity(
            "files", False, {"timeframe": self._timeframe.name, "exchange": self._exchange or "any"}
        )

    def check_symbols(self, symbols: Sequence[str]) -> None:
        """Raise InvalidInput for a symbol without a file, or with files of two exchanges."""
        for symbol in symbols:
            self._files_of(symbol)

    def span(self, symbol: str) -> tuple[date, date]:
        """The days of the first and the last candle. InvalidInput where there is none."""
        segments = self._segments_of(symbol)
        if not segments:
            raise _empty(symbol)
        first, end = min(each.first_ms for each in segments), max(each.end_ms for each in segments)
        return _utc(first).date(), _utc(end - 1).date()

    def fetch_day(self, symbol: str, day: date) -> pa.Table:
        """The rows whose open time lies in `day`, in RAW_SCHEMA and the file's order.

        Raises SymbolRefused for an unknown symbol, a day before the first or after the last candle, and a
        file that cannot be read or holds another timeframe.
        """
        with _about_one_symbol():
            return self._day_of(symbol, day)

    def _day_of(self, symbol: str, day: date) -> pa.Table:
        start_ms, end_ms = range_of_days(day, day)
        segments = self._segments_of(symbol)
        chosen = [each for each in segments if each.first_ms < end_ms and each.end_ms > start_ms]
        by_folder: dict[tuple[int, Path], list[tuple[Path, pa.Table]]] = {}
        for each in chosen:
            rows = self._read(each, symbol).between(start_ms, end_ms)
            if rows.num_rows:
                by_folder.setdefault((each.file.depth, each.file.path.parent), []).append(
                    (each.file.path, rows)
                )
        if by_folder:
            held = by_folder[min(by_folder, key=lambda folder: (-_rows_of(by_folder[folder]), folder))]
            refuse_contradictions(held, self._timeframe.bars_per_day // _BARS_A_CONTRADICTION)
            return held[0][1] if len(held) == 1 else pa.concat_tables([rows for _, rows in held])
        self._refuse_outside(symbol, day, segments, start_ms, end_ms)
        return empty_candles()

    def fetch_funding(self, symbol: str, day: date) -> pa.Table:
        """The settlements of a perpetual (BASE/QUOTE:SETTLE) from files beside the candles; else none."""
        if ":" not in symbol:
            return empty_funding()
        with _about_one_symbol():
            return self._funding.fetch_day(symbol, day, {each.exchange for each in self._files_of(symbol)})

    def market_info(self, symbol: str) -> MarketInfo | None:
        """None: files of candles do not say. The settings may."""
        with _about_one_symbol():
            self._files_of(symbol)
        return None

    @cached_property
    def _paths(self) -> list[Path]:
        return list_files(self._directory)

    def _files_of(self, symbol: str) -> list[CandleFile]:
        if "/" not in symbol:
            raise InvalidInput(
                f"The symbol {symbol!r} names no pair.", "Write it as BASE/QUOTE or BASE/QUOTE:SETTLE."
            )
        readable = [path for path in self._paths if is_readable_kind(path)]
        found = match_files(readable, self._directory, symbol, self._timeframe.name)
        if self._exchange is not None:
            found = [each for each in found if each.exchange == self._exchange.lower()]
        if not found:
            raise self._unknown(symbol)
        exchanges = sorted({each.exchange for each in found})
        if len(exchanges) > 1:
            raise InvalidInput(
                f"{self._directory} holds {symbol} of several exchanges: {', '.join(exchanges)}.",
                f"Choose one with the option exchange, for example {exchanges[0]!r}.",
            )
        return found

    def _unknown(self, symbol: str) -> InvalidInput:
        """With what the files that name the pair are, and why they are not taken."""
        timeframe = self._timeframe.name
        known = guess_symbols(filter(is_readable_kind, self._paths), self._directory, timeframe) - {symbol}
        of_exchange = f" by {self._exchange}" if self._exchange is not None else ""
        error = unknown_symbol(symbol, known, f"{self._directory} (candles of {timeframe}{of_exchange})")
        passed = explain_passed_over(self._paths, self._directory, symbol, timeframe)
        if not passed:
            return error
        remedy = error.remedy
        if passed[0].is_misnamed:
            name = suggested_name(symbol, timeframe, passed[0].path)
            remedy = f"If it holds these candles, rename it, for example to {name}."
        elif not known:
            remedy = (
                f"Give candles of trades in {symbol}, in a file such as {suggested_name(symbol, timeframe)}."
            )
        return type(error)(f"{error.what} {tell(passed)}.", remedy)

    def _segments_of(self, symbol: str) -> list[_Segment]:
        if symbol not in self._segments:
            parts = [part for file in self._files_of(symbol) for part in self._divide(file, symbol)]
            self._segments[symbol] = sorted(parts, key=lambda each: (each.first_ms, str(each.file.path)))
        return self._segments[symbol]

    def _divide(self, file: CandleFile, symbol: str) -> list[_Segment]:
        if file.path.suffix.lower() == ".parquet":
            bounds = row_group_bounds(file.path)
            if bounds is not None:
                return [_Segment(file, group, *bound) for group, bound in enumerate(bounds)]
        if file.first_day is not None and file.last_day is not None:
            return [_Segment(file, None, *range_of_days(file.first_day, file.last_day))]
        whole = _Segment(file, None, 0, 0)
        times = self._read(whole, symbol).times
        times = times[times != MISSING_TIME]
        if not len(times):
            return []
        return [_Segment(file, None, int(times.min()), int(times.max()) + 1)]

    def _read(self, segment: _Segment, symbol: str) -> _Rows:
        key = (segment.file.path, segment.row_group)
        if segment.file.path in self._mapped:
            return self._mapped[segment.file.path]
        if key in self._rows:
            self._rows.move_to_end(key)
            return self._rows[key]
        table = read_candles(segment.file.path, symbol, segment.row_group).combine_chunks()
        times = _placed(open_times_ms(table))
        self._refuse_other_timeframe(segment.file.path, times)
        refuse_other_days(segment.file, times[times != MISSING_TIME])
        if segment.row_group is None and len(times) > _LARGE_FILE_ROWS:
            rows = _Rows(times, self._map_to_disk(table), _is_sorted(times))
            self._mapped[segment.file.path] = rows
            return rows
        rows = _Rows(times, table, _is_sorted(times))
        self._rows[key] = rows
        while len(self._rows) > 1 and sum(len(each.times) for each in self._rows.values()) > _ROWS_IN_MEMORY:
            self._rows.popitem(last=False)
        return rows

    def _map_to_disk(self, table: pa.Table) -> pa.Table:
        """The same table, memory-mapped from a temporary file: a long text file is parsed once only."""
        if self._scratch is None:
            self._scratch = TemporaryDirectory(prefix="huracan-candles-")
        path = Path(self._scratch.name) / f"{len(self._mapped)}.arrow"
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        return pa.ipc.open_file(pa.memory_map(str(path))).read_all()

    def _refuse_other_timeframe(self, path: Path, times: npt.NDArray[np.int64]) -> None:
        steps = np.diff(np.unique(times[times != MISSING_TIME]))
        step_ms = self._timeframe.minutes * 60_000
        if len(steps) < 2 or (np.any(steps == step_ms) and np.median(steps) >= step_ms):
            return
        raise InvalidInput(
            f"The candles of {path} (column of open times) are {np.median(steps) / 60_000:g} minutes apart, "
            f"not {self._timeframe.minutes}.",
            f"Rename the file after its timeframe or give candles of {self._timeframe.name}.",
        )

    def _refuse_outside(
        self, symbol: str, day: date, segments: list[_Segment], start_ms: int, end_ms: int
    ) -> None:
        """A day in a hole of the files is an outage; one before or after them is a wrong day."""
        first = min((each.first_ms for each in segments), default=0)
        last = max((each.end_ms for each in segments), default=0)
        if segments and first < end_ms and last > start_ms:
            return
        if not segments:
            raise _empty(symbol)
        nearest = segments[0] if start_ms < first else max(segments, key=lambda each: each.end_ms)
        passed = explain_passed_over(self._paths, self._directory, symbol, self._timeframe.name)
        told = tell([each for each in passed if each.is_misnamed])
        raise InvalidInput(
            f"There is no candle of {symbol} on {day}: the files (here {nearest.file.path}) hold candles "
            f"from {_utc(first):%Y-%m-%d %H:%M} to {_utc(last - 1):%Y-%m-%d %H:%M} UTC."
            + (f" Passed over: {told}." if told else ""),
            f"Ask for a day inside that range: huracan nightly --date {_utc(last - 1):%Y-%m-%d}.",
        )


def _empty(symbol: str) -> InvalidInput:
    return InvalidInput(f"The files of {symbol} hold no candle at all.", "Download them again.")


def _placed(times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    has_time = times != MISSING_TIME
    if has_time.all() or not has_time.any():
        return times
    before = np.maximum.accumulate(np.where(has_time, np.arange(len(times)), -1))
    return times[np.where(before < 0, int(np.argmax(has_time)), before)]


def _rows_of(held: Sequence[tuple[Path, pa.Table]]) -> int:
    return sum(rows.num_rows for _, rows in held)


@contextmanager
def _about_one_symbol() -> Iterator[None]:
    """What is wrong with the files of one symbol is no matter of the others."""
    try:
        yield
    except SymbolRefused:
        raise
    except InvalidInput as error:
        raise SymbolRefused(error.what, error.remedy) from error


def _is_sorted(times: npt.NDArray[np.int64]) -> bool:
    return bool((times[1:] >= times[:-1]).all())


def _utc(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _open(settings: FilesSettings, _: Sequence[str], timeframe: Timeframe) -> CandleFiles:
    if settings.directory is None:
        raise InvalidInput(
            "The candle source is files, but no directory is set.",
            "Use --source files:DIRECTORY, or set source.files.directory.",
        )
    return CandleFiles(settings.directory, timeframe, settings.exchange)


SOURCE = CandleSourceKind(
    name="files",
    settings=FilesSettings,
    open=_open,
    argument="directory",
    has_yesterday=False,
    span=CandleFiles.span,
)
