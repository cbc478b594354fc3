"""Pictures of a policy's results for the metadata of their assets."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from huracan.promotion.evidence import Lost
from huracan_assets.pictures import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    RED,
    as_picture,
    blank_figure,
    dress,
    legend,
    legend_below,
    zero_line,
)
from huracan_assets.shown import Markdown, Shown

if TYPE_CHECKING:
    from huracan.agent.policy.held_out_equity import HeldOutEquity
    from huracan.promotion.evidence import Evidence
    from huracan.promotion.verdict import Registered


def net_by_part(performance: pa.Table) -> Markdown:
    """Net in USD by symbol and by regime, with the costs that were paid for it."""
    figure = blank_figure(height=3.3)
    panels = figure.subplots(1, 2)
    for axes, scope in zip(panels, ("symbol", "regime"), strict=True):
        rows = [row for row in performance.to_pylist() if row["scope"] == scope]
        names = [row["value"].replace("_", " ") for row in rows]
        axes.barh(names, [row["net_usd"] for row in rows], color=BLUE, label="net of costs")
        axes.plot(
            [-row["cost_usd"] for row in rows], names, "|", color=RED, markersize=14, label="costs paid"
        )
        axes.invert_yaxis()
        zero_line(axes, is_vertical=True)
        dress(axes, f"Result by {scope}", "USD", grid="x")
    legend_below(figure, panels[0])
    of_all = next(row for row in performance.to_pylist() if row["scope"] == "all")
    told = f"{of_all['net_usd']:+,.2f} USD net, after costs of {of_all['cost_usd']:,.2f} USD"
    return as_picture(figure, "net by symbol and regime", told)


def evidence_by_day(procedure: "Registered", evidence: "Evidence") -> Shown:
    """What both bets had after every day, on a logarithmic axis, and the bar."""
    if not evidence.days:
        return "not drawn: there is no day of evidence yet."
    figure = blank_figure(height=3.6)
    axes = figure.subplots()
    days = np.arange(1, len(evidence.days) + 1)
    for bet, colour, name in (
        (evidence.result, BLUE, "that it earns"),
        (evidence.skill, ORANGE, "that it beats random rivals"),
    ):
        axes.plot(days, np.maximum(bet.path, 1e-3), color=colour, linewidth=2.0, label=name)
    lost = days[[isinstance(each, Lost) for each in evidence.days]]
    if lost.size:
        axes.plot(lost, np.ones(lost.size), "x", color=RED, label="days lost")
    bar = procedure.bar
    axes.axhline(bar, color=GREEN, linewidth=1.4, linestyle="--", label=f"the bar, {bar:g}")
    axes.axhline(1.0, color=INK, linewidth=0.9)
    axes.set_yscale("log")
    # The picture knows no formulas, in which powers of ten are written else.
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(lambda *_: "")
    dress(
        axes,
        f"{procedure.name}: evidence by day",
        f"day of evidence, from {evidence.days[0].day} on",
        "evidence, 1 at first",
    )
    legend_below(figure, axes)
    told = (
        f"after {len(days)} days {evidence.result.now:.2f} that it earns and {evidence.skill.now:.2f} that it"
        f" beats random rivals; both need {procedure.bar:g}"
    )
    return as_picture(figure, "evidence", told)


def held_out_equity(equity: "HeldOutEquity") -> Markdown:
    """Cumulated net in USD over the held-out days: the brain, its random rivals as bands, doing nothing."""
    figure = blank_figure(height=4.0)
    axes = figure.subplots()
    days = equity.hours / 24
    low, lower, median, upper, high = np.quantile(equity.rivals_usd, [0.05, 0.25, 0.5, 0.75, 0.95], axis=0)
    count = len(equity.rivals_usd)
    axes.plot(days, equity.brain_usd, color=BLUE, linewidth=2.2, zorder=3, label="the brain")
    axes.axhline(0, color=ORANGE, linewidth=1.4, linestyle="--", label="doing nothing")
    axes.plot(days, median, color=INK, linewidth=1.4, label=f"{count} random rivals: their median,")
    axes.fill_between(days, lower, upper, color=INK, alpha=0.3, linewidth=0, label="half of them,")
    axes.fill_between(days, low, high, color=INK, alpha=0.18, linewidth=0, label="90 % of them")
    axes.set(xticks=range(round(days[-1]) + 1), xlim=(0, days[-1]))
    legend(axes, loc="upper left")
    made = equity.brain_usd[-1]
    dress(
        axes,
        f"Days that the training never saw: {made:+,.2f} USD net of costs",
        f"held-out days, from {equity.first_day} on",
        "net of costs, USD",
    )
    beaten = 100.0 * float(np.mean(equity.rivals_usd[:, -1] < made))
    told = (
        f"{made:+,.2f} USD net of costs on {round(days[-1])} held-out days; its {count} random rivals made"
        f" {median[-1]:+,.2f} USD at the median, and it beats {beaten:.0f} % of them"
    )
    return as_picture(figure, "held-out equity", told)
