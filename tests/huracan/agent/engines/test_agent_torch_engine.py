"""The engine in torch against the compiled one, and what only it does: mixed precision, another device."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from huracan.agent.config import PPOConfig
from huracan.agent.engine import ILLEGAL, STATE_NAMES, UPDATE_COLUMNS
from huracan.agent.engines.compiled_engine import CompiledEngine
from huracan.agent.engines.devices import EngineChoice, make_engine, pick_device
from huracan.agent.engines.torch_engine import TorchEngine
from huracan.agent.layout import initial_weights
from huracan.agent.ppo import Learner
from huracan.agent.rollout import Rollout
from huracan.errors import InvalidInput
from tests.huracan.agent.toy_lanes import ToyLanes

WIDTH, ACTIONS, ROWS = 7, 5, 600
CONFIG = PPOConfig(hidden=(16, 16), value_clip=0.3)


@pytest.fixture(scope="module")
def weights() -> NDArray[np.float32]:
    return initial_weights(WIDTH, ACTIONS, CONFIG.hidden, np.random.default_rng(7))


@pytest.fixture(scope="module")
def rollout(weights: NDArray[np.float32]) -> Rollout:
    generator = np.random.default_rng(1)
    observations = generator.standard_normal((ROWS, WIDTH)).astype(np.float32)
    legal = generator.random((ROWS, ACTIONS)) < 0.6
    legal[:, 0] = True
    offsets = np.where(legal, generator.standard_normal((ROWS, ACTIONS)), ILLEGAL).astype(np.float32)
    engine = TorchEngine(WIDTH, ACTIONS, CONFIG, weights)
    actions, taken, values = engine.act(observations, offsets, generator.random(ROWS))
    taken = taken + (generator.standard_normal(ROWS) * 0.2).astype(np.float32)
    advantages = generator.standard_normal(ROWS).astype(np.float32)
    zeros = np.zeros(ROWS, np.float32)
    return Rollout(
        observations, offsets, actions, taken, values, zeros, zeros > 0, advantages, advantages + values
    )


def test_both_engines_draw_the_same_actions_and_value_them_the_same(
    weights: NDArray[np.float32], rollout: Rollout
) -> None:
    uniform = np.random.default_rng(3).random(ROWS)
    ours = CompiledEngine(WIDTH, ACTIONS, CONFIG, weights).act(rollout.observations, rollout.offsets, uniform)
    theirs = TorchEngine(WIDTH, ACTIONS, CONFIG, weights).act(rollout.observations, rollout.offsets, uniform)
    assert (ours[0] == theirs[0]).mean() > 0.998  # rounding decides one draw in many
    same = ours[0] == theirs[0]
    assert ours[1][same] == pytest.approx(theirs[1][same], abs=1e-5)
    assert ours[2] == pytest.approx(theirs[2], abs=1e-5)
    assert (rollout.offsets[np.arange(ROWS), theirs[0]] > ILLEGAL).all()


def test_a_pass_of_both_engines_tells_and_moves_the_same(
    weights: NDArray[np.float32], rollout: Rollout
) -> None:
    engines = CompiledEngine(WIDTH, ACTIONS, CONFIG, weights), TorchEngine(WIDTH, ACTIONS, CONFIG, weights)
    order = np.random.default_rng(2).permutation(ROWS)
    told = []
    for engine in engines:
        engine.begin_update(rollout)
        told.append(engine.pass_over(order, 7, 1e-3, 0.01))
    assert told[0] == pytest.approx(told[1], abs=2e-5)
    ours, theirs = (engine.state() for engine in engines)
    moved = np.linalg.norm(theirs["weights"] - weights)
    assert np.linalg.norm(ours["weights"] - theirs["weights"]) < 1e-4 * moved
    assert list(theirs) == list(STATE_NAMES)
    assert ours["steps"].tolist() == theirs["steps"].tolist() == [7]


def test_a_step_that_is_not_finite_is_not_made_and_ends_the_pass(
    weights: NDArray[np.float32], rollout: Rollout
) -> None:
    order = np.arange(ROWS)
    returns = rollout.returns.copy()
    returns[250] = np.nan  # of the third minibatch of six
    whole, broken = (TorchEngine(WIDTH, ACTIONS, CONFIG, weights) for _ in range(2))
    whole.begin_update(rollout)
    # Two minibatches alone; np.array_split cuts the first 200 rows as it cuts all.
    whole.pass_over(order[:200], 2, 1e-3, 0.01)
    broken.begin_update(replace(rollout, returns=returns))
    told = broken.pass_over(order, 6, 1e-3, 0.01)
    assert np.isfinite(told[:2]).all()
    assert np.isnan(told[2, UPDATE_COLUMNS.index("loss")])
    assert np.isnan(told[3:]).all()
    for name, values in whole.state().items():
        assert np.array_equal(values, broken.state()[name])


def test_restored_it_goes_on_to_the_same_bits(weights: NDArray[np.float32], rollout: Rollout) -> None:
    first, second = (TorchEngine(WIDTH, ACTIONS, CONFIG, weights) for _ in range(2))
    order = np.arange(ROWS)
    first.begin_update(rollout)
    first.pass_over(order, 3, 1e-3, 0.01)
    second.restore(first.state())
    second.begin_update(rollout)
    for engine in (first, second):
        engine.pass_over(order, 3, 1e-3, 0.01)
    for name, values in first.state().items():
        assert np.array_equal(values, second.state()[name])


def test_mixed_precision_gives_the_gradient_within_a_few_percent(
    weights: NDArray[np.float32], rollout: Rollout
) -> None:
    plain, mixed = (TorchEngine(WIDTH, ACTIONS, CONFIG, weights, "cpu", m) for m in (False, True))
    truth, found = plain.gradient(rollout, 0.01), mixed.gradient(rollout, 0.01)
    distance = np.linalg.norm(found - truth) / np.linalg.norm(truth)
    assert 1e-5 < distance < 0.05
    assert mixed.state()["weights"].dtype == np.float32
    assert np.array_equal(plain.state()["weights"], weights)


def test_the_device_decides_the_engine(weights: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch) -> None:
    for has_cuda, expected in ((False, "cpu"), (True, "cuda")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda has_cuda=has_cuda: has_cuda)
        assert pick_device("auto") == expected
        assert pick_device("cpu") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InvalidInput, match="The device is cuda, but there is none"):
        pick_device("cuda")
    assert isinstance(make_engine(WIDTH, ACTIONS, CONFIG, weights, EngineChoice()), CompiledEngine)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")
@pytest.mark.parametrize(("mixed", "tolerance"), [(False, 1e-4), (True, 0.05)])
def test_cuda_gives_the_gradient_of_the_processor(
    weights: NDArray[np.float32], rollout: Rollout, mixed: bool, tolerance: float
) -> None:
    truth = TorchEngine(WIDTH, ACTIONS, CONFIG, weights).gradient(rollout, 0.01)
    found = TorchEngine(WIDTH, ACTIONS, CONFIG, weights, "cuda", mixed).gradient(rollout, 0.01)
    assert np.linalg.norm(found - truth) < tolerance * np.linalg.norm(truth)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")
@pytest.mark.parametrize("mixed", [False, True])
def test_a_training_on_cuda_twice_with_one_seed_gives_the_same_bytes(mixed: bool) -> None:
    config = PPOConfig(rollout_steps=16, minibatches=4, hidden=(64, 64))

    def train() -> dict[str, bytes]:
        learner = Learner(ToyLanes(256), config, 3, engine=EngineChoice("cuda", mixed_precision=mixed))
        assert isinstance(learner.engine, TorchEngine)
        learner.train(10 * 16 * 256)
        return {name: values.tobytes() for name, values in learner.engine.state().items()}

    assert train() == train()
