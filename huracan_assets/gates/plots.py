"""Pictures of what gates are worth, for the metadata of their assets."""

import numpy as np
import pyarrow as pa

from huracan.gates.contract import COMBINED
from huracan_assets.pictures import (
    BLUE,
    INK,
    ORANGE,
    as_picture,
    blank_figure,
    dress,
    legend_below,
    zero_line,
)
from huracan_assets.shown import Picture

SHOWN = [
    *("book", "gate", "nights", "mode", "judged", "pass_rate", "always", "refused_winners", "refused_losers"),
    *("saved_bps", "saved_low_bps", "saved_high_bps", "saved_last_bps", "shapley_bps"),
    *("overlapping_gate", "overlap", "pass_rate_change", "harm_evidence"),
]
"""Columns of the trailing table that a person reads first."""


def gate_worth(trailing: pa.Table) -> Picture:
    """Net that each gate saves per signal over the longest window, with its interval, alone and among
    others."""
    rows = trailing.to_pylist()
    book, nights = rows[0]["book"], max(row["nights"] for row in rows)
    rows = [row for row in rows if (row["book"], row["nights"]) == (book, nights)]
    names = [row["gate"].replace("_", " ") for row in rows]
    saved, low, high = (
        np.array([row[name] if row[name] is not None else np.nan for row in rows], dtype=np.float64)
        for name in ("saved_bps", "saved_low_bps", "saved_high_bps")
    )
    figure = blank_figure(height=1.4 + 0.28 * len(rows))
    axes = figure.subplots()
    at = np.arange(len(rows))
    axes.hlines(at, low, high, color=INK, linewidth=1.6, label="interval of 95 %")
    axes.plot(saved, at, "o", color=BLUE, markersize=5, label="alone")
    shared = [(row["shapley_bps"], place) for place, row in enumerate(rows) if row["shapley_bps"] is not None]
    axes.plot(
        [share for share, _ in shared], [place for _, place in shared], "|", color=ORANGE, markersize=12,
        label="its share of what all save",
    )  # fmt: skip
    axes.set_yticks(at, names)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    zero_line(axes, is_vertical=True)
    title = f"What the answers of gates save, {book} book, {nights} nights"
    dress(axes, title, "net saved per signal, bps", grid="x")
    legend_below(figure, axes)
    return as_picture(figure, f"worth of the gates, {book} book", _told(rows))


def _told(rows: list[dict[str, object]]) -> str:
    of_all = next((row for row in rows if row["gate"] == COMBINED), rows[0])
    sure = [str(row["gate"]).replace("_", " ") for row in rows if _is_sure(row) and row is not of_all]
    if of_all["saved_bps"] is None:
        return "no signal of the window counts for anything"
    told = f"all gates together save {of_all['saved_bps']:+.1f} bps per signal"
    return f"{told}; surely worth something: {', '.join(sure) or 'none'}"


def _is_sure(row: dict[str, object]) -> bool:
    low = row["saved_low_bps"]
    return isinstance(low, float) and low > 0.0
