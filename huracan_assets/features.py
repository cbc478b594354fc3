"""The asset `features`: the recipe's columns for every bar of the day."""

import pyarrow.compute as pc

from huracan.candles.schema import Timeframe
from huracan.features.compute import compute_features
from huracan.features.invariance import judge_features
from huracan.features.recipe import RECIPE
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import Check, Night, Outcome, stage
from huracan_resources.settings.settings import Settings


def warmup_days(settings: Settings) -> int:
    """The days before a day that the recipe's slowest column needs."""
    return -(-RECIPE.warmup_bars // Timeframe(settings.universe.timeframe).bars_per_day)


@stage(
    group="market",
    kinds={"parquet"},
    reads=[Read("ohlcv", days=lambda settings: 1 + warmup_days(settings))],
    rooms=["candles", "features"],
    blocks=["universe"],
    checks=[
        Check("features_prefix_invariance", "Bars after t change no feature at or before t (sampled)."),
        Check("no_label_among_features", "No column is, or moves like, a return that is still to come."),
    ],
)
def features(inputs: Inputs, night: Night) -> Outcome:
    """The feature recipe over the day's bars: named, ordered, scale-free columns, computed from closed bars.

    A bar without a candle has no features; a column that the source cannot feed (order flow) is null.
    """
    candles = inputs.table("ohlcv")
    table = compute_features(candles, night.day, night.timeframe)
    return Outcome(
        tables={"data": table},
        verdicts=judge_features(candles, table, night.day, night.timeframe, seed=night.day.toordinal()),
        metadata={
            "recipe_version": RECIPE.version,
            "recipe_digest": RECIPE.digest,
            "columns": len(RECIPE.names),
            "ready_bars": pc.sum(table["is_ready"]).as_py(),
        },
    )
