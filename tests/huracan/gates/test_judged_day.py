"""A day's signals are judged with what else was open, and so are those of which no trade came."""

from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.analysis.outcome import milliseconds
from huracan.errors import InvalidInput
from huracan.gates.contract import PASS, Answers, Tended
from huracan.gates.judging.coverage import judge_gate_coverage
from huracan.gates.judging.judge import DECISIONS_SCHEMA
from huracan.gates.judging.judged_day import (
    BESIDE_SCHEMA,
    BookOfDay,
    MarketOfDay,
    judge_day,
    judge_untraded,
    still_open,
)
from huracan.market.block import MS_PER_DAY
from huracan.market.facts.signal_facts import MarketFacts
from huracan.market.ledger import EXPLORED, POLICY, UNTRADED_SCHEMA
from huracan.market.paper.open_columns import OPEN_POSITIONS_SCHEMA
from huracan.market.rules import TradingRules
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.columns import with_column
from tests.huracan.market.facts.test_marks import _trade
from tests.huracan.market.facts.test_signal_facts import START, _candles


@dataclass
class Sees:
    """Passes everything and remembers what it was shown."""

    seen: list[pa.Table] = field(default_factory=list)

    def judge(self, signals: pa.Table) -> Answers:
        self.seen.append(signals)
        unknown = np.full(signals.num_rows, np.nan)
        return Answers((PASS,) * signals.num_rows, unknown, unknown, ("Yes.",) * signals.num_rows)

    def describe(self) -> dict[str, object]:
        return {}


def _market() -> MarketOfDay:
    candles = _candles([100.0] * 120)
    return MarketOfDay(candles, MarketFacts(candles), TradingRules(), 1)


def _ledger(count: int, first: str) -> pa.Table:
    """Trades of an hour each, one an hour."""
    trades = hourly_ledger(count)
    trades = with_column(trades, "trade_id", [f"{first}{row}" for row in range(count)])
    entries = trades["signal_time"].to_pylist()
    trades = with_column(trades, "entry_time", entries)
    return with_column(trades, "exit_time", [each + timedelta(hours=1) for each in entries])


def _moved(trades: pa.Table, minutes: int, lasts: int, first: str) -> pa.Table:
    """The same so much later, and lasting so long."""
    shift, end = timedelta(minutes=minutes), timedelta(minutes=minutes + lasts)
    entries = trades["entry_time"].to_pylist()
    moved = with_column(trades, "signal_time", [each + shift for each in entries])
    moved = with_column(moved, "entry_time", [each + shift for each in entries])
    moved = with_column(moved, "exit_time", [each + end for each in entries])
    return with_column(moved, "trade_id", [f"{first}{row}" for row in range(trades.num_rows)])


def _book(trades: pa.Table, beside: pa.Table, name: str = POLICY) -> BookOfDay:
    others = beside.select(BESIDE_SCHEMA.names).cast(BESIDE_SCHEMA)
    return BookOfDay(name, trades, np.full(trades.num_rows, 7), others)


def test_a_signal_is_shown_how_many_others_were_open_and_its_rivals_of_other_days() -> None:
    """One that closed before, one that is long open, and one that came at the same moment and is open."""
    trades, gate = _ledger(2, "t"), Sees()
    one = trades.slice(0, 1)
    before, longer = _moved(one, -90, 60, "before"), _moved(one, -30, 600, "longer")
    rival = with_column(_moved(one, 0, 600, "rival"), "symbol", ["ETH/USDT"])
    book = _book(trades, pa.concat_tables([before, longer, rival]))
    day = judge_day(book, _market(), {7: {"sees": gate}}, {})
    (seen,) = gate.seen
    assert seen["trade_id"].to_pylist() == ["t0", "t1", "rival0"]
    # At the first moment the longer one is open, an hour later the first trade and the rival too.
    assert seen["positions_held"].to_pylist() == [1, 3, 1]
    assert set(day.decisions["trade_id"].to_pylist()) == {"t0", "t1"}
    assert day.facts["trade_id"].to_pylist() == ["t0", "t1"]
    assert judge_gate_coverage(day.decisions, trades, ["sees"]).passed


def test_explored_entries_hold_no_places_of_each_other() -> None:
    gate = Sees()
    judge_day(
        _book(_ledger(3, "e"), BESIDE_SCHEMA.empty_table(), EXPLORED), _market(), {7: {"sees": gate}}, {}
    )
    assert gate.seen[0]["positions_held"].to_pylist() == [0, 0, 0]


