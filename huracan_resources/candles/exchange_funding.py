"""Walking an exchange's funding rates page by page. No network here: a page comes from a function.

Paging of candles lives in `exchange_pages`.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from huracan.candles.funding import funding_table
from huracan.errors import Unavailable

FUNDING_PAGE = 100
"""Settlements asked for at once: four days even where they are hourly."""
UNTIL_NAMES = {
    **dict.fromkeys(("binance", "binanceusdm", "binancecoinm", "bybit", "hyperliquid", "gate"), "until"),
    **dict.fromkeys(("gateio", "kucoinfutures"), "until"),
    "okx": "after",
}
"""What ccxt passes on as the end of the asked time, by exchange: without it, some give the latest page."""
_MAXIMUM_PAGES = 50


def collect_funding(fetch_page: Callable[[int], Any], first_ms: int, until_ms: int) -> pa.Table:
    """The settlements in [first_ms, until_ms), in FUNDING_SCHEMA and time order, each time once.

    `fetch_page(since_ms)` gives ccxt's rows from `since_ms` on, in any order. Paged by time: a page that
    brings nothing new ends the walk, and so does one that reaches the end. Raises Unavailable where the
    answer is no list of rates, or a settlement comes twice with two rates.
    """
    seen: dict[int, float] = {}
    cursor = first_ms
    for _ in range(_MAXIMUM_PAGES):
        rows = _checked(fetch_page(cursor))
        for at, rate in rows:
            if seen.get(at, rate) != rate and not math.isnan(rate):
                raise Unavailable(
                    f"The exchange gave two different funding rates for {at} ms.",
                    "Ask again later; it is still correcting its records.",
                )
            if first_ms <= at < until_ms:
                seen[at] = rate
        newest = max((at for at, _ in rows), default=cursor - 1)
        if newest < cursor or newest + 1 >= until_ms:
            break
        cursor = newest + 1
    times = sorted(seen)
    return funding_table(np.array(times, np.int64), np.array([seen[at] for at in times], np.float64))


def _checked(answer: Any) -> list[tuple[int, float]]:
    """Time and rate of ccxt's rows; NaN where a row has no rate, so that it is seen and not dropped."""
    try:
        return [
            (int(row["timestamp"]), float("nan" if row["fundingRate"] is None else row["fundingRate"]))
            for row in answer
        ]
    except (TypeError, KeyError, ValueError) as error:
        raise Unavailable(
            f"The exchange answered with something that is no list of funding rates ({error}).",
            "Check the base URL and proxies, then try again.",
        ) from error
