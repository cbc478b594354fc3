"""The numbers of losing trades that the reasons are judged by, gathered once as arrays. No reasons here."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.memory.neighbourhood import Neighbourhoods
from huracan.analysis.outcome import (
    MINIMUM_VOLATILITY_BPS,
    UNKNOWN_TIME,
    Booleans,
    Floats,
    Integers,
    cost_bps,
    directions,
    floats,
    is_undecided,
    milliseconds,
    net_scores,
)
from huracan.analysis.trades.config import LossLimits
from huracan.analysis.trades.luck import Luck
from huracan.analysis.trades.price_paths import PricePaths, paths_after_exit, paths_from
from huracan.analysis.trades.trade_context import TradeContext
from huracan.candles.schema import Timeframe, day_end
from huracan.market.ledger import STOP, TRAILING_STOP
from huracan.market.rules import bars_of
from huracan.units import WHOLE_BPS


class BarLengths(NamedTuple):
    """Of the bars that are stored, and of those at whose closes is decided."""

    stored: Timeframe
    decided_on: Timeframe


@dataclass(frozen=True, eq=False)
class LossCases:
    """Arrays [trades]; NaN where not known."""

    is_stopped: Booleans
    """By the stop of the entry, or by one that had followed the price."""
    is_trailed: Booleans
    """By one that had followed the price."""
    is_ended: Booleans
    """By no decision and no rule, which says nothing of when it should have been left."""
    exit_reason: pa.ChunkedArray
    regime: pa.ChunkedArray
    exit_regime: pa.ChunkedArray
    gross_bps: Floats
    net_bps: Floats
    cost_bps: Floats
    estimated_cost_bps: Floats
    net_score: Floats
    held_minutes: Floats
    minutes_to_best: Floats
    max_favourable_bps: Floats
    max_adverse_bps: Floats
    early_adverse_bps: Floats
    """The worst within the first minutes."""
    entry_volatility_bps: Floats
    """With its floor, as the other volatility is not."""
    exit_volatility_bps: Floats
    """At the close before the exit."""
    stop_range_bps: Floats
    """True range of the bar that stopped the trade, the way from the close before it included; NaN where none
    did."""
    stop_distance_bps: Floats
    """From the entry to where the stop stood at the exit; negative where it had passed the entry."""
    target_distance_bps: Floats
    best_after_exit_bps: (
        Floats  # from the entry's reference price, within the recovery time of the exit's day
    )
    adverse_before_target_bps: Floats
    """How far against the entry the price was, after the exit and until it came to the target; NaN where it
    did not come."""
    alike: Neighbourhoods
    luck: Luck
    decision_minutes: int
    """From one decision to the next."""


def gather_loss_cases(
    trades: pa.Table,
    context: TradeContext,
    ohlcv: pa.Table | None,
    day: date,
    lengths: BarLengths,
    limits: LossLimits,
) -> LossCases:
    """The cases of all `trades`, in their order. `ohlcv`: candles up to `day` 24:00; without it it is not
    known whether the price came back after a stop, and of the first minutes only what the ledger says."""
    timeframe = lengths.stored
    entry, direction = floats(trades, "entry_reference_price"), directions(trades)
    stop, target = floats(trades, "stop_price"), floats(trades, "target_price")
    target_distance = direction * (target / entry - 1.0) * WHOLE_BPS
    entered = milliseconds(trades, "entry_time")
    to_worst = _minutes_since(milliseconds(trades, "max_adverse_time"), entered)
    worst = floats(trades, "max_adverse_bps")
    early = np.where(to_worst < limits.early_minutes, worst, np.nan)
    is_stopped = _left_by(trades, STOP, TRAILING_STOP)
    best_after = before_target = stop_range = np.full(len(trades), np.nan)
    if ohlcv is not None and len(trades):
        bars, until = max(limits.recovery_minutes // timeframe.minutes, 1), day_end(day)
        best, adverse = _moves(paths_after_exit(trades, ohlcv, bars, timeframe, until), entry, direction)
        best_after = np.max(best, axis=1)
        before_target = _adverse_until(best >= target_distance[:, None], adverse)
        true_range = _true_range(trades, ohlcv, timeframe, until)
        stop_range = np.where(is_stopped, true_range / entry * WHOLE_BPS, np.nan)
        early_bars = bars_of(f"{limits.early_minutes}m", timeframe.minutes)
        first = paths_from(entered, trades, ohlcv, early_bars, timeframe, until)
        deepest = -np.max(_moves(first, entry, direction)[1], axis=1)
        # Bars after the exit may lie in the window; no trade met a worse price than its worst.
        early = np.where(np.isfinite(deepest), np.clip(deepest, worst, 0.0), early)
    return LossCases(
        is_stopped=is_stopped,
        is_trailed=_left_by(trades, TRAILING_STOP),
        is_ended=is_undecided(trades),
        exit_reason=trades.column("exit_reason"),
        regime=trades.column("regime"),
        exit_regime=trades.column("exit_regime"),
        gross_bps=floats(trades, "gross_bps"),
        net_bps=floats(trades, "net_bps"),
        cost_bps=cost_bps(trades),
        estimated_cost_bps=floats(trades, "estimated_cost_bps"),
        net_score=net_scores(trades),
        held_minutes=floats(trades, "bars_held") * timeframe.minutes,
        minutes_to_best=_minutes_since(milliseconds(trades, "max_favourable_time"), entered),
        max_favourable_bps=floats(trades, "max_favourable_bps"),
        max_adverse_bps=worst,
        early_adverse_bps=early,
        entry_volatility_bps=np.fmax(floats(trades, "entry_volatility_bps"), MINIMUM_VOLATILITY_BPS),
        exit_volatility_bps=floats(trades, "exit_volatility_bps"),
        stop_range_bps=stop_range,
        stop_distance_bps=direction * (1.0 - stop / entry) * WHOLE_BPS,
        target_distance_bps=target_distance,
        best_after_exit_bps=np.where(np.isfinite(best_after), best_after, np.nan),
        adverse_before_target_bps=before_target,
        alike=context.alike,
        luck=context.luck,
        decision_minutes=lengths.decided_on.minutes,
    )


def _true_range(trades: pa.Table, ohlcv: pa.Table, timeframe: Timeframe, until: datetime) -> Floats:
    """[trades] of the exit bar: from the lowest to the highest of its prices and the close before it (Wilder
    1978), in quote currency; NaN where it has no candle."""
    before = milliseconds(trades, "exit_time") - timeframe.minutes * 60_000
    bars = paths_from(before, trades, ohlcv, 2, timeframe, until)
    close = bars.close[:, 0]
    return np.asarray(np.fmax(bars.high[:, 1], close) - np.fmin(bars.low[:, 1], close), dtype=np.float64)


def _moves(paths: PricePaths, entry: Floats, direction: Floats) -> tuple[Floats, Floats]:
    """[trades, bars] how far each bar went for the trade and against it, in bps of the entry; -inf where it
    has no candle."""
    is_long, side = (direction > 0)[:, None], direction[:, None]
    best, worst = np.where(is_long, paths.high, paths.low), np.where(is_long, paths.low, paths.high)
    moves = (sign * side * (price / entry[:, None] - 1.0) for sign, price in ((1, best), (-1, worst)))
    favourable, adverse = (np.where(np.isnan(move), -np.inf, move * WHOLE_BPS) for move in moves)
    return favourable, adverse


def _adverse_until(is_there: Booleans, adverse: Floats) -> Floats:
    """The largest of `adverse` up to the first bar that `is_there`, that bar included; NaN without one."""
    until = np.arange(is_there.shape[1]) <= np.argmax(is_there, axis=1)[:, None]
    largest = np.max(np.where(until, adverse, -np.inf), axis=1)
    return np.where(is_there.any(axis=1), largest, np.nan)


def _left_by(trades: pa.Table, *reasons: str) -> Booleans:
    matches = pc.is_in(trades.column("exit_reason"), value_set=pa.array(reasons))
    return np.asarray(matches.to_numpy(zero_copy_only=False), dtype=bool)


def _minutes_since(moments: Integers, entered: Integers) -> Floats:
    return np.where(moments == UNKNOWN_TIME, np.nan, (moments - entered) / 60_000)
