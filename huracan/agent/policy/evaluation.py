"""How a frozen policy does on days it was not trained on, beside doing nothing, guessing and holding."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions, Floats
from huracan.market.ledger import EXIT_REASONS
from huracan.market.paper.judged_session import JudgedSession, judge_session
from huracan.market.policy import Policy
from huracan.market.rules import TradingRules
from huracan.market.what_if.baselines import DO_NOTHING_NET_USD, buy_and_hold
from huracan.market.what_if.shifted_schedule import Schedule, rivals_of
from huracan.units import WHOLE_BPS

_HOUR_MS = 3_600_000


def evaluate_policy(
    block: MarketBlock,
    policy: Policy,
    rules: TradingRules,
    costs: CostAssumptions,
    generator: np.random.Generator,
) -> dict[str, Any]:
    """JSON-able numbers of the policy over the block's days, one account for each symbol, at full costs.

    Accounts run on over the midnights; what is open at the end counts at liquidation value, as a trade of its
    own. `daily_net_usd` is the change of all marked accounts together by day, `hourly_returns_bps` the same
    by hour (`periods_of`), in bps of what they opened with. `random` are the same trades at other times
    (`what_if.shifted_schedule`), moved as `schedule` tells; `random_draws_net_usd` has every draw and
    `random_chance` is that of doing as well without skill.
    """
    ran = judge_session(block, policy, rules, costs)
    net_usd, net_bps = ran.net_usd(), ran.net_bps()
    per_trade = float(net_bps.mean()) if net_bps.size else 0.0
    held = _bars_held(ran)
    median_holding = int(np.median(held)) if held.size else 0
    schedule = Schedule.of_closed(ran.closed)
    rivals = rivals_of(schedule, block, rules, generator)
    equity_usd = ran.equity_usd.sum(axis=0)
    by_day = _changes(equity_usd, block.day_of_bar[block.decision_closes])
    by_hour = _changes(equity_usd, periods_of(block)[block.decision_closes])
    holding = buy_and_hold(block, rules, costs)
    return {
        "first_day": str(block.days[0]),
        "last_day": str(block.days[-1]),
        "trades": ran.trade_count,
        "net_usd": float(net_usd.sum()),
        "net_bps_per_trade": per_trade,
        "win_rate": float((net_usd > 0).mean()) if net_usd.size else 0.0,
        "median_holding_minutes": median_holding * block.bar_minutes,
        "exit_reasons": _count_reasons(ran),
        "traded_notional_usd": ran.notional_usd(),
        "daily_net_usd": by_day.tolist(),
        "hourly_returns_bps": (by_hour / equity_usd[0] * WHOLE_BPS).tolist(),
        "do_nothing_net_usd": DO_NOTHING_NET_USD,
        "random_net_usd": float(rivals.net_usd.mean()),
        "random_draws_net_usd": rivals.net_usd.tolist(),
        "random_chance": rivals.chance,
        "schedule": schedule.plain(),
        "buy_and_hold_net_usd": holding.net_usd,
        "buy_and_hold_net_bps": holding.net_bps,
    }


def judges_generator(seed: int) -> np.random.Generator:
    """By which the guesses of a night with this `seed` are drawn, for every one of its seeds."""
    return np.random.default_rng(np.random.SeedSequence(seed).spawn(1)[0])


def _bars_held(ran: JudgedSession) -> NDArray[np.int64]:
    return ran.closed["exit_bar"].astype(np.int64) - ran.closed["entry_bar"].astype(np.int64)


def _count_reasons(ran: JudgedSession) -> dict[str, int]:
    counts = np.bincount(ran.closed["reason"].astype(np.int64), minlength=len(EXIT_REASONS))
    return {reason: count for reason, count in zip(EXIT_REASONS, counts.tolist(), strict=True) if count}


def periods_of(block: MarketBlock) -> NDArray[np.int64]:
    """[T] the how-many-th hour of the clock of the block a bar lies in; a decision bar that is longer than an
    hour is a period by itself."""
    opened = block.open_time_ms[:: block.decision_bars] // _HOUR_MS
    period = np.cumsum(np.append(False, opened[1:] != opened[:-1]))
    return np.repeat(period, block.decision_bars)


def _changes(equity_usd: Floats, group: NDArray[np.integer]) -> Floats:
    """[groups] of equity [decisions] from the end of one group of decisions to the end of the next."""
    ends = np.flatnonzero(np.append(group[1:] != group[:-1], True))
    return np.diff(np.append(equity_usd[0], equity_usd[ends]))
