"""Columns of the groups `horizon`, `funding` and `sessions`: windows of the calendar, and the calendar.

A window ends with the last whole hour that had closed at the bar's close; the price is the bar's own close.
Of a window of which less than half is known every column is null, and its `available_` column is 0.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from huracan.candles.hourly import MINUTES_PER_DAY
from huracan.candles.schema import Timeframe
from huracan.durations import minutes_of
from huracan.features.bars import Bars
from huracan.features.hours import SymbolWeeks, Window, volatility_bps
from huracan.features.rolling import FloatArray, ratio
from huracan.features.specification import FeatureSpec
from huracan.units import WHOLE_BPS

HORIZONS = ("1h", "4h", "1d", "7d", "30d")
LONGEST = HORIZONS[-1]
LEAST_BARS = 20
"""Detail bars of a horizon below which it is left out: so few say what the short windows say already."""

_FUNDING_WINDOW = "7d"
_LARGE_MOVE = 4.0
"""Hourly volatilities, of the longest horizon, from which on an hour's excursion from its open is large."""
_LARGEST_LOG_RATIO = 5.0


def horizons_of(detail: Timeframe) -> tuple[str, ...]:
    """Those of which stored bars of this length can tell something, from the shortest on."""
    return tuple(each for each in HORIZONS if minutes_of(each) >= LEAST_BARS * detail.minutes)


def horizon_specs(detail: Timeframe) -> tuple[FeatureSpec, ...]:
    """The columns of all of these horizons."""
    horizons = horizons_of(detail)
    return (
        *(spec for horizon in horizons for spec in _of_horizon(horizon)),
        *(_volume_ratio(horizon) for horizon in horizons if horizon != LONGEST),
        *(_volatility_ratio(short, long) for short, long in pairwise(horizons)),
        *(_distance(horizon, side) for horizon in ("7d", "30d") for side in ("top", "bottom")),
        _spec(
            "hours_since_large_move",
            f"ln(1 + hours since one of which a price lay {_LARGE_MOVE:g} hourly volatilities of {LONGEST} or"
            f" more from its open) / ln(1 + hours of {LONGEST}); 1 where none did",
            _since_large_move,
        ),
    )


def _of_day(bars: Bars, value: Callable[[SymbolWeeks], FloatArray]) -> FloatArray:
    """A value of the day's bars, NaN for those that lead in, and all NaN without summaries."""
    laid = np.full(len(bars), np.nan)
    if bars.weeks is not None and len(bars.weeks.rows):
        laid[-len(bars.weeks.rows) :] = value(bars.weeks)
    return laid


def _spec(
    name: str, formula: str, value: Callable[[SymbolWeeks], FloatArray], group: str = "horizon"
) -> FeatureSpec:
    lacks = "without rates that settled" if group == "funding" else "without half of the window's bars"
    return FeatureSpec(name, group, formula, 1, lambda bars: _of_day(bars, value), lacks=lacks)


def _available(
    name: str, formula: str, group: str, value: Callable[[SymbolWeeks], FloatArray]
) -> FeatureSpec:
    return FeatureSpec(name, group, formula, 1, lambda bars: np.nan_to_num(_of_day(bars, value)))


