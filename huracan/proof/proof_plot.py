"""A proof of the learner as one picture, PNG bytes: what the agent earned beside the best causal policy."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from huracan.proof.proof_table import Bar, LearnerProof, ProofRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_AGENT, _BEST, _MISSED = "#1f6f8b", "#b9c4c9", "#b3261e"
_TITLES = {
    "planted": "an edge that pays its costs",
    "weak": "an edge below its costs",
    "none": "no edge",
    "switch": "an edge that changed",
    "costs": "the same edge, rising fees",
    "slow_1m": "an edge of hours, by the minute",
    "slow_15m": "an edge of 8 hours, by 15 minutes",
    "slow_1h": "an edge of a day, by the hour",
    "none_15m": "no edge, by 15 minutes",
    "none_1h": "no edge, by the hour",
}


def draw_proof(proof: LearnerProof) -> bytes:
    """One panel per case, in the order of the rows; the same proof gives the same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    cases = list(dict.fromkeys(row.case for row in proof.rows))
    figure = Figure(figsize=(3.6 * max(1, len(cases)), 4.8), dpi=110)
    FigureCanvasAgg(figure)
    for index, case in enumerate(cases):
        axes = figure.add_subplot(1, len(cases), index + 1)
        rows = [row for row in proof.rows if row.case == case]
        bar = next((bar for bar in proof.bars if bar.case == case), None)
        if case == "costs":
            _draw_trades(axes, rows)
        else:
            _draw_results(axes, rows, bar)
        verdict = "" if bar is None else (" - met" if bar.is_met else " - MISSED")
        colour = _MISSED if bar is not None and not bar.is_met else "black"
        axes.set_title(_TITLES.get(case, case) + verdict, fontsize=9, color=colour)
        axes.tick_params(labelsize=7)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _draw_results(axes: "Axes", rows: Sequence[ProofRow], bar: Bar | None) -> None:
    """A pair of columns per trained policy: the best causal policy's result and the agent's."""
    indices = np.arange(len(rows))
    axes.bar(indices, [row.best_net_bps for row in rows], 0.8, color=_BEST, label="best causal policy")
    axes.bar(indices, [row.net_bps for row in rows], 0.45, color=_AGENT, label="agent")
    axes.axhline(0.0, color="black", linewidth=0.6)
    if bar is not None and bar.case.startswith(("weak", "none")):
        axes.axhline(bar.limit, color=_MISSED, linewidth=0.8, linestyle="--", label=f"bar {bar.limit:g}")
        lowest, highest = axes.get_ylim()
        axes.set_ylim(min(lowest, 3.0 * bar.limit), max(highest, 3.0))
    labels = [f"{row.seed} {row.variant}".strip() for row in rows]
    axes.set_xticks(indices, labels, rotation=90 if any(row.variant for row in rows) else 0)
    axes.set_xlabel("seed", fontsize=8)
    axes.set_ylabel("net bps per day and symbol", fontsize=8)
    axes.legend(fontsize=6, frameon=False)


def _draw_trades(axes: "Axes", rows: Sequence[ProofRow]) -> None:
    """Trades by fee, mean over seeds with their range, beside the best causal policy's."""
    variants = list(dict.fromkeys(row.variant for row in rows))
    by_fee = [[row for row in rows if row.variant == variant] for variant in variants]
    indices = np.arange(len(variants))
    for row in rows:
        axes.plot(variants.index(row.variant), row.trades, ".", color=_AGENT, alpha=0.35)
    best = [np.mean([row.best_trades for row in group]) for group in by_fee]
    axes.plot(indices, best, "o--", color=_BEST, label="best causal policy")
    agent = [np.mean([row.trades for row in group]) for group in by_fee]
    axes.plot(indices, agent, "o-", color=_AGENT, label="agent, mean of seeds")
    axes.set_xticks(indices, variants)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("fee of one side", fontsize=8)
    axes.set_ylabel("trades per day and symbol", fontsize=8)
    axes.legend(fontsize=6, frameon=False)
