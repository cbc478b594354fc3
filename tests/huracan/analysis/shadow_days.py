"""Days traded on paper by a script: a hand-made market, and the ledger that the market made of it."""

from datetime import date, timedelta

import numpy as np

from huracan.market.actions import HOLD_INDEX
from huracan.market.block import EPOCH, MS_PER_DAY, MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.session import Session, trade_session
from huracan.market.policy import ScriptedPolicy
from huracan.market.rules import TradingRules

DAY = date(2023, 6, 2)
BARS = 1440
FREE = CostAssumptions(taker_fee_bps=0, half_spread_bps=0, slippage_coefficient=0)
WIDE = TradingRules(stop_floor_bps=5_000, target_floor_bps=5_000, maximum_holding="600m", allow_short=True)
"""Barriers that no test's price reaches."""
MADE_BY = Provenance("model", "data", "configuration", True)


def flat_closes(symbols: int = 1) -> np.ndarray:
    return np.full((symbols, BARS), 100.0)


def day_block(
    close: np.ndarray,
    day: date = DAY,
    *,
    regime: np.ndarray | None = None,
    volatility_bps: np.ndarray | float = 10.0,
    low: np.ndarray | None = None,
    high: np.ndarray | None = None,
) -> MarketBlock:
    """One-minute bars from `day` on, closes [symbols, bars], 1440 a day; a bar opens at the close before."""
    symbols = close.shape[0]
    opened = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    times = (day - EPOCH).days * MS_PER_DAY + np.arange(close.shape[1]) * 60_000
    labels = np.zeros(close.shape, np.int8) if regime is None else np.broadcast_to(regime, close.shape)
    return MarketBlock(
        symbols=tuple(f"S{index}" for index in range(symbols)),
        feature_names=(),
        open_time_ms=times,
        features=np.zeros((*close.shape, 0), np.float32),
        open=opened,
        high=np.maximum(opened, close) if high is None else high,
        low=np.minimum(opened, close) if low is None else low,
        close=close.astype(np.float64),
        is_tradable=np.ones(close.shape, bool),
        is_ready=np.ones(close.shape, bool),
        volatility_bps=np.array(np.broadcast_to(volatility_bps, close.shape), np.float64),
        traded_value_usd=np.full(close.shape, 1e9),
        regime=np.ascontiguousarray(labels, np.int8),
        regime_probabilities=np.tile(np.array([1, 0, 0, 0], np.float32), (*close.shape, 1)),
        day_index=times // MS_PER_DAY,
    )


def trade(
    block: MarketBlock,
    script: dict[tuple[int, int], int],
    rules: TradingRules = WIDE,
    costs: CostAssumptions = FREE,
) -> Session:
    """The ledger of `script`, which gives the action by (symbol, decision); elsewhere nothing is done."""
    actions = np.full((block.decision_count, block.symbol_count), HOLD_INDEX)
    for (symbol, bar), action in script.items():
        actions[bar, symbol] = action
    return trade_session(block, ScriptedPolicy(actions, is_lenient=True), rules, costs, MADE_BY)


def days_before(count: int, day: date = DAY) -> list[date]:
    """The `count` days that end with the day before, oldest first."""
    return [day - timedelta(days=back) for back in range(count, 0, -1)]
