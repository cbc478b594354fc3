"""Whatever is read of a row when learning, side by side: a gathered row is one stretch. No arithmetic here.

A record is the observation, the offsets of every action, then what was done, at the indices below from
`width + actions` on.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from huracan.compiled import compiled

Floats32 = NDArray[np.float32]

ACTION, LOG_PROBABILITY, VALUE, ADVANTAGE, RETURN = range(5)
TAKEN = 5
"""Numbers of what was done."""


class Experience(NamedTuple):
    """The arrays of a flat `rollout.Rollout` that are learned from."""

    observations: Floats32
    offsets: Floats32
    actions: NDArray[np.int64]
    log_probabilities: Floats32
    values: Floats32
    advantages: Floats32
    returns: Floats32


class Batch(NamedTuple):
    """A chunk of records [rows, ...]: `real` of the rollout, then rows of zeros."""

    records: Floats32
    width: int
    actions: int
    real: int


@compiled
def write_records(seen: Experience, records: Floats32) -> None:
    """Fills the first numbers of every record; what pads it stays 0."""
    width, actions = seen.observations.shape[1], seen.offsets.shape[1]
    for row in range(records.shape[0]):
        record = records[row]
        for column in range(width):
            record[column] = seen.observations[row, column]
        for action in range(actions):
            record[width + action] = seen.offsets[row, action]
        taken = record[width + actions :]
        taken[ACTION] = np.float32(seen.actions[row])
        taken[LOG_PROBABILITY] = seen.log_probabilities[row]
        taken[VALUE] = seen.values[row]
        taken[ADVANTAGE] = seen.advantages[row]
        taken[RETURN] = seen.returns[row]


@compiled
def gather(records: Floats32, order: NDArray[np.int64], into: Floats32) -> None:
    """Records `order` -> the first rows of `into`, and 0 in those after them."""
    count, size = order.shape[0], records.shape[1]
    for row in range(count):
        source, target = records[order[row]], into[row]
        for column in range(size):
            target[column] = source[column]
    for row in range(count, into.shape[0]):
        for column in range(size):
            into[row, column] = np.float32(0.0)
