"""The picture of a pattern library for the metadata of its asset."""

import pyarrow as pa

from huracan.analysis.patterns.table import CANDIDATE, DEGRADED, RELIABLE, RETIRED
from huracan_assets.pictures import (
    BLUE,
    GREEN,
    INK,
    RED,
    as_picture,
    blank_figure,
    dress,
    legend_below,
    zero_line,
)
from huracan_assets.shown import Shown

COLOURS = {RELIABLE: GREEN, CANDIDATE: BLUE, DEGRADED: RED, RETIRED: INK}
SHOWN = (
    *("name", "state", "trades", "win_rate", "mean_net_bps", "profit_factor", "max_drawdown_bps"),
    *("mean_holding_minutes", "forward_trades", "forward_mean_net_bps", "evidence", "evidence_needed"),
    *("drift_bps", "best_stop_volatilities", "best_target_volatilities", "best_size", "judged_gain_bps"),
)
"""What the table of the metadata tells of a pattern."""
_MOST = 16


def forward_results(library: pa.Table) -> Shown:
    """Mean net of the trades after the naming, with its interval of 90 %, by pattern and state."""
    rows = [row for row in library.to_pylist() if row["forward_trades"]]
    if not rows:
        return "no pattern has been judged by later trades yet"
    rows = sorted(rows, key=lambda row: (-row["forward_trades"], row["pattern_id"]))[:_MOST]
    figure = blank_figure(height=1.6 + 0.28 * len(rows))
    axes = figure.subplots()
    for index, row in enumerate(rows):
        mean = row["forward_mean_net_bps"]
        low, high = (row[f"forward_net_{side}_bps"] for side in ("low", "high"))
        colour = COLOURS[row["state"]]
        axes.plot([mean], [index], "o", color=colour, markersize=5)
        axes.plot([mean if low is None else low, mean if high is None else high], [index] * 2, color=colour)
    axes.set_yticks(range(len(rows)), [f"{_name(row)} ({row['forward_trades']})" for row in rows])
    axes.invert_yaxis()
    zero_line(axes, is_vertical=True)
    for state, colour in COLOURS.items():
        axes.plot([], [], "o", color=colour, label=state, markersize=5)
    legend_below(figure, axes)
    dress(
        axes,
        "What the trades after its naming made of each pattern (and how many)",
        "mean net of a later trade with its interval of 90 %, bps",
        grid="x",
    )
    states = library["state"].to_pylist()
    told = f"patterns: {len(states)}; " + ", ".join(f"{states.count(state)} {state}" for state in COLOURS)
    return as_picture(figure, "patterns by later trades", told)


def _name(row: dict[str, object]) -> str:
    return str(row["name"]).replace("_", " ")
