"""How far back assets read, by the settings."""

import math

from huracan.candles.schema import Timeframe
from huracan.durations import MINUTES_PER_DAY, minute_of_day, minutes_of
from huracan.market.block import TRAILING_BARS
from huracan.market.facts.columns import LONG_BARS
from huracan.market.what_if.held_under import LONGEST_HOLDING_FACTOR
from huracan_assets.inputs.recipes import recipe_for
from huracan_resources.settings.settings import Settings

_LEAST_MOMENTS = 500


def window_days(settings: Settings) -> int:
    """The days that a training sees."""
    return settings.training.window_days


def held_out_days(settings: Settings) -> int:
    return settings.training.held_out_days


def held_out_and_before(settings: Settings) -> int:
    """With the candles that its first bars look back on."""
    return settings.training.held_out_days + lead_candle_days(settings)


def exploration_days(settings: Settings) -> int:
    """The days before D by whose moments the exploration book spreads its entries: so many that they hold
    some hundreds of each symbol."""
    return min(max(_LEAST_MOMENTS // settings.decision_timeframe.bars_per_day, 7), 28)


def trailing_days(settings: Settings) -> int:
    """The days whose trades the models of past trades are fitted on."""
    return settings.models.trailing_days


def held_days(settings: Settings) -> int:
    """The days before D on which a trade that closed on D may have been signalled, by the rules of now."""
    return -(-minutes_of(settings.market.rules.maximum_holding) // MINUTES_PER_DAY)


def with_held_days(settings: Settings) -> int:
    return 1 + held_days(settings)


def before_held_days(settings: Settings) -> int:
    """The same with the candles that their first bars look back on."""
    return with_held_days(settings) + lead_candle_days(settings)


def replayed_days(settings: Settings) -> int:
    """The days before D on which an entry may have been signalled whose longest replay ends on D."""
    minutes = LONGEST_HOLDING_FACTOR * minutes_of(settings.market.rules.maximum_holding)
    return math.ceil(minutes / MINUTES_PER_DAY)


def with_replayed_days(settings: Settings) -> int:
    return 1 + replayed_days(settings)


def before_replayed_days(settings: Settings) -> int:
    """The same with the candles that their first bars look back on."""
    return with_replayed_days(settings) + lead_candle_days(settings)


def older_nights(settings: Settings) -> int:
    """The nights before that of D-1 whose brains may have signalled a trade that closed on D."""
    before = minutes_of(settings.market.rules.maximum_holding) + minute_of_day(settings.market.handover)
    return -(-before // MINUTES_PER_DAY)


def nights_in_force(settings: Settings) -> int:
    """The same with that of D-1."""
    return 1 + older_nights(settings)


def trailing_days_of_older_nights(settings: Settings) -> int:
    """The days whose trades the models of those nights were fitted on, or that of D-1."""
    return trailing_days(settings) + older_nights(settings)


def lead_candle_days(settings: Settings) -> int:
    """The days of candles before a block on which its first bars' volatility, traded value and market facts
    look back."""
    bars = max(TRAILING_BARS, LONG_BARS + 1) * Timeframe(settings.universe.timeframe).minutes
    return -(-max(bars, minutes_of(settings.market.rules.volatility_horizon)) // MINUTES_PER_DAY)


def day_with_lead(settings: Settings) -> int:
    """A day and the candles before it."""
    return 1 + lead_candle_days(settings)


def warmup_days(settings: Settings) -> int:
    """The days before a day that the recipe's slowest column needs."""
    return recipe_for(settings).warmup_days


def days_with_warmup(settings: Settings) -> int:
    return 1 + warmup_days(settings)


def lead_days(settings: Settings) -> int:
    """The days of history before the first day that can have regimes: warm-up, then the least to fit."""
    return warmup_days(settings) + settings.regimes.minimum_days


def regime_days(settings: Settings) -> int:
    """The days before D that regimes read: the fit window, and with long bars all of the warm-up."""
    return max(settings.regimes.fit_days, lead_days(settings))
