"""Gates that bind, in the step: what they are shown is what the ledger says, and what they say is done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.analysis.outcome import milliseconds
from huracan.candles.schema import OHLCV_SCHEMA
from huracan.errors import InvalidInput
from huracan.gates.binding.guard import GateGuard
from huracan.gates.contract import ABSTAIN, BLOCK, PASS, Answer, Answers, OrderType, Tended, order, resize
from huracan.gates.judging.told import SIGNALS_SHOWN, Told, signals_shown
from huracan.market.block import MarketBlock
from huracan.market.facts.marks import positions_stood
from huracan.market.facts.marks_columns import POSITIONS_SCHEMA
from huracan.market.facts.open_then import positions_open_at
from huracan.market.facts.signal_facts import MarketFacts, signal_facts
from huracan.market.paper.binding import binding_worth, judge_books_agree
from huracan.market.paper.carrying import Carried
from huracan.market.paper.conservation import judge_ledger
from huracan.market.paper.replay_audit import judge_replay
from huracan.market.paper.session import Session, trade_session
from huracan.market.paper.watch import Watch
from huracan.market.surroundings import Surroundings
from tests.huracan.market.paper_days import COSTS, MADE_BY, RULES, ByFeatures, candles

Market = Callable[..., MarketBlock]


@dataclass
class Fixed:
    """Says the same of every signal, and remembers what it was shown."""

    answer: Answer | tuple[Answer, ...] = PASS
    seen: list[pa.Table] = field(default_factory=list)

    def judge(self, signals: pa.Table) -> Answers:
        self.seen.append(signals)
        count, unknown = signals.num_rows, np.full(signals.num_rows, np.nan)
        answers = (self.answer,) * count if isinstance(self.answer, Answer) else self.answer[:count]
        return Answers(answers, unknown, unknown, ("It says so.",) * count)

    def describe(self) -> dict[str, object]:
        return {}


@dataclass
class Tends:
    """Leaves what has lost or gained so much, forbids what it is told to, and remembers what it was shown."""

    beyond: float = np.inf
    forbidden: tuple[str, ...] = ()
    seen: list[pa.Table] = field(default_factory=list)

    def tend(self, positions: pa.Table) -> Tended:
        self.seen.append(positions)
        count, gain = positions.num_rows, positions["gain"].to_numpy()
        unknown = np.full(count, np.nan)
        closes, reasons = np.abs(gain) > self.beyond, ("It went too far.",) * count
        speaks = np.ones(count, np.bool_)
        return Tended(closes, speaks, unknown, unknown, reasons, (self.forbidden,) * count)

    def describe(self) -> dict[str, object]:
        return {}


def ohlcv(block: MarketBlock) -> pa.Table:
    """The candles of a block, with volumes that differ."""
    told = candles(block)
    count = told.num_rows
    volume = 10.0 + np.arange(count) % 7
    more = {
        "close_time": pc.add(told["open_time"], pa.scalar(60_000, pa.duration("ms"))),
        "volume": pa.array(volume),
        "taker_buy_volume": pa.array(volume * (np.arange(count) % 5) / 5.0),
    }
    columns = {name: told[name] for name in told.column_names} | more
    return pa.table(
        [
            columns[each.name].cast(each.type) if each.name in columns else pa.nulls(count, each.type)
            for each in OHLCV_SCHEMA
        ],
        schema=OHLCV_SCHEMA,
    )


def _session(
    block: MarketBlock,
    gates: Mapping[str, Any] | None,
    carried: Carried | None = None,
    market: MarketBlock | None = None,
) -> Session:
    """Traded by features, with the gates in the way of its orders, and audited."""
    guard = None if gates is None else GateGuard(gates)
    watch = Watch(ByFeatures(), "model", guard=guard, facts=MarketFacts(ohlcv(market or block)))
    session = trade_session(block, [watch], RULES, COSTS, MADE_BY, carried)
    replayed = judge_replay(session, block, RULES, COSTS, MADE_BY, carried)
    assert replayed.passed, replayed.reason
    ledger = judge_ledger(session, RULES, candles(block), carried and carried.accounts)
    assert ledger.passed, ledger.reason
    return session


def test_a_gate_that_passes_everything_changes_nothing(random_market: Market) -> None:
    block = random_market(1, symbols=3)
    alone, guarded = _session(block, None), _session(block, {"passes": Fixed(), "tends": Tends()})
    assert alone.trades.num_rows > 10 and guarded.trades.equals(alone.trades)
    assert guarded.bars.select(alone.bars.column_names).equals(alone.bars)
    assert guarded.interventions.num_rows == 0
    assert set(guarded.bars.column_names) - set(alone.bars.column_names) == {"size_factor", "order_type"}


def test_a_gate_is_shown_of_a_signal_what_the_ledger_says_of_it(random_market: Market) -> None:
    """To the bit: what it would answer in the step is what it answers about the trade."""
    block, gate = random_market(2, symbols=3), Fixed()
    session = _session(block, {"sees": gate})
    seen = {(row["symbol"], row["signal_time"]): row for table in gate.seen for row in table.to_pylist()}
    trades = session.trades
    assert trades.num_rows > 10
    held = positions_open_at(milliseconds(trades, "signal_time"), *_spans(session))
    shown = signals_shown(trades, "policy", Told(signal_facts(trades, ohlcv(block)), held))
    for row in shown.to_pylist():
        own = seen[row["symbol"], row["signal_time"]]
        for name in SIGNALS_SHOWN:
            if name != "trade_id":
                assert repr(own[name]) == repr(row[name]), name


def _spans(session: Session) -> tuple[np.ndarray, np.ndarray]:
    """Opens of the bars in which positions were entered and left, of those that are still open never."""
    is_open = session.open_positions.filter(session.open_positions["side"].is_valid())
    entries = np.concatenate([milliseconds(each, "entry_time") for each in (session.trades, is_open)])
    never = np.full(is_open.num_rows, np.iinfo(np.int64).max)
    return entries, np.concatenate([milliseconds(session.trades, "exit_time"), never])


def test_a_gate_is_shown_of_a_position_what_its_candles_say_of_the_trade(random_market: Market) -> None:
    compared = waiting = 0
    for seed in range(10, 16):
        block, gate = random_market(seed, symbols=3), Tends()
        session, market = _session(block, {"sees": gate}), ohlcv(block)
        seen = {(row["symbol"], row["moment"]): row for table in gate.seen for row in table.to_pylist()}
        stood = positions_stood(session.trades, market, MarketFacts(market), RULES, 1).positions.to_pylist()
        asked = [row for row in stood if (row["symbol"], row["moment"]) in seen]
        compared, waiting = compared + len(asked), waiting + len(stood) - len(asked)
        for row in asked:
            own = seen[row["symbol"], row["moment"]]
            for name in POSITIONS_SCHEMA.names:
                if name not in ("trade_id", "regime") and not name.startswith("probability_"):
                    assert repr(own[name]) == repr(row[name]), (name, row["trade_id"])
    # An exit that waits for a bar that is traded is nothing that a gate could still order.
    assert compared > 100 and waiting < compared / 10


def test_a_refused_entry_is_not_made_and_asked_again_at_the_next_close(random_market: Market) -> None:
    block, gate = random_market(4), Fixed(BLOCK)
    session = _session(block, {"refuses": gate})
    assert session.trades.num_rows == 0 and session.fills.num_rows == 0
    told = session.interventions.to_pylist()
    assert len(told) == sum(table.num_rows for table in gate.seen) > 20
    assert {row["taken"] for row in told} == {"WAIT"} and {row["size_factor"] for row in told} == {None}
    assert all(row["wanted"].startswith("ENTER") and row["gates"] == "refuses" for row in told)


def test_a_size_is_multiplied_and_an_order_sent_as_gates_have_it(random_market: Market) -> None:
    block = random_market(5, symbols=3)
    alone = _session(block, None)
    half = _session(block, {"first": Fixed(resize(0.8)), "second": Fixed(resize(0.5))})
    rows = alone.trades.to_pylist()
    sizes = {row["action"]: row["size_multiplier"] for row in rows}
    for row in half.trades.to_pylist():
        assert row["size_multiplier"] == pytest.approx(0.4 * sizes[row["action"]])
    assert set(half.interventions["size_factor"].drop_null().to_pylist()) == {0.4}
    resting = _session(block, {"rests": Fixed(order(OrderType.LIMIT))})
    entries = resting.fills.filter(pc.equal(resting.fills["kind"], "ENTRY"))
    assert entries.num_rows > 5 and set(entries["is_maker"].to_pylist()) == {True}
    assert set(alone.fills["is_maker"].to_pylist()) == {False}
    assert set(resting.interventions["order_type"].drop_null().to_pylist()) == {"limit"}
    # One that rests is filled only where the bar goes through its price.
    assert entries.num_rows < resting.interventions.num_rows


def test_a_position_that_is_left_is_left_at_the_next_open(random_market: Market) -> None:
    block = random_market(6)
    session = _session(block, {"leaves": Tends(beyond=0.2)})
    told = [row for row in session.interventions.to_pylist() if row["gates"] == "leaves"]
    assert told and {row["taken"] for row in told} <= {"EXIT", "SCRATCH"}
    left = {(row["symbol"], row["moment"]) for row in told}
    reasons = pa.array(["POLICY_EXIT", "SCRATCH"])
    exits = session.trades.filter(pc.is_in(session.trades["exit_reason"], reasons))
    ends = set(zip(exits["symbol"].to_pylist(), exits["exit_time"].to_pylist(), strict=True))
    # What waits for a bar that is traded is left a little later.
    assert len(left & ends) > len(left) / 2


def test_a_forbidden_action_is_not_taken_and_is_told(random_market: Market) -> None:
    block = random_market(7, symbols=3)
    alone = _session(block, None)
    assert alone.trades["adds"].to_numpy().sum() > 0
    session = _session(block, {"forbids": Tends(forbidden=("ADD",))})
    assert session.trades["adds"].to_numpy().sum() == 0
    assert set(session.interventions["forbidden"].to_pylist()) == {"ADD"}


def test_guarded_days_one_after_the_other_are_the_whole(random_market: Market) -> None:
    """Its own accounts go on over midnight, with what gates made of them."""
    block = random_market(8, symbols=2)

    def gates() -> dict[str, Any]:
        rests = Fixed(order(OrderType.LIMIT))
        return {"sizes": Fixed(resize(0.7)), "rests": rests, "leaves": Tends(beyond=0.8)}

    whole = _session(block, gates())
    first = _session(block.slice(0, 79), gates())
    second = _session(block.slice(79, 159), gates(), Carried(first.open_positions), block)
    both = pa.concat_tables([first.trades, second.trades])
    order_of = [("symbol", "ascending"), ("exit_time", "ascending")]
    assert whole.trades.num_rows > 5
    assert repr(both.sort_by(order_of).to_pylist()) == repr(whole.trades.sort_by(order_of).to_pylist())
    assert second.open_positions.equals(whole.open_positions)


def test_what_binding_was_worth_is_the_difference_of_the_books(random_market: Market) -> None:
    block = random_market(9)
    alone, guarded = _session(block, None), _session(block, {"refuses": Fixed(BLOCK)})
    worth = binding_worth(guarded, alone.trades, alone.bars)
    made = sum(alone.bars["result_usd"].to_pylist())
    assert sum(worth["worth_usd"].to_pylist()) == pytest.approx(-made) and made != 0.0
    assert worth["gated_trades"].to_pylist() == [0, 0] and sum(worth["trades"].to_pylist()) > 0
    agrees = judge_books_agree(alone, alone.trades, alone.bars, (), True)
    assert agrees.passed and "both books are the same" in agrees.reason
    differs = judge_books_agree(guarded, alone.trades, alone.bars, (), True)
    assert not differs.passed and differs.blocking
    assert judge_books_agree(guarded, alone.trades, alone.bars, ("cost",), True).passed
    assert (
        "differ by what gates did" in judge_books_agree(guarded, alone.trades, alone.bars, (), False).reason
    )


def test_what_is_told_of_an_order_that_lapsed_is_what_a_gate_was_shown_of_it(random_market: Market) -> None:
    """A third of the bars is not traded, so that orders lapse; to the bit again."""
    found = 0
    for seed in range(20, 24):
        block, gate = random_market(seed, symbols=4), Fixed()
        session = _session(block, {"sees": gate})
        seen = {(row["symbol"], row["signal_time"]): row for table in gate.seen for row in table.to_pylist()}
        lapsed = session.untraded.filter(pc.equal(session.untraded["status"], "lapsed"))
        found += lapsed.num_rows
        for row in lapsed.to_pylist():
            own = seen[row["symbol"], row["signal_time"]]
            for name in set(row) & set(SIGNALS_SHOWN):
                assert repr(own[name]) == repr(row[name]), name
    assert found > 10


def test_every_signal_without_a_trade_is_told_with_what_was_known_at_it(random_market: Market) -> None:
    session = _session(random_market(25, symbols=4), None)
    signals = session.signals.filter(pc.is_null(session.signals["trade_id"]))
    told = session.untraded
    assert set(told["status"].to_pylist()) == {"lapsed", "masked", "declined"}
    for name in ("symbol", "signal_time", "status", "side", "action", "size_multiplier", "regime"):
        assert told[name].to_pylist() == signals[name].to_pylist(), name
    assert told["entry_features"].null_count == told["policy_logits"].null_count == 0
    declined = told.filter(pc.equal(told["status"], "declined"))
    assert declined["estimated_cost_bps"].null_count == 0


def test_only_what_changes_what_is_done_is_told_and_by_whom(random_market: Market) -> None:
    """A position that the policy leaves anyway, and an action that it did not want, are no interventions."""
    block = random_market(7, symbols=3)
    alone = _session(block, None)
    nothing = _session(block, {"forbids": Tends(forbidden=("TRAIL",))})
    wanted = sum(action == "TRAIL" for action in alone.bars["action"].to_pylist())
    assert wanted > 0 and nothing.interventions.num_rows < alone.bars.num_rows / 3
    told = nothing.interventions.to_pylist()
    assert told and {row["wanted"] for row in told} == {"TRAIL"}
    assert "TRAIL" not in {row["taken"] for row in told} and {row["gates"] for row in told} == {"forbids"}


def test_who_refuses_is_named_before_who_would_have_changed_it_and_silence_is_counted(
    random_market: Market,
) -> None:
    gates = {"halves": Fixed(resize(0.5)), "refuses": Fixed(BLOCK), "silent": Fixed(ABSTAIN)}
    told = _session(random_market(4), gates).interventions.to_pylist()
    assert {(row["gates"], row["abstained"], row["reason"]) for row in told} == {
        ("refuses", 1, "It says so.")
    }


def test_a_young_position_is_scratched_where_that_is_legal_and_else_left(random_market: Market) -> None:
    taken = set[str]()
    for seed in range(30, 34):
        session = _session(random_market(seed, symbols=4), {"leaves": Tends(beyond=0.02)})
        taken |= set(session.interventions["taken"].to_pylist())
    assert taken == {"EXIT", "SCRATCH"}


def test_answers_that_are_none_are_refused_by_the_name_of_the_gate(random_market: Market) -> None:
    block = random_market(4)
    for gate, why in (
        (Fixed(()), "The gate mine did not answer"),
        (Tends(forbidden=("WAIT",)), "The gate mine forbids 'WAIT'"),
        (Tends(forbidden=("FLY",)), "The gate mine forbids 'FLY'"),
    ):
        with pytest.raises(InvalidInput, match=why):
            _session(block, {"mine": gate})


@dataclass
class Both(Fixed):
    """Judges signals, and would have positions left."""

    def tend(self, positions: pa.Table) -> Tended:
        return Tends(beyond=0.0).tend(positions)


def test_a_gate_that_judges_signals_has_no_position_left(random_market: Market) -> None:
    with pytest.raises(InvalidInput, match="judges signals and has a position left"):
        _session(random_market(4), {"mine": Both()})


def test_later_prices_change_nothing_that_gates_did_before(random_market: Market) -> None:
    block = random_market(8, symbols=3)
    half = {"sizes": Fixed(resize(0.7)), "leaves": Tends(beyond=0.5)}
    whole = _session(block, half)
    early = _session(block.slice(0, 99), half, market=block)
    cut = block.time_of(np.array([99]))[0]
    before = pa.array(milliseconds(whole.interventions, "moment") < cut)
    assert early.interventions.num_rows > 10
    ours = early.interventions.filter(pa.array(milliseconds(early.interventions, "moment") < cut))
    assert ours.to_pylist() == whole.interventions.filter(before).to_pylist()


def test_what_is_known_must_be_of_the_rows_and_of_a_close() -> None:
    fine: dict[str, Any] = {
        "symbols": ("A", "B"),
        "close_ms": 1_700_000_000_000,
        "regimes": ("trend", None),
        "volatility_bps": np.ones(2),
        "entry_cost_bps": np.ones((2, 10)),
        "size_multipliers": (0.5, 1.0, 1.5),
    }
    Surroundings(**fine)
    for name, wrong in (
        ("regimes", ("trend",)),
        ("volatility_bps", np.ones(3)),
        ("entry_cost_bps", [[1.0] * 10] * 2),
        ("size_multipliers", (1.0,)),
    ):
        with pytest.raises(InvalidInput, match=f"What is known of 2 rows has other {name} than these"):
            Surroundings(**{**fine, name: wrong})
    with pytest.raises(InvalidInput, match="The close was 1700000000"):
        Surroundings(**{**fine, "close_ms": 1_700_000_000})
