"""PPO's loss over a chunk of rows and its gradient on logits and values, in compiled code. No network here.

The objective is stated in `huracan.agent.ppo`. Gradients are those of the mean over the minibatch, `share` =
1 / its rows; they are exact but where two branches of a minimum meet in one point.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from huracan.agent.engines.records import ACTION, ADVANTAGE, LOG_PROBABILITY, RETURN, VALUE, Batch
from huracan.agent.engines.row_kernel import transposed
from huracan.agent.engines.softmax_kernel import exponential, log_softmax
from huracan.agent.engines.vectors import Matrix
from huracan.compiled import compiled

Floats32 = NDArray[np.float32]

POLICY_LOSS, ENTROPY, APPROX_KL, CLIP_FRACTION, VALUE_LOSS = range(5)
"""Indices in the sums."""
SUMS = 5
SCRATCH_ROWS = 8
"""Rows of the scratch beside two for every action."""

_ONE, _ZERO = np.float32(1.0), np.float32(0.0)


class LossSettings(NamedTuple):
    """The numbers of the loss of one minibatch, of float32's precision in float64: what is made with them
    before it is stored is float64 too."""

    clip: float
    value_clip: float
    """inf where the value is not clipped."""
    value_coefficient: float
    entropy_coefficient: float
    mean: float
    """Of the minibatch's advantages."""
    inverse_deviation: float
    share: float
    """1 / rows of the minibatch."""


@compiled
def policy_loss(
    batch: Batch,
    logits: Floats32,
    slopes: Floats32,
    scratch: Floats32,
    settings: LossSettings,
    sums: NDArray[np.float64],
) -> None:
    """Gradients on the logits into `slopes`; adds the loss's terms to `sums`.

    `logits` and `slopes` [rows, >= actions]; the logits come without the offsets and leave with them. Rows
    that pad the batch get a gradient of 0. What pads the slopes' columns stays: its gradients are nobody's.
    """
    records, actions, rows = batch.records, batch.actions, batch.records.shape[0]
    logs, probabilities, free = scratch[:actions], scratch[actions : 2 * actions], scratch[2 * actions :]
    entropy, log_ratios, pull, push = free[0], free[1], free[2], free[3]
    for row in range(rows):
        for action in range(actions):
            logits[row, action] += records[row, batch.width + action]
    turned = Matrix(scratch.reshape(-1), 0, scratch.shape[1], 1)
    transposed(Matrix(logits.reshape(-1), 0, logits.shape[1], 1), turned, rows, actions)
    log_softmax(logs, probabilities, free[4], free[5], rows)
    for row in range(rows):
        entropy[row] = _ZERO
    for action in range(actions):
        for row in range(rows):
            entropy[row] -= probabilities[action, row] * logs[action, row]
    taken = batch.width + actions
    for row in range(rows):
        done = np.int64(records[row, taken + ACTION])
        log_ratios[row] = logs[done, row] - records[row, taken + LOG_PROBABILITY]
    _surrogate(batch, free, settings, sums)
    for action in range(actions):
        for row in range(rows):
            bonus = push[row] * (logs[action, row] + entropy[row])
            logs[action, row] = probabilities[action, row] * (bonus - pull[row])
    transposed(turned, Matrix(slopes.reshape(-1), 0, slopes.shape[1], 1), actions, rows)
    for row in range(rows):
        slopes[row, np.int64(records[row, taken + ACTION])] += pull[row]


@compiled
def _surrogate(batch: Batch, free: Floats32, settings: LossSettings, sums: NDArray[np.float64]) -> None:
    """From entropy and log ratios, rows 0 and 1 of `free`: d loss / d log probability of the action taken
    into row 2, the weight of the entropy into row 3."""
    entropy, log_ratios, pull, push, ratios, gains = free[0], free[1], free[2], free[3], free[4], free[5]
    low, high = _ONE - settings.clip, _ONE + settings.clip
    taken, rows = batch.width + batch.actions, batch.records.shape[0]
    for row in range(rows):
        ratios[row] = exponential(log_ratios[row])
    for row in range(rows):
        ratio = ratios[row]
        advantage = (batch.records[row, taken + ADVANTAGE] - settings.mean) * settings.inverse_deviation
        clipped = high if ratio > high else (low if ratio < low else ratio)
        free_gain, bound_gain = ratio * advantage, clipped * advantage
        share = settings.share if row < batch.real else _ZERO
        gains[row] = bound_gain if bound_gain < free_gain else free_gain
        pull[row] = _ZERO if bound_gain < free_gain else -share * free_gain
        push[row] = share * settings.entropy_coefficient
    # In registers: a sum in memory waits for its last store at every row.
    loss, moved, clips, uncertain = sums[POLICY_LOSS], sums[APPROX_KL], sums[CLIP_FRACTION], sums[ENTROPY]
    for row in range(batch.real):
        ratio = ratios[row]
        loss -= np.float64(gains[row])
        moved += np.float64(ratio - _ONE - log_ratios[row])
        clips += np.float64(ratio > high or ratio < low)
        uncertain += np.float64(entropy[row])
    sums[POLICY_LOSS], sums[APPROX_KL], sums[CLIP_FRACTION], sums[ENTROPY] = loss, moved, clips, uncertain


@compiled
def value_loss(
    batch: Batch,
    values: Floats32,
    slopes: Floats32,
    settings: LossSettings,
    sums: NDArray[np.float64],
) -> None:
    """Gradients on the values into `slopes` [rows]; adds half the squared error to `sums`."""
    taken, total = batch.width + batch.actions, sums[VALUE_LOSS]
    for row in range(batch.records.shape[0]):
        old, target = batch.records[row, taken + VALUE], batch.records[row, taken + RETURN]
        away = values[row] - target
        moved = values[row] - old
        bounded = settings.value_clip if moved > settings.value_clip else moved
        bounded = -settings.value_clip if bounded < -settings.value_clip else bounded
        near = old + bounded - target
        is_bound = near * near > away * away
        worst = near if is_bound else away
        weight = settings.share * settings.value_coefficient if row < batch.real else _ZERO
        slopes[row] = _ZERO if is_bound and bounded != moved else weight * away
        if row < batch.real:
            total += 0.5 * np.float64(worst) * np.float64(worst)
    sums[VALUE_LOSS] = total
