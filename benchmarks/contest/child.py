"""One measurement in a process of its own: `python -m contest.child NAME SECONDS` prints one line of JSON."""

import json
import sys
from collections.abc import Callable
from typing import Any

from contest.contestant import Contestant, time_learning

WIDTH, ACTIONS, HIDDEN, EPOCHS = 36, 10, (64, 64), 4
PEER_PACKAGES = ("stable_baselines3", "pufferlib", "gymnasium")


def _huracan() -> Contestant:
    from contest.huracan_learner import HuracanLearner

    return HuracanLearner()


def _sb3_default(epochs: int) -> Contestant:
    from contest.stable_baselines import defaults

    return defaults(epochs)


def _sb3(lanes: int, is_compiled: bool) -> Contestant:
    from contest.stable_baselines import tuned

    return tuned(lanes, 4, is_compiled=is_compiled)


def _puffer(epochs: int) -> Contestant:
    from contest.puffer import Puffer

    return Puffer(epochs)


CONTESTANTS: dict[str, Callable[[], Contestant]] = {
    "huracan": _huracan,
    "sb3_default": lambda: _sb3_default(4),
    "sb3_default_10_epochs": lambda: _sb3_default(10),
    "sb3_64": lambda: _sb3(64, False),
    "sb3_64_compiled": lambda: _sb3(64, True),
    "sb3_1024_compiled": lambda: _sb3(1024, True),
    "pufferlib": lambda: _puffer(4),
    "pufferlib_1_epoch": lambda: _puffer(1),
}
"""Four epochs where the name says nothing else."""


def _limit() -> dict[str, Any]:
    from contest.arithmetic import multiply_adds_per_step, peak_in_registers, peak_of_matrix_products

    peaks = {"registers": peak_in_registers(), "matrix_products": peak_of_matrix_products()}
    return {
        "multiply_adds_per_second": max(peaks.values()),
        "peaks": peaks,
        "multiply_adds_per_step": multiply_adds_per_step(WIDTH, ACTIONS, HIDDEN, EPOCHS),
    }


def _measure(name: str, seconds: float, more: list[str]) -> dict[str, Any]:
    if name == "limit":
        return _limit()
    if name == "market":
        from contest.market_speed import measure_market

        return measure_market(seconds)
    if name == "policy":
        from contest.policy_race import race

        return race(more[0], int(more[1]), seconds)
    if name in ("shadow", "threads", "memory"):
        from contest import night_parts

        measure: Callable[[], dict[str, Any]] = getattr(night_parts, f"measure_{name}")
        return measure()
    return time_learning(name, CONTESTANTS[name](), seconds).as_json()


def main() -> None:
    import torch

    name, seconds, *more = sys.argv[1:]
    torch.set_num_threads(1)
    try:
        answer = _measure(name, float(seconds), more)
    except ModuleNotFoundError as absent:
        if absent.name is None or absent.name.split(".")[0] not in PEER_PACKAGES:
            raise
        answer = {"missing": f"{absent.name} is not installed"}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
