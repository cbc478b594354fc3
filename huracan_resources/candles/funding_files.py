"""Funding rates from the user's own files, which lie anywhere below the directory of the candles.

The candles beside them are the matter of `files`.
"""

from collections.abc import Iterable
from datetime import date
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.funding import empty_funding, funding_window
from huracan.errors import InvalidInput
from huracan_resources.candles.file_listing import list_files
from huracan_resources.candles.file_names import UNNAMED, CandleFile, is_funding, match_files, range_of_days
from huracan_resources.candles.file_readers import read_funding


class FundingFiles:
    """For example `binanceusdm_BTC-USDT-USDT_funding.parquet`, `BTC_USDT_USDT-1h-funding_rate.feather`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._rates: dict[Path, pa.Table] = {}

    def fetch_day(self, symbol: str, day: date, exchanges: Iterable[str]) -> pa.Table:
        """The settlements that belong to the bars of `day`, in FUNDING_SCHEMA and the file's order.

        Of `exchanges`, those of the candles; where they have no file, one whose exchange nothing tells. Of
        several folders that hold the day, the one nearest to the directory. Empty where there is no file.
        Raises InvalidInput for an unreadable file, and where nothing tells which of two exchanges to take.
        """
        first, end = (pa.scalar(at, pa.int64()) for at in funding_window(*range_of_days(day, day)))
        by_folder: dict[tuple[int, Path], list[pa.Table]] = {}
        for file in self._files_of(symbol, set(exchanges)):
            rates = self._read(file.path, symbol)
            at = rates["settled_at"].cast(pa.int64())
            found = rates.filter(pc.and_(pc.greater_equal(at, first), pc.less(at, end)))
            if found.num_rows:
                by_folder.setdefault((file.depth, file.path.parent), []).append(found)
        return pa.concat_tables(by_folder[min(by_folder)]) if by_folder else empty_funding()

    @cached_property
    def _paths(self) -> list[Path]:
        return [path for path in list_files(self._directory) if is_funding(path)]

    def _files_of(self, symbol: str, exchanges: set[str]) -> list[CandleFile]:
        found = match_files(self._paths, self._directory, symbol, None)
        if UNNAMED not in exchanges:
            same = [each for each in found if each.exchange in exchanges]
            found = same or [each for each in found if each.exchange == UNNAMED]
        named = sorted({each.exchange for each in found})
        if len(named) > 1:
            raise InvalidInput(
                f"{self._directory} holds funding of {symbol} by several exchanges: {', '.join(named)}.",
                "Name the candle files after one exchange, or choose one with the option exchange.",
            )
        return found

    def _read(self, path: Path, symbol: str) -> pa.Table:
        # Three or at most 24 rates a day: years of them stay in memory.
        if path not in self._rates:
            self._rates[path] = read_funding(path, symbol)
        return self._rates[path]
