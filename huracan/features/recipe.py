"""THE recipe: every column of the features table, in the order in which a policy reads them.

Formulas live with their groups (`returns`, `trend`, `ranges`, `volume`, `context`); only the order and the
version are decided here. A change of either, or of a formula, makes brains of the old recipe unreadable.
"""

from huracan.features.context import CROSS_MARKET, TIME
from huracan.features.ranges import BREAKOUT, COMPRESSION, RANGE
from huracan.features.returns import RETURNS, VOLATILITY
from huracan.features.specification import FeatureRecipe
from huracan.features.trend import MOMENTUM, TREND
from huracan.features.volume import MICRO, ORDER_FLOW, VOLUME

RECIPE = FeatureRecipe(
    version="1",
    specs=(
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
    ),
)
