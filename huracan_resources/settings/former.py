"""Settings of earlier versions that went away, and what to write instead."""

FORMER = {
    "market.rules.maximum_holding_bars": "Write market.rules.maximum_holding, a span of time: 120 bars of"
    " 1m are 2h.",
    "market.rules.scratch_bars": "Write market.rules.scratch_age, a span of time: 15 bars of 1m are 15m.",
    "market.rules.volatility_horizon_bars": "Write market.rules.volatility_horizon, a span of time: 60 bars"
    " of 1m are 1h.",
    "market.rules.entry_margin_bars": "Remove it: positions outlive midnight, and every hour may enter.",
    "promotion.minimum_active_periods": "Remove it: whole days are judged, at least promotion.minimum_days.",
    "promotion.minimum_random_percentile": "Remove it: a bet on the days stands for it, see docs/verdict.md.",
    "promotion.tolerance_to_last_brain_usd": "Remove it: a procedure is challenged by a bet on the days.",
    "promotion.maximum_trailing_drawdown_pct": "Write promotion.maximum_drawdown_pct: of all days.",
    "promotion.passed_over_brains": "Remove it: huracan brain demote takes a brain out of force.",
    "analysis.losses.early_bars": "Write analysis.losses.early_minutes: 3 bars of 1m are 3.",
    "analysis.losses.minimum_held_bars": "Write analysis.losses.minimum_held_minutes, in minutes: 10 bars of"
    " 1m are 10.",
}
"""Dotted key to the remedy."""
