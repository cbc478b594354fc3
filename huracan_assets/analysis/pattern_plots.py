"""The picture of a pattern library for the metadata of its asset."""

import pyarrow as pa

from huracan.analysis.patterns.table import CANDIDATE, DEGRADED, RELIABLE, RETIRED
from huracan_assets.shown import Shown, as_picture, blank_figure

COLOURS = {RELIABLE: "#2f9e44", CANDIDATE: "#1c7ed6", DEGRADED: "#e03131", RETIRED: "#adb5bd"}
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
    figure = blank_figure(height=0.9 + 0.26 * len(rows))
    figure.subplots_adjust(left=0.5)
    axes = figure.subplots()
    for index, row in enumerate(rows):
        mean = row["forward_mean_net_bps"]
        low, high = (row[f"forward_net_{side}_bps"] for side in ("low", "high"))
        colour = COLOURS[row["state"]]
        axes.plot([mean], [index], "o", color=colour, markersize=4)
        axes.plot([mean if low is None else low, mean if high is None else high], [index] * 2, color=colour)
    axes.set_yticks(range(len(rows)), [f"{row['name']} ({row['forward_trades']})" for row in rows])
    axes.invert_yaxis()
    axes.axvline(0, color="#868e96", linewidth=0.6)
    axes.tick_params(labelsize=6)
    for state, colour in COLOURS.items():
        axes.plot([], [], "o", color=colour, label=state, markersize=4)
    axes.legend(fontsize=6, frameon=False, loc="best")
    axes.set_xlabel("mean net of later trades, bps, 90 %", fontsize=7)
    return as_picture(figure, "patterns by later trades")
