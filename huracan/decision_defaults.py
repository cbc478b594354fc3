"""The defaults that depend on how often is decided: positions that are looked at each minute last for hours,
those that are looked at each hour for days.

A position may be held for some 70 to 120 decisions, looks at the volatility of half of that time or of a day,
and earns by a discount that is halved in twice that time. Between the days that are trained on and those that
judge lie as many as the longest holding reaches over. The fewer decisions a day has, the more days a
training, the regimes and the models of past trades need, the fewer steps are worth their time, and the longer
may the rows of single decisions be kept.
"""

from collections.abc import Mapping
from typing import Any

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "regimes.fit_days": {
        "1m": 14, "3m": 14, "5m": 14, "15m": 30, "30m": 45, "1h": 60, "2h": 120, "4h": 240,
    },
    "regimes.minimum_days": {
        "1m": 3, "3m": 3, "5m": 3, "15m": 5, "30m": 10, "1h": 20, "2h": 30, "4h": 60,
    },
    "regimes.stride_bars": {
        "1m": 5, "3m": 5, "5m": 5, "15m": 2, "30m": 2, "1h": 1, "2h": 1, "4h": 1,
    },
    "market.rules.maximum_holding": {
        "1m": "2h", "3m": "4h", "5m": "6h", "15m": "1d", "30m": "36h", "1h": "3d", "2h": "5d", "4h": "7d",
    },
    "market.rules.volatility_horizon": {
        "1m": "1h", "3m": "2h", "5m": "3h", "15m": "12h", "30m": "18h", "1h": "1d", "2h": "1d", "4h": "1d",
    },
    "market.rules.scratch_age": {
        "1m": "15m", "3m": "30m", "5m": "45m", "15m": "3h", "30m": "4h", "1h": "8h", "2h": "12h", "4h": "1d",
    },
    "training.ppo.half_life": {
        "1m": "4h", "3m": "8h", "5m": "12h", "15m": "2d", "30m": "3d", "1h": "6d", "2h": "10d", "4h": "14d",
    },
    "training.episode": {
        "1m": "1d", "3m": "2d", "5m": "3d", "15m": "7d", "30m": "14d", "1h": "30d", "2h": "45d", "4h": "60d",
    },
    "training.window_days": {
        "1m": 120, "3m": 120, "5m": 120, "15m": 180, "30m": 180, "1h": 365, "2h": 365, "4h": 365,
    },
    "training.held_out_days": {
        "1m": 7, "3m": 7, "5m": 7, "15m": 14, "30m": 14, "1h": 28, "2h": 28, "4h": 28,
    },
    "training.embargo_days": {
        "1m": 1, "3m": 1, "5m": 1, "15m": 1, "30m": 2, "1h": 3, "2h": 5, "4h": 7,
    },
    "training.total_steps": {
        "1m": 3_000_000, "3m": 3_000_000, "5m": 3_000_000, "15m": 2_000_000,
        "30m": 2_000_000, "1h": 1_000_000, "2h": 1_000_000, "4h": 600_000,
    },
    "training.cost_multiplier": {
        "1m": 1.0, "3m": 1.0, "5m": 1.0, "15m": 1.5, "30m": 1.5, "1h": 2.0, "2h": 2.0, "4h": 2.0,
    },
    "models.trailing_days": {
        "1m": 30, "3m": 30, "5m": 30, "15m": 60, "30m": 90, "1h": 180, "2h": 365, "4h": 365,
    },
    **{
        f"retention.lake.{table}": {
            "1m": 90, "3m": 90, "5m": 90, "15m": 90, "30m": 180, "1h": 365, "2h": 500, "4h": 500,
        }
        for table in (
            "shadow_trades_session", "shadow_trades_decisions", "shadow_signals", "shadow_untraded",
            "explored_trades_moments", "replayed_exits",
        )
    },
}  # fmt: skip
"""Dotted key of a setting to its default at each decision timeframe."""


def defaults_of(section: str, timeframe: str) -> dict[str, Any]:
    """The keys that the table has for `section`, such as `market.rules`, at a decision timeframe of it."""
    lead = f"{section}."
    return {
        key.removeprefix(lead): values[timeframe]
        for key, values in DEFAULTS.items()
        if key.startswith(lead) and "." not in key.removeprefix(lead)
    }
