"""What the price did in the day after an exit, and whether holding or leaving earlier would have paid.

Reads only bars after the exit bar and before the end of the partition's day. No advice is drawn from it here.
"""

from collections.abc import Mapping
from datetime import date

import numpy as np
import pyarrow as pa

from huracan.analysis.outcome import (
    IS_UNDECIDED,
    UNKNOWN_TIME,
    Booleans,
    Floats,
    Integers,
    cost_bps,
    day_column,
    directions,
    floats,
    is_undecided,
    milliseconds,
    nearest_pattern,
    nullable,
    times,
)
from huracan.analysis.trades.config import ExitLimits
from huracan.analysis.trades.price_paths import PricePaths, paths_after_exit
from huracan.candles.schema import TIME, Timeframe, day_end
from huracan.market.ledger import TRADES_COLUMNS
from huracan.tables import DATE, FLAG, FLOAT, INTEGER, TEXT, Column, arrow_schema, chosen
from huracan.units import WHOLE_BPS

HORIZONS_MINUTES = (60, 240, 1440)
_WINDOW_MINUTES = 1440

POST_EXIT_COLUMNS = (
    Column("day", DATE, "on which the bars after the exit were known: the day after the trade's", "UTC day"),
    *chosen(TRADES_COLUMNS, "trade_id", "symbol", "regime"),
    Column(
        "pattern_id", TEXT, "pattern that its entry resembled most, by the library of the day before; or null"
    ),
    *chosen(TRADES_COLUMNS, "exit_reason"),
    IS_UNDECIDED,
    *chosen(TRADES_COLUMNS, "exit_time"),
    Column(
        "exit_reference_price",
        FLOAT,
        "of its last fill alone, before costs: what follows is measured from here",
        "quote currency",
    ),
    *chosen(TRADES_COLUMNS, "net_bps"),
    *(
        Column(
            f"price_after_{minutes}_minutes",
            FLOAT,
            f"close of the bar that ends {minutes} minutes after the exit bar; null where none does",
            "quote currency",
        )
        for minutes in HORIZONS_MINUTES
    ),
    *(
        Column(
            f"return_after_{minutes}_minutes_bps",
            FLOAT,
            f"move within {minutes} minutes of the exit, above 0 in the trade's direction; null likewise",
            "bps",
        )
        for minutes in HORIZONS_MINUTES
    ),
    Column("bars_seen", INTEGER, "bars with a candle in the 24 hours after the exit bar", "bars"),
    Column(
        "best_bps",
        FLOAT,
        "best move from the exit within 24 hours, in the trade's direction; null without bars",
        "bps",
    ),
    Column("best_time", TIME, "open of that bar; null likewise", "UTC"),
    Column("worst_bps", FLOAT, "worst move from the exit within 24 hours; null without bars", "bps"),
    Column("worst_time", TIME, "open of that bar; null likewise", "UTC"),
    Column("missed_profit_bps", FLOAT, "best_bps where above 0, else 0; null without bars", "bps"),
    Column(
        "saved_loss_bps",
        FLOAT,
        "worst_bps where below 0, as a positive number, else 0; null without bars",
        "bps",
    ),
    Column(
        "exit_quality",
        FLOAT,
        "saved / (saved + missed): 1 left at the best moment; null where is_end_of_session or nothing moved",
        "0 to 1",
    ),
    Column(
        "should_have_held",
        FLAG,
        "the price went on by more than analysis.exits.hold_threshold_bps in four hours; null where "
        "is_end_of_session or not known",
    ),
    Column(
        "should_have_exited_earlier",
        FLAG,
        "analysis.exits.give_back_share of the best excursion, and at least "
        "analysis.exits.give_back_floor_bps, was given back, and it had paid the costs; null where "
        "is_end_of_session",
    ),
)
POST_EXIT_SCHEMA = arrow_schema(POST_EXIT_COLUMNS)
"""One row per trade of the day before. Null where the bars are missing; quality and flags are null for trades
that nobody decided to leave, and no rule."""


