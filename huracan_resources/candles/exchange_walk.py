"""Walking an exchange's candles page by page until every bar is there, or is known to be nowhere.

No network here: a page comes from a function. ccxt's own pagination is not used: pages that begin elsewhere
than asked, are answered from their end, are capped, or repeat, all occur. What a page says lives in
`exchange_pages`.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from huracan.errors import InvalidInput, Unavailable
from huracan_resources.candles.exchange_pages import Page, Row, settled_page

BoolArray = npt.NDArray[np.bool_]

PAGE = 1000
"""Bars asked for at once."""

_SMALL_PAGE = 100
"""Bars; no exchange's page is known to be smaller."""
_DENIALS = 2
"""Answers that leave a bar out before it is called missing, so that one page that lies does no harm."""
_HINTS = 2
"""Answers without a candle to a question longer than pages are known to be, before it is split."""
_MOST_FRUITLESS = 100
"""Questions of one walk that bring no candle."""
_MOST_MUTE = 3
"""Answers in a row that say nothing of what was asked."""


class OnlyLatest(InvalidInput):
    """Permanent: whatever time is asked for, the exchange answers with its newest candles."""

    def __init__(self, first_ms: int, count: int) -> None:
        super().__init__(
            f"The exchange answers with its {count} newest candles, whatever time is asked for.",
            "Take another exchange, files, or longer bars.",
        )
        self.first_ms = first_ms
        self.count = count

    def __reduce__(self) -> tuple[type["OnlyLatest"], tuple[int, int]]:
        return type(self), (self.first_ms, self.count)


def collect_rows(
    fetch_page: Callable[[int, int], Sequence[Row]],
    start_ms: int,
    end_ms: int,
    step_ms: int,
    closed_by_ms: int,
) -> list[Row]:
    """The rows with open time in [start_ms, end_ms) that were closed at `closed_by_ms`, in time order.

    `fetch_page(since_ms, until_ms)` gives rows of [since_ms, until_ms), at most PAGE bars, or others. A bar
    is left out only where two answers leave it out: a page that begins at or before it and holds a later
    candle, or one to a question about it and its neighbours that is no longer than pages are. Two rows of
    one bar both come where asking again does not decide; rows without a time come last, with None for it.
    Raises OnlyLatest, and Unavailable where the answers say nothing of what is asked.
    """
    walk = _Walk(start_ms, end_ms, step_ms, closed_by_ms)
    while (asked := walk.next_question()) is not None:
        answer = partial(fetch_page, *asked)
        walk.take(*asked, settled_page(answer, walk.rows, step_ms, closed_by_ms))
    return walk.collected()


