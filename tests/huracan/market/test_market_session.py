"""A session's tables: what was known at the signal, which fills made the trade, shorts by their signs."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from huracan.errors import InputRefused
from huracan.market.actions import (
    ENTER_FULL_INDEX,
    EXIT_INDEX,
    HOLD_INDEX,
    TRAIL_INDEX,
    WAIT_INDEX,
    action_names,
)
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.ledger import (
    DECISION_TRACE_SCHEMA,
    EXIT_REASONS,
    FILLS_SCHEMA,
    SESSION_SCHEMA,
    TRADES_SCHEMA,
)
from huracan.market.paper.open_columns import OPEN_POSITIONS_SCHEMA
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.session import Session, trade_session
from huracan.market.paper.watch import Watch
from huracan.market.policy import Decision, ScriptedPolicy
from huracan.market.rules import TradingRules

COSTS = CostAssumptions()
RULES = TradingRules(maximum_holding="15m")
SHORT_RULES = TradingRules(maximum_holding="15m", allow_short=True)
PROVENANCE = Provenance("model", "data", "config", True)
ENTER_SHORT_INDEX = action_names(True).index("ENTER_SHORT_FULL")

Market = Callable[..., MarketBlock]


class CountingPolicy:
    """Enters and leaves by the clock; every number it gives says at which bar it was asked."""

    def __init__(self) -> None:
        self.bar = 0
        self.masks: list[NDArray[np.bool_]] = []

    def decide(self, observations: NDArray[np.float32], masks: NDArray[np.bool_]) -> Decision:
        lanes = np.arange(masks.shape[0])
        wanted = ENTER_FULL_INDEX if self.bar % 10 == 4 else EXIT_INDEX if self.bar % 10 == 8 else WAIT_INDEX
        idle = np.where(masks[:, WAIT_INDEX], WAIT_INDEX, HOLD_INDEX)
        actions = np.where(masks[lanes, wanted], wanted, idle)
        told = np.full(masks.shape, self.bar, np.float32) + lanes[:, None].astype(np.float32) / 100
        self.masks.append(masks.copy())
        self.bar += 1
        return Decision(actions, told, told + 1, told[:, :3] + 2, told + 3, told[:, 0] + 4)


def _scripted(block: MarketBlock, rules: TradingRules, script: dict[int, int]) -> Session:
    actions = np.full((block.bar_count, block.symbol_count), WAIT_INDEX)
    for bar, action in script.items():
        actions[bar] = action
    return trade_session(block, ScriptedPolicy(actions, is_lenient=True), rules, COSTS, PROVENANCE)


def test_a_trade_carries_the_decision_of_its_signal_bar(random_market: Market) -> None:
    block, policy = random_market(3, symbols=2, bars=80), CountingPolicy()
    trades = trade_session(block, policy, RULES, COSTS, PROVENANCE).trades.to_pylist()
    assert len(trades) > 8
    bar_of = {int(time): bar for bar, time in enumerate(block.open_time_ms)}
    for trade in trades:
        lane = block.symbols.index(trade["symbol"])
        signal = bar_of[round(trade["signal_time"].timestamp() * 1000)] - 1
        told = np.float32(signal) + np.float32(lane) / 100
        assert signal % 10 == 4 and trade["action"] == "ENTER_FULL"
        assert trade["policy_logits"] == pytest.approx([told] * 10)
        assert trade["action_bias"] == pytest.approx([told + 1] * 10)
        assert trade["bias_terms"] == pytest.approx([told + 2] * 3)
        assert trade["action_probabilities"] == pytest.approx([told + 3] * 10)
        assert trade["value_estimate"] == pytest.approx(told + 4)
        assert trade["action_mask"] == policy.masks[signal][lane].tolist()
        assert trade["action_mask"][ENTER_FULL_INDEX]
        assert trade["entry_features"] == block.features[lane, signal].tolist()


def test_every_decision_is_recorded_with_what_led_to_it(random_market: Market) -> None:
    block, policy = random_market(3, symbols=2, bars=80), CountingPolicy()
    session = trade_session(block, policy, RULES, COSTS, PROVENANCE)
    rows = session.decisions.to_pylist()
    assert len(rows) == 2 * 79, "nothing is decided at the last bar"
    for index, row in enumerate(rows):
        lane, bar = divmod(index, 79)
        told = np.float32(bar) + np.float32(lane) / 100
        assert row["symbol"] == block.symbols[lane]
        assert round(row["open_time"].timestamp() * 1000) == block.open_time_ms[bar + 1], "the bar it meets"
        assert row["model_id"] == "model"
        assert row["policy_logits"] == pytest.approx([told] * 10)
        assert row["action_bias"] == pytest.approx([told + 1] * 10)
        assert row["bias_terms"] == pytest.approx([told + 2] * 3)
        assert row["action_probabilities"] == pytest.approx([told + 3] * 10)
        assert row["value_estimate"] == pytest.approx(told + 4)
        assert row["action_mask"] == policy.masks[bar][lane].tolist()
    for name in ("symbol", "open_time", "action"):
        assert session.decisions[name].equals(session.bars[name]), "a row of the session for each decision"


def test_the_tables_have_the_schemas_of_the_ledger_even_when_empty(random_market: Market) -> None:
    block = random_market(4, bars=80)
    for script in ({}, {4: ENTER_FULL_INDEX}):
        session = _scripted(block, RULES, script)
        assert session.trades.schema == TRADES_SCHEMA
        assert session.fills.schema == FILLS_SCHEMA
        assert session.bars.schema == SESSION_SCHEMA
        assert session.decisions.schema == DECISION_TRACE_SCHEMA
        assert session.open_positions.schema == OPEN_POSITIONS_SCHEMA
        assert session.bars.num_rows == block.symbol_count * 79
        assert session.open_positions.num_rows == block.symbol_count
    assert session.trades.num_rows > 0


def test_a_short_earns_where_the_price_falls(make_block: Market) -> None:
    close = 100.0 * (1 - 2e-4) ** np.arange(60)
    session = _scripted(make_block(close), SHORT_RULES, {5: ENTER_SHORT_INDEX, 9: EXIT_INDEX})
    (trade,) = session.trades.to_pylist()
    assert (trade["side"], trade["action"], trade["exit_reason"]) == (
        "short",
        "ENTER_SHORT_FULL",
        "POLICY_EXIT",
    )
    assert trade["gross_usd"] > 0 and trade["gross_bps"] == pytest.approx(8.0, abs=0.1)
    assert trade["max_favourable_bps"] == pytest.approx(trade["gross_bps"])
    assert trade["max_adverse_bps"] == 0.0
    assert trade["stop_price"] > trade["entry_reference_price"] > trade["target_price"]
    assert trade["entry_price"] < trade["entry_reference_price"]
    assert [fill["side"] for fill in session.fills.to_pylist()] == ["sell", "buy"]
    held = session.bars["position_value_usd"].to_numpy()
    assert (held[5:9] < 0).all() and (held[9:] == 0).all(), "the first row is of the bar after the first"


def test_mirrored_prices_mirror_a_long_and_a_short(make_block: Market) -> None:
    steps = np.random.default_rng(5).standard_normal(60) * 1e-4
    up = _scripted(make_block(100.0 + np.cumsum(steps)), SHORT_RULES, {5: ENTER_FULL_INDEX, 20: EXIT_INDEX})
    falling = make_block(100.0 - np.cumsum(steps))
    down = _scripted(falling, SHORT_RULES, {5: ENTER_SHORT_INDEX, 20: EXIT_INDEX})
    (long_trade,), (short_trade,) = up.trades.to_pylist(), down.trades.to_pylist()
    for name in ("gross_bps", "max_favourable_bps", "max_adverse_bps"):
        assert short_trade[name] == pytest.approx(long_trade[name], abs=1e-4), name


def test_every_kind_of_exit_and_fill_reaches_the_tables(random_market: Market) -> None:
    reasons: set[str] = set()
    kinds: set[str] = set()
    for seed in range(6):
        block = random_market(seed)
        shape = (block.bar_count, block.symbol_count)
        script = np.random.default_rng(seed).integers(0, len(action_names(True)), shape)
        session = trade_session(
            block, ScriptedPolicy(script, is_lenient=True), SHORT_RULES, COSTS, PROVENANCE
        )
        reasons |= set(session.trades["exit_reason"].to_pylist())
        kinds |= set(session.fills["kind"].to_pylist())
        assert set(session.trades["side"].to_pylist()) == {"long", "short"}
    assert kinds - reasons == {"ENTRY", "ADD", "SCALE_OUT"}
    assert {"STOP", "POLICY_EXIT", "SCRATCH", "TRAILING_STOP"} <= reasons <= set(EXIT_REASONS)


def test_the_same_decisions_give_the_same_tables_and_identities(random_market: Market) -> None:
    block = random_market(5, bars=80)
    first, second = (trade_session(block, CountingPolicy(), RULES, COSTS, PROVENANCE) for _ in range(2))
    for name in ("trades", "fills", "bars"):
        assert getattr(first, name).equals(getattr(second, name)), name
    identities = first.trades["trade_id"].to_pylist()
    assert len(set(identities)) == len(identities) > 0
    assert list(dict.fromkeys(first.fills["trade_id"].to_pylist())) == identities
    other = Provenance("other model", "data", "config", True)
    again = trade_session(block, CountingPolicy(), RULES, COSTS, other).trades["trade_id"].to_pylist()
    assert not set(again) & set(identities)


def test_a_model_of_other_features_is_refused(random_market: Market) -> None:
    stranger = Provenance("model", "data", "config", True, ("x",))
    with pytest.raises(InputRefused):
        trade_session(random_market(1, bars=80), CountingPolicy(), RULES, COSTS, stranger)


def test_a_trade_is_a_runner_once_its_stop_follows_and_says_what_it_paid(make_block: Market) -> None:
    block = make_block([100.0] * 60)
    script = {5: ENTER_FULL_INDEX, 8: EXIT_INDEX, 20: ENTER_FULL_INDEX, 22: TRAIL_INDEX, 25: EXIT_INDEX}
    plain, followed = _scripted(block, RULES, script).trades.to_pylist()
    assert (plain["mode"], followed["mode"]) == ("scalp", "runner")
    for trade in (plain, followed):
        paid = trade["fee_bps"] + trade["spread_bps"] + trade["slippage_bps"] + trade["funding_bps"]
        assert trade["paid_cost_bps"] == pytest.approx(paid) == pytest.approx(-trade["net_bps"])
        assert trade["paid_cost_bps"] == pytest.approx(trade["estimated_cost_bps"], abs=0.1)


def test_the_exposure_of_a_bar_is_the_share_of_equity_in_the_position(make_block: Market) -> None:
    block = make_block([100.0] * 60)
    bars = _scripted(block, SHORT_RULES, {5: ENTER_FULL_INDEX, 9: EXIT_INDEX, 20: ENTER_SHORT_INDEX}).bars
    exposure = bars["exposure"].to_numpy()
    assert exposure[6] == pytest.approx(1_000 / bars["equity_usd"][6].as_py())
    assert exposure[21] == pytest.approx(-1_000 / bars["equity_usd"][21].as_py())
    assert not exposure[:5].any() and exposure[11] == 0.0


class _Known:
    """Knows one pattern, and that only where the first feature is positive."""

    def nearest(self, rows: NDArray[np.float32], sides: NDArray[np.object_]) -> tuple[pa.Array, pa.Array]:
        alike = [["p1"] if row[0] > 0 else [] for row in rows]
        return pa.array(alike, pa.list_(pa.string())), pa.array([[0.5] * len(each) for each in alike])


def test_a_trade_names_the_patterns_that_its_entry_resembles(random_market: Market) -> None:
    block = random_market(3, symbols=2, bars=80)
    knowing = [Watch(CountingPolicy(), "model", patterns=_Known())]
    told = trade_session(block, knowing, RULES, COSTS, PROVENANCE).trades.to_pylist()
    for trade in told:
        assert trade["nearest_patterns"] == (["p1"] if trade["entry_features"][0] > 0 else [])
        assert trade["nearest_pattern_cosines"] == [0.5] * len(trade["nearest_patterns"])
    assert {len(trade["nearest_patterns"]) for trade in told} == {0, 1}
    alone = trade_session(block, CountingPolicy(), RULES, COSTS, PROVENANCE).trades
    assert alone["nearest_patterns"].to_pylist() == [[]] * len(told)
