"""The compiled engine: what it decides, and that its bits depend on nothing that they must not."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from huracan.agent.config import PPOConfig
from huracan.agent.engine import ILLEGAL, UPDATE_COLUMNS
from huracan.agent.engines.compiled_engine import CompiledEngine
from huracan.errors import InvalidInput
from tests.huracan.agent.objective import Reference
from tests.huracan.agent.synthetic_rollout import a_network, a_rollout


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