def _of_horizon(horizon: str) -> tuple[FeatureSpec, ...]:
    minutes = minutes_of(horizon)

    def range_position(weeks: SymbolWeeks) -> FloatArray:
        high = np.fmax(weeks.of_window(minutes, lambda w: w.high), weeks.close)
        low = np.fmin(weeks.of_window(minutes, lambda w: w.low), weeks.close)
        position = 2.0 * ratio(weeks.close - low, high - low, neutral=0.5) - 1.0
        return np.where(weeks.of_window(minutes, lambda w: w.share) > 0.0, position, np.nan)

    def trend(window: Window) -> FloatArray:
        return ratio(np.log(window.close / window.open), np.sqrt(window.realised_variance), neutral=0.0)

    return (
        _spec(
            f"return_{horizon}_bps",
            f"ln(close / first price of the {horizon}) x 1e4",
            lambda weeks: weeks.log_return(minutes) * WHOLE_BPS,
        ),
        _spec(
            f"volatility_{horizon}_bps",
            f"root of the mean squared one-bar log return of the {horizon} x bars an hour, x 1e4",
            lambda weeks: weeks.of_window(minutes, lambda w: volatility_bps(w, _bars_per_hour(weeks))),
        ),
        _spec(
            f"range_position_{horizon}",
            f"close within the high-low range of the {horizon}, -1 bottom to 1 top; 0 where it is zero",
            range_position,
        ),
        _spec(
            f"trend_strength_{horizon}",
            f"log return of the {horizon} / root of the sum of its squared one-bar returns; 0 if still",
            lambda weeks: weeks.of_window(minutes, trend),
        ),
        _spec(
            f"relative_return_{horizon}_bps",
            f"return of the {horizon} less the mean of all symbols that have one, x 1e4",
            lambda weeks: (weeks.log_return(minutes) - weeks.mean_return(minutes)) * WHOLE_BPS,
        ),
        _available(
            f"available_{horizon}",
            f"1 where at least half of the bars of the {horizon} are known, else 0",
            "horizon",
            lambda weeks: weeks.at_bars(weeks.window(minutes).is_known.astype(np.float64)),
        ),
    )


def _bars_per_hour(weeks: SymbolWeeks) -> float:
    return 60.0 / weeks.weeks.hours.detail.minutes


def _log_ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    """ln(above / below), at most 5 either way; 0 where one of them is 0, NaN where one is NaN."""
    is_zero = (above == 0.0) | (below == 0.0)
    logs = np.log(np.where(is_zero, 1.0, above) / np.where(is_zero, 1.0, below))
    return np.clip(np.where(is_zero, 0.0 * (above + below), logs), -_LARGEST_LOG_RATIO, _LARGEST_LOG_RATIO)


def _volume_ratio(horizon: str) -> FeatureSpec:
    def value(weeks: SymbolWeeks) -> FloatArray:
        short, long = (
            weeks.of_window(minutes_of(each), lambda w: w.traded_value / np.maximum(w.bars, 1.0))
            for each in (horizon, LONGEST)
        )
        return _log_ratio(short, long)

    return _spec(
        f"volume_ratio_{horizon}_{LONGEST}",
        f"ln(mean traded value of a bar of the {horizon} / of the {LONGEST}), at most 5; 0 without trades",
        value,
    )


def _volatility_ratio(short: str, long: str) -> FeatureSpec:
    def value(weeks: SymbolWeeks) -> FloatArray:
        above, below = (
            weeks.of_window(minutes_of(each), lambda w: volatility_bps(w, 1.0)) for each in (short, long)
        )
        return _log_ratio(above, below)

    return _spec(
        f"volatility_ratio_{short}_{long}",
        f"ln(realised volatility of the {short} / of the {long}), at most 5; 0 where nothing moved",
        value,
    )


def _distance(horizon: str, side: str) -> FeatureSpec:
    minutes, is_top = minutes_of(horizon), side == "top"

    def value(weeks: SymbolWeeks) -> FloatArray:
        extreme = weeks.of_window(minutes, lambda w: w.high if is_top else w.low)
        beyond = np.maximum if is_top else np.minimum
        return np.log(weeks.close / beyond(extreme, weeks.close)) * WHOLE_BPS

    return _spec(
        f"distance_from_{side}_{horizon}_bps",
        f"ln(close / {'highest' if is_top else 'lowest'} price of the {horizon}, or close beyond it) x 1e4",
        value,
    )


def _since_large_move(weeks: SymbolWeeks) -> FloatArray:
    minutes = minutes_of(LONGEST)
    hours_per_period = weeks.weeks.hours.period_minutes / 60.0

    def value(window: Window) -> FloatArray:
        opened, high, low = (weeks.hours(name, minutes) for name in ("open", "high", "low"))
        excursion = np.fmax(np.log(high / opened), np.log(opened / low))
        period = volatility_bps(window, _bars_per_hour(weeks) * hours_per_period) / WHOLE_BPS
        is_large = (excursion >= _LARGE_MOVE * period[:, None]) & (excursion > 0.0)
        hours = np.argmax(is_large[:, ::-1], axis=1) * hours_per_period
        return np.where(is_large.any(axis=1), np.log1p(hours) / np.log1p(minutes / 60.0), 1.0)

    return weeks.of_window(minutes, value)


