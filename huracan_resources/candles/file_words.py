"""The words in the name of a file: which tell of another market, which of other prices, which of nothing.

How a name is taken apart is told in `file_names`.
"""

import re
from datetime import date

EXCHANGES = frozenset(
    (
        *("binance", "binanceus", "binanceusdm", "binancecoinm", "bybit", "okx", "kraken", "krakenfutures"),
        *("coinbase", "gemini", "kucoin", "bitfinex", "bitstamp", "htx", "huobi", "gate", "gateio", "mexc"),
        *("bitget", "hyperliquid", "deribit", "bitmex"),
    )
)
PERPETUAL = frozenset(
    ("swap", "perp", "perps", "perpetual", "p", "future", "futures", "linear", "um", "usdm", "umcbl")
)
INVERSE = frozenset(("inverse", "cm", "coinm", "dmcbl"))
OTHER_PRICES = {
    **dict.fromkeys(("mark", "markprice", "markprices", "markpriceklines"), "mark prices"),
    **dict.fromkeys(("index", "indexprice", "indexprices", "indexpriceklines", "spotindex"), "index prices"),
    **dict.fromkeys(("premium", "premiumindex", "premiumindexklines"), "the premium over the index"),
    **dict.fromkeys(("bid", "ask", "mid", "quotes", "bookticker"), "quotes instead of trades"),
    **dict.fromkeys(("heikin", "heikinashi", "renko"), "averages instead of candles"),
    **dict.fromkeys(("depth", "bookdepth", "orderbook", "booksnapshot"), "an order book"),
    **dict.fromkeys(("trades", "aggtrades", "ticks"), "single trades"),
    **dict.fromkeys(
        ("metrics", "openinterest", "liquidation", "liquidations"), "other figures of the market"
    ),
    **dict.fromkeys(("liquidationsnapshot",), "other figures of the market"),
    **dict.fromkeys(("option", "options"), "options"),
}
"""What a file with such a word, or in a folder of such a name, holds; never candles of trades."""
OTHER_TIMEFRAMES = frozenset(
    ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M", "1mo")
)
OF_NO_MATTER = frozenset(
    (
        *("spot", "spbl", "ohlc", "ohlcv", "ohlcvt", "kline", "klines", "candle", "candles", "bar", "bars"),
        *("candlestick", "candlesticks", "min", "minute", "minutes", "minutely", "hour", "hourly"),
        *("hist", "history", "historical", "data", "dataset", "export", "download", "downloaded", "copy"),
        *("full", "all", "complete", "part", "raw", "clean", "cleaned", "final", "latest", "old", "new"),
        *(
            "updated",
            "sorted",
            "ascending",
            "descending",
            "paged",
            "gaps",
            "utc",
            "gmt",
            "from",
            "to",
            "until",
        ),
        *("daily", "monthly", "yearly", "day", "days", "month", "year", "of", "csv", "json", "parquet"),
    )
)
"""Words of the copy, the time or the tool."""

_DAY = r"(?:0[1-9]|[12]\d|3[01])"
_MONTH = r"(?:0[1-9]|1[0-2])"
_CLOCK = r"(?:[T _]\d\d[-_:]?\d\d(?:[-_:]?\d\d)?(?:\.\d+)?Z?)?"
_WRITTEN_DATES = re.compile(
    rf"(?<!\d)(?:20\d\d([-_.]){_MONTH}(?:\1{_DAY}{_CLOCK})?|{_DAY}([-_.]){_MONTH}\2(?:20\d\d))(?![A-Za-z0-9])"
)
_NUMBERS = re.compile(rf"20\d\d{_MONTH}{_DAY}|20\d\d{_MONTH}|20\d\d|\d{{10}}|\d{{13}}|\d{{1,3}}")
_EXPIRY = re.compile(
    rf"(?P<year>[1-3]\d)(?P<month>{_MONTH})(?P<day>{_DAY})"
    r"|\d{1,2}(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\d{2,4}"
    r"|(?:bi)?quarter(?:ly)?|thisweek|nextweek|cq|nq",
    re.IGNORECASE,
)
_TWO_THAT_ARE_ONE = re.compile(
    r"(?<![a-z0-9])(mark|index|premium|heikin|agg|book)"
    r"[-_ ](prices?|index|ashi|trades|depth|ticker)(?![a-z0-9])",
    re.IGNORECASE,
)
_OTHER_WORDS = re.compile(r"v\d+|part\d+|q[1-4]|h[12]", re.IGNORECASE)


def split_words(text: str) -> list[str]:
    """The words between separators, as written; dates in them are left out, and two words that are one."""
    plain = _WRITTEN_DATES.sub(" ", text)
    plain = _TWO_THAT_ARE_ONE.sub(r"\1\2", plain)
    return [word for word in re.split(r"[^A-Za-z0-9]+", plain) if word]


def folder_word(folder: str) -> str:
    """A folder's name as it stands in the tables above."""
    return re.sub(r"[-_ ]", "", folder.lower())


def is_expiry(word: str) -> bool:
    """Whether a word after a pair is the day, the month or the quarter in which a contract expires."""
    hit = _EXPIRY.fullmatch(word)
    if hit is None or hit["year"] is None:
        return hit is not None
    try:
        date(2000 + int(hit["year"]), int(hit["month"]), int(hit["day"]))
    except ValueError:
        return False
    return True


def is_of_no_matter(word: str) -> bool:
    """Whether a word after a pair says nothing of what the file holds."""
    lower = word.lower()
    if lower in OF_NO_MATTER or lower in EXCHANGES:
        return True
    return bool(_NUMBERS.fullmatch(word) or _OTHER_WORDS.fullmatch(word))
