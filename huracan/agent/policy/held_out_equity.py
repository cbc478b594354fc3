"""The equity over the held-out days: the policy's, and that of its random rivals.

It is told again from the report of the training, and judges nothing: that is in `evaluation`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.agent.policy.evaluation import periods_of
from huracan.errors import InputRefused
from huracan.market.block import MarketBlock
from huracan.market.rules import TradingRules
from huracan.market.what_if.shifted_schedule import Schedule, rivals_of
from huracan.units import BASIS_POINT

_HOUR_MS, _CENT = 3_600_000, 0.005


@dataclass(frozen=True, eq=False)
class HeldOutEquity:
    """Cumulated net of costs in USD from 0 on, at the cuts of the report's returns: every hour."""

    first_day: date
    hours: NDArray[np.float64]
    """[cuts] since the first decision bar opened."""
    brain_usd: NDArray[np.float64]
    """[cuts] open positions included."""
    rivals_usd: NDArray[np.float64]
    """[draws, cuts] of trades that have ended."""


def held_out_equity(
    held_out: Mapping[str, Any],
    block: MarketBlock,
    rules: TradingRules,
    generator: np.random.Generator,
) -> HeldOutEquity:
    """The curves behind a `held_out` report (`evaluation.evaluate_policy`), on the same bars.

    `generator` is in the state in which the judgement had it, so the same rivals are drawn. InputRefused
    where they come out otherwise than reported: then bars or rules are not those of the training.
    """
    hourly_bps = np.asarray(held_out["hourly_returns_bps"], np.float64)
    opening_usd = rules.starting_cash_usd * block.symbol_count
    if "schedule" not in held_out:
        raise InputRefused(
            "The training's report is of a version that guessed other random rivals.",
            "The next night's has its picture again.",
        )
    rivals = rivals_of(Schedule.read(held_out["schedule"]), block, rules, generator)
    reported = np.asarray(held_out["random_draws_net_usd"], np.float64)
    if reported.shape != rivals.net_usd.shape or not np.allclose(
        rivals.net_usd, reported, rtol=0, atol=_CENT
    ):
        raise InputRefused(
            "The random rivals of the held-out days come out otherwise than the training reported them.",
            "Its market or rules have changed since.",
        )
    # The sums of a period stand at its end: the first cut is the beginning.
    period = periods_of(block) + 1
    begins_ms = block.open_time_ms[np.append(True, period[1:] != period[:-1])]
    end_ms = block.open_time_ms[-1] + block.bar_ms
    cuts_ms = np.append(begins_ms, end_ms) - begins_ms[0]
    return HeldOutEquity(
        first_day=block.days[0],
        hours=cuts_ms / _HOUR_MS,
        brain_usd=np.append(0.0, np.cumsum(hourly_bps)) * BASIS_POINT * opening_usd,
        rivals_usd=_summed(rivals.trade_net_usd, period[rivals.exit_bar], cuts_ms.size),
    )


def _summed(values: NDArray[np.float64], periods: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """[draws, count] sums of `values` [draws, trades] up to each of their `periods`."""
    sums = np.zeros((len(values), count))
    np.add.at(sums, (np.arange(len(values))[:, None], periods), values)
    return sums.cumsum(axis=1)
