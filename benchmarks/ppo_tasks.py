"""The tasks with known answers, their published figures and how each is measured. Nothing is printed here."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gymnasium_lanes import GymnasiumLanes, classic_lanes
from huracan.agent.batched_environment import BatchedEnvironment
from huracan.agent.config import PPOConfig
from huracan.agent.engines.devices import EngineChoice
from huracan.agent.layout import initial_weights
from huracan.agent.normaliser import Normaliser
from huracan.agent.ppo import Learner, Perception
from tests.huracan.agent.probe_environments import Identity, Probe

CLEANRL = PPOConfig(
    rollout_steps=128,
    epochs=4,
    minibatches=4,
    learning_rate=2.5e-4,
    anneals_learning_rate=True,
    gamma=0.99,
    gae_lambda=0.95,
    clip=0.2,
    value_clip=0.2,
    entropy_coefficient=0.01,
    final_entropy_coefficient=0.01,
    value_coefficient=0.5,
    maximum_gradient_norm=0.5,
    target_kl=None,
    adam_epsilon=1e-5,
    hidden=(64, 64),
    scales_rewards=False,
    maximum_kl=None,
    minimum_entropy=None,
)
"""Every default of CleanRL's ppo.py, the clipped value loss among them. Nothing stops a training: a probe may
rightly be certain within a few updates."""

CLASSIC_LANES = 4
CLASSIC_UPDATES = 976
CLASSIC_STEPS = CLASSIC_UPDATES * CLASSIC_LANES * CLEANRL.rollout_steps
"""499,712: CleanRL rounds its 500,000 down to whole updates."""
LAST_EPISODES = 100

PROBES = replace(
    CLEANRL, rollout_steps=32, learning_rate=5e-3, gamma=0.5, value_clip=None, final_entropy_coefficient=0.0
)
PROBE_STEPS = 15_000
PROBE_TOLERANCE = 0.05

IDENTITY = replace(
    CLEANRL,
    rollout_steps=256,
    epochs=10,
    learning_rate=2e-3,
    anneals_learning_rate=False,
    gamma=0.4,
    value_clip=None,
    entropy_coefficient=0.0,
    final_entropy_coefficient=0.0,
)
"""stable-baselines3's defaults (minibatches of 64 rows) with the settings of its own test."""
IDENTITY_STEPS = 1_200
"""In whole rollouts: 1,280."""
IDENTITY_EPISODES = 20


@dataclass(frozen=True)
class Task:
    """Something whose right outcome is known. `measure` takes a seed and an engine, `compiled` or `torch`,
    trains and returns one figure."""

    name: str
    published: str
    bar: str
    figure: str
    measure: Callable[[int, str], float]
    is_met: Callable[[NDArray[np.float64]], bool]
    """Of the figures of all seeds."""
    is_quick: bool
    digits: int = 2
    """Of the figure, in print."""


def raw_learner(
    environment: BatchedEnvironment, config: PPOConfig, seed: int, engine: str = "compiled"
) -> Learner:
    """A learner that sees its environment's observations as they are: no scaling, no clipping."""
    width, actions = environment.observation_width, environment.action_count
    seen = Perception(Normaliser(width, [False] * width, clip=float("inf")))
    if engine == "compiled":
        return Learner(environment, config, seed, perception=seen, engine=EngineChoice("cpu"))
    from huracan.agent.engines.torch_engine import TorchEngine

    weights = initial_weights(width, actions, config.hidden, np.random.default_rng([seed, 1]))
    torch_engine = TorchEngine(width, actions, config, weights)
    return Learner(environment, config, seed, perception=seen, engine=torch_engine)


def probabilities_and_values(
    learner: Learner, observations: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """[rows, actions] and [rows] of a trained learner, every action being legal."""
    logits, values = learner.engine.logits(observations)
    odds = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True), values.astype(np.float64)


