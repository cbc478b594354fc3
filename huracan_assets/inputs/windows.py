"""How far back assets read, by the settings."""

from huracan.candles.schema import Timeframe
from huracan.features.recipe import RECIPE
from huracan_resources.settings.settings import Settings


def window_days(settings: Settings) -> int:
    """The days that a training sees."""
    return settings.training.window_days


def held_out_days(settings: Settings) -> int:
    return settings.training.held_out_days


def held_out_and_before(settings: Settings) -> int:
    return settings.training.held_out_days + 1


def trailing_days(settings: Settings) -> int:
    """The days whose trades the models of past trades are fitted on."""
    return settings.models.trailing_days


def warmup_days(settings: Settings) -> int:
    """The days before a day that the recipe's slowest column needs."""
    return -(-RECIPE.warmup_bars // Timeframe(settings.universe.timeframe).bars_per_day)


def days_with_warmup(settings: Settings) -> int:
    return 1 + warmup_days(settings)


def lead_days(settings: Settings) -> int:
    """The days of history before the first day that can have regimes: warm-up, then the least to fit."""
    return warmup_days(settings) + settings.regimes.minimum_days


def regime_days(settings: Settings) -> int:
    """The days before D that regimes read: the fit window, and with long bars all of the warm-up."""
    return max(settings.regimes.fit_days, lead_days(settings))
