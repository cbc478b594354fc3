"""What a rollout needs beside network and environment, in compiled code: logit offsets and advantages."""

import numpy as np
from numpy.typing import NDArray

from huracan.compiled import compiled

Floats32 = NDArray[np.float32]


@compiled
def write_offsets(masks: NDArray[np.bool_], added: Floats32, illegal: np.float32, offsets: Floats32) -> int:
    """`added` where an action is legal, `illegal` elsewhere, all [lanes, actions].

    Returns the first lane without a legal action, -1 where every lane has one.
    """
    stuck = -1
    for lane in range(masks.shape[0]):
        has_choice = False
        for action in range(masks.shape[1]):
            is_legal = masks[lane, action]
            has_choice |= is_legal
            offsets[lane, action] = added[lane, action] if is_legal else illegal
        if not has_choice and stuck < 0:
            stuck = lane
    return stuck


@compiled
def generalised_advantages(
    rewards: Floats32,
    values: Floats32,
    ended: NDArray[np.bool_],
    last_values: Floats32,
    gamma: float,
    gae_lambda: float,
) -> Floats32:
    """GAE(gamma, lambda) of Schulman et al. 2016, eq. 16. [steps, lanes]; `ended[t]` cuts after step t.

    `last_values` [lanes] are the values of the observations after the last step.
    """
    steps, lanes = rewards.shape
    advantages = np.empty_like(rewards)
    following, ahead = last_values.copy(), np.zeros(lanes, np.float32)
    discount, decay = np.float32(gamma), np.float32(gamma * gae_lambda)
    for step in range(steps - 1, -1, -1):
        for lane in range(lanes):
            alive = np.float32(0.0) if ended[step, lane] else np.float32(1.0)
            delta = rewards[step, lane] + discount * following[lane] * alive - values[step, lane]
            ahead[lane] = delta + decay * alive * ahead[lane]
            advantages[step, lane] = ahead[lane]
            following[lane] = values[step, lane]
    return advantages
