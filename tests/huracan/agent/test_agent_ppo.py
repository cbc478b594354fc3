"""The learner: it stops for the right reason, goes on where it was left, and is the same every time.

Episodes that a limit of time breaks off are in test_time_limit.py, the probes and the 13 core details in
test_ppo_conformance.py and test_ppo_core_details.py.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from huracan.agent.config import PPOConfig
from huracan.agent.diagnostics import TrainingStopped, UpdateDiagnostics, Watch
from huracan.agent.engine import ILLEGAL
from huracan.agent.engines.devices import EngineChoice
from huracan.agent.engines.torch_engine import TorchEngine
from huracan.agent.layout import named_weights, weight_count
from huracan.agent.night.recovery import pack_state, unpack_state
from huracan.agent.normaliser import Normaliser
from huracan.agent.ppo import Learner, Perception
from huracan.agent.rollout_kernel import generalised_advantages
from huracan.errors import InvalidInput
from tests.huracan.agent.toy_lanes import ToyLanes

CONFIG = PPOConfig(rollout_steps=16, learning_rate=5e-3, gamma=0.5, minibatches=2, hidden=(16,), epochs=2)
ROWS = 16 * 8


def make_learner(config: PPOConfig = CONFIG, *, seed: int = 0, **options: Any) -> Learner:
    environment = options.pop("environment", None) or ToyLanes()
    names = ("normaliser", "updates_normaliser", "bias")
    perception = Perception(**{name: options.pop(name) for name in names if name in options})
    options.setdefault("engine", EngineChoice("cpu"))
    return Learner(environment, config, seed, perception=perception, **options)


def _weights(learner: Learner) -> NDArray[Any]:
    return learner.engine.state()["weights"]


def test_the_toy_is_learned() -> None:
    learner, rows = make_learner(replace(CONFIG, target_kl=None)), list[UpdateDiagnostics]()
    learner.train(60 * ROWS, rows.append)
    assert np.mean([row.mean_reward for row in rows[:3]]) < 0.55
    assert rows[-1].mean_reward > 0.85


def test_twice_with_one_seed_gives_the_same_weights_to_the_bit_and_another_seed_gives_others() -> None:
    first, again, other = (make_learner(seed=seed) for seed in (4, 4, 5))
    for learner in (first, again, other):
        learner.train(5 * ROWS)
    assert np.array_equal(_weights(first), _weights(again))
    assert not np.array_equal(_weights(first), _weights(other))


@pytest.mark.parametrize("killed_after", [1, 3, 5])
@pytest.mark.parametrize("scales", [False, True])
def test_killed_and_resumed_it_ends_with_the_same_weights_to_the_bit(killed_after: int, scales: bool) -> None:
    config = replace(CONFIG, scales_rewards=scales, entropy_floor=0.9)

    def fresh() -> Learner:
        return make_learner(config, normaliser=Normaliser(2), updates_normaliser=True)

    whole, rows = fresh(), list[UpdateDiagnostics]()
    whole.train(6 * ROWS, rows.append)
    killed, saved = fresh(), list[bytes]()
    killed.train(6 * ROWS, after_update=lambda: saved.append(pack_state(killed.snapshot(), "me")))
    resumed, later = fresh(), list[UpdateDiagnostics]()
    state = unpack_state(saved[killed_after - 1], "me")
    assert state is not None
    resumed.restore(state)
    resumed.train(6 * ROWS, later.append)
    assert later == rows[killed_after:]
    for name, values in whole.engine.state().items():
        assert np.array_equal(values, resumed.engine.state()[name])
    assert np.array_equal(whole.normaliser.mean, resumed.normaliser.mean)
    assert whole.return_scale.deviation == resumed.return_scale.deviation


def test_a_column_that_never_varied_is_not_given_to_the_network() -> None:
    normaliser = Normaliser(2)
    normaliser.update(np.array([[-1.0, 4.0], [1.0, 4.0]], np.float32))
    learner = make_learner(normaliser=normaliser)
    learner.train(60 * ROWS)
    assert learner.columns.tolist() == [0]
    assert _weights(learner).size == weight_count(1, 3, (16,))
    goes_on = make_learner(normaliser=normaliser, updates_normaliser=True)
    assert goes_on.columns.tolist() == [0, 1]


def test_an_environment_that_cannot_be_resumed_is_said_so() -> None:
    class Forgetful:
        lanes, observation_width, action_count = 8, 2, 3

    with pytest.raises(InvalidInput, match="cannot be resumed"):
        make_learner(environment=Forgetful()).snapshot()


@pytest.mark.parametrize(
    ("how", "step", "word"),
    [
        ("reward", 40, "Update 3 met a reward that is not finite"),
        ("infinity", 20, "Update 2 met an observation.* Column 1 of observation 3 is inf"),
        ("nan", 20, "Update 2 met an observation.* Column 1 of observation 3 is nan"),
    ],
)
def test_a_number_that_is_none_stops_the_training_with_its_reason_and_the_last_good_weights(
    how: str, step: int, word: str
) -> None:
    learner, good = make_learner(environment=ToyLanes(breaks_at=step, how=how)), list[NDArray[Any]]()
    with pytest.raises(TrainingStopped, match=word) as stopped:
        learner.train(10 * ROWS, after_update=lambda: good.append(_weights(learner)))
    assert np.array_equal(stopped.value.last_good["weights"], good[-1])
    assert np.array_equal(_weights(learner), good[-1])


def test_a_feature_that_is_not_defined_is_the_mean_and_stops_nothing() -> None:
    normaliser = Normaliser(2)
    normaliser.update(np.random.default_rng(0).standard_normal((50, 2)))
    learner = make_learner(environment=ToyLanes(breaks_at=20, how="nan"), normaliser=normaliser)
    learner.train(5 * ROWS)
    assert learner.updates_done == 5


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_a_loss_that_is_not_finite_stops_the_training() -> None:
    learner = make_learner(environment=Huge())
    with pytest.raises(
        TrainingStopped, match="Update 2 met a loss or gradient that is not finite"
    ) as stopped:
        learner.train(5 * ROWS)
    assert np.array_equal(_weights(learner), stopped.value.last_good["weights"])
    assert np.isfinite(_weights(learner)).all()


class Huge(ToyLanes):
    """A reward that is finite, but not in float32."""

    def step(self, actions: NDArray[np.int64]) -> Any:
        shown, masks, rewards, ended = super().step(actions)
        return shown, masks, rewards * (1e39 if self.steps > 20 else 1.0), ended


def test_an_exploding_divergence_stops_the_training() -> None:
    learner = make_learner(replace(CONFIG, learning_rate=0.5, epochs=8, maximum_kl=0.5, target_kl=None))
    with pytest.raises(TrainingStopped, match="moved the policy by a divergence of"):
        learner.train(50 * ROWS)


def test_a_dead_policy_stops_the_training_while_it_should_explore() -> None:
    config = replace(CONFIG, dead_updates=3)
    dead = (60.0, 0.0, 0.0)
    learner = make_learner(config, initial_bias=dead)
    with pytest.raises(TrainingStopped, match=r"dead: 3 updates .* up to update 3"):
        learner.train(50 * ROWS)


def test_a_policy_that_dies_at_the_end_of_the_exploring_share_is_found_beyond_it() -> None:
    learner = make_learner(replace(CONFIG, dead_updates=3))
    with pytest.raises(TrainingStopped, match=r"dead: 3 updates .* up to update 10"):
        learner.train(40 * ROWS, after_update=lambda: _kill_policy(learner, 7))


@pytest.mark.parametrize(("updates", "stopped_at"), [(1, 1), (5, 1), (10, 2), (39, 8), (200, 8)])
def test_a_dead_policy_stops_a_short_training_too(updates: int, stopped_at: int) -> None:
    learner = make_learner(initial_bias=(60.0, 0.0, 0.0))
    with pytest.raises(TrainingStopped, match=rf"dead: {stopped_at} updates .* up to update {stopped_at},"):
        learner.train(updates * ROWS)


@pytest.mark.parametrize(("entropy", "is_dead"), [(1e-5, False), (2e-7, True)])
def test_the_floor_lies_below_what_one_keeps_that_rightly_stays_out(entropy: float, is_dead: bool) -> None:
    rows: list[UpdateDiagnostics] = []
    learner = make_learner()
    learner.train(ROWS, rows.append)
    watch, rollout = Watch(PPOConfig()), learner._rollout
    # Whole nights without an edge and with fees of 10 to 100 bps fell to 1e-5 nats within the first fifth.
    found = [
        watch.find_fault(replace(rows[0], update=1 + n, entropy=entropy), rollout, 184) for n in range(8)
    ]
    assert (found[-1] is not None) == is_dead
    assert found[:-1] == [None] * 7


def _kill_policy(learner: Learner, after: int) -> None:
    """Once so many updates are done, the first action is certain."""
    if learner.updates_done == after:
        state = learner.engine.state()
        named_weights(state["weights"], 2, 3, CONFIG.hidden)["policy.2.bias"][0] = 80.0
        learner.engine.restore(state)


def test_a_lane_without_a_legal_action_is_refused() -> None:
    class Stuck(ToyLanes):
        def _observe(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
            shown, masks = super()._observe()
            masks[3] = self.steps != 20
            return shown, masks

    learner = make_learner(environment=Stuck())
    with pytest.raises(InvalidInput, match="mask of lane 3 has no legal action"):
        learner.train(5 * ROWS)
    assert learner.updates_done == 1


def test_a_policy_may_become_certain_later_and_where_there_is_no_choice() -> None:
    late = make_learner(replace(CONFIG, dead_updates=3))
    # A fifth of 40 updates explores.
    late.train(40 * ROWS, after_update=lambda: _kill_policy(late, 8))
    assert late.updates_done == 40

    class NoChoice(ToyLanes):
        def _observe(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
            shown, masks = super()._observe()
            masks[:, 1:] = False
            return shown, masks

    forced = make_learner(replace(CONFIG, dead_updates=1), environment=NoChoice())
    forced.train(20 * ROWS)
    assert forced.updates_done == 20


def test_a_policy_that_moved_too_far_ends_the_update_early() -> None:
    rows: list[UpdateDiagnostics] = []
    make_learner(replace(CONFIG, learning_rate=0.05, epochs=4, target_kl=0.001)).train(3 * ROWS, rows.append)
    assert min(row.epochs_done for row in rows) < 4
    free: list[UpdateDiagnostics] = []
    make_learner(replace(CONFIG, learning_rate=0.05, epochs=4, target_kl=None)).train(3 * ROWS, free.append)
    assert {row.epochs_done for row in free} == {4}


def test_the_entropy_bonus_falls_linearly_to_its_floor_and_is_held_while_entropy_is_low() -> None:
    config = replace(CONFIG, entropy_coefficient=0.04, final_entropy_coefficient=0.02)
    falling, held = list[UpdateDiagnostics](), list[UpdateDiagnostics]()
    make_learner(config).train(4 * ROWS, falling.append)
    make_learner(replace(config, entropy_floor=5.0)).train(4 * ROWS, held.append)
    assert [row.entropy_coefficient for row in falling] == pytest.approx([0.04, 0.035, 0.03, 0.025])
    # Before the first update no entropy is known.
    assert [row.entropy_coefficient for row in held] == pytest.approx([0.04, 0.04, 0.04, 0.04])


class Nudge:
    """Adds 3 to the first action's logit where the first number shown is above 0."""

    def __init__(self) -> None:
        self.shown: list[NDArray[np.float32]] = []

    def apply(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        self.shown.append(observations.copy())
        bias = np.zeros((len(observations), 3), np.float32)
        bias[:, 0] = 3.0 * (observations[:, 0] > 0)
        return bias


def test_the_bias_reads_raw_observations_and_is_the_same_when_acting_and_when_learning() -> None:
    normaliser, nudge = Normaliser(2), Nudge()
    normaliser.update(np.random.default_rng(0).normal(100.0, 9.0, (50, 2)))
    learner = make_learner(normaliser=normaliser, bias=nudge)
    seen: list[Any] = []
    begin = learner.engine.begin_update
    learner.engine.begin_update = lambda rollout: (seen.append(rollout), begin(rollout))[1]  # type: ignore[method-assign]
    learner.train(ROWS)
    raw, rollout = np.concatenate(nudge.shown), seen[0]
    expected = np.where(raw[:, 1:] > 0, 0.0, ILLEGAL)[:, 0]
    assert np.array_equal(rollout.offsets[:, 2], expected)
    assert np.array_equal(rollout.offsets[:, 0], 3.0 * (raw[:, 0] > 0))
    logits, _ = learner.engine.logits(rollout.observations)
    assert logits.shape == (ROWS, 3)
    # The log probabilities kept are those of logits + offsets: the first minibatch moves from there.
    fresh = make_learner(normaliser=normaliser, bias=Nudge()).engine.logits(rollout.observations)[0]
    biased = (fresh + rollout.offsets).astype(np.float64)
    expected = biased - np.log(np.exp(biased).sum(axis=1, keepdims=True))
    taken = expected[np.arange(ROWS), rollout.actions]
    assert rollout.log_probabilities == pytest.approx(taken, abs=1e-5)


def test_scaled_rewards_have_discounted_returns_of_deviation_1() -> None:
    learner = make_learner(replace(CONFIG, scales_rewards=True))
    seen: list[Any] = []
    begin = learner.engine.begin_update
    learner.engine.begin_update = lambda rollout: (seen.append(rollout.rewards.copy()), begin(rollout))[1]  # type: ignore[method-assign]
    rows: list[UpdateDiagnostics] = []
    learner.train(3 * ROWS, rows.append)
    assert seen[-1].max() == pytest.approx(1.0 / learner.return_scale.deviation)
    # The curve speaks of the environment's own rewards.
    assert rows[-1].mean_reward == pytest.approx(float((seen[-1] > 0).mean()))


def test_both_engines_learn_the_same_within_rounding() -> None:
    compiled = make_learner()
    torch_one = make_learner(engine=TorchEngine(2, 3, CONFIG, _weights(compiled)))
    for learner in (compiled, torch_one):
        learner.train(3 * ROWS)
    assert _weights(compiled) == pytest.approx(_weights(torch_one), abs=2e-4)
    assert not np.array_equal(_weights(compiled), _weights(make_learner()))


def test_a_minibatch_of_one_row_is_refused() -> None:
    with pytest.raises(InvalidInput, match="less than two rows"):
        make_learner(replace(CONFIG, minibatches=100))


def test_advantages_equal_the_definition_summed_by_hand() -> None:
    generator = np.random.default_rng(0)
    rewards, values = (generator.standard_normal((6, 2)).astype(np.float32) for _ in range(2))
    last = generator.standard_normal(2).astype(np.float32)
    ended = np.zeros((6, 2), bool)
    ended[2, 0] = True
    found = generalised_advantages(rewards, values, ended, last, 0.9, 0.8)
    following = np.concatenate([values[1:], last[None]])
    deltas = rewards + 0.9 * following * ~ended - values
    for lane in range(2):
        for start in range(6):
            expected, weight = 0.0, 1.0
            for step in range(start, 6):
                expected += weight * float(deltas[step, lane])
                weight *= 0.9 * 0.8 * (not ended[step, lane])
            assert float(found[start, lane]) == pytest.approx(expected, abs=1e-5)


def test_a_lambda_of_1_gives_the_discounted_return_less_the_value() -> None:
    rewards, values = np.float32([[1.0], [2.0], [4.0]]), np.float32([[0.5], [0.25], [0.125]])
    ended = np.array([[False], [False], [True]])
    found = generalised_advantages(rewards, values, ended, np.float32([9.0]), 0.5, 1.0)
    assert found[:, 0].tolist() == pytest.approx([3.0 - 0.5, 4.0 - 0.25, 4.0 - 0.125])
