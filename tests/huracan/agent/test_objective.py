"""Both engines against the objective that `huracan.agent.ppo` states: terms, gradient, steps down it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from huracan.agent.config import PPOConfig
from huracan.agent.engine import Engine
from huracan.agent.engines.compiled_engine import CompiledEngine
from huracan.agent.engines.torch_engine import TorchEngine
from huracan.agent.rollout import Rollout
from tests.huracan.agent.objective import Reference, rows_of
from tests.huracan.agent.synthetic_rollout import a_network, a_rollout

ENGINES = {"compiled": CompiledEngine, "torch": TorchEngine}

# float32 sums of thousands of terms in another order; measured at most 3e-6 of the longest entry.
TOLERANCE = 2e-5


def told_and_gradient(
    engine: Engine, rollout: Rollout, order: NDArray[np.int64], entropy_coefficient: float
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """One minibatch of a learning rate of 0; the gradient, clipped, is what Adam's mean holds of it."""
    engine.begin_update(rollout)
    told = engine.pass_over(order, 1, 0.0, entropy_coefficient)[0]
    return told, engine.state()["mean"] / np.float32(0.1)


@pytest.mark.parametrize("kind", ENGINES)
@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(2, 700),
    width=st.integers(1, 40),
    actions=st.integers(2, 17),
    hidden=st.sampled_from([(64, 64), (8,), (5, 11), (32, 16, 24), (70,), (1,)]),
    value_clip=st.sampled_from([None, 0.2]),
    seed=st.integers(0, 1000),
)
def test_numbers_and_gradients_are_those_of_the_objective(
    kind: str,
    rows: int,
    width: int,
    actions: int,
    hidden: tuple[int, ...],
    value_clip: float | None,
    seed: int,
) -> None:
    config = PPOConfig(hidden=hidden, value_clip=value_clip, maximum_gradient_norm=1e9)
    weights, rollout = a_network(width, actions, hidden, seed), a_rollout(rows, width, actions, seed)
    engine = ENGINES[kind](width, actions, config, weights)
    order = np.random.default_rng(seed).permutation(rows)[: max(2, rows - 3)]
    told, found = told_and_gradient(engine, rollout, order, 0.05)
    expected_told, expected = Reference(width, actions, config, weights).gradient(
        rows_of(rollout, order), 0.05
    )
    longest = float(expected.abs().max())
    np.testing.assert_allclose(found, expected.numpy(), atol=TOLERANCE * longest, rtol=0)
    # One ratio may round to the other side of the clip.
    np.testing.assert_allclose(np.delete(told, 4), np.delete(expected_told, 4), rtol=2e-5, atol=2e-6)
    assert abs(told[4] - expected_told[4]) <= 1.5 / len(order)


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize("hidden", [(64, 64), (24,), (9, 7, 5)])
def test_a_pass_is_steps_of_adam_down_the_objective(kind: str, hidden: tuple[int, ...]) -> None:
    config = PPOConfig(hidden=hidden, value_clip=0.5)
    weights, rollout = a_network(11, 10, hidden, 3), a_rollout(1237, 11, 10, 3)
    engine, reference = (make(11, 10, config, weights) for make in (ENGINES[kind], Reference))
    order = np.random.default_rng(4).permutation(1237)
    engine.begin_update(rollout)
    told = engine.pass_over(order, 5, 1e-3, 0.01)
    expected = [reference.step(rows_of(rollout, part), 1e-3, 0.01) for part in np.array_split(order, 5)]
    np.testing.assert_allclose(told, np.array(expected), rtol=1e-4, atol=1e-5)
    # Five steps of at most 1e-3: a thousandth of what the weights may have moved.
    np.testing.assert_allclose(engine.state()["weights"], reference.flat.detach().numpy(), atol=5e-6, rtol=0)
    assert np.abs(engine.state()["weights"] - weights).max() > 2e-3
