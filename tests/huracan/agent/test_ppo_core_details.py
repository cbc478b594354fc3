"""The engines' part of the 13 core details of "The 37 Implementation Details of PPO" (Huang et al. 2022).

The truth is worked out by hand where a line suffices, and otherwise by differences of a loss written here.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from huracan.agent.config import PPOConfig
from huracan.agent.engine import ILLEGAL, UPDATE_COLUMNS, Engine
from huracan.agent.engines.compiled_engine import CompiledEngine
from huracan.agent.engines.torch_engine import TorchEngine
from huracan.agent.layout import initial_weights, named_weights, weight_count
from huracan.agent.rollout import Rollout

WIDTH, ACTIONS, HIDDEN = 3, 3, (8, 8)
PLAIN = PPOConfig(
    clip=0.2,
    value_clip=None,
    value_coefficient=0.5,
    maximum_gradient_norm=0.5,
    adam_epsilon=1e-5,
    hidden=HIDDEN,
)
Floats = NDArray[np.float64]
MakeEngine = Callable[..., Engine]


@pytest.fixture(params=["torch", "compiled"])
def make_engine(request: pytest.FixtureRequest) -> MakeEngine:
    """An engine of each kind over the same arbitrary weights."""

    def make(config: PPOConfig = PLAIN, scale: float = 0.5) -> Engine:
        count = weight_count(WIDTH, ACTIONS, HIDDEN)
        weights = (np.random.default_rng(3).standard_normal(count) * scale).astype(np.float32)
        if request.param == "torch":
            return TorchEngine(WIDTH, ACTIONS, config, weights)
        return CompiledEngine(WIDTH, ACTIONS, config, weights, threads=1)

    return make


def _log_softmax(logits: Floats) -> Floats:
    return np.asarray(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))


def _forward(weights: Floats, observations: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Logits and values, in float64."""
    views = named_weights(weights, WIDTH, ACTIONS, HIDDEN)  # type: ignore[arg-type]
    heads = []
    for tower in ("policy", "value"):
        x = observations.astype(np.float64)
        for index in range(len(HIDDEN) + 1):
            x = x @ views[f"{tower}.{2 * index}.weight"].T + views[f"{tower}.{2 * index}.bias"]
            x = np.tanh(x) if index < len(HIDDEN) else x
        heads.append(x)
    return heads[0], heads[1][:, 0]


def _rollout(
    engine: Engine,
    ratios: list[float],
    advantages: list[float],
    returns_above: float = 1.0,
    old_values_above: list[float] | float = 0.0,
) -> Rollout:
    """Rows whose ratio of probabilities, new to old, is `ratios`, and whose returns and old values lie so far
    above what the value network says now."""
    rows = len(ratios)
    generator = np.random.default_rng(5)
    observations = generator.standard_normal((rows, WIDTH)).astype(np.float32)
    actions = generator.integers(0, ACTIONS, rows)
    logits, values = _forward(engine.state()["weights"].astype(np.float64), observations)
    taken = _log_softmax(logits)[np.arange(rows), actions]
    return Rollout(
        observations=observations,
        offsets=np.zeros((rows, ACTIONS), np.float32),
        actions=actions,
        log_probabilities=(taken - np.log(ratios)).astype(np.float32),
        values=(values + old_values_above).astype(np.float32),
        rewards=np.zeros(rows, np.float32),
        ended=np.zeros(rows, bool),
        advantages=np.array(advantages, np.float32),
        returns=(values + returns_above).astype(np.float32),
    )


def _pass(
    engine: Engine, rollout: Rollout, minibatches: int = 1, rate: float = 1e-3, entropy: float = 0.0
) -> dict[str, Floats]:
    engine.begin_update(rollout)
    table = engine.pass_over(np.arange(len(rollout.actions)), minibatches, rate, entropy)
    return {name: table[:, index] for index, name in enumerate(UPDATE_COLUMNS)}


def _gradient(weights: Floats, rollout: Rollout, entropy_coefficient: float) -> Floats:
    """Of the overall loss, by central differences; ratios are taken to lie inside the clipping range."""
    advantages = rollout.advantages.astype(np.float64)
    advantages = (advantages - advantages.mean()) / advantages.std(ddof=1)

    def loss(at: Floats) -> float:
        logits, values = _forward(at, rollout.observations)
        log_all = _log_softmax(logits)
        taken = log_all[np.arange(len(values)), rollout.actions]
        ratio = np.exp(taken - rollout.log_probabilities)
        entropy = -(np.exp(log_all) * log_all).sum(axis=1).mean()
        squares = 0.5 * ((values - rollout.returns) ** 2).mean()
        return float(-(ratio * advantages).mean() + 0.5 * squares - entropy_coefficient * entropy)

    step = 1e-5 * np.eye(weights.size)
    return np.array([(loss(weights + one) - loss(weights - one)) / 2e-5 for one in step])


def _weights(engine: Engine) -> Floats:
    return engine.state()["weights"].astype(np.float64)