def track_post_exit(
    trades: pa.Table,
    fills: pa.Table,
    ohlcv: pa.Table,
    day: date,
    timeframe: Timeframe,
    limits: ExitLimits | None = None,
) -> pa.Table:
    """Rows POST_EXIT_SCHEMA of partition `day` for the `trades` of the day before.

    `fills`: FILLS_SCHEMA of that day. What came after is measured from where the last part was closed: the
    trade's own exit price is a mean over all parts, those that were sold long before included. `ohlcv`: the
    candles of `day` - 1 and `day`; later rows are not looked at. The price after h minutes is the close of
    the bar that ends h minutes after the exit bar's close, unknown where none ends then.
    """
    limits = limits or ExitLimits()
    paths = paths_after_exit(trades, ohlcv, _WINDOW_MINUTES // timeframe.minutes, timeframe, day_end(day))
    price, direction = _last_prices(trades, fills), directions(trades)
    first = milliseconds(trades, "exit_time") + timeframe.minutes * 60_000
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        name: trades.column(name)
        for name in (
            "trade_id",
            "symbol",
            "regime",
            "exit_reason",
            "exit_time",
            "net_bps",
        )
    }
    columns["exit_reference_price"] = nullable(price)
    columns["day"] = day_column(day, len(trades))
    columns["pattern_id"] = nearest_pattern(trades)
    after: dict[int, Floats] = {}
    for minutes in HORIZONS_MINUTES:
        close = _close_after(paths, minutes, timeframe)
        after[minutes] = direction * (close / price - 1.0) * WHOLE_BPS
        columns[f"price_after_{minutes}_minutes"] = nullable(close)
        columns[f"return_after_{minutes}_minutes_bps"] = nullable(after[minutes])
    columns |= _extremes(paths, price, direction, first, timeframe)
    columns["exit_quality"] = _quality(columns, is_undecided(trades))
    columns |= _quality_flags(trades, after[240], limits)
    return pa.table({name: columns[name] for name in POST_EXIT_SCHEMA.names}).cast(POST_EXIT_SCHEMA)


def _last_prices(trades: pa.Table, fills: pa.Table) -> Floats:
    """[trades] the reference price of each trade's last fill; NaN where its fills are not there."""
    # Of a trade's fills, which stand in the order of their time, the last one stays.
    last = dict(zip(fills["trade_id"].to_pylist(), floats(fills, "reference_price"), strict=True))
    return np.array([last.get(trade, np.nan) for trade in trades["trade_id"].to_pylist()], np.float64)


def _close_after(paths: PricePaths, minutes: int, timeframe: Timeframe) -> Floats:
    """[trades] closes of the bar that ends so many minutes after the exit bar; NaN where none does."""
    if minutes % timeframe.minutes:
        return np.full(len(paths.close), np.nan)
    return np.asarray(paths.close[:, minutes // timeframe.minutes - 1], dtype=np.float64)


def _extremes(
    paths: PricePaths, price: Floats, direction: Floats, first: Integers, timeframe: Timeframe
) -> dict[str, pa.Array]:
    """Best and worst of the window in the trade's direction with the open times of their bars."""
    is_long = (direction > 0)[:, None]
    scale = (direction / price)[:, None]
    best_path = (np.where(is_long, paths.high, paths.low) - price[:, None]) * scale * WHOLE_BPS
    worst_path = (np.where(is_long, paths.low, paths.high) - price[:, None]) * scale * WHOLE_BPS
    best, best_bar = _largest(best_path)
    worst, worst_bar = _largest(-worst_path)
    step = timeframe.minutes * 60_000
    return {
        "bars_seen": pa.array(np.sum(~np.isnan(paths.close), axis=1).astype(np.int64)),
        "best_bps": nullable(best),
        "best_time": times(np.where(np.isnan(best), UNKNOWN_TIME, first + best_bar * step)),
        "worst_bps": nullable(-worst),
        "worst_time": times(np.where(np.isnan(worst), UNKNOWN_TIME, first + worst_bar * step)),
        "missed_profit_bps": nullable(np.maximum(best, 0.0)),
        "saved_loss_bps": nullable(np.maximum(worst, 0.0)),
    }


def _quality(columns: Mapping[str, pa.Array | pa.ChunkedArray], ended: Booleans) -> pa.Array:
    """The share of the way after the exit that went against the trade; null where there was no way."""
    missed, saved = (
        columns[name].to_numpy(zero_copy_only=False) for name in ("missed_profit_bps", "saved_loss_bps")
    )
    span = missed + saved
    quality = np.divide(saved, span, out=np.full(len(span), np.nan), where=span > 0)
    return nullable(np.where(ended, np.nan, quality))


def _largest(path: Floats) -> tuple[Floats, Integers]:
    """Each row's largest value (NaN where all are) and its first index."""
    filled = np.where(np.isnan(path), -np.inf, path)
    index = np.argmax(filled, axis=1) if path.size else np.zeros(len(path), dtype=np.int64)
    value = filled[np.arange(len(path)), index] if path.size else np.full(len(path), np.nan)
    return np.where(np.isfinite(value), value, np.nan), index.astype(np.int64)


def _quality_flags(trades: pa.Table, after_240: Floats, limits: ExitLimits) -> dict[str, pa.Array]:
    ended: Booleans = is_undecided(trades)
    best, gross = floats(trades, "max_favourable_bps"), floats(trades, "gross_bps")
    given_back = best - gross
    gave_back = (given_back >= limits.give_back_share * best) & (given_back >= limits.give_back_floor_bps)
    left_late = gave_back & (best > cost_bps(trades))
    held = after_240 > limits.hold_threshold_bps
    return {
        "is_end_of_session": pa.array(ended),
        "should_have_held": pa.array(held, mask=ended | np.isnan(after_240)),
        "should_have_exited_earlier": pa.array(left_late, mask=ended),
    }
