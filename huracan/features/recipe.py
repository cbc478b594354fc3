"""THE recipe: every column of the features table, in the order in which a policy reads them.

Formulas live with their groups (`returns`, `trend`, `ranges`, `volume`, `context`, `horizons`); only the
order, the version, and what a timeframe leaves out are decided here. A change of any, or of a formula, makes
brains of the old recipe unreadable.
"""

from functools import cache

from huracan.candles.schema import Timeframe
from huracan.errors import InvalidInput
from huracan.features.context import CROSS_MARKET, TIME
from huracan.features.horizons import FUNDING, SESSIONS, horizon_specs
from huracan.features.ranges import BREAKOUT, COMPRESSION, RANGE
from huracan.features.returns import RETURNS, VOLATILITY
from huracan.features.specification import LEAD_IN_DAYS, FeatureRecipe
from huracan.features.trend import MOMENTUM, TREND
from huracan.features.volume import MICRO, ORDER_FLOW, VOLUME

VERSION = "2"

_BY_BARS = (
    *RETURNS,
    *VOLATILITY,
    *TREND,
    *MOMENTUM,
    *RANGE,
    *COMPRESSION,
    *BREAKOUT,
    *VOLUME,
    *MICRO,
    *ORDER_FLOW,
    *TIME,
    *CROSS_MARKET,
)
"""Windows of decision bars. Version 1 had eight more, of which the others tell 95 % and more (the linear
share of their variance, BTC, ETH and SOL at 1m, 15m and 1h): they cost a night time and said nothing."""


@cache
def recipe_of(detail: Timeframe, decision: Timeframe) -> FeatureRecipe:
    """The columns for decisions on bars of `decision` where bars of `detail` are stored.

    Windows of decision bars that take more than three weeks to fill are left out, and horizons of the
    calendar of fewer than 20 stored bars. InvalidInput where `decision` is no multiple of `detail`.
    """
    if decision.minutes % detail.minutes:
        raise InvalidInput(
            f"Decision bars of {decision.name} are no multiple of stored bars of {detail.name}.",
            "Decide on bars that are a whole number of stored ones.",
        )
    most = LEAD_IN_DAYS * decision.bars_per_day
    by_bars = tuple(spec for spec in _BY_BARS if spec.warmup_bars <= most)
    return FeatureRecipe(VERSION, (*by_bars, *horizon_specs(detail), *FUNDING, *SESSIONS), detail, decision)


EVERY_COLUMN = recipe_of(Timeframe("1m"), Timeframe("1m"))
"""The recipe that leaves nothing out: the columns of any other are some of it, in its order."""
