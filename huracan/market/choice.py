"""Which action is taken: first what is done at all, then how it is done.

Three sizes of an entry say one thing, that something should be bought, and split its probability among
them: waiting at 0.4 would win against 0.2 for each. So actions of one kind (`Action.kind`) are taken together
first.

The two sides are two kinds. Who gives 0.3 to buying, 0.3 to selling short and 0.4 to waiting knows no
direction; by the sum of both sides an order would be sent, and next to nothing would say to which side. So
each side is held against waiting, as it is against the other side.

Of what is done while holding only EXIT and SCRATCH are one kind: both leave, by the same order, and differ in
the name that the exit gets. ADD, SCALE_OUT and TRAIL make three different positions.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def choose(
    scores: NDArray[np.floating[Any]], masks: NDArray[np.bool_], kinds: Sequence[Hashable]
) -> NDArray[np.int64]:
    """[...] the most probable legal action of the kind whose legal actions together are the most probable.

    `scores` [..., actions] are logits, bias included; `masks` of the same shape leave an action to every row.
    `kinds` says for each action what kind it is of; without any, each is a kind by itself, and the action is
    the one of the largest score, to the bit. Both times the first of equals is taken. A row's action depends
    on its own row alone.
    """
    legal = np.where(masks, scores, -np.inf).astype(np.float64)
    places: dict[Hashable, list[int]] = {}
    for place, kind in enumerate(kinds or range(legal.shape[-1])):
        places.setdefault(kind, []).append(place)
    together = np.empty((*legal.shape[:-1], len(places)))
    actions = np.empty(together.shape, np.int64)
    for number, members in enumerate(places.values()):
        own = legal[..., members]
        first = own.argmax(axis=-1)
        actions[..., number] = np.asarray(members)[first]
        together[..., number] = own[..., 0] if len(members) == 1 else _log_sum(own)
    chosen = together.argmax(axis=-1)
    return np.asarray(np.take_along_axis(actions, chosen[..., None], axis=-1)[..., 0])


def _log_sum(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """log of the summed exp along the last axis; that of one that is finite is that one, to the bit."""
    largest = scores.max(axis=-1)
    none = np.isneginf(largest)
    powers = np.exp(scores - np.where(none, 0.0, largest)[..., None])
    return np.asarray(largest + np.log(np.where(none, 1.0, powers.sum(axis=-1))))
