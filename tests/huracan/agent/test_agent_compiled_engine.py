"""The compiled arithmetic against torch's autograd, and against itself on other threads and other batches."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from huracan.agent.config import PPOConfig
from huracan.agent.engine import ILLEGAL, UPDATE_COLUMNS
from huracan.agent.engines.compiled_engine import CompiledEngine
from huracan.agent.layout import initial_weights, weight_names
from huracan.agent.rollout import Rollout
from huracan.errors import InvalidInput

# float32 sums of thousands of terms in another order; measured at most 3e-6 of the longest entry.
TOLERANCE = 2e-5


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


class Reference:
    """The same loss in torch, float64, with autograd's gradients and Adam after its paper."""

    def __init__(self, width: int, actions: int, config: PPOConfig, weights: NDArray[np.float32]) -> None:
        self.config, self.flat = config, torch.tensor(weights, dtype=torch.float64, requires_grad=True)
        self.shapes = weight_names(width, actions, config.hidden)
        self.mean, self.square, self.steps = torch.zeros_like(self.flat), torch.zeros_like(self.flat), 0

    def forward(self, observations: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
        sizes = [int(np.prod(shape)) for shape in self.shapes.values()]
        named = dict(zip(self.shapes, self.flat.split(sizes), strict=True))
        out = {}
        for tower in ("policy", "value"):
            cells, layers = torch.tensor(observations, dtype=torch.float64), len(self.config.hidden)
            for layer in range(layers + 1):
                name = f"{tower}.{2 * layer}."
                weight = named[name + "weight"].view(self.shapes[name + "weight"])
                cells = cells @ weight.T + named[name + "bias"]
                cells = cells.tanh() if layer < layers else cells
            out[tower] = cells
        return out["policy"], out["value"].squeeze(-1)

    def log_probabilities(self, rollout: Rollout) -> tuple[Tensor, Tensor]:
        logits, values = self.forward(rollout.observations)
        return torch.log_softmax(logits + torch.tensor(rollout.offsets), dim=-1), values

    def losses(self, rollout: Rollout, entropy_coefficient: float) -> list[Tensor]:
        """UPDATE_COLUMNS without the gradient's norm, which comes of them."""
        config = self.config
        log_all, values = self.log_probabilities(rollout)
        log_new = log_all.gather(1, torch.tensor(rollout.actions)[:, None]).squeeze(1)
        log_ratio = log_new - torch.tensor(rollout.log_probabilities)
        ratio, advantages = log_ratio.exp(), torch.tensor(rollout.advantages).double()
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        clipped = ratio.clamp(1 - config.clip, 1 + config.clip)
        policy = -torch.minimum(ratio * advantages, clipped * advantages).mean()
        target, old = torch.tensor(rollout.returns), torch.tensor(rollout.values)
        squared = (values - target) ** 2
        if config.value_clip is not None:
            near = old + (values - old).clamp(-config.value_clip, config.value_clip)
            squared = torch.maximum(squared, (near - target) ** 2)
        value = 0.5 * squared.mean()
        entropy = -(log_all.exp() * log_all).sum(dim=-1).mean()
        kl = (ratio - 1 - log_ratio).mean()
        share = ((ratio - 1).abs() > config.clip).double().mean()
        return [policy, value, entropy, kl, share, policy + config.value_coefficient * value
                - entropy_coefficient * entropy]  # fmt: skip

    def gradient(self, rollout: Rollout, entropy_coefficient: float) -> tuple[NDArray[np.float64], Tensor]:
        *told, loss = self.losses(rollout, entropy_coefficient)
        (gradient,) = torch.autograd.grad(loss, self.flat)
        numbers = [*(each.item() for each in told), gradient.norm().item(), loss.item()]
        return np.array(numbers), gradient

    def step(self, rollout: Rollout, learning_rate: float, entropy_coefficient: float) -> NDArray[np.float64]:
        told, gradient = self.gradient(rollout, entropy_coefficient)
        gradient = gradient * min(1.0, self.config.maximum_gradient_norm / (told[5] + 1e-6))
        self.steps += 1
        self.mean = 0.9 * self.mean + 0.1 * gradient
        self.square = 0.999 * self.square + 0.001 * gradient**2
        spread = (self.square / (1 - 0.999**self.steps)).sqrt() + self.config.adam_epsilon
        moved = self.flat.detach() - learning_rate / (1 - 0.9**self.steps) * self.mean / spread
        self.flat = moved.requires_grad_()
        return told


def rows_of(rollout: Rollout, order: NDArray[np.int64]) -> Rollout:
    return Rollout(**{name: array[order] for name, array in vars(rollout).items()})


def told_and_gradient(
    engine: CompiledEngine, rollout: Rollout, order: NDArray[np.int64], entropy_coefficient: float
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """One minibatch of a learning rate of 0; the gradient, clipped, is what Adam's mean holds of it."""
    engine.begin_update(rollout)
    told = engine.pass_over(order, 1, 0.0, entropy_coefficient)[0]
    return told, engine.state()["mean"] / np.float32(0.1)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(2, 700),
    width=st.integers(1, 40),
    actions=st.integers(2, 17),
    hidden=st.sampled_from([(64, 64), (8,), (5, 11), (32, 16, 24), (70,), (1,)]),
    value_clip=st.sampled_from([None, 0.2]),
    seed=st.integers(0, 1000),
)
def test_gradients_are_those_of_autograd(
    rows: int, width: int, actions: int, hidden: tuple[int, ...], value_clip: float | None, seed: int
) -> None:
    config = PPOConfig(hidden=hidden, value_clip=value_clip, maximum_gradient_norm=1e9)
    weights, rollout = a_network(width, actions, hidden, seed), a_rollout(rows, width, actions, seed)
    engine = CompiledEngine(width, actions, config, weights)
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


@pytest.mark.parametrize("hidden", [(64, 64), (24,), (9, 7, 5)])
def test_a_pass_is_the_references(hidden: tuple[int, ...]) -> None:
    config = PPOConfig(hidden=hidden, value_clip=0.5)
    weights, rollout = a_network(11, 10, hidden, 3), a_rollout(1237, 11, 10, 3)
    engine, reference = CompiledEngine(11, 10, config, weights), Reference(11, 10, config, weights)
    order = np.random.default_rng(4).permutation(1237)
    engine.begin_update(rollout)
    told = engine.pass_over(order, 5, 1e-3, 0.01)
    expected = [reference.step(rows_of(rollout, part), 1e-3, 0.01) for part in np.array_split(order, 5)]
    np.testing.assert_allclose(told, np.array(expected), rtol=1e-4, atol=1e-5)
    # Five steps of at most 1e-3: a thousandth of what the weights may have moved.
    np.testing.assert_allclose(engine.weights, reference.flat.detach().numpy(), atol=5e-6, rtol=0)
    assert np.abs(engine.weights - weights).max() > 2e-3


def trained(threads: int, rows: int = 2500) -> CompiledEngine:
    config = PPOConfig()
    engine = CompiledEngine(36, 10, config, a_network(36, 10, (64, 64), 1), threads)
    engine.begin_update(a_rollout(rows, 36, 10, 1))
    for epoch in range(2):
        engine.pass_over(np.random.default_rng(epoch).permutation(rows), 2, 1e-3, 0.01)
    return engine


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_number_of_threads_gives_the_same_bits(threads: int) -> None:
    one, other = trained(1).state(), trained(threads).state()
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)


