"""The step of Adam with global gradient clipping, in compiled code. Knows nothing of what is minimised."""

import math

import numpy as np
from numpy.typing import NDArray

from huracan.compiled import compiled, compiled_fast

Floats32 = NDArray[np.float32]

_FIRST, _SECOND = 0.9, 0.999
_ONE = np.float32(1.0)


@compiled
def sum_slots(slots: Floats32, used: int) -> None:
    """Adds rows 1 to `used` - 1 to row 0, in their order whoever filled them."""
    for slot in range(1, used):
        for place in range(slots.shape[1]):
            slots[0, place] += slots[slot, place]


@compiled_fast
def gradient_norm(gradient: Floats32) -> float:
    """The Euclidean length, summed in float64."""
    total = 0.0
    for place in range(gradient.shape[0]):
        total += np.float64(gradient[place]) * np.float64(gradient[place])
    return math.sqrt(total)


@compiled
def adam_step(
    weights: Floats32,
    gradient: Floats32,
    mean: Floats32,
    square: Floats32,
    steps: NDArray[np.int64],
    norm: float,
    maximum_norm: float,
    learning_rate: float,
    epsilon: float,
) -> None:
    """Adam (Kingma and Ba 2015), after the gradient of length `norm` is cut to `maximum_norm`."""
    steps[0] += 1
    scale = np.float32(min(1.0, maximum_norm / (norm + 1e-6)))
    keep_mean, keep_square = np.float32(_FIRST), np.float32(_SECOND)
    add_mean, add_square = np.float32(1.0 - _FIRST), np.float32(1.0 - _SECOND)
    unbias = np.float32(1.0 / (1.0 - _SECOND ** float(steps[0])))
    rate = np.float32(learning_rate / (1.0 - _FIRST ** float(steps[0])))
    small = np.float32(epsilon)
    for place in range(weights.shape[0]):
        slope = gradient[place] * scale
        mean[place] = keep_mean * mean[place] + add_mean * slope
        square[place] = keep_square * square[place] + add_square * (slope * slope)
        weights[place] -= rate * mean[place] / (np.sqrt(square[place] * unbias) + small)
