"""The learner on problems whose answers are known, and its part of the 13 core details of PPO.

The engines' part is in test_ppo_core_details.py; CartPole, Acrobot and MountainCar in benchmarks.
"""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from huracan.agent.diagnostics import UpdateDiagnostics
from huracan.agent.ppo import Learner
from huracan.agent.rollout import Rollout
from huracan.agent.rollout_kernel import generalised_advantages
from ppo_tasks import (
    CLEANRL,
    IDENTITY,
    PROBE_TOLERANCE,
    PROBES,
    TASKS,
    Task,
    classic_learner,
    identity_return,
    probe_error,
    raw_learner,
)
from tests.huracan.agent.probe_environments import Answer, Identity, Probe

SHORT = replace(CLEANRL, rollout_steps=4, epochs=3, minibatches=2, hidden=(8, 8))


class Clocks:
    """Three lanes with episodes of 7 steps that began 0, 2 and 4 steps ago; shows [lane, step of episode].

    The reward is 1 for each step. Keeps what was asked of it.
    """

    lanes, observation_width, action_count = 3, 2, 2

    def __init__(self) -> None:
        self.resets = 0
        self.shown: list[NDArray[np.float32]] = []
        self._clock = np.array([0, 2, 4])

    def reset(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        self.resets += 1
        return self._observe()

    def step(self, actions: NDArray[np.int64]) -> Answer:
        self._clock = (self._clock + 1) % 7
        return *self._observe(), np.ones(3), self._clock == 0

    def _observe(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        seen = np.stack([np.arange(3), self._clock], axis=1).astype(np.float32)
        self.shown.append(seen)
        return seen, np.ones((3, 2), bool)


def _watched(learner: Learner) -> tuple[list[Rollout], list[tuple[object, ...]]]:
    """Copies of every rollout that is learned from, and the arguments of every pass."""
    rollouts, passes = [], []
    begin, pass_over = learner.engine.begin_update, learner.engine.pass_over

    def keep_rollout(rollout: Rollout) -> None:
        rollouts.append(Rollout(*(values.copy() for values in vars(rollout).values())))
        begin(rollout)

    def keep_pass(order: NDArray[np.int64], *rest: float) -> NDArray[np.float64]:
        passes.append((order.copy(), *rest))
        return pass_over(order, *rest)  # type: ignore[arg-type]

    learner.engine.begin_update, learner.engine.pass_over = keep_rollout, keep_pass  # type: ignore[method-assign, assignment]
    return rollouts, passes


@pytest.mark.parametrize("task", [task for task in TASKS if task.is_quick], ids=lambda task: task.name)
def test_a_quick_task_with_a_known_answer_is_solved(task: Task) -> None:
    assert task.is_met(np.array([task.measure(1, "compiled")]))


def test_an_untrained_network_meets_none_of_those_bars() -> None:
    assert all(probe_error(number, 1, steps=0) > PROBE_TOLERANCE for number in range(1, 6))
    assert identity_return(1, steps=0) < 90


def test_trained_twice_with_one_seed_actions_rewards_and_weights_are_equal_to_the_bit() -> None:
    def trained(seed: int) -> list[NDArray[np.generic]]:
        learner = raw_learner(Identity(4, seed=3), replace(IDENTITY, rollout_steps=64), seed)
        rollouts, _ = _watched(learner)
        learner.train(1_024)
        kept: list[NDArray[np.generic]] = [learner.engine.state()["weights"]]
        return kept + [array for rollout in rollouts for array in (rollout.actions, rollout.rewards)]

    first, second, other = trained(1), trained(1), trained(2)
    assert all(np.array_equal(one, two) for one, two in zip(first, second, strict=True))
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(first[1], other[1])


def test_trained_on_gymnasium_twice_with_one_seed_every_return_and_weight_is_equal_to_the_bit() -> None:
    def trained() -> tuple[list[float], NDArray[np.float32]]:
        learner, lanes = classic_learner("CartPole-v1", 1)
        learner.train(2_048)
        return lanes.episode_returns, learner.engine.state()["weights"]

    (first_returns, first), (second_returns, second) = trained(), trained()
    assert first_returns == second_returns
    assert np.array_equal(first, second)


def test_detail_1_lanes_are_stepped_together_and_their_episodes_go_on_over_the_end_of_a_rollout() -> None:
    environment = Clocks()
    learner = raw_learner(environment, SHORT, 0)
    rollouts, _ = _watched(learner)
    learner.train(3 * 4 * 3)
    assert environment.resets == 1
    assert len(environment.shown) == 1 + 3 * 4
    learned = np.concatenate([rollout.observations for rollout in rollouts]).reshape(12, 3, 2)
    assert np.array_equal(learned, np.array(environment.shown[:-1]))
    # The first lane: four steps in the first rollout, three and the next episode's first in the second.
    assert learned[:, 0, 1].tolist() == [0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4]


def test_detail_1_a_rollout_that_ends_within_an_episode_counts_on_the_value_of_what_comes_next() -> None:
    environment = Clocks()
    learner = raw_learner(environment, SHORT, 0)
    engine_before = learner.engine.values
    ahead = engine_before(np.array([[0, 4], [1, 6], [2, 1]], np.float32)).astype(np.float64)
    rollouts, _ = _watched(learner)
    learner.train(4 * 3)
    values, advantages = (array.reshape(4, 3) for array in (rollouts[0].values, rollouts[0].advantages))
    assert advantages[-1] == pytest.approx(1.0 + 0.99 * ahead - values[-1], abs=1e-5)
    # The third lane's episode ends with its third step: nothing is counted on there.
    assert advantages[2, 2] == pytest.approx(1.0 - values[2, 2], abs=1e-5)


def test_detail_4_the_learning_rate_falls_linearly_to_a_last_update_of_one_part() -> None:
    rows: list[UpdateDiagnostics] = []
    learner = raw_learner(Probe(4), replace(PROBES, entropy_coefficient=0.08), 0)
    _, passes = _watched(learner)
    learner.train(4 * 32 * 16, rows.append)
    rates = [5e-3, 3.75e-3, 2.5e-3, 1.25e-3]
    assert [row.learning_rate for row in rows] == pytest.approx(rates)
    # What is told is what is done, in each of four passes.
    assert [rate for _, _, rate, _ in passes] == pytest.approx(np.repeat(rates, 4).tolist())
    assert [bonus for *_, bonus in passes[::4]] == pytest.approx([0.08, 0.06, 0.04, 0.02])


def test_detail_4_annealing_can_be_left_off() -> None:
    rows: list[UpdateDiagnostics] = []
    raw_learner(Probe(4), replace(PROBES, anneals_learning_rate=False), 0).train(4 * 32 * 16, rows.append)
    assert [row.learning_rate for row in rows] == [5e-3] * 4


def test_detail_5_advantages_are_the_decayed_sum_of_errors_worked_by_hand() -> None:
    # gamma 0.5, lambda 0.5. Errors: 1 + 0.5 x 4 - 2 = 1; 2 + 0.5 x 8 - 4 = 2; 3 + 0.5 x 16 - 8 = 3.
    rewards, values = (np.array([column], np.float32).T for column in ([1, 2, 3], [2, 4, 8]))
    found = generalised_advantages(
        rewards, values, np.zeros((3, 1), bool), np.array([16], np.float32), 0.5, 0.5
    )
    assert found[:, 0].tolist() == [1 + (2 + 3 / 4) / 4, 2 + 3 / 4, 3]


def test_detail_5_an_episodes_end_cuts_the_sum_and_the_value_behind_it() -> None:
    # As above, but the episode ends with the second step: its error is 2 - 4 = -2.
    rewards, values = (np.array([column], np.float32).T for column in ([1, 2, 3], [2, 4, 8]))
    ended = np.array([[False], [True], [False]])
    found = generalised_advantages(rewards, values, ended, np.array([16], np.float32), 0.5, 0.5)
    assert found[:, 0].tolist() == [1 - 2 / 4, -2, 3]


def test_detail_5_what_is_learned_from_are_those_advantages_and_their_returns() -> None:
    learner = raw_learner(Clocks(), SHORT, 0)
    rollouts, _ = _watched(learner)
    learner.train(2 * 4 * 3)
    for rollout in rollouts:
        assert rollout.returns == pytest.approx(rollout.advantages + rollout.values, abs=1e-6)
        errors = 1.0 + 0.99 * rollout.values[3:] * ~rollout.ended[:-3] - rollout.values[:-3]
        ahead = 0.99 * 0.95 * rollout.advantages[3:] * ~rollout.ended[:-3]
        assert rollout.advantages[:-3] == pytest.approx(errors + ahead, abs=1e-5)


def test_detail_6_every_pass_goes_once_over_every_row_in_an_order_of_its_own() -> None:
    learner = raw_learner(Clocks(), SHORT, 0)
    _, passes = _watched(learner)
    learner.train(2 * 4 * 3)
    assert [minibatches for _, minibatches, *_ in passes] == [2] * 6
    orders = [np.asarray(order) for order, *_ in passes]
    assert all(sorted(order.tolist()) == list(range(12)) for order in orders)
    assert len({tuple(order.tolist()) for order in orders}) == 6


def test_detail_12_an_updates_row_tells_how_much_of_the_returns_the_values_explained() -> None:
    rows: list[UpdateDiagnostics] = []
    learner = raw_learner(Probe(2), PROBES, 0)
    rollouts, _ = _watched(learner)
    learner.train(6 * 32 * 16, rows.append)
    for row, rollout in zip(rows, rollouts, strict=True):
        returns, values = rollout.returns.astype(np.float64), rollout.values.astype(np.float64)
        assert row.explained_variance == pytest.approx(1 - (returns - values).var() / returns.var())
    assert rows[0].explained_variance < 0.5 < 0.9 < rows[-1].explained_variance
    assert [row.update for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row.steps for row in rows] == [512 * row.update for row in rows]


def test_detail_12_a_row_is_the_mean_of_its_updates_minibatches() -> None:
    rows: list[UpdateDiagnostics] = []
    learner = raw_learner(Probe(5), PROBES, 0)
    tables: list[NDArray[np.float64]] = []
    pass_over = learner.engine.pass_over

    def keep(*asked: object) -> NDArray[np.float64]:
        tables.append(pass_over(*asked))  # type: ignore[arg-type]
        return tables[-1]

    learner.engine.pass_over = keep  # type: ignore[method-assign, assignment]
    learner.train(32 * 16, rows.append)
    told = [getattr(rows[0], name) for name in ("policy_loss", "value_loss", "entropy", "clip_fraction")]
    means = np.concatenate(tables).mean(axis=0)
    assert told == pytest.approx(means[[0, 1, 2, 4]].tolist())
    assert rows[0].gradient_norm == pytest.approx(means[5])
    # The divergence is that of the last pass: the whole update's.
    assert rows[0].approx_kl == pytest.approx(tables[-1][:, 3].mean())
