"""Pictures of the day's wins and losses for the metadata of their assets."""

import json
import math
from collections import defaultdict

import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.trades.luck import LEAST_ENTRIES
from huracan.analysis.trades.repeat import BEYOND_LUCK_PERCENTILE
from huracan_assets.shown import Shown, as_picture, blank_figure

FOR, AGAINST, NEUTRAL = "#2f9e44", "#e03131", "#868e96"
_BARS = 10


def drivers_and_luck(wins: pa.Table) -> Shown:
    """Which inputs drove the wins, summed over them, and where the wins stand among entries by chance."""
    if wins.num_rows == 0:
        return "no wins"
    figure = blank_figure(height=3.2)
    driven, lucky = figure.subplots(1, 2, width_ratios=[1.2, 1.0])
    names, totals, unit = _total_drivers(wins)
    driven.barh(names, totals, color=[FOR if total > 0 else AGAINST for total in totals])
    driven.invert_yaxis()
    driven.tick_params(labelsize=6)
    driven.axvline(0, color=NEUTRAL, linewidth=0.6)
    driven.set_title(f"drivers of the wins, {unit}", fontsize=8)
    known = wins.filter(pc.greater_equal(wins["luck_entries"], LEAST_ENTRIES))
    for column, label, style, colour in (
        ("luck_percentile", "held as long", "bar", NEUTRAL),
        ("luck_percentile_by_rules", "left to the rules", "step", "black"),
    ):
        values = pc.drop_null(known[column]).to_numpy()
        lucky.hist(values, bins=20, range=(0, 100), histtype=style, color=colour, label=label)
    lucky.axvline(BEYOND_LUCK_PERCENTILE, color=FOR, linewidth=0.8)
    lucky.legend(fontsize=6, frameon=False, loc="upper left")
    lucky.tick_params(labelsize=6)
    lucky.set_title("percentile among entries by chance", fontsize=8)
    return as_picture(figure, "drivers and luck")


def lost_by_reason(losses: pa.Table) -> Shown:
    """USD lost by primary reason, with the number of losses."""
    if losses.num_rows == 0:
        return "no losses"
    grouped = losses.group_by("primary_reason").aggregate([("net_usd", "sum"), ("net_usd", "count")])
    rows = sorted(grouped.to_pylist(), key=lambda row: (row["net_usd_sum"], row["primary_reason"]))
    figure = blank_figure(height=0.9 + 0.26 * len(rows))
    figure.subplots_adjust(left=0.25)
    axes = figure.subplots()
    labels = [f"{row['primary_reason'].replace('_', ' ')} ({row['net_usd_count']})" for row in rows]
    axes.barh(labels, [row["net_usd_sum"] for row in rows], color=AGAINST)
    axes.invert_yaxis()
    axes.tick_params(labelsize=7)
    axes.set_xlabel("net, USD", fontsize=7)
    return as_picture(figure, "lost by reason")


def _total_drivers(wins: pa.Table) -> tuple[list[str], list[float], str]:
    """Names and sums of the largest drivers: of contributions where a model spoke, else of deviations."""
    listed = [driver for text in wins["drivers"].to_pylist() for driver in json.loads(text)]
    by_model = any(driver["contribution"] is not None for driver in listed)
    key = "contribution" if by_model else "standard_deviations"
    totals: defaultdict[str, list[float]] = defaultdict(list)
    for driver in listed:
        totals[driver["feature"]].append(driver[key])
    sums = {name: math.fsum(values) for name, values in totals.items()}
    largest = sorted(sums, key=lambda name: (-abs(sums[name]), name))[:_BARS]
    return largest, [sums[name] for name in largest], "log-odds" if by_model else "standard deviations"
