"""From page to page: what an exchange leaves out is asked for again, what it contradicts is not believed."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pytest

from huracan.errors import InvalidInput, Unavailable
from huracan_resources.candles.exchange_pages import rows_to_table, time_in_ms
from huracan_resources.candles.exchange_walk import OnlyLatest, collect_rows

STEP = 60_000
DAY = 1_735_776_000_000
LONG_AFTER = DAY + 10**9

Page = Callable[[int, int], Sequence[Any]]


def row(bar: int, close: Any = 1.0) -> list[Any]:
    return [DAY + bar * STEP, 1.0, 1.0, 1.0, close, 5.0]


class Served:
    """An exchange with the candles of `bars`; `page` makes its answer of those asked for."""

    def __init__(self, bars: Sequence[int], page: Callable[[list[int], int, int], list[Any]]) -> None:
        self.bars = bars
        self.page = page
        self.asked: list[tuple[int, int]] = []

    def __call__(self, since_ms: int, until_ms: int) -> list[Any]:
        first, last = (since_ms - DAY) // STEP, (until_ms - DAY) // STEP
        self.asked.append((first, last))
        return self.page([bar for bar in self.bars if first <= bar < last], first, last)


def collected(page: Page, bars: int = 300, closed_by_ms: int = LONG_AFTER) -> list[Any]:
    return collect_rows(page, DAY, DAY + bars * STEP, STEP, closed_by_ms)


def bars_of(rows: Sequence[Any]) -> list[int]:
    return [(each[0] - DAY) // STEP for each in rows]


def test_a_whole_day_takes_no_question_more_than_its_pages() -> None:
    exchange = Served(range(300), lambda bars, *_: [row(bar) for bar in bars][:150])
    assert bars_of(collected(exchange)) == [*range(300)]
    assert exchange.asked == [(0, 300), (150, 300)]


def test_a_hole_that_a_page_passes_over_is_asked_for_once_more_with_its_neighbours() -> None:
    bars = [bar for bar in range(300) if not 50 <= bar < 60 and bar != 70]
    exchange = Served(bars, lambda bars, *_: [row(bar) for bar in bars])
    assert bars_of(collected(exchange)) == bars
    assert exchange.asked == [(0, 300), (49, 72)]


def test_hundreds_of_minutes_without_a_candle_are_one_question() -> None:
    exchange = Served(range(0, 300, 3), lambda bars, *_: [row(bar) for bar in bars])
    assert bars_of(collected(exchange)) == [*range(0, 300, 3)]
    assert len(exchange.asked) <= 4


def test_what_stands_before_a_page_that_is_answered_from_its_end_is_asked_for() -> None:
    exchange = Served(range(-400, 300), lambda bars, *_: [row(bar) for bar in bars[-100:]])
    assert bars_of(collected(exchange)) == [*range(300)]
    assert len(exchange.asked) == 4


def test_a_day_without_a_candle_is_asked_for_in_pieces_that_are_answered_whole_twice_each() -> None:
    exchange = Served([], lambda *_: [])
    assert collected(exchange) == []
    pieces = [asked for asked in exchange.asked if asked[1] - asked[0] <= 100]
    for bar in range(300):
        assert sum(first <= bar < last for first, last in pieces) >= 2


def test_an_exclusive_begin_and_an_end_that_is_included_lose_and_add_nothing() -> None:
    exclusive = Served(range(-5, 400), lambda bars, *_: [row(bar) for bar in bars[1:]])
    assert bars_of(collected(exclusive)) == [*range(300)]
    inclusive = Served(range(-5, 400), lambda bars, _, last: [row(bar) for bar in [*bars, last]])
    assert bars_of(collected(inclusive)) == [*range(300)]


def test_the_open_candle_and_what_lies_outside_are_dropped_in_any_order() -> None:
    rows = collected(lambda *_: [row(3), row(1), row(0), row(-1), row(400), row(2)], 4, DAY + 3 * STEP)
    assert bars_of(rows) == [0, 1, 2]


def test_a_candle_that_was_corrected_between_two_pages_is_the_one_that_is_given_again() -> None:
    def corrected(bars: list[int], first: int, _: int) -> list[Any]:
        return [
            row(bar, 2.0 if bar == 149 and first else 1.0) for bar in ([first - 1] if first else []) + bars
        ][:150]

    rows = collected(Served(range(300), corrected))
    assert bars_of(rows) == [*range(300)]
    assert [each[4] for each in rows if each[4] != 1.0] == [2.0]


def test_a_minute_that_two_different_rows_claim_is_asked_for_again_and_then_keeps_both() -> None:
    asked: list[int] = []

    def partial_at_first(bars: list[int], *_: int) -> list[Any]:
        asked.append(1)
        extra = [row(7, 0.5)] if 7 in bars and len(asked) == 1 else []
        return [*extra, *(row(bar) for bar in bars)]

    assert [each[4] for each in collected(Served(range(300), partial_at_first))] == [1.0] * 300
    rows = collected(Served(range(300), lambda bars, *_: [row(7, 0.5), *(row(bar) for bar in bars)]))
    assert sorted(each[4] for each in rows if each[0] == row(7)[0]) == [0.5, 1.0]
    assert len(rows) == 301


def test_times_and_prices_that_are_none_go_on_to_quarantine() -> None:
    def odd(bars: list[int], *_: int) -> list[Any]:
        values = {3: [None, 1, 1, 1, 1, 1], 4: ["noon", 1, 1, 1, 1, 1], 5: row(5, "n/a")}
        return [values.get(bar, row(bar)) for bar in bars]

    table = rows_to_table(collected(Served(range(300), odd)))
    assert table.num_rows == 300
    assert table["open_time"].null_count == 2
    (close,) = [value for value in table["close"].to_pylist() if value != 1.0]
    assert close != close


@pytest.mark.parametrize(
    "given", [DAY, str(DAY), DAY // 1000, float(DAY), DAY * 1000, DAY * 10**6, str(DAY // 1000)]
)
def test_a_time_in_another_unit_is_the_same_time(given: Any) -> None:
    assert time_in_ms(given) == DAY


@pytest.mark.parametrize("given", [None, "2025-01-02T00:00:00Z", "", [], True, float("nan"), float("inf")])
def test_what_is_no_time_is_none(given: Any) -> None:
    assert time_in_ms(given) is None


def test_an_exchange_that_gives_its_newest_candles_whatever_is_asked_is_found_out() -> None:
    newest = [row(bar) for bar in range(900, 1000)]
    with pytest.raises(OnlyLatest, match="its 100 newest candles") as caught:
        collected(lambda *_: newest, closed_by_ms=DAY + 1000 * STEP)
    assert caught.value.first_ms == DAY + 900 * STEP
    assert isinstance(caught.value, InvalidInput)


def test_a_market_that_began_at_noon_is_not_taken_for_that() -> None:
    late = Served(range(200, 1000), lambda bars, *_: [row(bar) for bar in bars])
    assert bars_of(collected(late, closed_by_ms=DAY + 300 * STEP)) == [*range(200, 299 + 1)]


def test_answers_of_another_time_than_asked_are_no_proof_that_candles_are_missing() -> None:
    def full_page_before(_: list[int], first: int, last: int) -> list[Any]:
        return [row(bar) for bar in range(first - (last - first), first)]

    with pytest.raises(Unavailable, match="answers with candles from"):
        collected(Served(range(300), full_page_before))

    def beyond_a_known_one(_: list[int], first: int, __: int) -> list[Any]:
        return [row(bar) for bar in (range(200, 300) if first < 0 else range(100, 300))]

    with pytest.raises(Unavailable, match="answers with candles from"):
        collected(Served(range(300), beyond_a_known_one))


def test_rows_of_an_unreadable_count_keep_no_flow() -> None:
    good = [DAY, "1", "1", "1", "1", "5", 7, "2"]
    table = rows_to_table([good, [DAY + STEP, "1", "1", "1", "1", "5", "many", "2"]])
    assert table["trade_count"].to_pylist() == [7, None]
    assert table["taker_buy_volume"].to_pylist()[0] == 2.0
    assert table["taker_buy_volume"].to_pylist()[1] != 2.0
    assert table.schema.field("taker_buy_volume").type == pa.float64()


def _habit(chance: random.Random) -> Callable[[list[int], int, int], list[int]]:
    """How an honest exchange answers a question for the bars [first, last), of those that it has."""
    most = chance.choice([100, 150, 300, 900])
    loses_first = chance.random() < 0.3
    kind = chance.choice(["from since", "from the end", "since is all that counts"])

    def answer(known: list[int], first: int, last: int) -> list[int]:
        if kind == "from the end":
            return [bar for bar in known if max(first + loses_first, last - most) <= bar < last]
        end = last if kind == "from since" else 10**6
        return [bar for bar in known if first + loses_first <= bar < end][: min(most, last - first)]

    return answer


def _lie(
    chance: random.Random, answer: Callable[..., list[int]], known: list[int]
) -> Callable[..., list[int]]:
    return chance.choice(
        [
            lambda first, last: [],
            lambda first, last: answer(known, 2 * first - last, first),
            lambda first, last: answer(known, last, 2 * last - first),
            lambda first, last: known[-(last - first) :],
            lambda first, last: (
                (bars := answer(known, first, last))[: len(bars) // 3] + bars[len(bars) // 2 :]
            ),
            lambda first, last: answer(known, first, last)[: chance.randrange(99)],
            lambda first, last: answer(known, first, last)[-chance.randrange(1, 99) :],
        ]
    )


@pytest.mark.parametrize("seed", range(400))
def test_no_candle_is_lost_to_an_exchange_that_lies_now_and_then(seed: int) -> None:
    chance = random.Random(seed)
    holes: set[int] = set()
    for _ in range(chance.choice([0, 1, 3, 20])):
        first = chance.randrange(-100, 1400)
        holes |= {*range(first, first + chance.choice([1, 2, 10, 120, 400]))}
    known = [bar for bar in range(-1440, 2880) if bar not in holes]
    answer = _habit(chance)
    lie, every = _lie(chance, answer, known), chance.choice([2, 3, 4, 5, 7])
    asked = [chance.randrange(every)]

    def page(since_ms: int, until_ms: int) -> list[Any]:
        asked[0] += 1
        first, last = (since_ms - DAY) // STEP, (until_ms - DAY) // STEP
        bars = lie(first, last) if asked[0] % every == 0 else answer(known, first, last)
        return [row(bar) for bar in bars]

    assert bars_of(collected(page, 1440)) == [bar for bar in known if 0 <= bar < 1440]
    assert asked[0] < 150
