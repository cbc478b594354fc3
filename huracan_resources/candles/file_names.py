"""Which files of a directory hold a symbol's candles, told from their names and folders alone.

Nothing is opened here; see `file_readers`. What each word means is in `file_words`.
"""

import calendar
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from huracan_resources.candles.file_listing import is_readable_kind, stem_of, suffix_of
from huracan_resources.candles.file_words import (
    EXCHANGES,
    INVERSE,
    OTHER_PRICES,
    OTHER_TIMEFRAMES,
    PERPETUAL,
    folder_word,
    is_expiry,
    is_of_no_matter,
    split_words,
)

UNNAMED = "unnamed"

_MOST_NAMED = 3

_QUOTES = ("USDT", "USDC", "BUSD", "FDUSD", "TUSD", "USD", "EUR", "GBP", "TRY", "BTC", "ETH", "BNB")
_FUNDING = re.compile(r"[-_ ]funding([-_ ]?rates?)?([-_ ]20\d\d-\d\d(-\d\d)?)?$", re.IGNORECASE)
_DATE = re.compile(r"(?<![\d.])(20\d\d)-(\d\d)(?:-(\d\d))?(?![\d.])")
_GUESS = re.compile(rf"(?:^|[-_])([A-Z0-9]{{2,12}}?)[-_]?({'|'.join(_QUOTES)})(?![A-Z0-9])")
# Only the exchanges' archives keep the promise of their dates; a dated JSON answer may run on for a week.
_KEEP_THEIR_DATES = (".csv", ".csv.gz", ".zip")
_PRICE_ARCHIVES = {"indexpriceklines", "markpriceklines", "premiumindexklines"}


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


@dataclass(frozen=True)
class Market:
    """Which market of a pair a text names: `settle` is empty for the spot market."""

    settle: str
    oddity: str
    """What speaks against taking it, as in `... is a delivery contract`; empty where nothing does."""
    lead: str
    words: tuple[str, ...]
    """What stands before the pair, and the words after it."""


@dataclass(frozen=True)
class PassedOver:
    """A file that names the pair and is not taken for the asked market."""

    path: Path
    """from the directory on"""
    reason: str
    is_misnamed: bool
    """whether another name might make it what was asked for"""


def is_funding(path: Path) -> bool:
    """Whether a file's name ends in funding or funding_rate, perhaps with a month."""
    return is_readable_kind(path) and bool(_FUNDING.search(stem_of(path)))


def read_market(text: str, symbol: str) -> Market | None:
    """What `text` (a stem, or a value such as `BTC-USDT-SWAP`) says of the pair of `symbol`; None: nothing.

    Only words that are known may follow the pair: any other could tell of another market.
    """
    base, quote, settle = split_symbol(symbol)
    pair = rf"(?<![A-Za-z0-9]){re.escape(base)}[-_ /]?{re.escape(quote)}(?![A-Za-z0-9])"
    hit = re.search(pair, text, re.IGNORECASE)
    if hit is None:
        return None
    words = split_words(text[hit.end() :])
    lead = text[: hit.start()].strip("-_ ")
    named = ""
    if words and words[0].upper() in {base.upper(), quote.upper(), settle.upper()}:
        named = words[0].upper()
    of_contract = {word.lower() for word in words[bool(named) :]}
    expiry = next((word for word in words if is_expiry(word)), None)
    if expiry is not None:
        return Market(named, f"is a delivery contract, which expires ({expiry})", lead, tuple(words))
    if of_contract & INVERSE or (of_contract & PERPETUAL and quote.upper() == "USD" and not named):
        kind = "perpetual" if of_contract & PERPETUAL else "contract"
        oddity = f"is an inverse {kind}, settled in {base.upper()} and with its volume in contracts"
        return Market(base.upper(), oddity, lead, tuple(words))
    if of_contract & PERPETUAL:
        named = named or quote.upper()
    return Market(named, "", lead, tuple(words[1:] if named and words[0].upper() == named else words))


def split_symbol(symbol: str) -> tuple[str, str, str]:
    """BASE, QUOTE and SETTLE (empty for a spot market) of BASE/QUOTE[:SETTLE]."""
    pair, _, settle = symbol.partition(":")
    base, _, quote = pair.partition("/")
    return base, quote, settle


def match_files(
    paths: Iterable[Path], directory: Path, symbol: str, timeframe_name: str | None
) -> list[CandleFile]:
    """Those of `paths` whose name says `symbol` (BASE/QUOTE or BASE/QUOTE:SETTLE) and the timeframe.

    None as timeframe: whatever the name says of it, as in files of funding rates.
    """
    found = []
    for path in paths:
        market = _judge(path, directory, symbol, timeframe_name)
        if market is not None and not market.oddity and market.settle == _settle_of(symbol):
            found.append(_describe(path, directory, market))
    return found


def explain_passed_over(
    paths: Iterable[Path], directory: Path, symbol: str, timeframe_name: str
) -> list[PassedOver]:
    """The files that name the pair of `symbol` and are not taken, with the reason; misnamed ones first."""
    passed = []
    for path in paths:
        market = _judge(path, directory, symbol, timeframe_name)
        if market is None or (not market.oddity and market.settle == _settle_of(symbol)):
            continue
        named = path.relative_to(directory)
        pair = "/".join(split_symbol(symbol)[:2])
        other = f"is the perpetual {pair}:{market.settle}" if market.settle else f"is the spot market {pair}"
        is_misnamed = market.oddity.startswith(("names", "says", "is of the kind"))
        passed.append(PassedOver(named, market.oddity or other, is_misnamed))
    return sorted(passed, key=lambda each: not each.is_misnamed)


