"""Pictures and tables of a training for the metadata of its assets."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from huracan_assets.shown import Markdown, Rows, as_picture, blank_figure, cell


def learning_curve(curve: pa.Table) -> Markdown:
    """Reward, entropy and explained variance over the steps of the training."""
    figure = blank_figure(height=2.6)
    panels = figure.subplots(1, 3)
    steps = curve["steps"].to_numpy() / 1e6
    for axes, column in zip(panels, ("mean_reward", "entropy", "explained_variance"), strict=True):
        axes.plot(steps, curve[column].to_numpy(), linewidth=0.9)
        axes.set_title(column.replace("_", " "), fontsize=8)
        axes.set_xlabel("million steps", fontsize=7)
        axes.tick_params(labelsize=6)
    return as_picture(figure, "learning curve")


def held_out_table(report: Mapping[str, Any]) -> Rows:
    """The held-out result of a training, one row per figure."""
    records = [
        ({"figure": name, "value": str(value)})
        for name, value in sorted(report["held_out"].items())
        if not isinstance(value, list | dict)
    ]
    return Rows(records)


def seeds_table(report: Mapping[str, Any]) -> Rows:
    """What every seed of a night did on the held-out tail, and which of them is published."""
    seeds = report["seeds"]
    records = [
        (
            {"seed": index, "is_published": index == seeds["published"]}
            | {name: cell(value) for name, value in figures.items()}
        )
        for index, figures in enumerate(seeds["by_seed"])
    ]
    return Rows(records)