def test_threads_act_to_the_same_bits() -> None:
    seen, offsets, uniform = what_is_seen(1500)
    found = [
        CompiledEngine(36, 10, PPOConfig(), a_network(36, 10, (64, 64), 1), threads).act(
            seen, offsets, uniform
        )
        for threads in (1, 2)
    ]
    assert all(one.tobytes() == two.tobytes() for one, two in zip(*found, strict=True))


def test_state_and_restore_go_on_to_the_same_bits() -> None:
    rollout, order = a_rollout(600, 36, 10, 5), np.arange(600)
    engine = trained(1)
    state = engine.state()
    other = CompiledEngine(36, 10, PPOConfig(), a_network(36, 10, (64, 64), 9))
    other.restore(state)
    for each in (engine, other):
        each.begin_update(rollout)
        each.pass_over(order, 3, 1e-3, 0.0)
    assert all(engine.state()[name].tobytes() == other.state()[name].tobytes() for name in state)
    assert engine.state()["weights"].tobytes() != state["weights"].tobytes()


BREAKS = {
    "observations": np.nan, "offsets": np.nan, "log_probabilities": -np.inf, "values": np.inf,
    "advantages": np.inf, "returns": np.nan,
}  # fmt: skip


@pytest.mark.parametrize("broken", BREAKS)
def test_a_step_that_is_not_finite_is_not_made_and_ends_the_pass(broken: str) -> None:
    engine = CompiledEngine(7, 4, PPOConfig(value_clip=0.2), a_network(7, 4, (64, 64), 1))
    rollout = a_rollout(900, 7, 4, 1)
    engine.begin_update(rollout)
    engine.pass_over(np.arange(300), 1, 1e-3, 0.01)
    good, spoilt = engine.state(), getattr(rollout, broken).copy()
    spoilt[450] = BREAKS[broken]
    engine.begin_update(replace(rollout, **{broken: spoilt}))
    told = engine.pass_over(np.arange(900)[300:], 2, 1e-3, 0.01)
    assert told.shape == (2, len(UPDATE_COLUMNS))
    assert not np.isfinite(told[0]).all() and np.isnan(told[1]).all()
    assert all(engine.state()[name].tobytes() == good[name].tobytes() for name in good)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_number_of_one_observation_is_seen_not_to_be_finite(value: float) -> None:
    engine = CompiledEngine(7, 4, PPOConfig(), a_network(7, 4, (64, 64), 1))
    rollout = a_rollout(900, 7, 4, 1)
    rollout.observations[777, 3] = value
    engine.begin_update(rollout)
    assert not np.isfinite(engine.pass_over(np.arange(900), 1, 1e-3, 0.01)[0]).all()


