"""Which files of a directory hold a symbol's candles, told from their names and folders alone.

Nothing is opened here; see `candle_file_readers`.
"""

import calendar
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

SUFFIXES = (".parquet", ".csv", ".csv.gz", ".feather", ".zip", ".json", ".json.gz")

UNNAMED = "unnamed"

_QUOTES = ("USDT", "USDC", "BUSD", "FDUSD", "TUSD", "USD", "EUR", "GBP", "TRY", "BTC", "ETH", "BNB")
_NOT_CANDLES = re.compile(r"(mark|index|funding|funding_rate|trades|agg_?trades|premium\w*)$", re.IGNORECASE)
_FUNDING = re.compile(r"[-_ ]funding([-_ ]?rates?)?([-_ ]20\d\d-\d\d(-\d\d)?)?$", re.IGNORECASE)
_DATE = re.compile(r"(?<!\d)(20\d\d)-(\d\d)(?:-(\d\d))?(?!\d)")
_SEPARATOR = r"[-_ ]?"
_EXCHANGES = (
    *("binance", "binanceus", "binanceusdm", "binancecoinm", "bybit", "okx", "kraken", "krakenfutures"),
    *("coinbase", "gemini", "kucoin", "bitfinex", "bitstamp", "htx", "huobi", "gate", "gateio", "mexc"),
    *("bitget", "hyperliquid", "deribit", "bitmex"),
)
# Only the exchanges' archives keep the promise of their dates; a dated JSON answer may run on for a week.
_KEEP_THEIR_DATES = (".csv", ".csv.gz", ".zip")


@dataclass(frozen=True)
class CandleFile:
    """A file that by its name holds candles of the asked symbol and timeframe."""

    path: Path
    exchange: str
    """as the name or a folder says; UNNAMED where neither does"""
    depth: int
    """folders between the directory and the file"""
    first_day: date | None
    last_day: date | None
    """the days that an archive's name promises (`-2023-03-24`, `-2023-03`); None where it names no date"""


def _stem(path: Path) -> str:
    name = path.name
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return path.stem


def list_candidates(directory: Path) -> list[Path]:
    """All files under `directory` of a known kind, in a fixed order."""
    files = (path for path in directory.rglob("*") if path.name.lower().endswith(SUFFIXES))
    return sorted(path for path in files if not _NOT_CANDLES.search(_stem(path)) and path.is_file())


def list_funding(directory: Path) -> list[Path]:
    """All files under `directory` whose name ends in funding or funding_rate, perhaps with a month."""
    files = (path for path in directory.rglob("*") if path.name.lower().endswith(SUFFIXES))
    return sorted(path for path in files if _FUNDING.search(_stem(path)) and path.is_file())


def match_files(
    paths: Iterable[Path], directory: Path, symbol: str, timeframe_name: str | None
) -> list[CandleFile]:
    """Those of `paths` whose name says `symbol` (BASE/QUOTE or BASE/QUOTE:SETTLE) and the timeframe.

    None as timeframe: whatever the name says of it, as in files of funding rates.
    """
    pair, _, settle = symbol.partition(":")
    base, _, quote = pair.partition("/")
    name = rf"(?<![A-Za-z0-9]){re.escape(base)}{_SEPARATOR}{re.escape(quote)}"
    # The settle currency tells a perpetual from the spot market of the same pair.
    settled = re.compile(rf"{name}[-_ :]({re.escape(settle or quote)})(?![A-Za-z0-9])", re.IGNORECASE)
    plain = re.compile(rf"{name}(?![A-Za-z0-9])", re.IGNORECASE)
    word = "" if timeframe_name is None else rf"(?<![A-Za-z0-9]){re.escape(timeframe_name)}(?![A-Za-z0-9])"
    timeframe = re.compile(word)
    found = []
    for path in paths:
        stem = _stem(path)
        is_perpetual = bool(settled.search(stem)) or "futures" in path.relative_to(directory).parts
        hit = settled.search(stem) or plain.search(stem)
        if hit is None or is_perpetual != bool(settle) or not timeframe.search(stem):
            continue
        found.append(_describe(path, directory, stem, hit.start(), is_perpetual))
    return found


def _describe(path: Path, directory: Path, stem: str, name_start: int, is_perpetual: bool) -> CandleFile:
    folders = path.relative_to(directory).parts[:-1]
    exchange = stem[:name_start].strip("-_ ").lower()
    if not exchange:
        words = [re.split(r"[-_ ]", folder.lower())[0] for folder in reversed(folders)]
        exchange = next((word for word in words if word in _EXCHANGES), UNNAMED)
    if exchange == "binance" and is_perpetual:
        exchange = "binanceusdm"
    keeps_dates = path.name.lower().endswith(_KEEP_THEIR_DATES)
    return CandleFile(path, exchange, len(folders), *(_dated(stem) if keeps_dates else (None, None)))


def _dated(stem: str) -> tuple[date | None, date | None]:
    dates = _DATE.findall(stem)
    if len(dates) != 1:
        return None, None
    year, month, day = (int(part) if part else 0 for part in dates[0])
    try:
        first = date(year, month, day or 1)
    except ValueError:
        return None, None
    return first, first if day else date(year, month, calendar.monthrange(year, month)[1])


def guess_symbols(paths: Iterable[Path]) -> set[str]:
    """The symbols that the names seem to hold, for the remedy of an error."""
    pattern = re.compile(
        rf"(?:^|[-_])([A-Z0-9]{{2,12}}?)[-_]?({'|'.join(_QUOTES)})(?:[-_](USDT|USDC))?(?![A-Z0-9])"
    )
    symbols = set()
    for path in paths:
        if hit := pattern.search(_stem(path)):
            base, quote, settle = hit.groups()
            symbols.add(f"{base}/{quote}:{settle}" if settle else f"{base}/{quote}")
    return symbols


def range_of_days(first: date, last: date) -> tuple[int, int]:
    """`first` 00:00 and `last` 24:00 in milliseconds since 1970."""
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    end = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)
    return int(start.timestamp() * 1000), int(end.timestamp() * 1000)
