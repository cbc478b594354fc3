"""Which of a night's seeds is published, and how far they lie apart. Nothing is trained here."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def median_seed(net_usd: Sequence[float]) -> int:
    """The index of the median result; of an even number the lower middle. Equals stand in their order.

    Never the best one: the best of several on the held-out tail would owe part of its result to luck, and
    the tail could no longer judge it.
    """
    ordered = sorted(range(len(net_usd)), key=lambda index: (net_usd[index], index))
    return ordered[(len(ordered) - 1) // 2]


def dispersion(held_out: Sequence[Mapping[str, Any]], published: int) -> dict[str, Any]:
    """JSON-able: what every seed did on the held-out tail, and how that is spread.

    `net_usd_std` is the sample deviation (n - 1), 0 for one seed.
    """
    net = np.array([result["net_usd"] for result in held_out], np.float64)
    trades = np.array([result["trades"] for result in held_out], np.int64)
    names = ("net_usd", "net_bps_per_trade", "trades", "win_rate", "median_holding_minutes")
    return {
        "count": len(held_out),
        "published": published,
        "rule": "the median by held-out net_usd; of an even number the lower middle, equals in their order",
        "by_seed": [{name: result[name] for name in names} for result in held_out],
        "net_usd_mean": float(net.mean()),
        "net_usd_std": float(net.std(ddof=1)) if net.size > 1 else 0.0,
        "net_usd_lowest": float(net.min()),
        "net_usd_highest": float(net.max()),
        "trades_lowest": int(trades.min()),
        "trades_highest": int(trades.max()),
    }
