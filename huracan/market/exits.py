"""Where a position leaves inside a bar: stop and target in pessimistic order. No costs and no state here."""

import numpy as np
from numpy.typing import NDArray

from huracan.market.costs import Floats
from huracan.market.ledger import END_OF_SESSION, EXIT_REASONS, POLICY_EXIT, STOP, TARGET, TIME_OUT

NONE_CODE = -1
STOP_CODE, TARGET_CODE, TIME_OUT_CODE, POLICY_EXIT_CODE, END_OF_SESSION_CODE = (
    EXIT_REASONS.index(reason) for reason in (STOP, TARGET, TIME_OUT, POLICY_EXIT, END_OF_SESSION)
)

Codes = NDArray[np.int8]


def barrier_exits(
    open_: Floats, high: Floats, low: Floats, stop: Floats, target: Floats
) -> tuple[Codes, Floats]:
    """Which barrier of a long position a bar touches, and the reference price met there. Arrays over lanes.

    Pessimistic where a bar cannot tell the order: both touched means the stop was first. A bar that opens
    below the stop fills at its open. A bar that opens above the target fills at the target: the better open
    is not counted on. The code is NONE_CODE (and the price is the open) where nothing was touched.
    """
    stopped = low <= stop
    reached = (high >= target) & ~stopped
    code = np.where(stopped, STOP_CODE, np.where(reached, TARGET_CODE, NONE_CODE)).astype(np.int8)
    price = np.where(stopped, np.minimum(open_, stop), np.where(reached, target, open_))
    return code, price
