"""The running spread of discounted returns, against a plain loop."""

import numpy as np
import pytest

from huracan.agent.return_scale import ReturnScale


def test_the_deviation_is_that_of_every_lanes_discounted_return_so_far() -> None:
    generator = np.random.default_rng(0)
    rewards, ended = generator.standard_normal((30, 4)), generator.random((30, 4)) < 0.1
    scale = ReturnScale(4, 0.9)
    for first in range(0, 30, 10):
        scale.scale(rewards[first : first + 10], ended[first : first + 10])
    returns = []
    for lane in range(4):
        carried = 0.0
        for step in range(30):
            carried = 0.9 * carried + rewards[step, lane]
            returns.append(carried)
            carried = 0.0 if ended[step, lane] else carried
    assert scale.deviation == pytest.approx(np.std(returns))


def test_rewards_are_divided_and_clipped_and_keep_their_sign() -> None:
    scale = ReturnScale(2, 0.0, clip=1.5)
    rewards = np.array([[1.0, -1.0], [1.0, -100.0]])
    scaled = scale.scale(rewards, np.zeros((2, 2), bool))
    assert scaled.dtype == np.float32
    assert scaled[0] == pytest.approx(rewards[0] / scale.deviation)
    assert scaled[1, 1] == -1.5
    assert (np.sign(scaled) == np.sign(rewards)).all()
