"""Held-out profit over CPU-seconds: when a level is reached, how high it ends, and the plot of it."""

from pathlib import Path
from statistics import mean, median
from typing import Any

LEVEL = 0.6
"""Share of the best causal policy's profit that counts as a good policy."""
STYLES = {
    "huracan": ("Huracan", "tab:blue"),
    "sb3_64": ("stable-baselines3, 64 environments", "tab:orange"),
    "sb3_64_our_settings": ("the same with Huracan's settings", "tab:green"),
}
"""How each contestant is named and coloured."""


def compare(curves: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Per contestant: CPU-seconds to LEVEL by seed (null: not within its budget) and the final levels.

    `ratio_cpu_seconds` of a peer is its CPU-seconds over ours, between the medians of the seeds. Where the
    peer never arrives, it is its whole budget over ours, and `is_a_lower_bound` says so.
    """
    report: dict[str, Any] = {}
    for name, runs in curves.items():
        raced = [run for run in runs if "missing" not in run]
        report[name] = {
            "missing": runs[0].get("missing"),
            "cpu_seconds_to_60_pct": [seconds_to(run["curve"], LEVEL) for run in raced],
            "cpu_seconds_to_stay_above": [seconds_to_stay(run["curve"], LEVEL) for run in raced],
            "budget_cpu_seconds": [run["curve"][-1][0] for run in raced],
            "steps": [run["steps"] for run in raced],
            "final_share": [run["curve"][-1][1] for run in raced],
            "mean_final_share": mean(run["curve"][-1][1] for run in raced) if raced else None,
            "curves": [run["curve"] for run in raced],
        }
    ours, has_arrived = _median_seconds(report["huracan"])
    for name in curves:
        if name != "huracan" and report[name]["steps"]:
            theirs, peer_arrived = _median_seconds(report[name])
            report[name]["ratio_cpu_seconds"] = theirs / ours if has_arrived else None
            report[name]["is_a_lower_bound"] = not peer_arrived
    return report


def seconds_to(curve: list[list[float]], level: float) -> float | None:
    """CPU-seconds of learning at the first evaluation at or above `level`."""
    return next((seconds for seconds, share in curve if share >= level), None)


def seconds_to_stay(curve: list[list[float]], level: float) -> float | None:
    """CPU-seconds of learning at the first evaluation from which on all are at or above `level`."""
    below = [index for index, (_, share) in enumerate(curve) if share < level]
    first = below[-1] + 1 if below else 0
    return curve[first][0] if first < len(curve) else None


def _median_seconds(of_one: dict[str, Any]) -> tuple[float, bool]:
    """Median over seeds, one that never arrived counted with its whole budget; whether most arrived."""
    reached, budgets = of_one["cpu_seconds_to_60_pct"], of_one["budget_cpu_seconds"]
    counted = [seconds or budget for seconds, budget in zip(reached, budgets, strict=True)]
    arrived = sum(seconds is not None for seconds in reached)
    return median(counted), 2 * arrived > len(reached)


def draw(curves: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Every seed as a line; CPU-seconds on a logarithmic axis."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4.5))
    for name, runs in curves.items():
        label, colour = STYLES[name]
        for index, run in enumerate(run for run in runs if "missing" not in run):
            seconds, shares = zip(*run["curve"], strict=True)
            axes.plot(
                seconds, [100 * share for share in shares], color=colour, lw=1.2,
                label=label if index == 0 else None,
            )  # fmt: skip
    axes.axhline(100, color="grey", lw=0.8, ls="--")
    axes.axhline(100 * LEVEL, color="grey", lw=0.8, ls=":")
    axes.set_xscale("log")
    axes.set_ylim(bottom=-50, top=110)
    axes.set_xlabel("CPU-seconds of learning, one thread, evaluation not counted")
    axes.set_ylabel("held-out net profit, % of the best causal policy's")
    axes.set_title("Time to a good policy on the planted-edge market")
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