def _untraded(trades: pa.Table, statuses: list[str]) -> pa.Table:
    columns = {
        name: pa.array(statuses) if name == "status" else trades[name] for name in UNTRADED_SCHEMA.names
    }
    return pa.table(columns).cast(UNTRADED_SCHEMA)


def test_signals_without_a_trade_are_judged_as_if_they_had_been_entered() -> None:
    trades, gate = _ledger(3, "t"), Sees()
    untraded = _untraded(with_column(trades, "symbol", ["ETH/USDT"] * 3), ["declined", "masked", "lapsed"])
    nights = np.array([7, 7, 8])
    book = _book(trades, BESIDE_SCHEMA.empty_table())
    found = judge_untraded(book, untraded, nights, _market(), {7: {"sees": gate}, 8: {"sees": Sees()}}, {})
    assert found.schema == DECISIONS_SCHEMA and found["trade_id"].null_count == found.num_rows == 6
    own = found.filter(pc.equal(found["gate"], "sees"))
    assert own["status"].to_pylist() == ["declined", "masked", "lapsed"]
    assert own["signal_time"].equals(untraded["signal_time"])
    shown = gate.seen[0]
    assert shown["symbol"].to_pylist() == ["ETH/USDT"] * 2 + [trades["symbol"][0].as_py()] * 2
    # The trade of the hour before ends at the moment of the second, and is open at its close still.
    assert shown["positions_held"].to_pylist()[:2] == [0, 1]
    both = pa.concat_tables([judge_day(book, _market(), {7: {"sees": gate}}, {}).decisions, found])
    assert judge_gate_coverage(both, trades, ["sees"], untraded).passed
    assert not judge_gate_coverage(both, trades, ["sees"], untraded.slice(1)).passed
    assert not judge_gate_coverage(both.slice(0, both.num_rows - 2), trades, ["sees"], untraded).passed


def test_nothing_untraded_is_nothing_judged() -> None:
    book = _book(_ledger(1, "t"), BESIDE_SCHEMA.empty_table())
    none = judge_untraded(book, UNTRADED_SCHEMA.empty_table(), np.zeros(0, np.int64), _market(), {7: {}}, {})
    assert none.num_rows == 0 and none.schema == DECISIONS_SCHEMA


def test_of_accounts_only_those_that_hold_something_are_open_beside_others() -> None:
    flat = pa.nulls(1, pa.string())
    accounts = pa.table(
        {each.name: flat if each.name == "side" else pa.nulls(1, each.type) for each in OPEN_POSITIONS_SCHEMA}
    ).cast(OPEN_POSITIONS_SCHEMA)
    held = with_column(with_column(accounts, "side", ["long"]), "volatility_bps", [4.0])
    found = still_open(pa.concat_tables([accounts, held]))
    assert found.num_rows == 1 and found["entry_volatility_bps"].to_pylist() == [4.0]
    assert found["exit_time"].to_pylist() == [None]


@dataclass
class Leaves:
    """Leaves every position, or none."""

    leaves: bool

    def tend(self, positions: pa.Table) -> Tended:
        count = positions.num_rows
        every, number = np.ones(count, np.bool_), np.zeros(count)
        return Tended(every & self.leaves, every, number, number, ("Said.",) * count)

    def describe(self) -> dict[str, object]:
        return {}


def test_a_close_is_judged_by_the_gates_in_force_then_not_by_those_of_its_signal() -> None:
    """From one o'clock on, the handover, the newer night's gate leaves what the older one let be."""
    trade = _trade(10, 110)
    night = int(milliseconds(trade, "entry_time")[0] // MS_PER_DAY) - 2
    book = BookOfDay(POLICY, trade, np.array([night]), BESIDE_SCHEMA.empty_table())
    candles = _candles([100.0] * 120)
    market = MarketOfDay(candles, MarketFacts(candles), TradingRules(), 15, handover_minute=60)
    gates = {night: {"mine": Leaves(False)}, night + 1: {"mine": Leaves(True)}}
    decisions = judge_day(book, market, gates, {}).decisions.to_pylist()
    (row,) = [row for row in decisions if row["gate"] == "mine"]
    assert row["verdict"] == f"pass, close {(START + timedelta(hours=1)):%Y-%m-%dT%H:%M}Z"
    assert row["left_net_bps"] is not None
    with pytest.raises(InvalidInput, match="The gates of 1 nights that were in force"):
        judge_day(book, market, {night: {"mine": Leaves(False)}}, {})
