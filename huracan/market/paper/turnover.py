"""What a session turned over in a span of time."""

import pyarrow as pa
import pyarrow.compute as pc

from huracan.market.block import MS_PER_MINUTE
from huracan.market.paper.session import Session


def turnover_usd(session: Session, from_ms: int, minutes: int) -> float:
    """Value of the fills, at reference prices, in so many minutes from a moment on; of what is still open
    too."""
    held = session.open_positions["fills"].combine_chunks().flatten()
    parts = [session.fills, pa.Table.from_struct_array(held)]
    end_ms = from_ms + minutes * MS_PER_MINUTE
    total = 0.0
    for fills in parts:
        moment = fills["time"].cast(pa.int64())
        own = fills.filter(pc.and_(pc.greater_equal(moment, from_ms), pc.less(moment, end_ms)))
        total += float(pc.sum(pc.multiply(own["quantity"], own["reference_price"])).as_py() or 0.0)
    return total
