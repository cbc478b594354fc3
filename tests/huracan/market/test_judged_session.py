"""A span that is judged is traded as the ledger trades it, however far ahead its policy is asked."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from huracan.market.actions import ENTER_FULL_INDEX, EXIT_INDEX, HOLD_INDEX, WAIT_INDEX, action_names
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.ledger import EXIT_REASONS
from huracan.market.paper import judged_session
from huracan.market.paper.judged_session import judge_session
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.session import trade_session
from huracan.market.rules import TradingRules
from tests.huracan.timetable import Timetable

COSTS = CostAssumptions()
RULES = TradingRules(maximum_holding="15m", allow_short=True)
PROVENANCE = Provenance("model", "data", "config", True)
WINDOW_END = EXIT_REASONS.index("WINDOW_END")
Market = Callable[..., MarketBlock]


def _drawn(block: MarketBlock, seed: int, share: float) -> Timetable:
    """Acts at that share of the decisions, as it happens."""
    generator = np.random.default_rng(seed)
    shape = (block.decision_count, block.symbol_count)
    script = generator.integers(0, len(action_names(True)), shape)
    return Timetable(np.where(generator.random(shape) < share, script, HOLD_INDEX))


@pytest.mark.parametrize("value_usd", [np.inf, 5e3])
@pytest.mark.parametrize("share", [0.02, 0.2, 1.0])
@pytest.mark.parametrize("each", [1, 4])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_asked_far_ahead_trades_as_what_is_asked_close_by_close(
    random_market: Market,
    coarser: Callable[[MarketBlock, int], MarketBlock],
    value_usd: float,
    share: float,
    each: int,
    seed: int,
) -> None:
    block = random_market(seed, symbols=3, bars=480)
    block = replace(block, value_usd=np.full(block.close.shape, value_usd))
    block = Timetable.told(block if each == 1 else coarser(block, each))
    policy = _drawn(block, seed, share)
    judged = judge_session(block, policy, RULES, COSTS)
    ledger = trade_session(block, policy, RULES, COSTS, PROVENANCE)
    kept = judged.closed[judged.closed["reason"] != WINDOW_END]
    assert kept.size == ledger.trades.num_rows > 0
    assert np.array_equal(np.sort(kept["net_usd"]), np.sort(ledger.trades["net_usd"].to_numpy()))
    held = ledger.open_positions["side"].is_valid().to_pylist().count(True)
    assert judged.closed.size - kept.size == held
    in_parts = ledger.fills.group_by(["trade_id", "kind"]).aggregate([([], "count_all")])["count_all"]
    are_small = value_usd < np.inf and share == 1.0
    assert not are_small or max(in_parts.to_pylist()) > 1, "a bar takes less than an order"
    equity = ledger.bars["equity_usd"].to_numpy().reshape(block.symbol_count, -1)
    assert np.array_equal(judged.equity_usd[:, 1:-1], equity[:, :-1])


@pytest.mark.parametrize(("fewest", "most"), [(1, 1), (1, 3), (2, 2), (479, 479)])
def test_how_far_ahead_is_asked_changes_no_bit(
    random_market: Market, monkeypatch: pytest.MonkeyPatch, fewest: int, most: int
) -> None:
    block = Timetable.told(random_market(4, symbols=2, bars=480))
    policy = _drawn(block, 4, 0.05)
    usual = judge_session(block, policy, RULES, COSTS)
    monkeypatch.setattr(judged_session, "_FEWEST_AHEAD", fewest)
    monkeypatch.setattr(judged_session, "_MOST_AHEAD", most)
    other = judge_session(block, policy, RULES, COSTS)
    assert usual.closed.tolist() == other.closed.tolist() and usual.closed.size > 5
    assert np.array_equal(usual.equity_usd, other.equity_usd)


def test_what_is_open_at_the_end_is_closed_there_at_liquidation_value(random_market: Market) -> None:
    block = Timetable.told(random_market(6, bars=157))
    script = np.full((block.decision_count, block.symbol_count), HOLD_INDEX)
    script[4::10], script[8::10] = ENTER_FULL_INDEX, EXIT_INDEX
    judged = judge_session(block, Timetable(script), RULES, COSTS)
    ledger = trade_session(block, Timetable(script), RULES, COSTS, PROVENANCE)
    held = ledger.open_positions["side"].is_valid().to_pylist().count(True)
    assert (judged.closed["reason"] == WINDOW_END).sum() == held > 0
    notional = judged.closed["quantity"] * judged.closed["entry_reference"]
    assert judged.net_bps() == pytest.approx(judged.net_usd() / notional * 1e4)
    assert judged.notional_usd() == pytest.approx(notional.sum())
    assert judged.equity_usd.shape == (block.symbol_count, block.decision_count)
    made = judged.equity_usd[:, -1].sum() - RULES.starting_cash_usd * block.symbol_count
    assert made == pytest.approx(judged.net_usd().sum(), abs=1e-6)


def test_to_look_ahead_moves_no_lane_and_tells_what_is_then_met(random_market: Market) -> None:
    block = random_market(7, symbols=2, bars=200)
    environment = MarketEnvironment(block, RULES, COSTS, 2, records=True)
    environment.begin(np.arange(2), np.arange(2), np.array([20, 20]))
    environment.advance(np.array([ENTER_FULL_INDEX, WAIT_INDEX]))
    before = environment.state.copy()
    time = environment.foresee(40)
    assert environment.state.tolist() == before.tolist() and environment.closed().size == 0
    for at in range(40):
        assert np.array_equal(time.observations[at], environment.observe(), equal_nan=True)
        assert np.array_equal(time.masks[at], environment.masks())
        assert np.array_equal(time.equity_usd[at], environment.equity_usd())
        environment.advance(time.actions[at])
    assert environment.closed().size > 0, "the position met an end of its own"
    moved = MarketEnvironment(block, RULES, COSTS, 2, records=True)
    moved.restore(before)
    moved.idle(40)
    assert moved.state.tolist() == environment.state.tolist()
    assert moved.closed().tolist() == environment.closed().tolist()
