"""What the emulated exchange can do wrong: pages of another time, nonsense for JSON, statuses, delays.

`exchange_emulator` serves them, once on demand or at every k-th request.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

WEB_PAGE = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Wait</body></html>"
BODIES = {
    "429": (429, "application/json", '{"code":-1003,"msg":"Too many requests."}'),
    "500": (500, "application/json", '{"code":-1000,"msg":"Fault."}'),
    "502": (502, "text/html", WEB_PAGE),
    "503": (503, "text/html", WEB_PAGE),
    "524": (524, "text/html", WEB_PAGE),
    "html": (200, "text/html; charset=UTF-8", WEB_PAGE),
    "empty": (200, "application/json", ""),
    "broken": (200, "application/json", "[[1679616000000,"),
    "maintenance": (200, "application/json", '{"code":0,"msg":"Back soon."}'),
    "null": (200, "application/json", "null"),
}
REFUSALS = {
    "400": (400, "application/json", '{"code":-1100,"msg":"Illegal characters found in a parameter."}'),
    "401": (401, "application/json", '{"code":-2014,"msg":"Fault."}'),
    "403": (403, "text/html", WEB_PAGE),
    "418": (418, "application/json", '{"code":-1003,"msg":"Way too many requests; IP banned."}'),
    "451": (451, "application/json", '{"code":0,"msg":"Service unavailable from a restricted location."}'),
}


@dataclass(frozen=True)
class Served:
    """A page that is right: `rows[first:last]`, where a page holds at most `limit` rows."""

    rows: list[list[Any]]
    first: int
    last: int
    limit: int

    @property
    def page(self) -> list[list[Any]]:
        return [list(row) for row in self.rows[self.first : self.last]]

    def moved(self, bars: int) -> list[list[Any]]:
        count = self.last - self.first
        first = max(self.first + bars, 0)
        return self.rows[first : max(self.first + bars + count, 0)]


def _with_times(served: Served, time: Callable[[int], Any]) -> list[list[Any]]:
    return [[time(row[0]), *row[1:]] for row in served.page]


def _doubled(served: Served) -> list[list[Any]]:
    """Every seventh minute twice, the first time as if it had closed at its high."""
    page = []
    for number, row in enumerate(served.page):
        page += [[*row[:4], row[2], *row[5:]], row] if number % 7 == 3 else [row]
    return page


def _odd_prices(served: Served) -> list[list[Any]]:
    return [[row[0], "n/a", *row[2:]] if number % 5 == 2 else row for number, row in enumerate(served.page)]


PAGES: dict[str, Callable[[Served], list[list[Any]]]] = {
    "page early": lambda served: served.moved(-(served.last - served.first)),
    "page late": lambda served: served.moved(served.last - served.first),
    "page far": lambda served: served.rows[-served.limit :],
    "page from its end": lambda served: served.page[-100:],
    "page capped": lambda served: served.page[:7],
    "no rows": lambda served: [],
    "hole": lambda served: served.page[:20] + served.page[33:],
    "text times": lambda served: _with_times(served, "2023-03-24T00:{}".format),
    "no times": lambda served: [
        [None if number % 4 == 1 else row[0], *row[1:]] for number, row in enumerate(served.page)
    ],
    "times in seconds": lambda served: _with_times(served, lambda at: at // 1000),
    "times in microseconds": lambda served: _with_times(served, lambda at: at * 1000),
    "numeric text times": lambda served: _with_times(served, str),
    "duplicate minutes": _doubled,
    "odd prices": _odd_prices,
    "newest first": lambda served: served.page[::-1],
    "end included": lambda served: served.rows[served.first : served.last + 1],
    "since excluded": lambda served: served.page[1:],
    "short rows": lambda served: [row[:4] for row in served.page],
}
TRANSIENT = ("timeout", "cut", "garbled", *BODIES, *PAGES)
FAULTS = (*TRANSIENT, "captcha", *REFUSALS)
