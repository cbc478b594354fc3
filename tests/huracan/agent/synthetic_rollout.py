"""A network and a rollout of random numbers, as training might leave them. Nothing is asserted here."""

import numpy as np
from numpy.typing import NDArray

from huracan.agent.engine import ILLEGAL
from huracan.agent.layout import initial_weights
from huracan.agent.rollout import Rollout


def a_network(width: int, actions: int, hidden: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    """Weights and biases that saturate some cells and leave no action alike."""
    generator = np.random.default_rng(seed)
    flat = initial_weights(width, actions, hidden, generator)
    return (1.5 * flat + generator.normal(scale=0.2, size=flat.shape)).astype(np.float32)


def a_rollout(rows: int, width: int, actions: int, seed: int) -> Rollout:
    """Rows as a policy not far from the network's would have left them; some actions are illegal."""
    generator = np.random.default_rng(seed)

    def normal(*shape: int) -> NDArray[np.float32]:
        return generator.normal(size=shape).astype(np.float32)

    taken = generator.integers(0, actions, rows)
    legal = generator.random((rows, actions)) < 0.6
    legal[np.arange(rows), taken] = True
    return Rollout(
        observations=normal(rows, width),
        offsets=np.where(legal, 0.3 * normal(rows, actions), ILLEGAL).astype(np.float32),
        actions=taken,
        log_probabilities=(-np.log(legal.sum(axis=1)) + 0.3 * normal(rows)).astype(np.float32),
        values=normal(rows),
        rewards=normal(rows),
        ended=np.zeros(rows, bool),
        advantages=3.0 * normal(rows) + np.float32(1.0),
        returns=normal(rows),
    )
