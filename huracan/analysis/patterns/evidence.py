"""What new trades say of patterns that were known before them: the only trades a pattern is judged by.

A trade counts for the pattern of its side that it resembles most, by the library of the night before. Trades
that a pattern was found in say nothing here. States are decided in `states`.
"""

import json
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from huracan.analysis.outcome import Floats, Integers, floats, milliseconds
from huracan.analysis.patterns.identity import are_other_sides
from huracan.analysis.patterns.numbers import Z_90, mean_interval
from huracan.evaluation.wilson import wilson_interval
from huracan.evidence.betting import STAKES, Purse, evidence, new_wealth, play, results_in_units

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
        "open_bets": None,
        "first_reliable_day": None,
    }


class Look(NamedTuple):
    """What a night sees: trades that were signalled up to `until_ms`, after one whose day ended at
    `before_ms`."""

    before_ms: int
    until_ms: int


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


def with_new_trades(row: Row, trades: pa.Table, look: Look) -> Row:
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
        **_bets(known, trades, net, look),
    }
    return {**row, **known, **changed, **_summary({**known, **changed})}


def _bets(known: Row, trades: pa.Table, net: Floats, look: Look) -> Row:
    opened, closed = milliseconds(trades, "signal_time"), milliseconds(trades, "closed_at")
    results = results_in_units(net, floats(trades, "entry_volatility_bps"))
    on, against = _purses(known)
    if evidence(against.total) < 1.0:  # begins anew: a good past must not hide a bad present
        against = Purse(new_wealth(), from_ms=look.before_ms)
    on = play(on, opened, closed, results, look.until_ms)
    # Half as much for a trade against: what a pattern gains may be twice the unit.
    against = play(against, opened, closed, -results / 2.0, look.until_ms)
    return {
        "wealth": on.total.tolist(),
        "evidence": evidence(on.total),
        "drift_wealth": against.total.tolist(),
        "drift_evidence": evidence(against.total),
        "open_bets": json.dumps({"wealth": on.plain(), "drift_wealth": against.plain()}),
    }


def _purses(known: Row) -> tuple[Purse, Purse]:
    """Of who bets on the pattern and against it. Gamblers of other stakes than today's are not carried on; of
    a version whose days ended flat none has an open bet."""
    stored = json.loads(known["open_bets"]) if known["open_bets"] else {}
    return tuple(  # type: ignore[return-value]
        Purse.read(stored[name])
        if name in stored and len(stored[name]["free"]) == STAKES.size
        else Purse(_wealth(known[name]))
        for name in ("wealth", "drift_wealth")
    )


def begun_anew(row: Row, wealth: str, total: str, from_ms: int) -> Row:
    """What changes of a pattern's row where one of its bettors begins with 1 again, and stakes on nothing
    that was signalled before the moment at which that was decided."""
    stored = json.loads(row["open_bets"]) if row["open_bets"] else {}
    stored[wealth] = Purse(new_wealth(), from_ms=from_ms).plain()
    return {wealth: new_wealth().tolist(), total: 1.0, "open_bets": json.dumps(stored)}


def _wealth(stored: list[float]) -> Floats:
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
