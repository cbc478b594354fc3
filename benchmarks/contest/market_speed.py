"""The market alone: steps with random legal actions, and action lists through `replay`. Nothing learns."""

import time
from collections.abc import Callable
from dataclasses import replace
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
_SEEN = ("features", "is_ready", "regime", "regime_probabilities", "pattern_context")
SHARES_OF_ORDERS = {"flat": 0.0, "calm": 0.02, "busy": 1.0}
"""How often a lane that may act does so, else it idles; `busy` draws among all legal actions each time."""
HOURLY = 60
_STEPS = 100


def measure_market(seconds: float) -> dict[str, Any]:
    """Best of several rounds; CPU-seconds of one thread. Decisions of a minute, and of an hour of minutes."""
    block, rules, costs = contest_block(symbols=8, days=20), TradingRules(), CostAssumptions()
    hourly = decided_every(block, HOURLY)
    report: dict[str, Any] = {"lanes": LANES}
    for name, share in SHARES_OF_ORDERS.items():
        stepped = best_of(seconds, partial(_step, block, rules, costs, share))
        report[f"steps_per_cpu_second_{name}"] = stepped
        report[f"hourly_per_cpu_second_{name}"] = best_of(
            seconds, partial(_step, hourly, rules, costs, share)
        )
        begun, actions = _record(block, rules, costs, share)
        lists = ActionLists(begun["symbol"], begun["bar"], actions)
        fills = len(replay(block, rules, costs, lists, begin=begun).fills)
        report[f"replay_fills_per_bar_{name}"] = fills / actions.size

        def run(lists: ActionLists = lists, begun: Any = begun) -> tuple[int, float]:
            started = time.process_time()
            replay(block, rules, costs, lists, begin=begun)
            return lists.actions.size, time.process_time() - started

        report[f"replay_bars_per_cpu_second_{name}"] = best_of(seconds, run)
    return report | {"width": len(MarketEnvironment(block, rules, costs, 1).observation_names)}


def decided_every(block: MarketBlock, bars: int) -> MarketBlock:
    """The block, decided on at every n-th close alone."""
    seen = {name: getattr(block, name)[:, bars - 1 :: bars] for name in _SEEN}
    return replace(block, decision_bars=bars, **seen)


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
    """A hundred decisions of all lanes: observe + masks + advance. Drawing the actions is not counted."""
    environment, generator = _begun(block, rules, costs), np.random.default_rng(1)
    seen = np.empty((LANES, len(environment.observation_names)), np.float32)
    masks = np.empty((LANES, len(environment.action_names)), bool)
    used = 0.0
    for _ in range(_STEPS):
        started = time.process_time()
        environment.observe(out=seen)
        environment.masks(out=masks)
        used += time.process_time() - started
        actions = draw_legal(masks, generator, share)
        started = time.process_time()
        environment.advance(actions)
        used += time.process_time() - started
    return _STEPS * LANES, used


def _begun(
    block: MarketBlock, rules: TradingRules, costs: CostAssumptions, decisions: int = _STEPS
) -> MarketEnvironment:
    """Lanes spread over symbols and days, all at the first decision of a day that so many follow."""
    environment = MarketEnvironment(block, rules, costs, LANES)
    every, firsts = np.arange(LANES), block.day_first + block.decision_bars - 1
    ends = firsts + decisions * block.decision_bars
    firsts, ends = firsts[ends < block.bar_count], ends[ends < block.bar_count]
    days = every // block.symbol_count % firsts.size
    environment.begin(every, every % block.symbol_count, firsts[days], ends=ends[days], closes_at_end=True)
    return environment


def draw_legal(masks: NDArray[np.bool_], generator: np.random.Generator, share: float) -> NDArray[np.int64]:
    """A random legal action for `share` of the lanes, waiting or holding for the rest."""
    drawn = np.argmax(generator.random(masks.shape, np.float32) * masks, axis=1)
    idle = np.where(masks[:, WAIT_INDEX], WAIT_INDEX, HOLD_INDEX)
    return np.where(generator.random(len(masks)) < share, drawn, idle).astype(np.int64)


def _record(
    block: MarketBlock, rules: TradingRules, costs: CostAssumptions, share: float
) -> tuple[NDArray[np.void], NDArray[np.int8]]:
    """Lanes that begin and end with a day, and their legal random actions int8 [lanes, decisions]."""
    decisions = block.decision_count // block.day_count - 1
    environment, generator = _begun(block, rules, costs, decisions), np.random.default_rng(2)
    begun, actions = environment.state.copy(), np.empty((LANES, decisions), np.int8)
    for decision in range(decisions):
        actions[:, decision] = draw_legal(environment.masks(), generator, share)
        environment.advance(actions[:, decision].astype(np.int64))
    return begun, actions