def tell(passed: Sequence[PassedOver]) -> str:
    """The first few of them, each with its reason; empty where there are none."""
    named = [f"{each.path} {each.reason}" for each in passed[:_MOST_NAMED]]
    rest = [f"and {len(passed) - _MOST_NAMED} more"] if len(passed) > _MOST_NAMED else []
    return "; ".join([*named, *rest])


def _settle_of(symbol: str) -> str:
    return split_symbol(symbol)[2].upper()


def _judge(path: Path, directory: Path, symbol: str, timeframe_name: str | None) -> Market | None:
    """The market that a file's name and folders tell, with the first thing that speaks against it."""
    market = read_market(stem_of(path), symbol)
    if market is None:
        return None
    folders = path.relative_to(directory).parts[:-1]
    settle = market.settle
    if not settle and _is_futures(directory, folders):
        settle = split_symbol(symbol)[1].upper()
    oddity = market.oddity or _other_prices(directory, folders, market, timeframe_name is None)
    if not oddity and timeframe_name is not None:
        oddity = _other_timeframe(market, timeframe_name) or _unknown_word(path, market, timeframe_name)
    return Market(settle, oddity, market.lead, market.words)


def _is_futures(directory: Path, folders: tuple[str, ...]) -> bool:
    """A folder `futures` below the directory, or Binance's `futures/um` above it."""
    above = directory.absolute().parts
    return "futures" in folders or ("futures", "um") in pairwise(above)


def _other_prices(directory: Path, folders: tuple[str, ...], market: Market, is_funding_asked: bool) -> str:
    named = [*(folder_word(folder) for folder in folders), *(word.lower() for word in market.words)]
    named += [word.lower() for word in split_words(market.lead)]
    named += [word for part in directory.absolute().parts if (word := folder_word(part)) in _PRICE_ARCHIVES]
    if is_funding_asked:
        return ""
    if any(word.startswith("funding") for word in named):
        return "holds funding rates"
    held = next((OTHER_PRICES[word] for word in named if word in OTHER_PRICES), "")
    return f"holds {held}" if held else ""


def _other_timeframe(market: Market, timeframe_name: str) -> str:
    words = [*market.words, *split_words(market.lead)]
    if timeframe_name in words:
        return ""
    other = next((word for word in words if word in OTHER_TIMEFRAMES), "")
    return f"is of {other}" if other else f"names no timeframe {timeframe_name!r}"


def _unknown_word(path: Path, market: Market, timeframe_name: str) -> str:
    if not is_readable_kind(path):
        return f"is of the kind {suffix_of(path)!r}, which is not read"
    for word in market.words:
        if word != timeframe_name and word.lower() not in PERPETUAL and not is_of_no_matter(word):
            return f"says {word!r} after the pair, which may be another market"
    return ""


def _describe(path: Path, directory: Path, market: Market) -> CandleFile:
    folders = path.relative_to(directory).parts[:-1]
    exchange = _named_exchange(market.lead)
    if not exchange:
        words = [re.split(r"[-_ ]", folder.lower())[0] for folder in reversed(folders)]
        words = [*(word.lower() for word in market.words), *words]
        exchange = next((word for word in words if word in EXCHANGES), UNNAMED)
    if exchange == "binance" and market.settle:
        exchange = "binanceusdm"
    keeps_dates = path.name.lower().endswith(_KEEP_THEIR_DATES)
    dates = _dated(stem_of(path)) if keeps_dates else (None, None)
    return CandleFile(path, exchange, len(folders), *dates)


def _named_exchange(lead: str) -> str:
    """What stands before the pair, unless it is of another matter (`1m_BTC-USDT`, `Copy of BTC-USDT`)."""
    words = [word.lower() for word in split_words(lead)]
    telling = [word for word in words if word in EXCHANGES or not is_of_no_matter(word)]
    telling = [word for word in telling if word not in OTHER_TIMEFRAMES]
    return lead.lower() if len(telling) > 1 else "".join(telling)


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


def guess_pair(stem: str) -> str:
    """The pair that a name seems to hold, as BASE/QUOTE; empty where there is none."""
    lead = stem.split("_")[0].lower()
    upper = stem[len(lead) :].upper() if lead in EXCHANGES else stem.upper()
    hit = _GUESS.search(stem) or _GUESS.search(upper)
    return f"{hit[1]}/{hit[2]}" if hit else ""


def guess_symbols(paths: Iterable[Path], directory: Path, timeframe_name: str) -> set[str]:
    """The symbols whose candles of a timeframe the names seem to hold, for the remedy of an error."""
    symbols = set()
    for path in paths:
        pair = guess_pair(stem_of(path))
        market = _judge(path, directory, pair, timeframe_name) if pair else None
        if market is not None and not market.oddity:
            symbols.add(f"{pair}:{market.settle}" if market.settle else pair)
    return symbols


def suggested_name(symbol: str, timeframe_name: str, path: Path | None = None) -> str:
    """A name under which a file, such as that at `path`, is taken for `symbol`."""
    name = f"{symbol.replace('/', '-').replace(':', '-')}_{timeframe_name}"
    if path is None:
        return f"{name}.csv"
    lead = next((word.lower() for word in split_words(stem_of(path)) if word.lower() in EXCHANGES), "")
    suffix = suffix_of(path) if is_readable_kind(path) else ".csv"
    return f"{lead}_{name}{suffix}" if lead else f"{name}{suffix}"


def range_of_days(first: date, last: date) -> tuple[int, int]:
    """`first` 00:00 and `last` 24:00 in milliseconds since 1970."""
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    end = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)
    return int(start.timestamp() * 1000), int(end.timestamp() * 1000)