def probe_error(number: int, seed: int, engine: str = "compiled", steps: int = PROBE_STEPS) -> float:
    """How far probe `number` is from the truth after its training: the largest error of all it should know.

    Of values for probes 1, 2, 3 and 5; of the probability of the better action for 4 and 5.
    """
    environment = Probe(number, seed=seed)
    learner = raw_learner(environment, PROBES, seed, engine)
    learner.train(steps)
    shown = {1: [0.0], 2: [-1.0, 1.0], 3: [0.0, 1.0], 4: [0.0], 5: [-1.0, 1.0]}[number]
    truth = {1: [1.0], 2: [-1.0, 1.0], 3: [PROBES.discount, 1.0], 4: [1.0], 5: [1.0, 1.0]}[number]
    probabilities, values = probabilities_and_values(learner, np.array(shown, np.float32)[:, None])
    errors = np.abs(values - truth).tolist()
    if number >= 4:
        better = [1] if number == 4 else [0, 1]
        errors += (1.0 - probabilities[np.arange(len(better)), better]).tolist()
    return float(max(errors))


def identity_return(seed: int, engine: str = "compiled", steps: int = IDENTITY_STEPS) -> float:
    """Mean return of 20 greedy episodes of the identity environment after `steps` of training."""
    learner = raw_learner(Identity(seed=seed), IDENTITY, seed, engine)
    learner.train(steps)
    judged = Identity(IDENTITY_EPISODES, seed=seed + 1_000)
    observations, _ = judged.reset()
    total = 0.0
    for _ in range(judged.episode_steps):
        probabilities, _ = probabilities_and_values(learner, observations)
        observations, _, rewards, _ = judged.step(probabilities.argmax(axis=1))
        total += float(rewards.sum())
    return total / IDENTITY_EPISODES


def classic_learner(name: str, seed: int, engine: str = "compiled") -> tuple[Learner, GymnasiumLanes]:
    """A learner of the published settings and the environment that it will learn, neither begun."""
    environment = classic_lanes(name, CLASSIC_LANES, seed)
    return raw_learner(environment, CLEANRL, seed, engine), environment


def classic_return(name: str, seed: int, engine: str = "compiled") -> float:
    """Mean undiscounted return of the last 100 episodes that ended in training, actions being drawn."""
    learner, environment = classic_learner(name, seed, engine)
    learner.train(CLASSIC_STEPS)
    return float(np.mean(environment.episode_returns[-LAST_EPISODES:]))


def _probe(number: int, published: str) -> Task:
    return Task(
        name=f"probe {number}",
        published=published,
        bar=f"error at most {PROBE_TOLERANCE} in every seed",
        figure="largest error",
        measure=lambda seed, engine: probe_error(number, seed, engine),
        is_met=lambda errors: bool((errors <= PROBE_TOLERANCE).all()),
        is_quick=True,
        digits=4,
    )


def _classic(name: str, published: str, bar: str, is_met: Callable[[NDArray[np.float64]], bool]) -> Task:
    return Task(
        name=name,
        published=published,
        bar=bar,
        figure="mean return of the last 100 episodes",
        measure=lambda seed, engine: classic_return(name, seed, engine),
        is_met=is_met,
        is_quick=False,
    )


TASKS = (
    _probe(1, "V = 1"),
    _probe(2, "V = ±1 by observation"),
    _probe(3, "V = (gamma, 1)"),
    _probe(4, "takes the better of two actions"),
    _probe(5, "takes the better action by observation, V = 1"),
    Task(
        name="identity",
        published="mean return ≥ 90 of 100",
        bar="at least 90 in every seed",
        figure="mean return of 20 greedy episodes",
        measure=identity_return,
        is_met=lambda returns: bool((returns >= 90.0).all()),
        is_quick=True,
    ),
    _classic("CartPole-v1", "490.04 ± 6.12", "mean at least 475", lambda returns: returns.mean() >= 475.0),
    _classic("Acrobot-v1", "-86.36 ± 1.32", "mean at least -92", lambda returns: returns.mean() >= -92.0),
    _classic(
        "MountainCar-v0",
        "-200.00 ± 0.00: a correct PPO does not solve it with these settings",
        "-200.00, as published",
        lambda returns: bool(np.abs(returns + 200.0).max() < 0.005),
    ),
)