def _towers(engine: Engine) -> tuple[Floats, Floats]:
    """Flat weights of the policy tower and of the value tower."""
    flat = engine.state()["weights"]
    policy = sum(
        view.size
        for name, view in named_weights(flat, WIDTH, ACTIONS, HIDDEN).items()
        if name.startswith("policy")
    )
    return flat[:policy].copy(), flat[policy:].copy()


def test_detail_2_weights_begin_orthogonal_with_the_gains_of_the_paper_and_biases_at_0() -> None:
    drawn = initial_weights(5, 3, (16, 12), np.random.default_rng(0))
    gains = {"policy.4.weight": 0.01, "value.4.weight": 1.0}
    for name, view in named_weights(drawn, 5, 3, (16, 12)).items():
        if name.endswith("bias"):
            assert not view.any()
            continue
        short = view if view.shape[0] <= view.shape[1] else view.T
        squared = gains.get(name, math.sqrt(2.0)) ** 2
        np.testing.assert_allclose(short @ short.T, squared * np.eye(len(short)), atol=2e-6 * squared + 1e-9)


def test_detail_3_adam_steps_with_an_epsilon_of_1e_5(make_engine: MakeEngine) -> None:
    # Gradients are clipped to about the epsilon's size: with torch's own 1e-8 each step would be of length 1.
    engine = make_engine(replace(PLAIN, maximum_gradient_norm=1e-4))
    rollout = _rollout(engine, [1.0] * 6, [1.0, -2.0, 0.5, 3.0, -1.0, 0.0])
    mean, square, weights = np.zeros((3, _weights(engine).size))
    for count in (1, 2):
        weights = _weights(engine)
        gradient = _gradient(weights, rollout, 0.01)
        gradient *= 1e-4 / np.linalg.norm(gradient)
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        spread = np.sqrt(square / (1 - 0.999**count)) + 1e-5
        _pass(engine, rollout, rate=1e-3, entropy=0.01)
        moved = (_weights(engine) - weights) / 1e-3
        np.testing.assert_allclose(moved, -mean / (1 - 0.9**count) / spread, atol=0.02)
        assert np.abs(moved).max() < 0.9


def test_detail_6_a_minibatch_has_its_own_rows_alone(make_engine: MakeEngine) -> None:
    engine = make_engine()
    ratios = [1.1, 0.9, 1.05, 0.95, 1.1, 1.0, 1.15]
    rollout = _rollout(engine, ratios, [1.0, 3.0, 2.0, 8.0, 9.0, 10.0, 11.0])
    engine.begin_update(rollout)
    # Seven rows in three parts: 3, 2, 2. A rate of 0 keeps the weights, hence the ratios, as they are.
    order = np.array([6, 0, 3, 5, 2, 4, 1])
    table = engine.pass_over(order, 3, 0.0, 0.0)
    for row, rows in zip(table, ([6, 0, 3], [5, 2], [4, 1]), strict=True):
        taken = rollout.advantages[rows].astype(np.float64)
        scaled = (taken - taken.mean()) / taken.std(ddof=1)
        assert row[0] == pytest.approx(-(np.array(ratios)[rows] * scaled).mean(), abs=2e-6)


def test_detail_7_advantages_are_normalised_within_each_minibatch(make_engine: MakeEngine) -> None:
    # Scaled by hand to -1 and 1 over sqrt 2 in both halves, however far apart the halves are.
    engine = make_engine()
    rollout = _rollout(engine, [1.1, 0.9, 1.1, 0.9], [1.0, 3.0, 1_000.0, 5_000.0])
    found = _pass(engine, rollout, minibatches=2, rate=0.0)
    expected = -(-1.1 + 0.9) / math.sqrt(2.0) / 2
    assert found["policy_loss"].tolist() == pytest.approx([expected, expected], abs=2e-6)


def test_detail_8_the_surrogate_takes_the_worse_of_the_ratio_and_the_clipped_ratio(
    make_engine: MakeEngine,
) -> None:
    engine = make_engine()
    found = _pass(engine, _rollout(engine, [1.5, 0.5, 1.5, 0.5], [1.0, 1.0, -1.0, -1.0]))
    # Normalised, 1 is sqrt(3) / 2. By row: 1.2 (clipped), 0.5, -1.5, -0.8 (clipped).
    expected = -(1.2 + 0.5 - 1.5 - 0.8) / 4 * math.sqrt(3.0) / 2
    assert found["policy_loss"][0] == pytest.approx(expected, abs=2e-6)


def test_detail_8_a_row_that_went_past_the_clip_no_longer_pulls(make_engine: MakeEngine) -> None:
    engine = make_engine()
    before = _towers(engine)[0]
    _pass(engine, _rollout(engine, [1.5, 0.5], [1.0, -1.0]))
    assert np.array_equal(_towers(engine)[0], before)


