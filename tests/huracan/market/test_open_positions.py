"""What is open at midnight goes on the next day as if there had been none, to the bit."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from huracan.errors import InputRefused
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.lane import LANE
from huracan.market.paper.carrying import Carried, carried_in
from huracan.market.paper.conservation import judge_ledger, judge_signals_told
from huracan.market.paper.open_positions import OPEN_POSITIONS_SCHEMA
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.replay_audit import judge_replay
from huracan.market.paper.session import Session, trade_session
from huracan.market.policy import Decision
from huracan.market.rules import TradingRules

COSTS = CostAssumptions()
RULES = TradingRules(maximum_holding="70m", allow_short=True)
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


@pytest.mark.parametrize("decision_bars", [1, 4])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_days_one_by_one_make_what_they_make_in_one_block(
    random_market: Market, decision_bars: int, seed: int
) -> None:
    block = coarser(random_market(seed, bars=320, day_bars=80, tick_size=0.01), decision_bars)
    whole = trade_session(block, ByFeatures(), RULES, COSTS, MADE_BY)
    days = day_by_day(block)
    for name in ("trades", "fills"):
        parts = pa.concat_tables([getattr(each, name) for each in days])
        keys = (
            [("symbol", "ascending"), ("entry_time", "ascending")]
            if name == "trades"
            else [("symbol", "ascending"), ("time", "ascending"), ("trade_id", "ascending")]
        )
        assert parts.sort_by(keys).equals(getattr(whole, name).sort_by(keys))
    assert days[-1].open_positions.drop(["units_factor"]).equals(whole.open_positions.drop(["units_factor"]))
