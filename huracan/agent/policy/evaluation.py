"""How a frozen policy does on days it was not trained on, beside doing nothing, guessing and holding."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.ledger import EXIT_REASONS
from huracan.market.paper.session_arrays import SessionArrays, run_sessions
from huracan.market.policy import Policy
from huracan.market.rules import TradingRules
from huracan.market.what_if.baselines import DO_NOTHING_NET_USD, Guesses, buy_and_hold, random_entries
from huracan.units import WHOLE_BPS

_HOUR_MS = 3_600_000


def evaluate_policy(
    block: MarketBlock,
    policy: Policy,
    rules: TradingRules,
    costs: CostAssumptions,
    generator: np.random.Generator,
) -> dict[str, Any]:
    """JSON-able numbers of the policy's sessions over the block's days, at full costs.

    `daily_net_usd` is per day over all symbols, `hourly_returns_bps` the change of all accounts together per
    hour, in bps of what they opened with. `random` are entries at random bars with the same number of trades
    and the same median holding; `random_draws_net_bps_per_trade` has every draw.
    """
    ran = run_sessions(block, policy, rules, costs)
    net_usd, net_bps = ran.net_usd(), ran.net_bps()
    per_trade = float(net_bps.mean()) if net_bps.size else 0.0
    held = _bars_held(ran)
    median_holding = int(np.median(held)) if held.size else 0
    guesses = random_entries(block, rules, costs, Guesses(ran.trade_count, max(1, median_holding)), generator)
    holding = buy_and_hold(block, rules, costs)
    return {
        "first_day": str(block.days[0]),
        "last_day": str(block.days[-1]),
        "trades": ran.trade_count,
        "net_usd": float(net_usd.sum()),
        "net_bps_per_trade": per_trade,
        "win_rate": float((net_usd > 0).mean()) if net_usd.size else 0.0,
        "median_holding_bars": median_holding,
        "exit_reasons": _count_reasons(ran),
        "traded_notional_usd": ran.notional_usd(),
        "daily_net_usd": _daily_net_usd(ran, len(block.days)),
        "hourly_returns_bps": _hourly_returns_bps(ran, block),
        "do_nothing_net_usd": DO_NOTHING_NET_USD,
        "random_net_bps_per_trade": float(guesses.net_bps_per_trade.mean()),
        "random_draws_net_bps_per_trade": [float(value) for value in guesses.net_bps_per_trade],
        "random_net_usd": float(guesses.net_usd.mean()),
        "random_share_below": guesses.share_below(per_trade) if ran.trade_count else 0.0,
        "buy_and_hold_net_usd": holding.net_usd,
        "buy_and_hold_net_bps": holding.net_bps,
    }


def judges_generator(seed: int) -> np.random.Generator:
    """By which the guesses of a night with this `seed` are drawn, for every one of its seeds."""
    return np.random.default_rng(np.random.SeedSequence(seed).spawn(1)[0])


def _bars_held(ran: SessionArrays) -> NDArray[np.int64]:
    return ran.closed["exit_bar"].astype(np.int64) - ran.closed["entry_bar"].astype(np.int64)


def _count_reasons(ran: SessionArrays) -> dict[str, int]:
    counts = np.bincount(ran.closed["reason"].astype(np.int64), minlength=len(EXIT_REASONS))
    return dict(zip(EXIT_REASONS, counts.tolist(), strict=True))


def _daily_net_usd(ran: SessionArrays, days: int) -> list[float]:
    daily = np.zeros(days)
    # Lanes are ordered by symbol, then day.
    np.add.at(daily, ran.closed["lane"].astype(np.int64) % days, ran.net_usd())
    return [float(value) for value in daily]


def _hourly_returns_bps(ran: SessionArrays, block: MarketBlock) -> list[float]:
    """Days one after the other; within a day an hour's return starts from the equity of the hour before."""
    bars = ran.cash_usd.shape[1]
    equity = (ran.cash_usd + ran.position_usd).reshape(block.symbol_count, -1, bars).sum(axis=0)
    hours = block.open_time_ms[:bars] // _HOUR_MS
    ends = np.flatnonzero(np.append(hours[1:] != hours[:-1], True))
    levels = np.concatenate([equity[:, :1], equity[:, ends]], axis=1)
    returns = np.diff(levels, axis=1) / equity[:, :1] * WHOLE_BPS
    return [float(value) for value in returns.reshape(-1)]
