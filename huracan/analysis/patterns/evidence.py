"""What new trades say of patterns that were known before them: the only trades a pattern is judged by.

A trade counts for the pattern of its side that it resembles most, by the library of the night before. Trades
that a pattern was found in say nothing here. States are decided in `states`.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from huracan.analysis.outcome import Floats, Integers, floats, milliseconds
from huracan.analysis.patterns.identity import are_other_sides
from huracan.analysis.patterns.numbers import Z_90, mean_interval
from huracan.evaluation.wilson import wilson_interval
from huracan.evidence.betting import STAKES, evidence, new_wealth, play, results_in_units

_MEMORY = 0.8
"""What a night counts for in the recent mean, one night later."""

Row = dict[str, Any]


def nothing_forward() -> Row:
    """The record of a pattern that is named tonight."""
    return {
        **dict.fromkeys(("forward_nights", "forward_trades", "forward_wins", "times_degraded"), 0),
        **dict.fromkeys(("forward_net_sum_bps", "forward_net_square_sum"), 0.0),
        **dict.fromkeys(("recent_net_sum_bps", "recent_trades"), 0.0),
        **dict.fromkeys(("evidence", "drift_evidence"), 1.0),
        **{name: new_wealth().tolist() for name in ("wealth", "drift_wealth")},
        "first_reliable_day": None,
    }


def resembled(
    vectors: Floats, sides: list[str], centroids: Floats, known_sides: list[str | None]
) -> Integers:
    """[n] the row of the pattern of the trade's side whose centroid is nearest; -1 where there is none.

    `vectors` [n, dimensions], `centroids` [k, dimensions], all of length one. Only cosines above 0 count.
    """
    if len(centroids) == 0:
        return np.full(len(vectors), -1)
    cosines = vectors @ centroids.T
    cosines = np.where(are_other_sides(sides, known_sides), -1.0, cosines)
    nearest = np.argmax(cosines, axis=1)
    found = cosines[np.arange(len(vectors)), nearest] > 0.0
    return np.asarray(np.where(found, nearest, -1), dtype=np.int64)


def with_new_trades(row: Row, trades: pa.Table) -> Row:
    """The pattern's record after a night whose `trades` (MEMORY_SCHEMA) resembled it; none change nothing
    but how recent the recent ones are."""
    known = nothing_forward() | {name: value for name, value in row.items() if value is not None}
    net = floats(trades, "net_bps")
    decayed = {name: known[name] * _MEMORY for name in ("recent_net_sum_bps", "recent_trades")}
    changed = {
        "forward_nights": known["forward_nights"] + bool(len(net)),
        "forward_trades": known["forward_trades"] + len(net),
        "forward_wins": known["forward_wins"] + int(np.sum(net > 0)),
        "forward_net_sum_bps": known["forward_net_sum_bps"] + float(net.sum()),
        "forward_net_square_sum": known["forward_net_square_sum"] + float((net**2).sum()),
        "recent_net_sum_bps": decayed["recent_net_sum_bps"] + float(net.sum()),
        "recent_trades": decayed["recent_trades"] + len(net),
        **_bets(known, trades, net),
    }
    return {**row, **known, **changed, **_summary({**known, **changed})}


def _bets(known: Row, trades: pa.Table, net: Floats) -> Row:
    opened, closed = milliseconds(trades, "signal_time"), milliseconds(trades, "closed_at")
    results = results_in_units(net, floats(trades, "entry_volatility_bps"))
    wealth = play(_wealth(known["wealth"]), opened, closed, results)
    against = _wealth(known["drift_wealth"])
    if evidence(against) < 1.0:  # begins anew: a good past must not hide a bad present
        against = new_wealth()
    # Half as much for a trade against: what a pattern gains may be twice the unit.
    against = play(against, opened, closed, -results / 2.0)
    return {
        "wealth": wealth.tolist(),
        "evidence": evidence(wealth),
        "drift_wealth": against.tolist(),
        "drift_evidence": evidence(against),
    }


def _wealth(stored: list[float]) -> Floats:
    """Gamblers of other stakes than today's are not carried on."""
    return np.array(stored) if len(stored) == STAKES.size else new_wealth()


def _summary(record: Row) -> Row:
    """Means and intervals of the sums."""
    count = record["forward_trades"]
    sums = record["forward_net_sum_bps"], record["forward_net_square_sum"]
    mean, _, low, high = mean_interval(count, *sums)
    win_low, win_high = wilson_interval(record["forward_wins"], count, Z_90) or (None, None)
    recent = record["recent_net_sum_bps"] / record["recent_trades"] if record["recent_trades"] > 0 else None
    return {
        "forward_mean_net_bps": mean,
        "forward_net_low_bps": low,
        "forward_net_high_bps": high,
        "forward_win_rate_low": win_low,
        "forward_win_rate_high": win_high,
        "drift_bps": None if recent is None or mean is None else recent - mean,
    }