@pytest.mark.parametrize(("value_clip", "expected"), [(None, 0.5), (0.2, 0.5 * (1.3**2 + 1.0) / 2)])
def test_detail_9_value_clipping_is_an_option_and_takes_the_worse_error(
    make_engine: MakeEngine, value_clip: float | None, expected: float
) -> None:
    # Returns lie 1 above the value. Old values lie 0.5 below it and 0.5 above it, so that the value that is
    # clipped to within 0.2 of them lies 0.3 below (error 1.3, the worse) and 0.3 above (error 0.7).
    engine = make_engine(replace(PLAIN, value_clip=value_clip))
    rollout = _rollout(engine, [1.0, 1.0], [1.0, -1.0], 1.0, [-0.5, 0.5])
    assert _pass(engine, rollout)["value_loss"][0] == pytest.approx(expected, abs=2e-6)


def test_detail_10_the_loss_is_policy_plus_half_value_less_the_entropy_bonus(make_engine: MakeEngine) -> None:
    engine = make_engine()
    rollout = _rollout(engine, [1.1, 0.9, 1.0], [1.0, 2.0, 6.0], returns_above=2.0)
    found = _pass(engine, rollout, entropy=0.25)
    log_all = _log_softmax(_forward(_weights(make_engine()), rollout.observations)[0])
    entropy = -(np.exp(log_all) * log_all).sum(axis=1).mean()
    assert found["entropy"][0] == pytest.approx(entropy, abs=2e-6)
    assert found["value_loss"][0] == pytest.approx(0.5 * 2.0**2, abs=2e-5)
    expected = found["policy_loss"][0] + 0.5 * found["value_loss"][0] - 0.25 * entropy
    assert found["loss"][0] == pytest.approx(expected, abs=2e-6)


def test_detail_10_an_even_choice_of_the_legal_actions_has_the_entropy_of_their_number(
    make_engine: MakeEngine,
) -> None:
    engine = make_engine(scale=0.0)
    rollout = _rollout(engine, [1.0, 1.0], [1.0, -1.0])
    assert _pass(engine, rollout, rate=0.0)["entropy"][0] == pytest.approx(math.log(3), abs=1e-6)
    offsets = np.tile(np.array([0.0, 0.0, ILLEGAL], np.float32), (2, 1))
    two = replace(rollout, offsets=offsets, actions=np.array([0, 1]))
    assert _pass(engine, two, rate=0.0)["entropy"][0] == pytest.approx(math.log(2), abs=1e-6)


def test_detail_11_the_gradient_of_both_networks_is_clipped_by_one_norm(make_engine: MakeEngine) -> None:
    engine = make_engine()
    rollout = _rollout(engine, [1.0] * 5, [1.0, -2.0, 0.5, 3.0, -1.0], returns_above=4.0)
    gradient = _gradient(_weights(engine), rollout, 0.01)
    norm = float(np.linalg.norm(gradient))
    assert norm > 0.5
    found = _pass(engine, rollout, entropy=0.01)
    assert found["gradient_norm"][0] == pytest.approx(norm, rel=1e-4)
    # After one step Adam's mean is a tenth of the gradient that it was given.
    np.testing.assert_allclose(engine.state()["mean"] / 0.1, gradient * 0.5 / norm, atol=2e-5)


def test_detail_11_a_gradient_shorter_than_the_limit_stays_as_it_is(make_engine: MakeEngine) -> None:
    engine = make_engine(replace(PLAIN, maximum_gradient_norm=1e3))
    rollout = _rollout(engine, [1.0] * 5, [1.0, -2.0, 0.5, 3.0, -1.0], returns_above=4.0)
    gradient = _gradient(_weights(engine), rollout, 0.01)
    _pass(engine, rollout, entropy=0.01)
    np.testing.assert_allclose(engine.state()["mean"] / 0.1, gradient, atol=2e-4)


def test_detail_12_divergence_and_clip_fraction_are_those_of_their_definitions(
    make_engine: MakeEngine,
) -> None:
    engine = make_engine()
    found = _pass(engine, _rollout(engine, [1.5, 0.5, 1.1, 1.0], [1.0, 2.0, 3.0, 4.0]))
    expected = (0.5 - math.log(1.5) - 0.5 - math.log(0.5) + 0.1 - math.log(1.1)) / 4
    assert found["approx_kl"][0] == pytest.approx(expected, abs=2e-6)
    assert found["clip_fraction"][0] == 0.5


def test_detail_13_the_value_loss_leaves_the_policy_network_alone(make_engine: MakeEngine) -> None:
    engine = make_engine()
    policy, value = _towers(engine)
    _pass(engine, _rollout(engine, [1.0] * 4, [2.0] * 4))
    assert np.array_equal(_towers(engine)[0], policy)
    assert not np.array_equal(_towers(engine)[1], value)


def test_detail_13_the_policy_loss_leaves_the_value_network_alone(make_engine: MakeEngine) -> None:
    engine = make_engine(replace(PLAIN, value_coefficient=0.0))
    policy, value = _towers(engine)
    _pass(engine, _rollout(engine, [1.0] * 4, [1.0, 2.0, 3.0, 4.0]), entropy=0.01)
    assert not np.array_equal(_towers(engine)[0], policy)
    assert np.array_equal(_towers(engine)[1], value)
