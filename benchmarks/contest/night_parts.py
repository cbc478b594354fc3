"""What a night needs besides learning steps: its shadow pass, two cores, and memory at the peak."""

import resource
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np

from contest.market import contest_block, wide_block
from huracan.agent.checkpoint import load_policy
from huracan.agent.config import TrainingConfig
from huracan.agent.layout import initial_weights
from huracan.agent.train import train_policy
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from huracan.market.session import trade_session
from huracan.market.trade_log import Provenance

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
    """Two seeds one after the other, and side by side on two cores: wall seconds, best of four, interleaved.

    Both give the same checkpoint to the bit, or this stops. `busy_cores` is how many cores the two threads
    really got: below about 1.8 something else was running, and the gain says nothing.
    """
    block, rules, costs = contest_block(days=12), TradingRules(), CostAssumptions()
    config = replace(_SHORT, seed_count=2, total_steps=1_000_000)
    train_policy(block, replace(config, total_steps=32_768), rules, costs)
    taken: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    models = set()
    for _ in range(4):
        for threads, times in taken.items():
            began, started = time.perf_counter(), time.process_time()
            models.add(train_policy(block, replace(config, threads=threads), rules, costs).model_id)
            times.append((time.perf_counter() - began, time.process_time() - started))
    if len(models) != 1:
        raise SystemExit("One and two threads gave different checkpoints.")
    (one, _), (two, two_cpu) = min(taken[1]), min(taken[2])
    return {
        "wall_seconds_one": one,
        "wall_seconds_two": two,
        "gain": one / two,
        "busy_cores": two_cpu / two,
    }


def measure_memory() -> dict[str, Any]:
    """Peak resident memory of this process: the whole block and a short training of three seeds on it."""
    block = wide_block(_SYMBOLS, _DAYS, _RECIPE_COLUMNS)
    with_block = _peak_gib()
    config = TrainingConfig(window_days=_DAYS, total_steps=131_072, device="cpu")
    train_policy(block, config, TradingRules(), CostAssumptions())
    return {
        "peak_gib": _peak_gib(),
        "peak_gib_of_the_block_alone": with_block,
        "features_gib": block.features.nbytes / 2**30,
        "symbols": _SYMBOLS,
        "days": _DAYS,
        "columns": _RECIPE_COLUMNS,
    }


def _peak_gib() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
