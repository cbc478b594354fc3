"""The asset `regimes`: what kind of market each bar of the day was in, by what was known at its close."""

import pyarrow as pa

from huracan.regimes.coverage import judge_regimes
from huracan.regimes.filter import filter_regimes
from huracan.regimes.fit import fit_regimes
from huracan.regimes.observations import READ_COLUMNS
from huracan_assets import plots
from huracan_assets.features import warmup_days
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import Check, Night, Outcome, stage
from huracan_resources.settings.settings import Settings


def lead_days(settings: Settings) -> int:
    """The days of history before the first day that can have regimes: warm-up, then the least to fit."""
    return warmup_days(settings) + settings.regimes.minimum_days


def past_days(settings: Settings) -> int:
    """The days before D that are read: the fit window, and with long bars all of the warm-up."""
    return max(settings.regimes.fit_days, lead_days(settings))


@stage(
    group="market",
    kinds={"parquet"},
    reads=[
        Read("features", key="past", days=past_days, ends=-1, optional=True, edge=False),
        Read("features", key="today"),
        Read("ohlcv"),
    ],
    rooms=["candles", "features", "regimes"],
    blocks=["universe", "regimes"],
    checks=[Check("regime_coverage", "Every bar has a regime and probabilities that sum to one.")],
)
def regimes(inputs: Inputs, night: Night) -> Outcome:
    """Trend, range, high volatility or panic, with probabilities.

    Parameters are fitted on the days before D; a forward filter runs through D, so that a label never changes
    when later bars arrive. The parameters lie in the partition as `parameters.json`.
    """
    config, known = night.settings.regimes, len(inputs.days("past"))
    if known < lead_days(night.settings):
        needed = lead_days(night.settings)
        return Outcome(note=f"{known} of the {needed} days of features that a fit needs before {night.day}.")
    past = inputs.table("past", columns=READ_COLUMNS)
    today = inputs.table("today", columns=READ_COLUMNS)
    parameters = fit_regimes(past, config)
    lead_in = pa.concat_tables([inputs.table("past", columns=READ_COLUMNS, last_days=1), today])
    table = filter_regimes(lead_in, night.day, parameters)
    return Outcome(
        tables={"data": table},
        files={"parameters.json": parameters.to_json().encode()},
        verdicts=[
            judge_regimes(table, night.day, night.timeframe, night.settings.universe.symbols, parameters)
        ],
        metadata={"price_with_regimes": plots.price_with_regimes(inputs.table("ohlcv"), table)},
    )
