"""How good exits are by reason and by pattern, over time: sums of what was tracked after them."""

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.outcome import Floats, floats
from huracan.analysis.trades.post_exit import HORIZONS_MINUTES
from huracan.tables import DAY, FLOAT, INTEGER, TEXT, Column, arrow_schema
from huracan.verdict import Verdict

ALL, EXIT_REASON, PATTERN = "all", "exit_reason", "pattern"
WINDOWS_DAYS = (1, 30)

EXIT_QUALITY_COLUMNS = (
    DAY,
    Column("window_days", INTEGER, "days of post_exit looked back on, this one included: 1 or 30", "days"),
    Column("scope", TEXT, "all, exit_reason or pattern (that the entry resembled most)"),
    Column("value", TEXT, "the exit reason or pattern_id; all of scope all"),
    Column("exits", INTEGER, "exits tracked"),
    Column("judged", INTEGER, "of them those with a quality: what follows is of these alone"),
    Column("exit_quality", FLOAT, "mean of saved / (saved + missed); null without one", "0 to 1"),
    Column("exit_quality_standard_error", FLOAT, "its standard error; null of fewer than two", "0 to 1"),
    Column("mean_missed_profit_bps", FLOAT, "mean of missed_profit_bps; null without one", "bps"),
    Column("mean_saved_loss_bps", FLOAT, "mean of saved_loss_bps; null without one", "bps"),
    *(
        Column(
            f"mean_return_after_{minutes}_minutes_bps",
            FLOAT,
            f"mean move within {minutes} minutes of the exit, above 0 in the trade's direction; null without",
            "bps",
        )
        for minutes in HORIZONS_MINUTES
    ),
    Column(
        "should_have_held",
        INTEGER,
        "exits after which the price went on by more than analysis.exits.hold_threshold_bps in four hours",
    ),
    Column(
        "should_have_exited_earlier",
        INTEGER,
        "exits that gave analysis.exits.give_back_share of the best excursion back, after costs",
    ),
)
EXIT_QUALITY_SCHEMA = arrow_schema(EXIT_QUALITY_COLUMNS)
"""One row per window, scope and value. What follows `exits` is of the judged exits alone."""

_MEANS = {
    "mean_missed_profit_bps": "missed_profit_bps",
    "mean_saved_loss_bps": "saved_loss_bps",
    **{f"mean_{name}": name for name in (f"return_after_{m}_minutes_bps" for m in HORIZONS_MINUTES)},
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
    """Check `post_exit_coverage`: each trade of the day before is tracked once, and is in the sums."""
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
