"""Days of features as the lake gives them, and the day after them with both of its labels."""

from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.schema import TIME, Timeframe, day_start
from huracan.features.compute import compute_features
from huracan.features.recipe import recipe_of
from huracan.regimes.absolute import ABSOLUTE_COLUMNS, AbsoluteRule, absolute_regimes
from huracan.regimes.counts import ObservationCounts
from huracan.regimes.filter import filter_regimes
from huracan.regimes.model import RegimeConfig, RegimeParameters
from huracan.regimes.observations import lay_features_on_grid

MINUTE = Timeframe("1m")
RECIPE = recipe_of(MINUTE, MINUTE)


def features_of_days(candles: pa.Table, last_day: date, days: int) -> pa.Table:
    opened = candles["open_time"]
    tables = []
    for back in range(days - 1, -1, -1):
        day = last_day - timedelta(days=back)
        since, until = (pa.scalar(day_start(day + timedelta(days=d)), TIME) for d in (-2, 1))
        window = candles.filter(pc.and_(pc.greater_equal(opened, since), pc.less(opened, until)))
        tables.append(compute_features(window, day, RECIPE))
    return pa.concat_tables(tables).combine_chunks()


def before(features: pa.Table, day: date) -> pa.Table:
    return features.filter(pc.less(features["open_time"], pa.scalar(day_start(day), TIME)))


def since(features: pa.Table, day: date) -> pa.Table:
    return features.filter(pc.greater_equal(features["open_time"], pa.scalar(day_start(day), TIME)))


def rule_before(features: pa.Table, day: date, timeframe: Timeframe) -> AbsoluteRule:
    """By the counts of all that `features` has of days before `day`."""
    counts = ObservationCounts.of(lay_features_on_grid(before(features, day)))
    return AbsoluteRule(counts, RegimeConfig(), RegimeConfig().minimum_days * timeframe.bars_per_day)


def labelled(features: pa.Table, day: date, parameters: RegimeParameters, rule: AbsoluteRule) -> pa.Table:
    """Both tables of the day as one."""
    table = filter_regimes(features, day, parameters)
    absolute = absolute_regimes(table, features, rule)
    for column in ABSOLUTE_COLUMNS[2:]:
        table = table.append_column(column.name, absolute[column.name])
    return table
