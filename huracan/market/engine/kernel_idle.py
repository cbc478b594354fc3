"""Lanes for which nothing is decided for a while, and what they see on their way. Compiled."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from huracan.compiled import compiled, compiled_inline
from huracan.market.actions import HOLD_INDEX, WAIT_INDEX
from huracan.market.costs import Floats
from huracan.market.engine.kernel_advance import advance_lanes
from huracan.market.engine.kernel_bars import Bars, Sights
from huracan.market.engine.kernel_masks import mask_lanes
from huracan.market.engine.kernel_numbers import Conditions
from huracan.market.engine.kernel_observe import equity_lanes, observe_lanes
from huracan.market.engine.market_step import MarketStep
from huracan.market.engine.record_book import Records


class IdleTime(NamedTuple):
    """Lanes at closes in a row at which nothing is decided; arrays [decisions, lanes, ...]."""

    observations: NDArray[np.float32]
    """[..., names] raw"""
    masks: NDArray[np.bool_]
    """[..., actions]"""
    actions: NDArray[np.int64]
    """Those that decide nothing: WAIT or HOLD."""
    equity_usd: Floats

    @staticmethod
    def empty(decisions: int, lanes: int, names: int, actions: int) -> "IdleTime":
        """Memory for so many decisions, not yet filled."""
        shape = (decisions, lanes)
        return IdleTime(
            observations=np.empty((*shape, names), np.float32),
            masks=np.empty((*shape, actions), np.bool_),
            actions=np.empty(shape, np.int64),
            equity_usd=np.empty(shape),
        )


@compiled
def foresee_lanes(
    state: NDArray[np.void], bars: Bars, sights: Sights, conditions: Conditions, records: Records,
    time: IdleTime,
) -> None:  # fmt: skip
    """Fills `time`, close by close, and moves every lane by as many decisions."""
    step = room_for(state.size)
    for at in range(time.actions.shape[0]):
        observe_lanes(state, bars, sights, conditions.rules, conditions.costs, time.observations[at])
        mask_lanes(state, bars, conditions.rules, time.masks[at])
        equity_lanes(state, bars, time.equity_usd[at])
        do_nothing(state, time.actions[at])
        advance_lanes(state, time.actions[at], bars, conditions, records, step)


@compiled
def idle_lanes(
    state: NDArray[np.void], decisions: int, bars: Bars, conditions: Conditions, records: Records
) -> None:
    """Moves every lane by so many decisions."""
    step = room_for(state.size)
    actions = np.empty(state.size, np.int64)
    for _ in range(decisions):
        do_nothing(state, actions)
        advance_lanes(state, actions, bars, conditions, records, step)


@compiled_inline
def room_for(lanes: int) -> MarketStep:
    """What steps bring, to nobody."""
    return MarketStep(np.empty(lanes), np.empty(lanes), np.empty(lanes, np.bool_))


@compiled_inline
def do_nothing(state: NDArray[np.void], actions: NDArray[np.int64]) -> None:
    """Writes the action of every lane that decides nothing."""
    for index in range(state.size):
        actions[index] = WAIT_INDEX if state[index].quantity == 0.0 else HOLD_INDEX
