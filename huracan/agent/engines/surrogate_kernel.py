"""PPO's loss over a chunk of rows and its gradient on logits and values, in compiled code. No network here.

The clipped surrogate (Schulman et al. 2017, eq. 7), the value's squared error with or without clipping, the
entropy bonus. Gradients are those of the mean over the minibatch, `share` = 1 / its rows; they are exact but
where two branches of a minimum meet in one point.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from huracan.agent.engines.softmax_kernel import exponential, log_softmax
from huracan.compiled import compiled

Floats32 = NDArray[np.float32]

ACTION, LOG_PROBABILITY, VALUE, ADVANTAGE, RETURN = range(5)
"""Places of what was done, after the observation and the offsets of a record."""
TAKEN = 5
POLICY_LOSS, ENTROPY, APPROX_KL, CLIP_FRACTION, VALUE_LOSS = range(5)
"""Places in the sums."""
SUMS = 5
SCRATCH_ROWS = 8
"""Rows of the scratch beside two for every action."""

_ONE, _ZERO = np.float32(1.0), np.float32(0.0)


class LossSettings(NamedTuple):
    """The numbers of the loss of one minibatch."""

    clip: np.float32
    value_clip: np.float32
    """inf where the value is not clipped."""
    value_coefficient: np.float32
    entropy_coefficient: np.float32
    mean: np.float32
    """Of the minibatch's advantages."""
    inverse_deviation: np.float32
    share: np.float32
    """1 / rows of the minibatch."""


@compiled
def policy_loss(
    records: Floats32,
    taken: int,
    logits: Floats32,
    slopes: Floats32,
    scratch: Floats32,
    actions: int,
    count: int,
    settings: LossSettings,
    sums: NDArray[np.float64],
) -> None:
    """Gradients on the logits into `slopes` [rows, >= actions], else 0; adds the loss's terms to `sums`.

    `records` [rows, ...] with the offsets just before `taken`; `logits` [rows, ...] without them; rows from
    `count` on are padding, and get a gradient of 0.
    """
    rows = records.shape[0]
    logs, probabilities, free = scratch[:actions], scratch[actions : 2 * actions], scratch[2 * actions :]
    entropy, chosen, pull, push = free[0], free[1], free[2], free[3]
    for action in range(actions):
        for row in range(rows):
            logs[action, row] = logits[row, action] + records[row, taken - actions + action]
    log_softmax(logs, probabilities, free[4], free[5], rows)
    for row in range(rows):
        entropy[row] = _ZERO
    for action in range(actions):
        for row in range(rows):
            entropy[row] -= probabilities[action, row] * logs[action, row]
    for row in range(rows):
        chosen[row] = (
            logs[np.int64(records[row, taken + ACTION]), row] - records[row, taken + LOG_PROBABILITY]
        )
    _surrogate(records, taken, chosen, pull, push, free[4], free[5], count, settings, sums)
    for row in range(count):
        sums[ENTROPY] += np.float64(entropy[row])
    for action in range(actions):
        for row in range(rows):
            bonus = push[row] * (logs[action, row] + entropy[row])
            logs[action, row] = probabilities[action, row] * (bonus - pull[row])
    for row in range(rows):
        for action in range(slopes.shape[1]):
            slopes[row, action] = logs[action, row] if action < actions else _ZERO
        slopes[row, np.int64(records[row, taken + ACTION])] += pull[row]


@compiled
def _surrogate(
    records: Floats32,
    taken: int,
    log_ratios: Floats32,
    pull: Floats32,
    push: Floats32,
    ratios: Floats32,
    gains: Floats32,
    count: int,
    settings: LossSettings,
    sums: NDArray[np.float64],
) -> None:
    """d loss / d log probability of the action taken into `pull`, the weight of the entropy into `push`."""
    low, high = _ONE - settings.clip, _ONE + settings.clip
    for row in range(records.shape[0]):
        ratios[row] = exponential(log_ratios[row])
    for row in range(records.shape[0]):
        advantage = (records[row, taken + ADVANTAGE] - settings.mean) * settings.inverse_deviation
        ratio = ratios[row]
        clipped = high if ratio > high else (low if ratio < low else ratio)
        free, bound = ratio * advantage, clipped * advantage
        share = settings.share if row < count else _ZERO
        gains[row] = bound if bound < free else free
        pull[row] = _ZERO if bound < free else -share * free
        push[row] = share * settings.entropy_coefficient
    for row in range(count):
        ratio = ratios[row]
        sums[POLICY_LOSS] -= np.float64(gains[row])
        sums[APPROX_KL] += np.float64(ratio - _ONE - log_ratios[row])
        sums[CLIP_FRACTION] += np.float64(ratio > high or ratio < low)


@compiled
def value_loss(
    records: Floats32,
    taken: int,
    values: Floats32,
    slopes: Floats32,
    count: int,
    settings: LossSettings,
    sums: NDArray[np.float64],
) -> None:
    """Gradients on the values into `slopes` [rows]; adds half the squared error to `sums`."""
    for row in range(records.shape[0]):
        old, target = records[row, taken + VALUE], records[row, taken + RETURN]
        away = values[row] - target
        moved = values[row] - old
        bounded = settings.value_clip if moved > settings.value_clip else moved
        bounded = -settings.value_clip if bounded < -settings.value_clip else bounded
        near = old + bounded - target
        is_bound = near * near > away * away
        worst = near if is_bound else away
        weight = settings.share * settings.value_coefficient if row < count else _ZERO
        slopes[row] = _ZERO if is_bound and bounded != moved else weight * away
        if row < count:
            sums[VALUE_LOSS] += 0.5 * np.float64(worst) * np.float64(worst)
