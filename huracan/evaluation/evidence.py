"""From a training's report and the trailing ledger to the evidence that a brain is judged by."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from huracan.evaluation.equity import chained_equity, worst_drawdown_usd
from huracan.evaluation.promotion import BrainEvidence, Incomparable
from huracan.units import BASIS_POINT


def gather_evidence(
    held_out: Mapping[str, Any],
    *,
    trials: int,
    is_simulated: bool,
    last_brain_net_usd: float | Incomparable | None,
    sessions: Sequence[pa.Table],
) -> BrainEvidence:
    """The evidence about a policy from its `held_out` report (`agent.policy.evaluation.evaluate_policy`).

    Random entries trade one size and a policy several, so their results per notional are put on the notional
    that the policy traded. `sessions`: the shadow ledger's bars of the trailing days, SESSION_SCHEMA.
    """
    draws_bps = np.asarray(held_out["random_draws_net_bps_per_trade"], dtype=np.float64)
    return BrainEvidence(
        returns_bps=np.asarray(held_out["hourly_returns_bps"], dtype=np.float64),
        trades=int(held_out["trades"]),
        net_usd=float(held_out["net_usd"]),
        random_net_usd=draws_bps * BASIS_POINT * float(held_out["traded_notional_usd"]),
        trials=trials,
        is_simulated=is_simulated,
        last_brain_net_usd=last_brain_net_usd,
        trailing_drawdown_pct=trailing_drawdown_pct(sessions),
    )


def trailing_drawdown_pct(sessions: Sequence[pa.Table]) -> float | None:
    """The deepest fall of the marked equity over the trailing days, in % of the opening equity.

    The days' results are added and nothing is compounded. None without sessions.
    """
    if not sessions:
        return None
    equity = chained_equity(sessions)[1]
    return worst_drawdown_usd(equity) / float(equity[0]) * 100.0
