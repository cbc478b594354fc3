"""The picture of what each member of the ensemble counts for, night by night."""

from collections.abc import Mapping
from datetime import date

import pyarrow as pa

from huracan_assets.pictures import (
    BLUE,
    LINES,
    as_picture,
    blank_figure,
    dress,
    legend_below,
)
from huracan_assets.shown import Picture, in_words

_COLOURS = (BLUE, *LINES)


def weights_over_nights(weights: Mapping[date, pa.Table]) -> Picture:
    """By night the weight of each member, from WEIGHTS_SCHEMA of each; the last of them is told."""
    days = sorted(day for day, table in weights.items() if table.num_rows)
    by_night = [dict(zip(*_columns(weights[day], "member", "weight"), strict=True)) for day in days]
    figure = blank_figure(height=3.4)
    axes = figure.subplots()
    for place, name in enumerate(sorted({name for night in by_night for name in night})):
        own = [night.get(name, float("nan")) for night in by_night]
        colour = _COLOURS[place % len(_COLOURS)]
        axes.plot(days, own, color=colour, linewidth=1.3, marker=".", label=in_words(name))  # type: ignore[arg-type]
    axes.tick_params(axis="x", rotation=30)
    axes.set_ylim(0.0, None)
    dress(axes, "What members count for", "night", "share of the weight, 0 to 1")
    legend_below(figure, axes)
    return as_picture(figure, "weights of the ensemble", _told(weights[days[-1]]))


def _columns(table: pa.Table, *names: str) -> list[list[object]]:
    return [table[name].to_pylist() for name in names]


def _told(weights: pa.Table) -> str:
    rows = {row["member"]: row for row in weights.to_pylist()}
    heaviest = max(rows.values(), key=lambda row: float(row["weight"]))
    best = rows[heaviest["best_member"]]
    return (
        f"{in_words(heaviest['member'])} counts for {heaviest['weight']:.0%}; {in_words(best['member'])}, the"
        f" best, is ahead of all together by {best['regret']:+.3f} of at most {best['bound']:.3f}"
    )
