"""How good exits are by reason and by pattern, over time: sums of what was tracked after them."""

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.outcome import Floats, floats
from huracan.verdict import Verdict

ALL, EXIT_REASON, PATTERN = "all", "exit_reason", "pattern"
WINDOWS_DAYS = (1, 30)

EXIT_QUALITY_SCHEMA = pa.schema(
    [
        ("day", pa.date32()),
        ("window_days", pa.int64()),  # days of post_exit looked back on, this one included
        ("scope", pa.string()),  # all | exit_reason | pattern
        ("value", pa.string()),
        ("exits", pa.int64()),
        ("judged", pa.int64()),  # of them with a quality: not the session's end, not without bars
        ("exit_quality", pa.float64()),  # mean, 0..1
        ("exit_quality_standard_error", pa.float64()),
        ("mean_missed_profit_bps", pa.float64()),
        ("mean_saved_loss_bps", pa.float64()),
        ("mean_return_after_60_minutes_bps", pa.float64()),
        ("mean_return_after_240_minutes_bps", pa.float64()),
        ("mean_return_after_1440_minutes_bps", pa.float64()),
        ("should_have_held", pa.int64()),
        ("should_have_exited_earlier", pa.int64()),
    ]
)
"""One row per window, scope and value. What follows `exits` is of the judged exits alone."""

_MEANS = {
    "mean_missed_profit_bps": "missed_profit_bps",
    "mean_saved_loss_bps": "saved_loss_bps",
    **{f"mean_{name}": name for name in (f"return_after_{m}_minutes_bps" for m in (60, 240, 1440))},
}


def summarise_exits(tracked: pa.Table, earlier: pa.Table | None, day: date) -> pa.Table:
    """EXIT_QUALITY_SCHEMA of `day` from its own tracked exits (POST_EXIT_SCHEMA) and those of days before.

    Rows of `earlier` of `day` itself or later, or too old for the longest window, are not looked at.
    """
    rows: list[dict[str, Any]] = []
    for window in WINDOWS_DAYS:
        seen = [tracked]
        if earlier is not None and window > 1:
            age = pc.days_between(earlier["day"], pa.scalar(day, pa.date32()))
            seen.append(earlier.filter(pc.and_(pc.greater(age, 0), pc.less(age, window))))
        rows += _rows(pa.concat_tables(seen, promote_options="default"), window, day)
    return pa.Table.from_pylist(rows, schema=EXIT_QUALITY_SCHEMA)


def judge_exits(trades: pa.Table, tracked: pa.Table, summary: pa.Table) -> Verdict:
    """Rule `post_exit_coverage`: each trade of the day before is tracked once, and is in the sums."""
    ledger, found = (sorted(table["trade_id"].to_pylist()) for table in (trades, tracked))
    of_day = [row for row in summary.to_pylist() if row["window_days"] == 1]
    summed = {scope: sum(r["exits"] for r in of_day if r["scope"] == scope) for scope in (ALL, EXIT_REASON)}
    passed = ledger == found and all(count == len(ledger) for count in summed.values())
    reason = (
        f"{len(found)} exits are tracked of {len(ledger)} trades; the sums hold {sorted(summed.values())}."
    )
    numbers: dict[str, float | int | str | bool] = {"trades": len(ledger), "tracked": len(found)}
    return Verdict("post_exit_coverage", passed, reason, numbers)


def _rows(tracked: pa.Table, window: int, day: date) -> list[dict[str, Any]]:
    lead = {"day": day, "window_days": window}
    rows = [lead | {"scope": ALL, "value": ALL} | _figures(tracked)]
    for scope, column in ((EXIT_REASON, "exit_reason"), (PATTERN, "pattern_id")):
        for value in sorted(pc.unique(tracked[column]).drop_null().to_pylist()):
            own = tracked.filter(pc.equal(tracked[column], value))
            rows.append(lead | {"scope": scope, "value": value} | _figures(own))
    return rows


def _figures(tracked: pa.Table) -> dict[str, Any]:
    judged = tracked.filter(pc.is_valid(tracked["exit_quality"]))
    quality = floats(judged, "exit_quality")
    error = float(quality.std(ddof=1) / np.sqrt(quality.size)) if quality.size > 1 else None
    return {
        "exits": len(tracked),
        "judged": len(judged),
        "exit_quality": _mean(quality),
        "exit_quality_standard_error": error,
        **{name: _mean(floats(judged, column)) for name, column in _MEANS.items()},
        **{
            flag: int(pc.sum(judged[flag]).as_py() or 0)
            for flag in ("should_have_held", "should_have_exited_earlier")
        },
    }


def _mean(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None