def what_is_seen(
    rows: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    rollout = a_rollout(rows, 36, 10, 2)
    return rollout.observations, rollout.offsets, np.random.default_rng(2).random(rows)


def test_acting_tells_the_references_numbers() -> None:
    weights = a_network(36, 10, (64, 64), 1)
    engine, reference = (kind(36, 10, PPOConfig(), weights) for kind in (CompiledEngine, Reference))
    seen, offsets, uniform = what_is_seen(777)
    actions, log_probabilities, values = engine.act(seen, offsets, uniform)
    log_all, expected_values = reference.log_probabilities(a_rollout(777, 36, 10, 2))
    expected = log_all.detach().numpy()
    np.testing.assert_allclose(values, expected_values.detach().numpy(), atol=5e-6)
    np.testing.assert_allclose(log_probabilities, expected[np.arange(777), actions], atol=1e-5)
    sums = np.exp(expected).cumsum(axis=1)
    drawn = (sums <= uniform[:, None] * sums[:, -1:]).sum(axis=1)
    assert (drawn != actions).mean() < 0.005
    np.testing.assert_array_equal(engine.values(seen), values)
    logits, same_values = engine.logits(seen)
    np.testing.assert_allclose(logits, reference.forward(seen)[0].detach().numpy(), atol=1e-5)
    np.testing.assert_array_equal(same_values, values)


def test_the_tanh_is_within_a_few_roundings_and_never_beyond_one() -> None:
    # One cell, passed on as it is: the value is the cell.
    weights = np.array([0, 0, 0, 0, 0, 0, 1, 0, 1, 0], np.float32)
    engine = CompiledEngine(1, 2, PPOConfig(hidden=(1,)), weights)
    seen = np.concatenate([np.linspace(-12, 12, 40_001), [1e-6, -3e38, np.nan]]).astype(np.float32)
    found = engine.values(seen[:, None])
    assert np.isnan(found[-1]) and np.abs(found[:-1]).max() <= 1.0
    np.testing.assert_allclose(found[:-1], np.tanh(seen[:-1].astype(float)), atol=7e-7, rtol=0)


def test_actions_are_drawn_as_often_as_they_are_probable_and_never_illegal() -> None:
    engine = CompiledEngine(3, 5, PPOConfig(), a_network(3, 5, (64, 64), 6))
    rows = 40_000
    seen = np.tile(np.array([0.3, -0.5, 0.9], np.float32), (rows, 1))
    offsets = np.tile(np.array([0.0, ILLEGAL, 0.4, ILLEGAL, -0.2], np.float32), (rows, 1))
    uniform = np.random.default_rng(8).random(rows)
    uniform[:2] = 0.0, np.nextafter(1.0, 0.0)
    actions, log_probabilities, _ = engine.act(seen, offsets, uniform)
    counts = np.bincount(actions, minlength=5) / rows
    assert counts[1] == counts[3] == 0.0
    for action in (0, 2, 4):
        probability = np.exp(log_probabilities[actions == action][0])
        assert abs(counts[action] - probability) < 4 * np.sqrt(probability * (1 - probability) / rows)
    assert actions[0] == 0 and actions[1] == 4


def test_the_first_and_last_action_are_not_drawn_where_they_are_illegal() -> None:
    engine = CompiledEngine(3, 3, PPOConfig(), a_network(3, 3, (64, 64), 6))
    offsets = np.tile(np.array([ILLEGAL, 0.0, ILLEGAL], np.float32), (2, 1))
    actions, log_probabilities, _ = engine.act(
        np.zeros((2, 3), np.float32), offsets, np.array([0.0, np.nextafter(1.0, 0.0)])
    )
    assert list(actions) == [1, 1] and list(log_probabilities) == [0.0, 0.0]


@pytest.mark.parametrize("rows", [1, 2, 7, 129, 300])
def test_a_rows_bits_do_not_depend_on_the_batch(rows: int) -> None:
    engine = CompiledEngine(36, 10, PPOConfig(), a_network(36, 10, (64, 64), 1))
    seen, offsets, uniform = what_is_seen(300)
    whole = (*engine.act(seen, offsets, uniform), *engine.logits(seen))
    for first in range(0, 300, rows):
        part = slice(first, first + rows)
        found = (*engine.act(seen[part], offsets[part], uniform[part]), *engine.logits(seen[part]))
        assert all(a[part].tobytes() == b.tobytes() for a, b in zip(whole, found, strict=True))


def test_no_rows_are_no_decisions() -> None:
    engine = CompiledEngine(3, 4, PPOConfig(), a_network(3, 4, (64, 64), 6))
    actions, _, values = engine.act(np.zeros((0, 3), np.float32), np.zeros((0, 4), np.float32), np.zeros(0))
    assert actions.shape == values.shape == (0,)


def test_what_would_reach_beyond_the_memory_is_refused() -> None:
    engine = CompiledEngine(3, 4, PPOConfig(), a_network(3, 4, (64, 64), 6))
    rollout = a_rollout(20, 3, 4, 1)
    engine.begin_update(rollout)
    seen, offsets = np.zeros((5, 3), np.float32), np.zeros((5, 4), np.float32)
    refused = [
        lambda: CompiledEngine(4, 4, PPOConfig(), a_network(3, 4, (64, 64), 6)),
        lambda: engine.values(np.zeros((5, 2), np.float32)),
        lambda: engine.act(seen, offsets[:, :3], np.zeros(5)),
        lambda: engine.act(seen, offsets, np.zeros(4)),
        lambda: engine.begin_update(replace(rollout, actions=np.full(20, 4))),
        lambda: engine.begin_update(replace(rollout, returns=rollout.returns[1:])),
        lambda: engine.pass_over(np.arange(21), 2, 1e-3, 0.0),
        lambda: engine.pass_over(np.arange(3), 2, 1e-3, 0.0),
    ]
    for attempt in refused:
        with pytest.raises(InvalidInput):
            attempt()
