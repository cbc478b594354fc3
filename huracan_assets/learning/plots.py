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
_ASKED_FIRST = (
    *("net_usd", "trades", "win_rate", "net_bps_per_trade", "median_holding_bars", "random_net_usd"),
    *("random_share_below", "do_nothing_net_usd", "buy_and_hold_net_usd", "first_day", "last_day"),
)


def learning_curve(curves: Sequence[pa.Table], published: int) -> Markdown:
    """Reward, entropy and explained variance over the steps of the training: every seed, and their mean."""
    figure = blank_figure(height=3.2)
    panels = figure.subplots(1, 3)
    updates = min(curve.num_rows for curve in curves)
    steps = curves[0]["steps"].to_numpy()[:updates] / 1e6
    for axes, (column, (title, unit)) in zip(panels, _PANELS.items(), strict=True):
        of_seeds = np.array([curve[column].to_numpy()[:updates] for curve in curves])
        for seed, line in enumerate(of_seeds):
            name = f"seed {seed}{', published' if seed == published else ''}"
            axes.plot(steps, line, color=LINES[seed % len(LINES)], linewidth=0.8, label=name)
        axes.plot(steps, of_seeds.mean(axis=0), color=BLUE, linewidth=1.5, label="mean of the seeds")
        dress(axes, title, "steps, millions", unit)
    legend_below(figure, panels[0])
    reward = np.array([curve["mean_reward"].to_numpy()[:updates] for curve in curves]).mean(axis=0)
    told = f"mean reward of a step, {len(curves)} seeds: {reward[0]:+.4f} at first, {reward[-1]:+.4f} at last"
    return as_picture(figure, "learning curve", told)


def held_out_table(report: Mapping[str, Any]) -> Rows:
    """The held-out result of a training, one row per figure; what is asked first stands first."""
    plain = {name: value for name, value in report["held_out"].items() if not isinstance(value, list | dict)}
    names = [*(name for name in _ASKED_FIRST if name in plain), *sorted(plain.keys() - set(_ASKED_FIRST))]
    return Rows([{"figure": in_words(name), "value": str(cell(plain[name]))} for name in names])


def seeds_table(report: Mapping[str, Any]) -> Rows:
    """What every seed of a night did on the held-out tail, and which of them is published."""
    seeds = report["seeds"]
    records = [
        (
            {"seed": index, "published": index == seeds["published"]}
            | {in_words(name): cell(value) for name, value in figures.items()}
        )
        for index, figures in enumerate(seeds["by_seed"])
    ]
    return Rows(records)
