"""What must hold of a pattern library before anybody reads it."""

import math
from collections import Counter

import pyarrow.compute as pc

from huracan.analysis.outcome import floats
from huracan.analysis.patterns.library import PatternLibrary
from huracan.analysis.patterns.table import RELIABLE, STATES
from huracan.verdict import Verdict


def judge_patterns(library: PatternLibrary) -> Verdict:
    """Check `pattern_accounts`: each new trade is counted once and the sums are the memory's, every pattern
    is one row in a known state, and none is reliable without the evidence for it."""
    table, nights, trades = library.table, library.nights, library.new_trades
    counted = pc.sum(nights["trades"]).as_py() or 0
    sums = [
        (math.fsum(floats(nights, told)), math.fsum(floats(trades, made)))
        for told, made in (("net_bps_sum", "net_bps"), ("net_usd", "net_usd"))
    ]
    states = Counter(table["state"].to_pylist())
    identities, numbers = table["pattern_id"].to_pylist(), table["number"].to_pylist()
    unique = len(set(identities)) == len(set(numbers)) == len(identities)
    unproven = sum(
        row["state"] == RELIABLE and (row["first_reliable_day"] is None or row["forward_trades"] == 0)
        for row in table.select(["state", "first_reliable_day", "forward_trades"]).to_pylist()
    )
    same = counted == trades.num_rows and all(math.isclose(a, b, abs_tol=0.005) for a, b in sums)
    reason = (
        f"{counted} of {trades.num_rows} new trades are counted for a pattern or for none, "
        f"net {sums[1][1]:.2f} USD in memory and {sums[1][0]:.2f} here; {len(identities)} patterns, "
        f"{unproven} reliable without forward trades."
    )
    passed = same and unique and unproven == 0 and set(states) <= set(STATES)
    found: dict[str, float | int | str | bool] = {
        "new_trades": trades.num_rows,
        "counted": counted,
        **{f"patterns_{state}": states[state] for state in STATES},
    }
    return Verdict("pattern_accounts", passed, reason, found)
