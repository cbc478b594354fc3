"""The asset `features`: the recipe's columns for every bar of the day."""

import pyarrow.compute as pc

from huracan.features.compute import compute_features, features_columns
from huracan.features.invariance import judge_features
from huracan.features.recipe import RECIPE
from huracan.tables import Table
from huracan_assets.inputs.stored_candles import LAST_CLOSES
from huracan_assets.inputs.windows import days_with_warmup
from huracan_assets.jobs import MARKET
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import Check, Outcome, StageContext, stage


@stage(
    job=MARKET,
    kinds={"parquet"},
    reads=[Read("ohlcv", days=days_with_warmup, chained=LAST_CLOSES)],
    tables={"data": Table(features_columns())},
    settings=["universe"],
    checks=[
        Check("features_prefix_invariance", "Bars after t change no feature at or before t (sampled)."),
        Check("no_label_among_features", "No column is, or moves like, a return that is still to come."),
    ],
)
def features(inputs: Inputs, context: StageContext) -> Outcome:
    """The feature recipe over the day's bars: named, ordered, scale-free columns, computed from closed bars.

    A bar without a candle has no features; a column that the source cannot feed (order flow) is null.
    """
    candles = inputs.table("ohlcv")
    table = compute_features(candles, context.day, context.timeframe)
    return Outcome(
        tables={"data": table},
        verdicts=judge_features(candles, table, context.day, context.timeframe, seed=context.day.toordinal()),
        metadata={
            "recipe_version": RECIPE.version,
            "recipe_digest": RECIPE.digest,
            "columns": len(RECIPE.names),
            "ready_bars": pc.sum(table["is_ready"]).as_py(),
        },
    )
