"""Which of its barriers a signal met first: its target, its stop, or the end of its time.

The label of the meta-label model (Lopez de Prado 2018, chapter 3.4): it says what the market made of a
signal, not what the policy made of the position.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.market.ledger import LIQUIDATION, SCALP, STOP, TARGET, TIME_OUT, TRAILING_STOP

Floats = NDArray[np.float64]


def barrier_labels(trades: pa.Table) -> Floats:
    """[n] 1 where the target was met first, 0 where the stop (or a liquidation) was, at the time-out the sign
    of net_bps (not above 0 is 0).

    A trade that was left before any of them tells where the price then stood, not what came: its label is the
    probability that a price without drift meets the target first, (exit - stop) / (target - stop). To leave
    such trades out would keep the fast ones alone, which mostly met the nearer stop. Where the stop had
    followed the price, or the row does not know its barriers, its own barriers are no longer in it: the sign
    of net_bps.
    """
    label: Floats = (pc.fill_null(trades["net_bps"], 0.0).to_numpy() > 0.0).astype(np.float64)
    reason = trades["exit_reason"]

    def met(*reasons: str) -> NDArray[np.bool_]:
        found = pc.is_in(reason, value_set=pa.array(reasons, pa.string()))
        return np.asarray(pc.fill_null(found, False).to_numpy(zero_copy_only=False), dtype=bool)

    label[met(TARGET)] = 1.0
    label[met(STOP, LIQUIDATION)] = 0.0
    left, stop, target = (
        trades[name].to_numpy(zero_copy_only=False).astype(np.float64)
        for name in ("exit_reference_price", "stop_price", "target_price")
    )
    stayed = pc.fill_null(pc.equal(trades["mode"], SCALP), False).to_numpy(zero_copy_only=False)
    early = stayed & reason.is_valid().to_numpy() & ~met(TARGET, STOP, LIQUIDATION, TIME_OUT, TRAILING_STOP)
    early &= np.isfinite(left) & np.isfinite(stop) & np.isfinite(target) & (target != stop)
    label[early] = np.clip((left - stop)[early] / (target - stop)[early], 0.0, 1.0)
    return label
