"""The asset `features`: the recipe's columns for every decision bar of the day."""

import pyarrow.compute as pc

from huracan.features.compute import compute_features, features_columns
from huracan.features.hours import HOURLY_DAYS
from huracan.features.invariance import DayFeatures, judge_features
from huracan.features.recipe import EVERY_COLUMN
from huracan.tables import Table
from huracan_assets.inputs.recipes import recipe_for
from huracan_assets.inputs.stored_candles import HOURLY, LAST_CLOSES, UNIVERSE_OF_CANDLES
from huracan_assets.inputs.windows import days_with_warmup
from huracan_assets.jobs import MARKET
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import Check, Outcome, StageContext, stage


@stage(
    job=MARKET,
    kinds={"parquet"},
    reads=[
        Read("ohlcv", days=days_with_warmup, table="data", chained=LAST_CLOSES),
        Read("ohlcv", key="hours", days=HOURLY_DAYS, table=HOURLY, may_lack_days=True, edge=False),
    ],
    tables={"data": Table(features_columns(EVERY_COLUMN), by_settings=True)},
    settings=[*UNIVERSE_OF_CANDLES, "market.decision_timeframe"],
    checks=[
        Check("features_prefix_invariance", "Bars after t change no feature at or before t (sampled)."),
        Check("no_label_among_features", "No column is, or moves like, a return that is still to come."),
    ],
)
def features(inputs: Inputs, context: StageContext) -> Outcome:
    """The feature recipe over the day's decision bars: named, ordered, scale-free columns, from closed bars.

    A bar without a candle has no features; a column that the source cannot feed (order flow) is null, and so
    are those of a calendar horizon of which less than half is known: they hold no bar up.
    """
    candles, recipe = inputs.table("ohlcv"), recipe_for(context.settings)
    hourly = inputs.table("hours", HOURLY) if inputs.has("hours", f"{HOURLY}.parquet") else None
    table = compute_features(candles, context.day, recipe, hourly=hourly)
    made = DayFeatures(table, context.day, recipe, candles, hourly)
    return Outcome(
        tables={"data": table},
        verdicts=judge_features(made, seed=context.day.toordinal()),
        metadata={
            "recipe_version": recipe.version,
            "recipe_digest": recipe.digest,
            "columns": len(recipe.names),
            "ready_bars": pc.sum(table["is_ready"]).as_py(),
        },
    )
