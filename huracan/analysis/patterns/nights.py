"""What one night said of the patterns known before it, as rows that add up to the night's trades."""

from typing import Any

import numpy as np
import pyarrow as pa

from huracan.analysis.outcome import Integers, floats
from huracan.analysis.patterns.table import NIGHTS_SCHEMA, NO_PATTERN


def night_rows(
    trades: pa.Table, owner: Integers, earlier: list[dict[str, Any]], rows: list[dict[str, Any]], day: Any
) -> pa.Table:
    """NIGHTS_SCHEMA: one row per earlier pattern with a new trade, and one of the trades without a pattern.

    `owner` [trades] indices into `earlier`, -1 of no pattern; `rows` are the library's after the night.
    """
    after = {row["pattern_id"]: row for row in rows}
    found = []
    for index in np.unique(owner).tolist():
        own = owner == index
        net, usd = floats(trades, "net_bps")[own], floats(trades, "net_usd")[own]
        identity = NO_PATTERN if index < 0 else earlier[index]["pattern_id"]
        row = after.get(identity, {})
        found.append(
            {
                "day": day,
                "pattern_id": identity,
                "state": row.get("state"),
                "trades": len(net),
                "wins": int(np.sum(net > 0)),
                "net_bps_sum": float(net.sum()),
                "net_usd": float(usd.sum()),
                "evidence": row.get("evidence"),
                "drift_evidence": row.get("drift_evidence"),
            }
        )
    return pa.Table.from_pylist(sorted(found, key=lambda row: row["pattern_id"]), schema=NIGHTS_SCHEMA)
