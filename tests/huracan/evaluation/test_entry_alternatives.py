"""Rules of when to enter, read from the tables of the exploration book."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from huracan.candles.schema import TIME
from huracan.errors import InvalidInput
from huracan.evaluation.entry_alternatives import ALTERNATIVES, entry_alternatives
from huracan.evaluation.explored_moments import block_days, known_moments

FIRST = date(2025, 1, 1)
HOLDING_MINUTES = 120
COLUMNS = pa.schema(
    [
        ("symbol", pa.string()),
        ("signal_time", TIME),
        ("regime", pa.string()),
        ("hour", pa.int64()),
        ("volatility_rank", pa.int64()),
        ("entry_probability", pa.float64()),
        ("action", pa.string()),
        ("trade_id", pa.string()),
        ("propensity", pa.float64()),
        ("policy_action", pa.string()),
    ]
)


def _days(count: int) -> list[date]:
    return [FIRST + timedelta(days=each) for each in range(count)]


def _moment(time: datetime, **told: Any) -> dict[str, Any]:
    row = dict.fromkeys(COLUMNS.names)
    return {**row, "symbol": "BTC/USDT", "signal_time": time, "regime": "trend", "hour": time.hour, **told}


def _drawn(time: datetime, number: int, **told: Any) -> dict[str, Any]:
    own = {"action": "ENTER_FULL", "trade_id": str(number), "propensity": 0.1}
    return _moment(time, **{**own, **told})


def _tables(rows: list[dict[str, Any]], net_bps: dict[str, float]) -> tuple[pa.Table, pa.Table]:
    trades = {
        "trade_id": pa.array(list(net_bps), pa.string()),
        "net_bps": pa.array(list(net_bps.values()), pa.float64()),
    }
    return pa.Table.from_pylist(rows, schema=COLUMNS), pa.table(trades)


@pytest.fixture(scope="module")
def book() -> tuple[pa.Table, pa.Table]:
    """Each quarter of an hour of 20 days: long and short of one symbol, and of another that is never sold
    short, in turn; an entry brings 10 bps in trend and -10 in range, and 4 more where it is short."""
    rows, net = [], {}
    for number in range(20 * 96):
        time = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=15 * number)
        regime = "trend" if number // 12 % 2 else "range"
        kind = {
            "regime": regime,
            "volatility_rank": number // 7 % 3,
            "entry_probability": number // 20 % 5 / 4,
        }
        short = number % 4 == 0
        rows.append(_moment(time, symbol="ETH/USDT", **kind))
        if number % 2:
            rows.append(_moment(time, **kind))
            rows[-2] |= {
                "action": "ENTER_HALF",
                "trade_id": f"e{number}",
                "propensity": 0.2,
                "policy_action": "ENTER_FULL",
            }
            net[f"e{number}"] = 10.0 if regime == "trend" else -10.0
            continue
        action = "ENTER_SHORT_FULL" if short else "ENTER_FULL"
        rows.append(_drawn(time, number, action=action, **kind))
        net[str(number)] = (10.0 if regime == "trend" else -10.0) + 4.0 * short
    return _tables(rows, net)


def _of(table: pa.Table, scope: str, value: str) -> list[dict[str, Any]]:
    return [row for row in table.to_pylist() if (row["scope"], row["value"]) == (scope, value)]


def test_every_rule_has_a_row_of_each_estimator_in_the_order_of_the_list(book) -> None:
    rows = entry_alternatives(*book, _days(20), HOLDING_MINUTES).to_pylist()
    wanted = [(each.scope, each.value) for each in ALTERNATIVES]
    assert [(row["scope"], row["value"]) for row in rows[::2]] == wanted
    assert [row["estimator"] for row in rows] == ["weighted", "doubly_robust"] * len(wanted)


def test_rules_are_told_apart(book) -> None:
    table = entry_alternatives(*book, _days(20), HOLDING_MINUTES)
    for estimator in (0, 1):
        trend, short = _of(table, "regime", "trend")[estimator], _of(table, "side", "short")[estimator]
        calm, none = _of(table, "regime", "range")[estimator], _of(table, "regime", "panic")[estimator]
        assert 10.0 <= trend["low_bps"] <= trend["mean_net_bps"] <= trend["high_bps"] <= 12.5
        assert -10.0 <= calm["low_bps"] <= calm["high_bps"] <= -7.5
        assert short["mean_net_bps"] == pytest.approx(4.0, abs=1.0)
        assert none["mean_net_bps"] is None and none["entries"] == 0 and none["moments"] == 0
    # Of the last day those of the last two hours are not known yet; the first and last quarters count alike.
    assert _of(table, "all", "all")[0]["moments"] == 2 * (20 * 96 - 8)
    assert _of(table, "quarter", "06-12 UTC")[0]["moments"] == 2 * 20 * 24
    assert _of(table, "quarter", "18-24 UTC")[0]["moments"] == 2 * (20 * 24 - 8)
    likely = [_of(table, "entry_probability", f"above {least}")[0]["moments"] for least in (0.25, 0.5)]
    assert likely[0] > likely[1] > 0 and likely[0] == pytest.approx(2 * 20 * 96 * 3 / 5, rel=0.05)


def test_a_symbol_that_is_never_sold_short_is_not_asked_about_shorts(book) -> None:
    table = entry_alternatives(*book, _days(20), HOLDING_MINUTES)
    long, short = _of(table, "side", "long")[0], _of(table, "side", "short")[0]
    assert long["moments"] == 2 * short["moments"]


def test_the_policys_own_entries_are_asked_about_at_every_moment_on_the_side_that_it_wanted(book) -> None:
    own = _of(entry_alternatives(*book, _days(20), HOLDING_MINUTES), "policy", "own entries")
    for estimate in own:
        assert estimate["mean_net_bps"] == pytest.approx(0.0, abs=1.5) and estimate["low_bps"] is not None
        assert estimate["moments"] == estimate["entries"] == 10 * 96 - 4


@pytest.mark.parametrize(
    ("days", "time", "counts"),
    [
        ([0], datetime(2025, 1, 1, 21, 59, tzinfo=UTC), True),
        ([0], datetime(2025, 1, 1, 22, 0, tzinfo=UTC), False),  # its time-out is the open at 24:00
        ([0, 1], datetime(2025, 1, 1, 22, 0, tzinfo=UTC), True),
        ([0, 2], datetime(2025, 1, 1, 23, 0, tzinfo=UTC), False),
        ([1, 2], datetime(2025, 1, 1, 12, 0, tzinfo=UTC), False),
    ],
    ids=["closed by then", "still open", "closed on the next day", "day after is missing", "day is missing"],
)
def test_a_moment_counts_where_any_trade_of_it_would_be_known(days, time: datetime, counts: bool) -> None:
    moments, trades = _tables([_drawn(time, 1)], {"1": 5.0})
    known = known_moments(moments, trades, [FIRST + timedelta(days=each) for each in days], HOLDING_MINUTES)
    assert known.explored.block.size == known.explored.moment.size == int(counts)


def test_an_entry_that_is_still_open_is_left_out_with_its_moment() -> None:
    """It was filled, and its symbol halted: no trade was closed when its longest holding was over."""
    noon = datetime(2025, 1, 1, 12, tzinfo=UTC)
    rows = [_drawn(noon, 1), _drawn(noon, 2), _drawn(noon, 3, trade_id=None), _moment(noon)]
    known = known_moments(*_tables(rows, {"1": 5.0}), _days(1), HOLDING_MINUTES)
    assert known.explored.outcome.tolist() == [[5.0, 1.0], [0.0, 0.0]]
    assert known.explored.moment.tolist() == [0, 1] and known.explored.block.size == 3


def test_a_drawn_entry_without_an_id_is_not_filled() -> None:
    noon = datetime(2025, 1, 1, 12, tzinfo=UTC)
    rows = [_drawn(noon, 1), _drawn(noon, 2, trade_id=None, action="ENTER_SHORT_HALF"), _moment(noon)]
    known = known_moments(*_tables(rows, {"1": 5.0}), _days(1), HOLDING_MINUTES)
    assert known.explored.outcome.tolist() == [[5.0, 1.0], [0.0, 0.0]]
    assert known.explored.side.tolist() == [0, 1] and known.explored.moment.tolist() == [0, 1]


@pytest.mark.parametrize("propensity", [0.0, None, -0.1, 1.5, float("nan")])
def test_an_entry_that_could_not_have_been_drawn_is_refused(propensity: float | None) -> None:
    noon = datetime(2025, 1, 1, 12, tzinfo=UTC)
    tables = _tables([_drawn(noon, 1, propensity=propensity)], {"1": 5.0})
    with pytest.raises(InvalidInput, match=r"drawn with a propensity that is not above 0.*huracan backfill"):
        entry_alternatives(*tables, _days(1), HOLDING_MINUTES)


def test_without_a_drawn_entry_there_are_no_rows_and_unknown_contexts_are_no_error() -> None:
    noon = datetime(2025, 1, 1, 12, tzinfo=UTC)
    assert entry_alternatives(*_tables([_moment(noon)], {}), _days(1), HOLDING_MINUTES).num_rows == 0
    assert entry_alternatives(*_tables([], {}), [], HOLDING_MINUTES).num_rows == 0
    rows = entry_alternatives(*_tables([_drawn(noon, 1, regime=None)], {"1": 5.0}), _days(1), HOLDING_MINUTES)
    first = rows.to_pylist()[0]
    assert first["mean_net_bps"] == 5.0 and first["low_bps"] is None and "1.0 effective" in first["note"]


def test_a_block_is_two_days_or_twice_the_longest_holding() -> None:
    assert [block_days(minutes) for minutes in (60, 1440, 1441, 2880)] == [2, 2, 3, 4]


def test_the_order_of_the_rows_does_not_matter(book) -> None:
    moments, trades = book
    order = np.random.default_rng(0).permutation(moments.num_rows)
    other = entry_alternatives(moments.take(pa.array(order)), trades, _days(20), HOLDING_MINUTES).to_pylist()
    for one, two in zip(
        entry_alternatives(moments, trades, _days(20), HOLDING_MINUTES).to_pylist(), other, strict=True
    ):
        assert one["mean_net_bps"] == (
            None if two["mean_net_bps"] is None else pytest.approx(two["mean_net_bps"])
        )
