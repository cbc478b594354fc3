"""The state of a pattern after a night: candidate, reliable, degraded or retired.

The n-th pattern ever named may use up 1 / (n (n + 1)) of the family's error, and of that half of what is
left each time that it is tried: all patterns and all tries together never use more than the whole.
"""

from datetime import date, timedelta
from typing import Any

from huracan.analysis.outcome import as_milliseconds
from huracan.analysis.patterns.config import PatternConfig
from huracan.analysis.patterns.evidence import begun_anew
from huracan.analysis.patterns.table import CANDIDATE, DEGRADED, RELIABLE, RETIRED
from huracan.candles.schema import day_end

Row = dict[str, Any]


def evidence_needed(number: int, times_degraded: int, config: PatternConfig) -> float:
    """The wealth that makes the `number`-th pattern reliable, after so many times that it was degraded.

    The inverse of its share of `family_error`: 1 / (number (number + 1)) and 1 / 2, 1 / 4, ... sum to 1.
    """
    return float(number * (number + 1) * 2.0 ** (times_degraded + 1) / config.family_error)


def with_state(row: Row, day: date, config: PatternConfig) -> Row:
    """The row with its state of tonight, from its state of the night before (candidate where it is new).

    Reliable: enough evidence and forward trades, and a forward mean above 0. Degraded: it was reliable, and
    the bettor against it made `drift_nights`; its evidence begins anew then. Retired: no night found it for
    `unseen_days`; one that is found again is what it had been, but reliable only by new evidence.
    """
    state = row["state"] or CANDIDATE
    if row["last_seen_day"] < day - timedelta(days=config.unseen_days):
        return _lost(row, RETIRED, day) if state == RELIABLE else row | {"state": RETIRED}
    if state == RETIRED:
        state = CANDIDATE if row["first_reliable_day"] is None else DEGRADED
    if state == RELIABLE:
        has_drifted = row["drift_evidence"] >= config.drift_nights
        return _lost(row, DEGRADED, day) if has_drifted else row
    needed = evidence_needed(row["number"], row["times_degraded"], config)
    is_proven = row["evidence"] >= needed and (row["forward_mean_net_bps"] or 0.0) > 0.0
    if is_proven and row["forward_trades"] >= config.reliable_trades:
        return row | {
            "state": RELIABLE,
            "first_reliable_day": row["first_reliable_day"] or day,
            **begun_anew(row, "drift_wealth", "drift_evidence", as_milliseconds(day_end(day))),
        }
    return row | {"state": state}


def _lost(row: Row, state: str, day: date) -> Row:
    """A pattern that was reliable and is not: what made it so is used up."""
    anew = begun_anew(row, "wealth", "evidence", as_milliseconds(day_end(day)))
    return row | {"state": state, "times_degraded": row["times_degraded"] + 1, **anew}
