"""What one step of all lanes brings; compiled code writes into it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from huracan.market.costs import Floats


class MarketStep(NamedTuple):
    """What one step brought, arrays [lanes]."""

    rewards: Floats
    """Change of equity net of all costs / (notional_usd x volatility unit of the position), and the
    RewardTerms. Because costs are booked where they are paid and the unit is fixed at the signal, without
    terms the rewards of a trade sum to its ledger net_usd in those units."""
    rewards_usd: Floats
    """The change of equity alone."""
    has_ended: NDArray[np.bool_]
    """The lane has come to its end; it stands still until it begins again."""
