"""Pictures of the day's wins and losses for the metadata of their assets."""

import json
import math
from collections import defaultdict

import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.trades.luck import LEAST_ENTRIES
from huracan.analysis.trades.repeat import BEYOND_LUCK_PERCENTILE
from huracan_assets.pictures import (
    BLUE,
    GREEN,
    INK,
    RED,
    as_picture,
    blank_figure,
    dress,
    legend,
    zero_line,
)
from huracan_assets.shown import Shown, in_words

_BARS = 10


def drivers_and_luck(wins: pa.Table) -> Shown:
    """Which inputs drove the wins, summed over them, and where the wins stand among entries by chance."""
    if wins.num_rows == 0:
        return "no wins"
    figure = blank_figure(height=3.6)
    driven, lucky = figure.subplots(1, 2, width_ratios=[1.0, 1.0])
    names, totals, unit = _total_drivers(wins)
    driven.barh(names, totals, color=[GREEN if total > 0 else RED for total in totals])
    driven.invert_yaxis()
    zero_line(driven, is_vertical=True)
    dress(driven, "What drove the wins", f"summed over the wins, {unit}", grid="x")
    known = wins.filter(pc.greater_equal(wins["luck_entries"], LEAST_ENTRIES))
    for column, label, look in (
        ("luck_percentile", "held as long", {"histtype": "stepfilled", "color": INK, "alpha": 0.6}),
        (
            "luck_percentile_by_rules",
            "left to the rules",
            {"histtype": "step", "color": BLUE, "linewidth": 1.6},
        ),
    ):
        lucky.hist(pc.drop_null(known[column]).to_numpy(), bins=20, range=(0, 100), label=label, **look)
    lucky.axvline(
        BEYOND_LUCK_PERCENTILE, color=GREEN, linewidth=1.4, label=f"beyond luck: {BEYOND_LUCK_PERCENTILE:g} %"
    )
    lucky.margins(y=0.5)
    legend(lucky, loc="upper center")
    dress(lucky, "Luck or not", "entries by chance that the win beats, %", "wins")
    beyond = pc.sum(wins["is_beyond_luck"]).as_py() or 0
    net = pc.sum(wins["net_usd"]).as_py()
    told = f"wins: {wins.num_rows}, {net:+,.2f} USD; beyond luck: {beyond}"
    return as_picture(figure, "drivers and luck", told)


def lost_by_reason(losses: pa.Table) -> Shown:
    """USD lost by primary reason, with the number of losses."""
    if losses.num_rows == 0:
        return "no losses"
    grouped = losses.group_by("primary_reason").aggregate([("net_usd", "sum"), ("net_usd", "count")])
    rows = sorted(grouped.to_pylist(), key=lambda row: (row["net_usd_sum"], row["primary_reason"]))
    figure = blank_figure(height=1.3 + 0.3 * len(rows))
    axes = figure.subplots()
    names = [in_words(row["primary_reason"]) for row in rows]
    labels = [f"{name} ({row['net_usd_count']})" for name, row in zip(names, rows, strict=True)]
    axes.barh(labels, [row["net_usd_sum"] for row in rows], color=RED)
    axes.invert_yaxis()
    dress(axes, "What the losses cost, by their reason (and how many)", "net of costs, USD", grid="x")
    lost = pc.sum(losses["net_usd"]).as_py()
    most = f"{names[0]} ({rows[0]['net_usd_sum']:+,.2f} USD)"
    told = f"losses: {losses.num_rows}, {lost:+,.2f} USD; most of it: {most}"
    return as_picture(figure, "lost by reason", told)


def _total_drivers(wins: pa.Table) -> tuple[list[str], list[float], str]:
    """Names and sums of the largest drivers: of contributions where a model spoke, else of deviations.

    Of one day, entries before the handover may have met no model and those after it one: then of the latter.
    """
    listed = [driver for text in wins["drivers"].to_pylist() for driver in json.loads(text)]
    by_model = any(driver["contribution"] is not None for driver in listed)
    key = "contribution" if by_model else "standard_deviations"
    totals: defaultdict[str, list[float]] = defaultdict(list)
    for driver in listed:
        if driver[key] is not None:
            totals[driver["feature"]].append(driver[key])
    sums = {name: math.fsum(values) for name, values in totals.items()}
    largest = sorted(sums, key=lambda name: (-abs(sums[name]), name))[:_BARS]
    unit = "log-odds" if by_model else "standard deviations"
    return [in_words(name) for name in largest], [sums[name] for name in largest], unit
