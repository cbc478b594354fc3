"""What a night needs besides learning steps: its shadow pass, two cores, and memory at the peak."""

import os
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import psutil

from contest.market import contest_block, wide_block
from huracan.agent.config import TrainingConfig
from huracan.agent.layout import initial_weights
from huracan.agent.night.recovery import FileRecovery
from huracan.agent.night.train import train_policy
from huracan.agent.policy.checkpoint import load_policy
from huracan.market.costs import CostAssumptions
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.session import trade_session
from huracan.market.rules import TradingRules

_RECIPE_COLUMNS = 77
_SYMBOLS, _DAYS = 20, 150
_SHORT = TrainingConfig(window_days=12, held_out_days=2, total_steps=65_536, seed_count=1, device="cpu")


def measure_shadow() -> dict[str, Any]:
    """One day of 20 symbols into the ledger's tables, best of six: under a trained policy, which finds
    nothing to do in random walks, and under fresh weights without the context's bias, which trade all day.
    """
    rules, costs = TradingRules(), CostAssumptions()
    block = wide_block(_SYMBOLS, 13, _RECIPE_COLUMNS)
    trained = load_policy(train_policy(block, _SHORT, rules, costs).checkpoint)
    width, actions = len(trained.observation_names), len(trained.action_names)
    fresh = initial_weights(width, actions, trained.hidden, np.random.default_rng(1))
    day = block.slice_days(block.days[-1], block.days[-1])
    source = Provenance(trained.model_id, "benchmark", "benchmark", is_simulated=True)
    report: dict[str, Any] = {"symbols": _SYMBOLS}
    for name, policy in (("trained", trained), ("restless", replace(trained, weights=fresh, bias=None))):
        cpu, wall, trades = [], [], 0
        for _ in range(6):
            started, began = time.process_time(), time.perf_counter()
            trades = trade_session(day, policy, rules, costs, source).trades.num_rows
            cpu.append(time.process_time() - started)
            wall.append(time.perf_counter() - began)
        report[name] = {"cpu_seconds": min(cpu), "wall_seconds": min(wall), "trades": trades}
    return report


def measure_threads() -> dict[str, Any]:
    """A night's seeds at their full budget one after the other on one core, and on two: wall seconds, each
    the best of two, interleaved; with the states that a killed training goes on from.

    Both give the same checkpoint to the bit, or this stops. `busy_cores` is how many cores the seeds really
    got: below about 1.9 something else was running, and the gain says nothing.
    """
    block, rules, costs = contest_block(days=30), TradingRules(), CostAssumptions()
    train_policy(block, replace(_SHORT, total_steps=32_768), rules, costs)
    report = {}
    for seeds in (2, 3):
        config = TrainingConfig(window_days=30, seed_count=seeds, device="cpu")
        taken: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
        models = set()
        for _ in range(2):
            for threads, times in taken.items():
                began, started = time.perf_counter(), _cpu_seconds()
                with tempfile.TemporaryDirectory(prefix="huracan-bench-") as folder:
                    kept = FileRecovery(Path(folder) / "state")
                    asked = replace(config, threads=threads)
                    models.add(train_policy(block, asked, rules, costs, None, kept).model_id)
                times.append((time.perf_counter() - began, _cpu_seconds() - started))
        if len(models) != 1:
            raise SystemExit("One and two cores gave different checkpoints.")
        (one, one_cpu), (two, two_cpu) = min(taken[1]), min(taken[2])
        report[f"{seeds}_seeds"] = {
            "wall_seconds_one": one,
            "wall_seconds_two": two,
            "gain": one / two,
            "busy_cores": two_cpu / two,
            "cpu_ratio": two_cpu / one_cpu,
        }
    return report


def _cpu_seconds() -> float:
    """Of this process and of those that it has ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def measure_memory() -> dict[str, Any]:
    """Peak memory of making the whole block and of a short training of three seeds on it, over all processes
    together; like the asset, this holds no block of its own."""
    columns = len(wide_block(1, 1, _RECIPE_COLUMNS).feature_names)
    report: dict[str, Any] = {"features_gib": _SYMBOLS * _DAYS * 1440 * columns * 4 / 2**30}
    config = TrainingConfig(window_days=_DAYS, total_steps=131_072, device="cpu")
    ended, seen = Event(), [0]

    def watch() -> None:
        while not ended.wait(0.1):
            seen.append(_shared_out_bytes())

    watcher = Thread(target=watch)
    watcher.start()
    try:
        train_policy(wide_block(_SYMBOLS, _DAYS, _RECIPE_COLUMNS), config, TradingRules(), CostAssumptions())
    finally:
        ended.set()
        watcher.join()
    sizes = {"symbols": _SYMBOLS, "days": _DAYS, "columns": _RECIPE_COLUMNS}
    return report | {"peak_gib": max(seen) / 2**30} | sizes


def _shared_out_bytes() -> int:
    """Of this process and its children; a page that several hold counts once (Linux's PSS)."""
    total = 0
    for process in (psutil.Process(), *psutil.Process().children()):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            total += process.memory_full_info().pss
    return total
