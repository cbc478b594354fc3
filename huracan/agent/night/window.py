"""The days a night trains on: split from those it is judged on, looked through, measured. Nothing learns."""

import hashlib
from dataclasses import fields

import numpy as np

from huracan.agent.config import TrainingConfig
from huracan.agent.normaliser import Normaliser
from huracan.errors import InputRefused
from huracan.market.block import MarketBlock

_ROWS = 20_000
"""Feature rows looked at together: a window's features are a gigabyte, and must not be copied."""
_LOOK = "Look at the candles of that symbol, or take it out of the universe."


def split_window(block: MarketBlock, config: TrainingConfig) -> tuple[MarketBlock, MarketBlock]:
    """The training head and the held-out tail. InputRefused where the days do not suffice."""
    days = block.days
    kept = len(days) - config.held_out_days - config.embargo_days
    if kept < config.minimum_training_days:
        needed = config.minimum_training_days + config.held_out_days + config.embargo_days
        raise InputRefused(
            f"The training window has {len(days)} days and needs {needed}.",
            "Build earlier days, or shorten the held-out tail.",
        )
    head = block.slice_days(days[0], days[kept - 1])
    return head, block.slice_days(days[kept + config.embargo_days], days[-1])


def check_window(head: MarketBlock) -> None:
    """InputRefused where nothing could be learned: no complete row, prices that are none or never move."""
    if not (head.is_ready & head.is_tradable[:, head.decision_closes]).any():
        raise InputRefused(
            "The training window has no decision bar whose features are complete: it is shorter than their"
            " warm-up.",
            "Build earlier days, or use a recipe with a shorter warm-up.",
        )
    for index, symbol in enumerate(head.symbols):
        traded = head.is_tradable[index]
        for name in ("open", "high", "low", "close"):
            prices = getattr(head, name)[index][traded]
            if not (np.isfinite(prices) & (prices > 0)).all():
                raise InputRefused(f"{symbol} has a price ({name}) that is no positive number.", _LOOK)
        closes = head.close[index][traded]
        if closes.size and closes.min() == closes.max():
            raise InputRefused(f"The price of {symbol} is {closes[0]:g} in the whole training window.", _LOOK)


def fit_normaliser(head: MarketBlock, width: int) -> Normaliser:
    """Statistics of the head's feature columns over its ready decision bars; the columns after them stay raw.

    A feature that is constant or never defined in the head is ignored ever after.

    InputRefused where a feature is infinite.
    """
    count = len(head.feature_names)
    normaliser = Normaliser(width, [column < count for column in range(width)])
    for index, symbol in enumerate(head.symbols):
        for first in range(0, head.decision_count, _ROWS):
            rows = head.features[index, first : first + _ROWS]
            infinite = np.isinf(rows).any(axis=0)
            if infinite.any():
                name = head.feature_names[int(infinite.argmax())]
                raise InputRefused(f"The feature {name} of {symbol} is infinite.", "Mend the recipe.")
            normaliser.update(rows[head.is_ready[index, first : first + _ROWS]], count)
    return normaliser


def digest_block(block: MarketBlock) -> str:
    """64 hex digits over everything in the block."""
    found = hashlib.sha256()
    for field in fields(block):
        value = getattr(block, field.name)
        found.update(f"\n{field.name} ".encode())
        if not isinstance(value, np.ndarray):
            found.update(repr(value).encode())
            continue
        found.update(f"{value.dtype.str} {value.shape}\n".encode())
        # A slice of days is contiguous symbol by symbol only.
        for part in value if value.ndim > 1 else (value,):
            found.update(np.ascontiguousarray(part).data)
    return found.hexdigest()
