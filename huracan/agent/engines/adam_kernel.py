"""The step of Adam with global gradient clipping, in compiled code. Knows nothing of what is minimised."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from huracan.agent.engine import ADAM_DECAYS
from huracan.agent.engines.fixed_sums import PARTS, sum_of_parts
from huracan.compiled import compiled

Floats32 = NDArray[np.float32]

_FIRST, _SECOND = ADAM_DECAYS


class AdamState(NamedTuple):
    """Flat [parameters] but for the count of steps [1]."""

    weights: Floats32
    gradient: Floats32
    mean: Floats32
    square: Floats32
    steps: NDArray[np.int64]


class AdamSettings(NamedTuple):
    """The numbers of a step, float64."""

    maximum_norm: float
    learning_rate: float
    epsilon: float


@compiled
def sum_slots(slots: Floats32, used: int) -> None:
    """Adds rows 1 to `used` - 1 to row 0, in their order whoever filled them."""
    for slot in range(1, used):
        for index in range(slots.shape[1]):
            slots[0, index] += slots[slot, index]


@compiled
def gradient_norm(gradient: Floats32) -> float:
    """The Euclidean length, summed in float64."""
    count = gradient.shape[0]
    whole = count - count % PARTS
    parts = np.zeros(PARTS)
    for first in range(0, whole, PARTS):
        for part in range(PARTS):
            value = np.float64(gradient[first + part])
            parts[part] += value * value
    total = sum_of_parts(parts)
    for index in range(whole, count):
        total += np.float64(gradient[index]) * np.float64(gradient[index])
    return math.sqrt(total)


@compiled
def adam_step(state: AdamState, settings: AdamSettings, norm: float) -> None:
    """Adam (Kingma and Ba 2015), after the gradient of length `norm` is cut to `maximum_norm`."""
    weights, gradient, mean, square, steps = state
    steps[0] += 1
    scale = np.float32(min(1.0, settings.maximum_norm / (norm + 1e-6)))
    keep_mean, keep_square = np.float32(_FIRST), np.float32(_SECOND)
    add_mean, add_square = np.float32(1.0 - _FIRST), np.float32(1.0 - _SECOND)
    unbias = np.float32(1.0 / (1.0 - _SECOND ** float(steps[0])))
    rate = np.float32(settings.learning_rate / (1.0 - _FIRST ** float(steps[0])))
    small = np.float32(settings.epsilon)
    for index in range(weights.shape[0]):
        slope = gradient[index] * scale
        mean[index] = keep_mean * mean[index] + add_mean * slope
        square[index] = keep_square * square[index] + add_square * (slope * slope)
        weights[index] -= rate * mean[index] / (np.sqrt(square[index] * unbias) + small)
