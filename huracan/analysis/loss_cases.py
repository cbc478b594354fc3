"""The numbers of losing trades that the reasons are judged by, gathered once as arrays. No reasons here."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.neighbourhood import Neighbourhoods
from huracan.analysis.outcome import (
    UNKNOWN_TIME,
    Booleans,
    Floats,
    Integers,
    cost_bps,
    directions,
    floats,
    milliseconds,
    net_scores,
)
from huracan.analysis.price_paths import paths_after_exit
from huracan.candles.schema import Timeframe, day_end
from huracan.market.ledger import STOP, TRAILING_STOP


@dataclass(frozen=True)
class LossRules:
    """The limits of the reasons."""

    recovery_minutes: int = 240
    tight_stop_volatilities: float = 2.0
    """A stop nearer than this many one-bar volatilities is inside the noise."""
    shock_ratio: float = 2.0
    """Volatility at the exit over that at the entry."""
    early_bars: int = 3
    minimum_precedents: int = 5
    """Fewer similar trades than this are no pattern (none at all say nothing)."""
    weak_win_probability: float = 0.45
    poor_history_trades: float = 10.0
    late_share: float = 0.5
    """Of the holding time, spent after the best moment."""
    minimum_held_bars: int = 10
    expected_band: float = 2.0
    """Standard deviations of noise within which a loss is nothing unusual."""


@dataclass(frozen=True, eq=False)
class LossCases:
    """Arrays [trades]; NaN where not known."""

    is_stopped: Booleans
    """By the stop of the entry, or by one that had followed the price."""
    is_trailed: Booleans
    """By one that had followed the price."""
    regime: pa.ChunkedArray
    exit_regime: pa.ChunkedArray
    gross_bps: Floats
    net_bps: Floats
    cost_bps: Floats
    net_score: Floats
    bars_held: Floats
    bars_to_best: Floats
    bars_to_worst: Floats
    max_favourable_bps: Floats
    max_adverse_bps: Floats
    entry_volatility_bps: Floats
    exit_volatility_bps: Floats
    stop_distance_bps: Floats
    """From the entry to where the stop stood at the exit; negative where it had passed the entry."""
    target_distance_bps: Floats
    best_after_exit_bps: Floats  # from the entry's reference price, within the recovery time of the same day
    alike: Neighbourhoods


def gather_loss_cases(
    trades: pa.Table,
    alike: Neighbourhoods,
    ohlcv: pa.Table | None,
    day: date,
    timeframe: Timeframe,
    rules: LossRules,
) -> LossCases:
    """The cases of all `trades`, in their order. `ohlcv`: candles up to `day` 24:00; without it it is not
    known whether the price came back after a stop."""
    entry, direction = floats(trades, "entry_reference_price"), directions(trades)
    stop, target = floats(trades, "stop_price"), floats(trades, "target_price")
    best_after = np.full(len(trades), np.nan)
    if ohlcv is not None and len(trades):
        bars = max(rules.recovery_minutes // timeframe.minutes, 1)
        paths = paths_after_exit(trades, ohlcv, bars, timeframe, day_end(day))
        reached = np.where((direction > 0)[:, None], paths.high, -paths.low)
        best = np.max(np.where(np.isnan(reached), -np.inf, reached), axis=1)
        best_price = np.where(np.isfinite(best), best * direction, np.nan)
        best_after = direction * (best_price / entry - 1.0) * 1e4
    entered = milliseconds(trades, "entry_time")
    step = timeframe.minutes * 60_000
    return LossCases(
        is_stopped=_left_by(trades, STOP, TRAILING_STOP),
        is_trailed=_left_by(trades, TRAILING_STOP),
        regime=trades.column("regime"),
        exit_regime=trades.column("exit_regime"),
        gross_bps=floats(trades, "gross_bps"),
        net_bps=floats(trades, "net_bps"),
        cost_bps=cost_bps(trades),
        net_score=net_scores(trades),
        bars_held=floats(trades, "bars_held"),
        bars_to_best=_bars_since(milliseconds(trades, "max_favourable_time"), entered, step),
        bars_to_worst=_bars_since(milliseconds(trades, "max_adverse_time"), entered, step),
        max_favourable_bps=floats(trades, "max_favourable_bps"),
        max_adverse_bps=floats(trades, "max_adverse_bps"),
        entry_volatility_bps=floats(trades, "entry_volatility_bps"),
        exit_volatility_bps=floats(trades, "exit_volatility_bps"),
        stop_distance_bps=direction * (1.0 - stop / entry) * 1e4,
        target_distance_bps=direction * (target / entry - 1.0) * 1e4,
        best_after_exit_bps=best_after,
        alike=alike,
    )


def _left_by(trades: pa.Table, *reasons: str) -> Booleans:
    matches = pc.is_in(trades.column("exit_reason"), value_set=pa.array(reasons))
    return np.asarray(matches.to_numpy(zero_copy_only=False), dtype=bool)


def _bars_since(moments: Integers, entered: Integers, step: int) -> Floats:
    return np.where(moments == UNKNOWN_TIME, np.nan, (moments - entered) / step)
