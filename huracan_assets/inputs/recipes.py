"""The feature recipe of the settings: what bars are stored, and on what bars is decided."""

from huracan.candles.schema import Timeframe
from huracan.features.recipe import recipe_of
from huracan.features.specification import FeatureRecipe
from huracan_resources.settings.settings import Settings


def recipe_for(settings: Settings) -> FeatureRecipe:
    """The columns that a night of these settings computes."""
    return recipe_of(Timeframe(settings.universe.timeframe), settings.decision_timeframe)
