"""The algorithm on problems whose answers are known: A. Jones' five probes, an identity task, GAE by hand."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from huracan.agent.config import PPOConfig
from huracan.agent.network import PolicyValueNetwork, masked_log_probabilities, sample_actions
from huracan.agent.normaliser import Normaliser
from huracan.agent.ppo import Learner, TrainingStopped, UpdateDiagnostics
from huracan.agent.rollout import generalised_advantages

QUICK = PPOConfig(
    rollout_steps=32, learning_rate=5e-3, gamma=0.5, minibatches=4, hidden=(16,), target_kl=None, epochs=4
)


@dataclass
class Probe:
    """Environment `number` of "Debugging RL, without the agonizing pain", batched."""

    number: int
    lanes: int = 16
    observation_width: int = 1

    def __post_init__(self) -> None:
        self.action_count = 1 if self.number <= 3 else 2
        self._generator = np.random.default_rng(self.number)
        self._late = np.zeros(self.lanes, bool)
        self._seen = np.zeros(self.lanes)

    def _observe(self) -> tuple[np.ndarray, np.ndarray]:
        if self.number in (2, 5):
            self._seen = self._generator.choice([-1.0, 1.0], self.lanes)
        elif self.number == 3:
            self._seen = self._late.astype(float)
        return self._seen[:, None].astype(np.float32), np.ones((self.lanes, self.action_count), bool)

    def reset(self) -> tuple[np.ndarray, np.ndarray]:
        return self._observe()

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        ended = np.ones(self.lanes, bool)
        rewards = np.ones(self.lanes)
        if self.number == 2:
            rewards = self._seen.copy()
        elif self.number == 3:
            rewards, ended = self._late.astype(float), self._late.copy()
            self._late = ~self._late
        elif self.number == 4:
            rewards = np.where(actions == 1, 1.0, -1.0)
        elif self.number == 5:
            rewards = np.where((actions == 1) == (self._seen > 0), 1.0, -1.0)
        return *self._observe(), rewards, ended


def _learn(environment: object, config: PPOConfig, steps: int, seed: int = 0) -> Learner:
    width = environment.observation_width  # type: ignore[attr-defined]
    plain = Normaliser(width, [False] * width)
    learner = Learner(environment, config, seed, normaliser=plain)  # type: ignore[arg-type]
    learner.train(steps, lambda row: None)
    return learner


def _ask(learner: Learner, observation: float) -> tuple[float, list[float]]:
    with torch.inference_mode():
        logits, value = learner.network(torch.tensor([[observation]]))
    return float(value), torch.softmax(logits, -1)[0].tolist()


def test_probe_1_the_value_of_one_reward_is_1() -> None:
    assert _ask(_learn(Probe(1), QUICK, 10_000), 0.0)[0] == pytest.approx(1.0, abs=0.05)


def test_probe_2_the_value_follows_the_observation() -> None:
    learner = _learn(Probe(2), QUICK, 10_000)
    assert _ask(learner, 1.0)[0] == pytest.approx(1.0, abs=0.05)
    assert _ask(learner, -1.0)[0] == pytest.approx(-1.0, abs=0.05)


def test_probe_3_a_later_reward_is_discounted() -> None:
    learner = _learn(Probe(3), QUICK, 15_000)
    assert _ask(learner, 0.0)[0] == pytest.approx(0.5, abs=0.05)
    assert _ask(learner, 1.0)[0] == pytest.approx(1.0, abs=0.05)


def test_probe_4_the_better_action_is_taken() -> None:
    assert _ask(_learn(Probe(4), QUICK, 10_000), 0.0)[1][1] > 0.95


def test_probe_5_the_better_action_depends_on_the_observation() -> None:
    learner = _learn(Probe(5), QUICK, 12_000)
    assert _ask(learner, 1.0)[1][1] > 0.95
    assert _ask(learner, -1.0)[1][0] > 0.95


class Identity:
    """Say what you see: reward 1 where the action is the number shown; episodes of 100 steps."""

    lanes, observation_width, action_count = 8, 2, 2

    def __init__(self) -> None:
        self._generator = np.random.default_rng(3)
        self._step = 0

    def _observe(self) -> tuple[np.ndarray, np.ndarray]:
        self._shown = self._generator.integers(0, 2, self.lanes)
        return np.eye(2, dtype=np.float32)[self._shown], np.ones((self.lanes, 2), bool)

    def reset(self) -> tuple[np.ndarray, np.ndarray]:
        return self._observe()

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        rewards = (actions == self._shown).astype(float)
        self._step += 1
        return *self._observe(), rewards, np.full(self.lanes, self._step % 100 == 0)


def test_the_identity_task_is_solved() -> None:
    config = PPOConfig(rollout_steps=32, gamma=0.4, learning_rate=2e-3, minibatches=4, target_kl=None)
    rows: list[UpdateDiagnostics] = []
    learner = Learner(Identity(), config, 1, normaliser=Normaliser(2, [False, False]))
    learner.train(12_000, rows.append)
    assert rows[-1].mean_reward * 100 >= 90


def test_advantages_equal_the_definition_summed_by_hand() -> None:
    generator = torch.Generator().manual_seed(0)
    rewards, values = (torch.randn(6, 2, generator=generator) for _ in range(2))
    last = torch.randn(2, generator=generator)
    ended = torch.zeros(6, 2)
    ended[2, 0] = 1.0
    found = generalised_advantages(rewards, values, ended, last, 0.9, 0.8)
    following = torch.cat([values[1:], last[None]])
    deltas = rewards + 0.9 * following * (1 - ended) - values
    for lane in range(2):
        for start in range(6):
            expected, weight = 0.0, 1.0
            for step in range(start, 6):
                expected += weight * float(deltas[step, lane])
                weight *= 0.9 * 0.8 * (1.0 - float(ended[step, lane]))
            assert float(found[start, lane]) == pytest.approx(expected, abs=1e-5)


def test_a_lambda_of_1_gives_the_discounted_return_less_the_value() -> None:
    rewards, values = torch.tensor([[1.0], [2.0], [4.0]]), torch.tensor([[0.5], [0.25], [0.125]])
    ended = torch.tensor([[0.0], [0.0], [1.0]])
    found = generalised_advantages(rewards, values, ended, torch.tensor([9.0]), 0.5, 1.0)
    assert found.squeeze(1).tolist() == pytest.approx([3.0 - 0.5, 4.0 - 0.25, 4.0 - 0.125])


def test_actions_are_drawn_as_often_as_they_are_probable_and_never_where_masked() -> None:
    logits = torch.log(torch.tensor([[0.6, 0.3, 0.05, 0.05]])).expand(40_000, 4)
    masks = torch.tensor([[True, True, False, True]]).expand(40_000, 4)
    drawn = sample_actions(masked_log_probabilities(logits, masks), torch.Generator().manual_seed(1))
    shares = torch.bincount(drawn, minlength=4) / 40_000
    assert shares[2] == 0
    assert shares.tolist() == pytest.approx([0.6 / 0.95, 0.3 / 0.95, 0, 0.05 / 0.95], abs=0.01)


def test_the_network_begins_orthogonal_with_a_nearly_uniform_policy_and_separate_towers() -> None:
    network = PolicyValueNetwork(5, 3, (16, 16), torch.Generator().manual_seed(0))
    weight = network.policy[2].weight
    assert torch.allclose(weight @ weight.T, 2 * torch.eye(16), atol=1e-5)
    logits, _ = network(torch.randn(10, 5, generator=torch.Generator().manual_seed(1)))
    assert logits.abs().max() < 0.05
    shared = {id(p) for p in network.policy.parameters()} & {id(p) for p in network.value.parameters()}
    assert not shared


def test_twice_with_one_seed_gives_the_same_weights_to_the_bit() -> None:
    first, second = (_learn(Probe(5), QUICK, 3_000, seed=4).network.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_learning_rate_and_the_entropy_bonus_are_annealed() -> None:
    rows: list[UpdateDiagnostics] = []
    Learner(Probe(4), QUICK, 0, normaliser=Normaliser(1, [False])).train(512 * 4, rows.append)
    assert [row.learning_rate for row in rows] == pytest.approx([5e-3, 3.75e-3, 2.5e-3, 1.25e-3])


def test_a_policy_that_moved_too_far_ends_the_update_early() -> None:
    rows: list[UpdateDiagnostics] = []
    config = PPOConfig(
        rollout_steps=32, learning_rate=0.05, gamma=0.5, minibatches=4, hidden=(16,), target_kl=0.001
    )
    Learner(Probe(4), config, 0, normaliser=Normaliser(1, [False])).train(512 * 3, rows.append)
    assert min(row.epochs_done for row in rows) < config.epochs


class Broken(Probe):
    """Gives a reward that is not a number after a while."""

    steps = 0

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        seen, masks, rewards, ended = super().step(actions)
        self.steps += 1
        return seen, masks, rewards * (np.nan if self.steps > 40 else 1.0), ended


def test_a_reward_that_is_no_number_stops_the_training_and_keeps_the_last_good_weights() -> None:
    learner = Learner(Broken(4), QUICK, 0, normaliser=Normaliser(1, [False]))
    with pytest.raises(TrainingStopped, match="Update 2") as stopped:
        learner.train(10_000, lambda row: None)
    assert all(bool(torch.isfinite(value).all()) for value in stopped.value.last_good.values())
    for name, value in learner.network.state_dict().items():
        assert torch.equal(value, stopped.value.last_good[name])
