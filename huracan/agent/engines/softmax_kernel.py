"""Probabilities of a chunk of rows, and draws from them, in compiled code. No network and no loss here.

Arrays are [actions, rows], so that the loops run along the rows, one row per vector lane. Arithmetic is
IEEE to the letter: a row's bits do not depend on its neighbours.
"""

import math

import numpy as np
from numpy.typing import NDArray

from huracan.compiled import compiled, compiled_inline

Floats32 = NDArray[np.float32]

_LOG2_OF_E = np.float32(1.4426950408889634)
# ln 2 in two parts, so that x - n ln 2 loses nothing (Cody and Waite).
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_EXP = tuple(
    np.float32(value)
    for value in (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5)
)
_EXP0, _EXP1, _EXP2, _EXP3, _EXP4, _EXP5 = _EXP
_ONE, _HALF, _ZERO = np.float32(1.0), np.float32(0.5), np.float32(0.0)
_LOWEST, _HIGHEST = np.float32(-87.0), np.float32(89.0)


@compiled_inline
def exponential(x: np.float32) -> np.float32:
    """exp(x) within 2 units of the last place (Cephes' expf); 0 below -87, inf above 88.7, NaN of NaN."""
    bounded = _HIGHEST if x > _HIGHEST else x
    bounded = _LOWEST if bounded < _LOWEST else bounded
    whole = np.floor(bounded * _LOG2_OF_E + _HALF)
    rest = bounded - whole * _LN2_HIGH - whole * _LN2_LOW
    value = ((((_EXP0 * rest + _EXP1) * rest + _EXP2) * rest + _EXP3) * rest + _EXP4) * rest + _EXP5
    value = value * rest * rest + rest + _ONE
    # 2^n written into the exponent's bits.
    power = np.int32((np.int32(whole) + np.int32(127)) << np.int32(23)).view(np.float32)
    return _ZERO if x < _LOWEST else value * power


@compiled
def log_softmax(logits: Floats32, probabilities: Floats32, top: Floats32, total: Floats32, rows: int) -> None:
    """Logits [actions, rows] -> their log-softmax in place, and the probabilities.

    A logit 1e9 under another one has a probability of exactly 0. `top`, `total`: memory [rows].
    """
    actions = logits.shape[0]
    for row in range(rows):
        top[row] = logits[0, row]
        total[row] = _ZERO
    for action in range(1, actions):
        for row in range(rows):
            value = logits[action, row]
            top[row] = value if value > top[row] else top[row]
    for action in range(actions):
        for row in range(rows):
            logits[action, row] -= top[row]
            power = exponential(logits[action, row])
            probabilities[action, row] = power
            total[row] += power
    for row in range(rows):
        top[row] = np.float32(math.log(total[row]))
        total[row] = _ONE / total[row]
    for action in range(actions):
        for row in range(rows):
            logits[action, row] -= top[row]
            probabilities[action, row] *= total[row]


@compiled
def draw_actions(
    probabilities: Floats32, uniform: NDArray[np.float64], rows: int, actions: NDArray[np.int64]
) -> None:
    """One action per row: the number of partial sums that are at most uniform x the last of them.

    Sums are float64, in the order of the actions; one of probability 0 is never drawn.
    """
    count = probabilities.shape[0]
    for row in range(rows):
        whole = 0.0
        for action in range(count):
            whole += np.float64(probabilities[action, row])
        mark, partial, drawn = uniform[row] * whole, 0.0, 0
        for action in range(count - 1):
            partial += np.float64(probabilities[action, row])
            drawn += 1 if partial <= mark else 0
        actions[row] = drawn
