"""The reliability diagram of a model of past trades, and the tables of what it did on later trades."""

from dataclasses import fields

from huracan.models.interval_scores import IntervalScores
from huracan.models.scores import TailScores
from huracan_assets.pictures import BLUE, GREEN, INK, as_picture, blank_figure, dress, legend
from huracan_assets.shown import Picture, Rows, cell, in_words

_SCORES = {
    "auc": "winners ranked above losers (area)",
    "auc_error": "standard error of that area",
    "brier": "squared error of the probability (Brier)",
    "base_brier": "that of the base rate",
    "brier_skill": "Brier skill over the base rate",
    "brier_skill_low": "its 90 % interval, from",
    "brier_skill_high": "its 90 % interval, to",
    "calibration_error": "said and came apart by (expected calibration error)",
    "trades": "later trades",
    "effective_trades": "later trades, in effective number",
}
"""Figures of the tail and what the UI calls them."""


def reliability_diagram(tail: TailScores) -> Picture:
    """How often signals won that were given about the same probability, beside how often that was said."""
    figure = blank_figure(height=3.6)
    axes = figure.subplots()
    said = [each.probability for each in tail.reliability]
    won = [each.won for each in tail.reliability]
    counts = [max(each.effective_trades, 1.0) for each in tail.reliability]
    spread = [1.96 * (share * (1.0 - share) / count) ** 0.5 for share, count in zip(won, counts, strict=True)]
    reach = [0.0, max([0.1, *said, *won])]
    axes.plot(reach, reach, color=INK, linewidth=0.9, label="said is what came")
    axes.errorbar(said, won, yerr=spread, color=BLUE, linewidth=1.2, marker="o", markersize=4, label="came")
    axes.plot(said, said, color=GREEN, linestyle="", marker="|", markersize=9, label="said")
    dress(axes, "Reliability on later trades", "probability that was said", "share of them that won")
    legend(axes, loc="upper left")
    return as_picture(figure, "reliability", _told(tail))


def scores_table(tail: TailScores, own: TailScores | None) -> Rows:
    """What the model did on trades later than all that it was fitted on: of all, and of the policy's own."""
    return Rows(
        [
            {"figure": told, "all": cell(getattr(tail, name))}
            | ({} if own is None else {"the policy's own signals": cell(getattr(own, name))})
            for name, told in _SCORES.items()
        ]
    )


def interval_table(tail: IntervalScores, own: IntervalScores | None) -> Rows:
    """How many later results the interval held and how wide it was, beside one interval for all."""
    return Rows(
        [
            {"figure": in_words(each.name), "all": cell(getattr(tail, each.name))}
            | ({} if own is None else {"the policy's own signals": cell(getattr(own, each.name))})
            for each in fields(tail)
        ]
    )


def _told(tail: TailScores) -> str:
    if tail.calibration_error is None or tail.brier_skill is None:
        return "There is no later trade to compare with."
    interval = ""
    if tail.brier_skill_low is not None:
        interval = f" (90 % interval {tail.brier_skill_low:+.3f} to {tail.brier_skill_high:+.3f})"
    return (
        f"Said and came are {tail.calibration_error:.3f} apart on {tail.trades:,} later trades; the Brier"
        f" skill over the base rate is {tail.brier_skill:+.3f}{interval}"
    )
