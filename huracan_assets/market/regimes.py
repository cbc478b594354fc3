"""The asset `regimes`: what kind of market each bar of the day was in, by what was known at its close."""

import pyarrow as pa

from huracan.candles.aggregate import aggregate_candles
from huracan.regimes.coverage import judge_regimes
from huracan.regimes.filter import REGIMES_COLUMNS, filter_regimes
from huracan.regimes.fit import fit_regimes
from huracan.regimes.observations import read_columns
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


@stage(
    job=MARKET,
    kinds={"parquet"},
    reads=[
        Read("features", key="past", days=regime_days, ends=-1, optional=True, edge=False),
        Read("features", key="today"),
        Read("ohlcv", table="data"),
    ],
    tables={"data": Table(REGIMES_COLUMNS)},
    settings=[*UNIVERSE_OF_CANDLES, "regimes", "market.decision_timeframe"],
    checks=[Check("regime_coverage", "Every decision bar has a regime and probabilities that sum to one.")],
)
def regimes(inputs: Inputs, context: StageContext) -> Outcome:
    """Trend, range, high volatility or panic, with probabilities.

    Parameters are fitted on the days before D; a forward filter runs through D, so that a label never changes
    when later bars arrive. The parameters lie in the partition as `parameters.json`.
    """
    config, known = context.settings.regimes, len(inputs.days("past"))
    if known < lead_days(context.settings):
        needed = lead_days(context.settings)
        return Outcome(
            note=f"{known} of the {needed} days of features that a fit needs before {context.day}."
        )
    columns, decision = read_columns(recipe_for(context.settings).names), context.decision_timeframe
    today = inputs.table("today", columns=columns)
    parameters = fit_regimes(inputs.table("past", columns=columns), config)
    lead_in = inputs.table("past", columns=columns, last_days=-(-LEAD_IN_BARS // decision.bars_per_day))
    table = filter_regimes(pa.concat_tables([lead_in, today]), context.day, parameters)
    candles = aggregate_candles(inputs.table("ohlcv"), context.timeframe, decision)
    return Outcome(
        tables={"data": table},
        files={"parameters.json": parameters.to_json().encode()},
        verdicts=[judge_regimes(table, context.day, decision, context.settings.universe.symbols, parameters)],
        metadata={"price_with_regimes": plots.price_with_regimes(candles, table)},
    )
