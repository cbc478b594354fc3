"""Prints a digest of updates computed in registers of so many numbers: python -m ... LANES"""

import hashlib
import sys

import numpy as np

from huracan.agent.config import PPOConfig
from huracan.agent.engines import vector_width

# Before any kernel is imported: they are written for this width.
vector_width.LANES = int(sys.argv[1])

from huracan.agent.engines.compiled_engine import CompiledEngine  # noqa: E402
from tests.huracan.agent.synthetic_rollout import a_network, a_rollout  # noqa: E402

WIDTH, ACTIONS, ROWS = 36, 10, 1500


def digest_of_updates(hidden: tuple[int, ...], value_clip: float | None) -> str:
    """Of all that two passes leave: what they tell, weights and moments, and the decisions after them."""
    config = PPOConfig(hidden=hidden, value_clip=value_clip)
    engine = CompiledEngine(WIDTH, ACTIONS, config, a_network(WIDTH, ACTIONS, hidden, 1))
    rollout = a_rollout(ROWS, WIDTH, ACTIONS, 1)
    engine.begin_update(rollout)
    found = hashlib.sha256()
    for epoch in range(2):
        order = np.random.default_rng(epoch).permutation(ROWS)
        found.update(engine.pass_over(order, 2, 1e-3, 0.01).tobytes())
    for values in engine.state().values():
        found.update(values.tobytes())
    uniform = np.random.default_rng(3).random(ROWS)
    for values in engine.act(rollout.observations, rollout.offsets, uniform):
        found.update(values.tobytes())
    return found.hexdigest()


if __name__ == "__main__":
    for layers, clip in (((64, 64), None), ((24, 41), 0.2)):
        sys.stdout.write(f"{layers} {digest_of_updates(layers, clip)}\n")