class _Walk:
    """What is known of each bar of [start_ms, end_ms), and what to ask next."""

    def __init__(self, start_ms: int, end_ms: int, step_ms: int, closed_by_ms: int) -> None:
        self._start_ms, self._end_ms, self._step_ms = start_ms, end_ms, step_ms
        self._closed_by_ms = closed_by_ms
        bars = -(-(end_ms - start_ms) // step_ms)
        self.rows: dict[int, list[Row]] = {}
        self._untimed: dict[tuple[str, int], Row] = {}
        self._has_row = np.zeros(bars, np.bool_)
        self._denials = np.zeros(bars, np.int64)
        """answers that leave the bar out: a page that passes over it, or one to a question short enough to be
        answered whole"""
        self._hints = np.zeros(bars, np.int64)
        """answers without a candle to longer questions"""
        self._asked = (0, 0)
        """the bars that the last question was for, without their neighbours"""
        self._longest = _SMALL_PAGE
        """bars of a question that a page has spanned"""
        self._honours_time = False
        """whether a page ended before now: not only the newest candles are to be had"""
        self._fruitless = 0
        self._mute = 0

    def collected(self) -> list[Row]:
        return [*(row for at in sorted(self.rows) for row in self.rows[at]), *self._untimed.values()]

    def next_question(self) -> tuple[int, int] | None:
        """From and until, in ms, of the first bars that are open; None where none is."""
        is_open = ~self._has_row & (self._denials < _DENIALS)
        if self._fruitless > _MOST_FRUITLESS:
            is_open &= self._denials == 0
        if not is_open.any():
            return None
        if self._fruitless > _MOST_FRUITLESS:
            raise Unavailable(
                f"The exchange left {_MOST_FRUITLESS} questions for missing candles without a candle.",
                "Ask again later, or take another exchange or files.",
            )
        # What an answer left out is asked for before all else, so that two that lie never meet.
        is_denied = is_open & (self._denials + self._hints > 0)
        first = int(np.argmax(is_denied if is_denied.any() else is_open))
        is_frontier = not self._has_row[first:].any() and not is_denied[first] and not self._mute
        last = first + 1 if self._mute > 1 else self._end_of(first, is_open)
        self._asked = (first, last)
        neighbour = 0 if is_frontier else 1
        return (
            self._start_ms + (first - neighbour) * self._step_ms,
            self._start_ms + (last + neighbour) * self._step_ms,
        )

    def _end_of(self, first: int, is_open: BoolArray) -> int:
        """The bar before which the question that begins at `first` ends."""
        if self._denials[first] or self._hints[first] >= _HINTS:
            # Many short holes are one question, if that is answered whole.
            reach = first + self._longest - 2
            is_wanted = (is_open & (self._denials > 0))[first:reach]
            is_wanted[: _run(is_open[first:reach])] = True
            return first + int(np.flatnonzero(is_wanted)[-1]) + 1
        is_alike = is_open & (self._denials == 0) & (self._hints == self._hints[first])
        return first + _run(is_alike[first : first + PAGE - 2])

    def take(self, since_ms: int, until_ms: int, page: Page) -> None:
        """Note what the answer to [since_ms, until_ms) says. Raises as `collect_rows`."""
        before = self._has_row.copy()
        known_after = min((at for at in self.rows if at >= until_ms), default=None)
        self._keep(page)
        first, last = self._asked
        is_left = np.zeros_like(before)
        is_left[first:last] = ~self._has_row[first:last]
        times = self._start_ms + self._step_ms * np.arange(len(before))
        span = page.span
        is_passed = np.zeros_like(before)
        if span is not None:
            is_passed = ~self._has_row & (times > span[0]) & (times < span[1])
        self._denials[is_passed] += 1
        is_left &= ~is_passed
        reaches_now = span is not None and span[1] + 2 * self._step_ms > self._closed_by_ms
        self._honours_time |= span is not None and not reaches_now
        if (before != self._has_row).any():
            # What stands before or after the rows of a page was not answered; it is asked for on its own.
            self._denials[is_left] = self._hints[is_left] = 0
            self._mute = 0
        else:
            self._fruitless += 1
            is_mute = is_left.any() and self._says_nothing(since_ms, until_ms, page, known_after, reaches_now)
            self._mute = self._mute + 1 if is_mute else 0
            if self._mute == _MOST_MUTE:
                self._give_up(since_ms, page)
            if not is_mute:
                answers = self._denials if last - first + 2 <= self._longest else self._hints
                answers[is_left] += 1
        if span is not None:
            spanned_ms = min(span[1], until_ms - self._step_ms) - max(span[0], since_ms)
            self._longest = max(self._longest, spanned_ms // self._step_ms + 1)

    def _keep(self, page: Page) -> None:
        for at, rows in page.rows.items():
            if self._start_ms <= at < self._end_ms:
                self.rows[at] = rows
                bar, off_grid = divmod(at - self._start_ms, self._step_ms)
                self._has_row[bar] |= off_grid == 0
        self._untimed |= page.untimed_by_name()

    def _says_nothing(
        self, since_ms: int, until_ms: int, page: Page, known_after: int | None, reaches_now: bool
    ) -> bool:
        """Whether a page that brought nothing new is of another time than asked, not one without candles."""
        if page.span is None:
            return False
        first, last = page.span
        if last < since_ms:
            return page.count >= (until_ms - since_ms) // self._step_ms
        if first > since_ms and reaches_now and not self._honours_time:
            return True
        return known_after is not None and first > known_after

    def _give_up(self, since_ms: int, page: Page) -> None:
        assert page.span is not None
        first, _ = page.span
        if first > since_ms and not self._honours_time:
            raise OnlyLatest(first, page.count)
        raise Unavailable(
            f"The exchange answers with candles from {first} ms on where it is asked for {since_ms} ms.",
            "Ask again later, or take another exchange or files.",
        )


def _run(marks: BoolArray) -> int:
    """How many are set before the first that is not."""
    return len(marks) if marks.all() else int(np.argmin(marks))
