"""Days on paper in hand-made markets: by scripts or by features, each audited, one after the other."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.market.actions import WAIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.paper.carrying import Carried
from huracan.market.paper.conservation import judge_ledger, judge_signals_told
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.replay_audit import judge_replay
from huracan.market.paper.session import Session, trade_session
from huracan.market.paper.watch import Watch
from huracan.market.policy import Decision, ScriptedPolicy
from huracan.market.rules import TradingRules

COSTS = CostAssumptions()
FLAT = CostAssumptions(slippage_coefficient=0.0)
RULES = TradingRules(maximum_holding="30m", allow_short=True)
MADE_BY = Provenance("model", "data", "config", True)

Market = Callable[..., MarketBlock]


class ByFeatures:
    """Decides by the bar's features alone, so that a day by itself meets the decisions of the whole."""

    def __init__(self, actions: int = 13, seed: int = 0) -> None:
        self.weights = np.random.default_rng(seed).standard_normal((3, actions)).astype(np.float32)

    def decide(self, observations: NDArray[np.float32], masks: NDArray[np.bool_]) -> Decision:
        logits = (observations[:, :3] @ self.weights * np.float32(1.5)).astype(np.float32)
        logits[:, [0, 5]] += np.float32(1.0)
        powers = np.exp(np.where(masks, logits, -1e9))
        probabilities = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
        nothing = np.zeros_like(logits)
        return Decision(
            probabilities.argmax(axis=1), logits, nothing, nothing[:, :2], probabilities, logits[:, 0]
        )


def day_by_day(
    block: MarketBlock,
    rules: TradingRules = RULES,
    made_by: Provenance = MADE_BY,
    costs: CostAssumptions = COSTS,
) -> list[Session]:
    """The days of the block, each from the last decision bar of the one before and what that handed on."""
    sessions: list[Session] = []
    ends = np.append(block.day_first[1:], block.bar_count) - 1
    for number, (first, last) in enumerate(zip(block.day_first, ends, strict=True)):
        lead = block.decision_bars if number else 0
        day = block.slice(int(first) - lead, int(last))
        carried = Carried(sessions[-1].open_positions) if sessions else None
        session = trade_session(day, ByFeatures(), rules, costs, made_by, carried)
        assert judge_replay(session, day, rules, costs, made_by, carried).reason.startswith("The stored")
        ledger = judge_ledger(session, rules, candles(day), carried and carried.accounts)
        assert ledger.passed, ledger.reason
        told = judge_signals_told(session)
        assert told.passed, told.reason
        sessions.append(session)
    return sessions


def coarser(block: MarketBlock, decision_bars: int) -> MarketBlock:
    """The same market, decided on at every so many bars."""
    rows = slice(decision_bars - 1, None, decision_bars)
    names = ("features", "is_ready", "regime", "regime_probabilities", "pattern_context")
    seen = {name: np.ascontiguousarray(getattr(block, name)[:, rows]) for name in names}
    return replace(block, decision_bars=decision_bars, **seen)


def candles(block: MarketBlock) -> pa.Table:
    names = [name for name in block.symbols for _ in range(block.bar_count)]
    return pa.table(
        {
            "symbol": names,
            "open_time": pa.array(np.tile(block.open_time_ms, block.symbol_count)).cast(
                pa.timestamp("ms", tz="UTC")
            ),
            **{name: getattr(block, name).reshape(-1) for name in ("open", "high", "low", "close")},
            "status": np.where(block.is_tradable, "traded", "flat").reshape(-1),
        }
    )


def scripted(orders: dict[int, int], first: int = 0, symbols: int = 1) -> ScriptedPolicy:
    """Gives orders at the closes of bars, of all symbols alike; its first decision is at that of `first`."""
    script = np.full((400, symbols), WAIT_INDEX)
    for bar, action in orders.items():
        if bar >= first:
            script[bar - first] = action
    return ScriptedPolicy(script, is_lenient=True)


def audited(
    day: MarketBlock,
    policy: ScriptedPolicy | None,
    carried: Carried,
    made_by: Provenance = MADE_BY,
) -> Session:
    """A day at flat costs that passes every audit."""
    watches = [Watch(policy, "model" if policy else None)]
    session = trade_session(day, watches, RULES, FLAT, made_by, carried)
    for verdict in (
        judge_ledger(session, RULES, candles(day), carried.accounts),
        judge_replay(session, day, RULES, FLAT, made_by, carried),
        judge_signals_told(session),
    ):
        assert verdict.passed, verdict.reason
    return session


def two_days(
    block: MarketBlock, orders: dict[int, int], policy_of_second: object = "the same"
) -> tuple[Session, Session]:
    """Sixty bars each, at flat costs, the orders given at the closes of bars."""
    first = trade_session(block.slice(0, 59), scripted(orders), RULES, FLAT, MADE_BY)
    policy = None if policy_of_second is None else scripted(orders, 59)
    return first, audited(block.slice(59, 119), policy, Carried(first.open_positions))


def milliseconds_of(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
