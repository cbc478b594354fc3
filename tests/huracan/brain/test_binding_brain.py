"""A loaded brain runs the gates that bind as the platform does, to the bit, and no others."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from huracan.agent.layout import initial_weights, named_weights
from huracan.agent.normaliser import Normaliser
from huracan.agent.policy.checkpoint import save_policy
from huracan.agent.policy.greedy_policy import GreedyPolicy
from huracan.brain.brain import Brain, load_brain
from huracan.brain.bundle import BundleParts, build_bundle
from huracan.brain.signature import generate_key_pair
from huracan.errors import InvalidInput
from huracan.gates.binding.fitted import gates_of_bundle
from huracan.gates.binding.guard import GateGuard
from huracan.gates.contract import Gate
from huracan.gates.roster import fit_gates
from huracan.gates.settings import Mode
from huracan.market.actions import action_names
from huracan.market.block import MarketBlock
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.facts.signal_facts import MarketFacts
from huracan.market.observation import observation_names
from huracan.market.paper.session import trade_session
from huracan.market.paper.session_arrays import surroundings_of
from huracan.market.paper.watch import Watch
from huracan.market.rules import TradingRules
from huracan.market.surroundings import Surroundings
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.conftest import context
from tests.huracan.gates.positions.made_marks import marks_of
from tests.huracan.market.conftest import *  # noqa: F403 - its fixtures
from tests.huracan.market.paper_days import COSTS, MADE_BY
from tests.huracan.market.test_guarded_session import ohlcv

PRIVATE, PUBLIC = generate_key_pair()
RULES = TradingRules(maximum_holding="30m")
NAMES, ACTIONS = observation_names(("f0", "f1", "f2")), action_names(False)
BINDING = ("cost", "fill_probability", "scratch", "action_masks")
Gates = dict[str, Gate]
Market = Callable[..., MarketBlock]
Moment = tuple[np.ndarray, np.ndarray, Surroundings]


@pytest.fixture(scope="module")
def trader() -> GreedyPolicy:
    """One that enters often."""
    hidden, width = (16, 16), len(NAMES)
    weights = initial_weights(width, len(ACTIONS), hidden, np.random.default_rng(5))
    named_weights(weights, width, len(ACTIONS), hidden)["policy.4.weight"][:] *= 100.0
    normaliser = Normaliser(width, [True] * 3 + [False] * (width - 3))
    normaliser.update(np.random.default_rng(2).normal(0.0, 1.0, (500, width)))
    return GreedyPolicy(weights, hidden, normaliser, NAMES, ACTIONS, None)


@pytest.fixture(scope="module")
def gates() -> Gates:
    """On a past in which regimes differ and young losses went on to lose."""
    past = hourly_ledger(300)
    marks = marks_of(past, [{"gain": -0.5, "imbalance": -0.5, "remaining_bps": -40.0}])
    return fit_gates(replace(context(past), marks=marks))


def _brain(parts: BundleParts, trader: GreedyPolicy, gates: Gates, mode: Mode) -> Brain:
    modes: dict[str, Mode] = {name: mode if name in BINDING else "advisory" for name in gates}
    own = replace(parts, checkpoint=save_policy(trader, {"seed": 5}), gates=gates_of_bundle(gates, modes))
    return load_brain(build_bundle(own, PRIVATE), PUBLIC)


def _moments(block: MarketBlock, trader: GreedyPolicy) -> list[Moment]:
    """What there is to decide by at the closes of a session."""
    environment = MarketEnvironment(block, RULES, COSTS, block.symbol_count)
    lanes = np.arange(block.symbol_count)
    environment.begin(lanes, lanes, np.full(lanes.size, block.decision_closes[0]))
    watch, found = Watch(trader, "model", facts=MarketFacts(ohlcv(block))), list[Moment]()
    for _ in range(block.decision_count - 2):
        observations, masks = environment.observe(), environment.masks()
        found.append((observations, masks, surroundings_of(environment, watch)))
        environment.advance(trader.decide(observations, masks).actions)
    return found


def test_its_gates_change_what_those_of_the_platform_change_to_the_bit(
    parts: BundleParts,
    trader: GreedyPolicy,
    gates: Gates,
    random_market: Callable[..., MarketBlock],
) -> None:
    brain = _brain(parts, trader, gates, "binding")
    assert brain.binding == BINDING
    guard, changed, taken = GateGuard({name: gates[name] for name in BINDING}), 0, set[str]()
    for observations, masks, known in _moments(random_market(3, symbols=4), trader):
        ours = guard.decide(trader, observations, masks, NAMES, known)
        theirs = brain.guarded(observations, masks, known)
        assert theirs.interventions == ours.interventions
        assert np.array_equal(theirs.actions, ours.actions) and np.array_equal(theirs.masks, ours.masks)
        for one, other in zip(theirs.terms, ours.terms, strict=True):
            assert np.array_equal(one, other)
        decision = brain.decide(observations, masks, known)
        assert np.array_equal(decision.actions, ours.actions) and decision.terms is not None
        changed += len(ours.interventions)
        taken |= {name for each in ours.interventions for name in each.gates}
    assert changed > 50 and len(taken) > 1, taken


def test_a_brain_whose_gates_bind_does_not_decide_without_what_they_ask(
    parts: BundleParts,
    trader: GreedyPolicy,
    gates: Gates,
    random_market: Callable[..., MarketBlock],
) -> None:
    brain = _brain(parts, trader, gates, "binding")
    observations, masks, known = _moments(random_market(3), trader)[0]
    with pytest.raises(InvalidInput, match=r"Gates of this brain bind \(cost, fill_probability, scratch"):
        brain.decide(observations, masks)
    with pytest.raises(InvalidInput, match="1 observations were given, and what is known of 2 rows"):
        brain.decide(observations[:1], masks[:1], known)
    alone = brain.decide_alone(observations, masks)
    assert np.array_equal(alone.actions, trader.decide(observations, masks).actions)


def test_a_brain_none_of_whose_gates_bind_decides_alone_whatever_is_known(
    parts: BundleParts,
    trader: GreedyPolicy,
    gates: Gates,
    random_market: Callable[..., MarketBlock],
) -> None:
    brain = _brain(parts, trader, gates, "advisory")
    observations, masks, known = _moments(random_market(3), trader)[0]
    decision = brain.decide(observations, masks, known)
    assert brain.binding == () and decision.terms is None
    assert np.array_equal(decision.actions, brain.decide(observations, masks).actions)
    with pytest.raises(InvalidInput, match="No gate of this brain binds"):
        brain.guarded(observations, masks, known)


def test_the_bundle_carries_every_gate_with_its_fitted_state(
    parts: BundleParts, trader: GreedyPolicy, gates: Gates
) -> None:
    told: Any = json.loads(_brain(parts, trader, gates, "binding").files["gates.json"])
    assert told["order"] == list(gates)
    assert all({"mode", "fitted", "why", "rule"} <= set(each) for each in told["gates"].values())


def test_its_policy_trades_a_session_alone_and_with_its_guard(
    parts: BundleParts, trader: GreedyPolicy, gates: Gates, random_market: Market
) -> None:
    """The verdict on a later brain compares it with the policy alone, whatever gates bind."""
    brain, block = _brain(parts, trader, gates, "binding"), random_market(3, symbols=4)
    alone = trade_session(block, [Watch(brain.policy, "model")], RULES, COSTS, MADE_BY)
    ours = Watch(brain.policy, "model", guard=brain.guard, facts=MarketFacts(ohlcv(block)))
    guarded = trade_session(block, [ours], RULES, COSTS, MADE_BY)
    platform = GateGuard({name: gates[name] for name in BINDING})
    theirs = Watch(trader, "model", guard=platform, facts=MarketFacts(ohlcv(block)))
    assert guarded.interventions.num_rows > 10 and alone.interventions.num_rows == 0
    assert guarded.interventions.equals(trade_session(block, [theirs], RULES, COSTS, MADE_BY).interventions)