def _settled(weeks: SymbolWeeks) -> FloatArray:
    return weeks.hours("funding_rate", minutes_of(_FUNDING_WINDOW))


def _last_rate(weeks: SymbolWeeks) -> FloatArray:
    rates = _settled(weeks)[:, ::-1]
    newest = np.argmax(~np.isnan(rates), axis=1)
    return np.asarray(weeks.at_bars(rates[np.arange(len(rates)), newest]) * WHOLE_BPS)


def _rate_per_day(weeks: SymbolWeeks) -> FloatArray:
    rates, period_minutes = _settled(weeks), weeks.weeks.hours.period_minutes
    per_day = np.full(len(rates), np.nan)
    for row, settled in enumerate(~np.isnan(rates)):
        periods = np.flatnonzero(settled)
        if periods.size > 1:
            # Rates are known where candles are not, and the other way round: neither counts the other's days.
            between = float(np.median(np.diff(periods))) * period_minutes
            per_day[row] = rates[row, periods].mean() * MINUTES_PER_DAY / between
    return np.asarray(weeks.at_bars(per_day) * WHOLE_BPS)


FUNDING = (
    _spec(
        "funding_last_bps",
        f"newest rate that settled in the {_FUNDING_WINDOW}, x 1e4; above 0 longs pay shorts",
        _last_rate,
        "funding",
    ),
    _spec(
        "funding_per_day_bps",
        f"mean of the rates that settled in the {_FUNDING_WINDOW} x settlements a day, by the usual time"
        " between two, x 1e4; needs two",
        _rate_per_day,
        "funding",
    ),
    _available(
        "available_funding",
        f"1 where a rate settled in the {_FUNDING_WINDOW}, else 0",
        "funding",
        lambda weeks: weeks.at_bars(np.asarray((~np.isnan(_settled(weeks))).any(axis=1), np.float64)),
    ),
)


def _close_minutes(bars: Bars) -> FloatArray:
    return np.asarray(bars.minutes + bars.bar_minutes, dtype=np.int64)


def _session(name: str, first_hour: int, last_hour: int) -> FeatureSpec:
    def is_open(bars: Bars) -> FloatArray:
        minute = _close_minutes(bars) % MINUTES_PER_DAY
        return np.asarray((minute >= 60 * first_hour) & (minute < 60 * last_hour), dtype=np.float64)

    return FeatureSpec(
        f"session_{name}",
        "sessions",
        f"1 where the bar closes from {first_hour:02d}:00 to {last_hour:02d}:00 UTC, else 0",
        1,
        is_open,
    )


def _weekend(bars: Bars) -> FloatArray:
    # 1970-01-01 was a Thursday, weekday 3 counted from Monday.
    weekday = (_close_minutes(bars) // MINUTES_PER_DAY + 3) % 7
    return np.asarray(weekday >= 5, dtype=np.float64)


def _end_of_month(bars: Bars) -> FloatArray:
    days = (_close_minutes(bars) // MINUTES_PER_DAY).astype("datetime64[D]")
    return np.asarray((days + 2).astype("datetime64[M]") != days.astype("datetime64[M]"), dtype=np.float64)


SESSIONS = (
    _session("asia", 0, 8),
    _session("europe", 7, 16),
    _session("america", 13, 22),
    FeatureSpec(
        "is_weekend", "sessions", "1 where the bar closes on a UTC Saturday or Sunday, else 0", 1, _weekend
    ),
    FeatureSpec(
        "is_end_of_month",
        "sessions",
        "1 where the bar closes on one of the last two UTC days of a month, else 0",
        1,
        _end_of_month,
    ),
)
