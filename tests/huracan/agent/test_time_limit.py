"""A limit of time is no death: what would have come after it counts, by the value of what was seen last."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from huracan.agent.config import PPOConfig
from huracan.agent.engine import Engine
from huracan.agent.engines.compiled_engine import CompiledEngine
from huracan.agent.engines.torch_engine import TorchEngine
from huracan.agent.layout import initial_weights
from huracan.agent.night.recovery import pack_state, unpack_state
from huracan.agent.normaliser import Normaliser
from huracan.agent.ppo import Learner, Perception
from huracan.agent.rollout import Rollout
from tests.huracan.agent.endless_lanes import DyingLanes, EndlessLanes

CONFIG = PPOConfig(
    rollout_steps=32, learning_rate=1e-2, gamma=0.9, gae_lambda=0.8, minibatches=2, hidden=(16,)
)
ROWS = 32 * 8
ENGINES = pytest.mark.parametrize("kind", [CompiledEngine, TorchEngine])


def _learner(environment: DyingLanes, kind: type[Engine], config: PPOConfig = CONFIG, **more: Any) -> Learner:
    weights = initial_weights(1, 2, config.hidden, np.random.default_rng(3))
    return Learner(environment, config, 0, engine=kind(1, 2, config, weights), **more)  # type: ignore[call-arg]


def _first_rollout(learner: Learner) -> tuple[Rollout, NDArray[np.float32]]:
    """Of the first update: the rollout, and the values of what the lanes saw after it."""
    learner._observations, learner._masks = learner.environment.reset()
    rollout = learner._roll_out()
    learner._estimate_advantages(rollout)
    return rollout, learner.engine.values(learner.normaliser.apply(learner._observations))


@ENGINES
def test_an_endless_reward_of_1_is_worth_what_it_brings_for_ever_however_often_it_is_broken_off(
    kind: type[Engine],
) -> None:
    worth = {}
    for lanes in (EndlessLanes(), DyingLanes()):
        learner = _learner(lanes, kind)
        learner.train(80 * ROWS)
        worth[type(lanes)] = learner.engine.values(np.float32([[0.0], [1.0]]))
    # 1 / (1 - 0.9), in the middle of an episode as at its end.
    assert worth[EndlessLanes] == pytest.approx([10.0, 10.0], abs=0.3)
    # Of a life of 12 steps at the most no more than 1 + 0.9 + ... + 0.9^11 can come.
    assert worth[DyingLanes].max() < 7.2
    assert worth[DyingLanes][1] < 3.0


@ENGINES
def test_advantages_across_a_cut_equal_the_definition_summed_by_hand(kind: type[Engine]) -> None:
    learner = _learner(EndlessLanes(), kind)
    rollout, last_values = _first_rollout(learner)
    at_the_cut = float(learner.engine.values(np.float32([[1.0]]))[0])
    cuts = 0
    for lane in range(8):
        ahead, following = 0.0, float(last_values[lane])
        for step in reversed(range(32)):
            is_cut = bool(rollout.ended[step, lane])
            cuts += is_cut
            after = at_the_cut if is_cut else following
            delta = 1.0 + 0.9 * after - float(rollout.values[step, lane])
            ahead = delta + (0.0 if is_cut else 0.9 * 0.8 * ahead)
            assert float(rollout.advantages[step, lane]) == pytest.approx(ahead, abs=1e-5)
            following = float(rollout.values[step, lane])
    assert cuts > 8


@ENGINES
def test_where_rewards_are_scaled_what_was_still_to_come_is_in_the_scaled_units(kind: type[Engine]) -> None:
    # A deviation far below 1: scaled rewards reach their clip, and what was to come is added beyond it.
    learner = _learner(EndlessLanes(), kind, replace(CONFIG, scales_rewards=True))
    rollout, _ = _first_rollout(learner)
    at_the_cut = learner.engine.values(np.float32([[1.0]]))[0]
    reward = np.float32(min(1.0 / learner.return_scale.deviation, 10.0))
    assert rollout.rewards[~rollout.ended] == pytest.approx(reward)
    assert rollout.rewards[rollout.ended] == pytest.approx(reward + 0.9 * at_the_cut)


def test_what_was_seen_last_is_normalised_as_it_would_have_been_when_acting() -> None:
    normaliser = Normaliser(1)
    normaliser.update(np.array([[3.0], [7.0]]))
    learner = _learner(
        EndlessLanes(), CompiledEngine, perception=Perception(normaliser, updates_normaliser=True)
    )
    # Of the rollout, before it was learned from.
    seen = normaliser.apply(np.float32([[1.0]]))
    rollout, _ = _first_rollout(learner)
    assert rollout.rewards[rollout.ended] == pytest.approx(1.0 + 0.9 * learner.engine.values(seen)[0])
    assert seen[0, 0] == pytest.approx(-2.0)


def test_however_many_are_cut_the_values_are_asked_once_a_rollout(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    for lanes in (EndlessLanes(), DyingLanes()):
        learner = _learner(lanes, CompiledEngine)
        real = learner.engine.values

        def counted(rows: NDArray[np.float32], real: Any = real) -> NDArray[np.float32]:
            asked.append(len(rows))
            return real(rows)  # type: ignore[no-any-return]

        monkeypatch.setattr(learner.engine, "values", counted)
        learner.train(ROWS)
    assert len(asked) == 2
    assert asked[0] > 8 and asked[1] == 8


@pytest.mark.parametrize("killed_after", [1, 4])
def test_killed_between_cuts_and_resumed_it_ends_with_the_same_weights_to_the_bit(killed_after: int) -> None:
    whole, killed, resumed = (_learner(EndlessLanes(), CompiledEngine) for _ in range(3))
    whole.train(6 * ROWS)
    saved: list[bytes] = []
    killed.train(6 * ROWS, after_update=lambda: saved.append(pack_state(killed.snapshot(), "me")))
    state = unpack_state(saved[killed_after - 1], "me")
    assert state is not None
    resumed.restore(state)
    resumed.train(6 * ROWS)
    for name, values in whole.engine.state().items():
        assert np.array_equal(values, resumed.engine.state()[name])
