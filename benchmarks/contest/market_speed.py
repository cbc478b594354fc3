"""The market alone: steps with random legal actions, and action lists through `replay`. Nothing learns."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contest.market import contest_block
from huracan.market.actions import HOLD_INDEX, WAIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.paper.replay import replay
from huracan.market.paper.stored_actions import ActionLists
from huracan.market.rules import TradingRules

LANES = 4_096
_SHARES_OF_ORDERS = {"calm": 0.02, "busy": 1.0}
"""How often a lane that may act does so, else it idles; `busy` draws among all legal actions at every bar."""


def measure_market(seconds: float) -> dict[str, Any]:
    """Best of several rounds; CPU-seconds of one thread."""
    block, rules, costs = contest_block(symbols=8, days=20), TradingRules(), CostAssumptions()
    report: dict[str, Any] = {"lanes": LANES}
    for name, share in _SHARES_OF_ORDERS.items():
        stepped = best_of(seconds, partial(_step, block, rules, costs, share))
        report[f"steps_per_cpu_second_{name}"] = stepped
        bars, actions = _record(block, rules, costs, share)
        symbols = np.arange(bars.size) % block.symbol_count
        fills = len(replay(block, rules, costs, ActionLists(symbols, bars, actions)).fills)
        report[f"replay_fills_per_bar_{name}"] = fills / actions.size

        def run(symbols: Any = symbols, bars: Any = bars, actions: Any = actions) -> tuple[int, float]:
            started = time.process_time()
            replay(block, rules, costs, ActionLists(symbols, bars, actions))
            return actions.size, time.process_time() - started

        report[f"replay_bars_per_cpu_second_{name}"] = best_of(seconds, run)
    return report | {"width": len(MarketEnvironment(block, rules, costs, 1).observation_names)}


def best_of(seconds: float, run: Callable[[], tuple[int, float]]) -> float:
    """Best rate of `run` (work done, CPU-seconds used), once to warm up and then for about `seconds`."""
    run()
    best, until = 0.0, time.process_time() + seconds
    while True:
        work, used = run()
        best = max(best, work / used)
        if time.process_time() >= until:
            return best


def _step(block: MarketBlock, rules: TradingRules, costs: CostAssumptions, share: float) -> tuple[int, float]:
    """A hundred steps of all lanes: observe + masks + advance. Drawing the actions is not counted."""
    environment, generator = _begun(block, rules, costs), np.random.default_rng(1)
    seen = np.empty((LANES, len(environment.observation_names)), np.float32)
    masks = np.empty((LANES, len(environment.action_names)), bool)
    used, steps = 0.0, 100
    for _ in range(steps):
        started = time.process_time()
        environment.observe(out=seen)
        environment.masks(out=masks)
        used += time.process_time() - started
        actions = draw_legal(masks, generator, share)
        started = time.process_time()
        environment.advance(actions)
        used += time.process_time() - started
    return steps * LANES, used


def _begun(block: MarketBlock, rules: TradingRules, costs: CostAssumptions) -> MarketEnvironment:
    """Lanes spread over symbols and days, all at the start of a session."""
    environment = MarketEnvironment(block, rules, costs, LANES)
    every = np.arange(LANES)
    firsts = block.session_first
    environment.begin(every, every % block.symbol_count, firsts[(every // block.symbol_count) % firsts.size])
    return environment


def draw_legal(masks: NDArray[np.bool_], generator: np.random.Generator, share: float) -> NDArray[np.int64]:
    """A random legal action for `share` of the lanes, waiting or holding for the rest."""
    drawn = np.argmax(generator.random(masks.shape, np.float32) * masks, axis=1)
    idle = np.where(masks[:, WAIT_INDEX], WAIT_INDEX, HOLD_INDEX)
    return np.where(generator.random(len(masks)) < share, drawn, idle).astype(np.int64)


def _record(
    block: MarketBlock, rules: TradingRules, costs: CostAssumptions, share: float
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """First bars [lanes] and legal random actions int8 [lanes, bars] of whole sessions."""
    environment, generator = _begun(block, rules, costs), np.random.default_rng(2)
    firsts = environment.state["bar"].astype(np.int64)
    bars = int(block.session_last[0])
    actions = np.empty((LANES, bars), np.int8)
    for bar in range(bars):
        actions[:, bar] = draw_legal(environment.masks(), generator, share)
        environment.advance(actions[:, bar].astype(np.int64))
    return firsts, actions
