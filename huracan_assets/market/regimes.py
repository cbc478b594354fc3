"""The asset `regimes`: what kind of market each bar of the day was in, by what was known at its close."""

import pyarrow as pa

from huracan.candles.aggregate import aggregate_candles
from huracan.regimes.absolute import ABSOLUTE_COLUMNS, AbsoluteRule, absolute_regimes
from huracan.regimes.counts import COUNTS_COLUMNS, ObservationCounts, counts_before
from huracan.regimes.coverage import judge_regimes
from huracan.regimes.filter import REGIMES_COLUMNS, filter_regimes
from huracan.regimes.fit import fit_regimes
from huracan.regimes.invariance import CUTS, judge_regime_prefix
from huracan.regimes.observations import lay_features_on_grid, read_columns
from huracan.tables import Table
from huracan_assets.inputs.recipes import recipe_for
from huracan_assets.inputs.stored_candles import UNIVERSE_OF_CANDLES
from huracan_assets.inputs.windows import lead_days, regime_days
from huracan_assets.jobs import MARKET
from huracan_assets.market import plots
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import Check, Outcome, StageContext, stage

LEAD_IN_BARS = 120
"""Bars before the day, at least, from which the filter starts with what is usual."""

COUNTS = "counts"


@stage(
    job=MARKET,
    kinds={"parquet"},
    reads=[
        Read("features", key="past", days=regime_days, ends=-1, optional=True, edge=False),
        Read("features", key="today"),
        Read("ohlcv", table="data"),
        Read("regimes", key="before", ends=-1, edge=False, is_record=True, newest=COUNTS),
    ],
    tables={
        "data": Table(REGIMES_COLUMNS),
        "absolute": Table(ABSOLUTE_COLUMNS),
        COUNTS: Table(COUNTS_COLUMNS),
    },
    settings=[*UNIVERSE_OF_CANDLES, "regimes", "market.decision_timeframe"],
    checks=[
        Check("regime_coverage", "Every decision bar has a regime and probabilities that sum to one."),
        Check("regimes_prefix_invariance", "Bars after t change no regime at or before t (sampled)."),
    ],
)
def regimes(inputs: Inputs, context: StageContext) -> Outcome:
    """Trend, range, high volatility or panic: by the weeks before with probabilities, and by all days so far.

    Parameters are fitted on the days before D; a forward filter runs through D, so that a label never changes
    when later bars arrive. The parameters lie in the partition as `parameters.json`. The table
    `absolute` ranks the same bars among all that were counted on days before D, and `counts` carries the
    counts on: from the newest earlier day that has any, for one that was judged bad or is missing stops none.
    """
    config, known = context.settings.regimes, len(inputs.days("past"))
    if known < lead_days(context.settings):
        needed = lead_days(context.settings)
        return Outcome(
            note=f"{known} of the {needed} days of features that a fit needs before {context.day}."
        )
    recipe, decision = recipe_for(context.settings), context.decision_timeframe
    columns = read_columns(recipe.names)
    today, past = (inputs.table(name, columns=columns) for name in ("today", "past"))
    parameters = fit_regimes(past, config)
    lead_in = inputs.table("past", columns=columns, last_days=-(-LEAD_IN_BARS // decision.bars_per_day))
    features = pa.concat_tables([lead_in, today])
    carried = inputs.table("before", COUNTS) if inputs.has("before", f"{COUNTS}.parquet") else None
    counts, anew = counts_before(carried, past, recipe.digest)
    rule = AbsoluteRule(counts, config, config.minimum_days * decision.bars_per_day)

    def label(features: pa.Table) -> tuple[pa.Table, pa.Table]:
        filtered = filter_regimes(features, context.day, parameters)
        return filtered, absolute_regimes(filtered, features, rule)

    table, absolute = label(features)
    candles = aggregate_candles(inputs.table("ohlcv"), context.timeframe, decision)
    counts_now = counts + ObservationCounts.of(lay_features_on_grid(today))
    return Outcome(
        tables={"data": table, "absolute": absolute, COUNTS: counts_now.to_table(recipe.digest)},
        files={"parameters.json": parameters.to_json().encode()},
        verdicts=[
            judge_regimes(
                table, absolute, context.day, decision, context.settings.universe.symbols, parameters
            ),
            judge_regime_prefix(
                features, (table, absolute), context.day, label, CUTS, context.day.toordinal()
            ),
        ],
        metadata={
            "price_with_regimes": plots.price_with_regimes(candles, table, absolute),
            "ranked_among": f"{counts.told}{_not_as_usual(inputs, context, anew)}",
        },
    )


def _not_as_usual(inputs: Inputs, context: StageContext, anew: str) -> str:
    """Why the counts begin anew, or which days before this one they lack."""
    if anew:
        return f", counted anew: {anew}"
    carried = inputs.days("before")[-1]
    lacking = (context.day - carried).days - 1
    if not lacking:
        return ""
    return f", without the {'day' if lacking == 1 else f'{lacking} days'} after {carried}: not counted"
