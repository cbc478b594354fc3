"""Where each layer lies in a network's flat weights, and with which numbers it begins. NumPy alone.

The order is that of `network.PolicyValueNetwork.parameters()`: the policy tower layer by layer, each weight
[out, in] row by row and then its bias, then the value tower.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats32 = NDArray[np.float32]


def layer_shapes(width: int, outputs: int, hidden: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """(out, in) of every layer of one tower."""
    sizes = (width, *hidden, outputs)
    return tuple(zip(sizes[1:], sizes[:-1], strict=True))


def weight_names(width: int, actions: int, hidden: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every parameter, in order: `policy.0.weight`, `policy.0.bias`, `policy.2.weight`..."""
    shapes: dict[str, tuple[int, ...]] = {}
    for tower, outputs in (("policy", actions), ("value", 1)):
        for index, shape in enumerate(layer_shapes(width, outputs, hidden)):
            # The odd indices are the tanh between the layers.
            shapes[f"{tower}.{2 * index}.weight"] = shape
            shapes[f"{tower}.{2 * index}.bias"] = shape[:1]
    return shapes


def weight_count(width: int, actions: int, hidden: tuple[int, ...]) -> int:
    """The length of the flat weights."""
    return sum(math.prod(shape) for shape in weight_names(width, actions, hidden).values())


def named_weights(flat: Floats32, width: int, actions: int, hidden: tuple[int, ...]) -> dict[str, Floats32]:
    """Every parameter by its name, as views of `flat`."""
    views, start = {}, 0
    for name, shape in weight_names(width, actions, hidden).items():
        stop = start + math.prod(shape)
        views[name] = flat[start:stop].reshape(shape)
        start = stop
    return views


def spread_weights(
    flat: Floats32, columns: NDArray[np.int64], width: int, actions: int, hidden: tuple[int, ...]
) -> Floats32:
    """Flat weights for observations of `width` of a network that was given `columns` of them alone; what it
    was not given has the weight 0."""
    spread = np.zeros(weight_count(width, actions, hidden), np.float32)
    given = named_weights(flat, columns.size, actions, hidden)
    for name, view in named_weights(spread, width, actions, hidden).items():
        into = (slice(None), columns) if name.endswith(".0.weight") else ...
        view[into] = given[name]
    return spread


def initial_weights(
    width: int,
    actions: int,
    hidden: tuple[int, ...],
    generator: np.random.Generator,
    initial_bias: tuple[float, ...] | None = None,
) -> Floats32:
    """Flat weights to begin with: orthogonal, with zero biases.

    Gain sqrt 2, 0.01 for the policy's head and 1 for the value's, as in "The 37 Implementation Details of
    PPO", details 2 and 13. `initial_bias` [actions] is the policy head's first bias: it sets how often each
    action is tried before anything is known.
    """
    flat = np.zeros(weight_count(width, actions, hidden), np.float32)
    heads = {f"policy.{2 * len(hidden)}.weight": 0.01, f"value.{2 * len(hidden)}.weight": 1.0}
    for name, view in named_weights(flat, width, actions, hidden).items():
        if name.endswith("weight"):
            view[:] = _orthogonal(view.shape, heads.get(name, math.sqrt(2.0)), generator)
        elif initial_bias is not None and name == f"policy.{2 * len(hidden)}.bias":
            view[:] = initial_bias
    return flat


def _orthogonal(shape: tuple[int, ...], gain: float, generator: np.random.Generator) -> NDArray[np.float64]:
    """Saxe, McClelland and Ganguli (2014): Q of a normal matrix, its signs made unique."""
    out, into = shape
    drawn = generator.standard_normal((max(out, into), min(out, into)))
    q, r = np.linalg.qr(drawn)
    q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
    return np.asarray(gain * (q if out >= into else q.T), dtype=np.float64)
