"""Pictures and tables of a training for the metadata of its assets."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from huracan_assets.pictures import BLUE, LINES, as_picture, blank_figure, dress, legend_below
from huracan_assets.shown import Markdown, Rows, cell, in_words

_PANELS = {
    "mean_reward": ("Reward of a step", "horizon volatilities"),
    "entropy": ("Entropy of the policy", "nats"),
    "explained_variance": ("Returns explained", "share of their variance"),
}
_HELD_OUT = {
    "net_usd": "net of costs, USD",
    "trades": "trades",
    "win_rate": "share of them won",
    "net_bps_per_trade": "mean trade, bps",
    "random_net_usd": "the same trades at other times, mean, USD",
    "random_chance": "chance of doing as well at another time",
    "buy_and_hold_net_usd": "buying and holding, USD",
    "median_holding_minutes": "median holding, minutes",
    "traded_notional_usd": "notional traded, USD",
    "first_day": "first held-out day",
    "last_day": "last held-out day",
}
"""Figures of the report and what the UI calls them, in the order in which they are asked."""


def learning_curve(curves: Sequence[pa.Table], report: Mapping[str, Any]) -> Markdown:
    """Reward, entropy and explained variance over the steps of the training: every seed, and their mean."""
    seeds, held_out = report["seeds"], report["held_out"]
    figure = blank_figure(height=3.2)
    panels = figure.subplots(1, 3)
    updates = min(curve.num_rows for curve in curves)
    steps = curves[0]["steps"].to_numpy()[:updates] / 1e6
    for axes, (column, (title, unit)) in zip(panels, _PANELS.items(), strict=True):
        of_seeds = np.array([curve[column].to_numpy()[:updates] for curve in curves])
        for seed, line in enumerate(of_seeds):
            name = f"seed {seed}{', published' if seed == seeds['published'] else ''}"
            axes.plot(steps, line, color=LINES[seed % len(LINES)], linewidth=0.8, label=name)
        axes.plot(steps, of_seeds.mean(axis=0), color=BLUE, linewidth=1.5, label="mean of the seeds")
        dress(axes, title, "steps, millions", unit)
    legend_below(figure, panels[0])
    told = (
        f"{held_out['net_usd']:+,.2f} USD net of costs on the held-out days ({held_out['first_day']} to"
        f" {held_out['last_day']}); the {seeds['count']} seeds made {seeds['net_usd_lowest']:+,.2f} to"
        f" {seeds['net_usd_highest']:+,.2f} USD"
    )
    return as_picture(figure, "learning curve", told)


def held_out_table(report: Mapping[str, Any]) -> Rows:
    """The held-out result of a training, one row per figure; what is asked first stands first."""
    held_out = report["held_out"]
    return Rows(
        [{"figure": said, "value": str(cell(held_out[name], said))} for name, said in _HELD_OUT.items()]
    )


def seeds_table(report: Mapping[str, Any]) -> Rows:
    """What every seed of a night did on the held-out tail, and which of them is published."""
    seeds = report["seeds"]
    records = [
        (
            {"seed": index, "published": index == seeds["published"]}
            | {in_words(name): cell(value, in_words(name)) for name, value in figures.items()}
        )
        for index, figures in enumerate(seeds["by_seed"])
    ]
    return Rows(records)
