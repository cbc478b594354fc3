"""What a policy sees at the close of a bar: one ordered, versioned list of names, and the rows behind them.

Values are raw: scaling to mean 0 and variance 1, and NaN to 0 (the mean), is the agent's normaliser.
Everything after the recipe's features is already in volatility units or a share, and is finite.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from huracan.market.account import Accounts
from huracan.market.block import MarketBlock
from huracan.market.costs import Floats
from huracan.market.fills import BPS
from huracan.market.rules import TradingRules
from huracan.regimes.model import REGIMES

OBSERVATION_VERSION = 1

STATE_NAMES = (
    "position_is_open",
    "position_size",  # size multiplier
    "position_unrealised",  # gross, in volatility units
    "position_age",  # share of the longest holding
    "position_to_stop",  # distance of the close to the stop, in volatility units
    "position_to_target",
    "position_best",  # best and worst so far, in volatility units
    "position_worst",
    "cost_in_volatility",  # estimated round trip / volatility unit
)


def observation_names(feature_names: Sequence[str]) -> tuple[str, ...]:
    """The names of all columns, in order."""
    return (*feature_names, *(f"regime_{name}" for name in REGIMES), *STATE_NAMES)


def observe_lanes(
    block: MarketBlock,
    symbols: NDArray[np.int64],
    bars: NDArray[np.int64],
    accounts: Accounts,
    cost_in_volatility: Floats,
    rules: TradingRules,
) -> NDArray[np.float32]:
    """Observations float32 [lanes, names] at the close of each lane's bar.

    `symbols` and `bars` [lanes] say where the lanes are. Two indices and not one into a flattened block:
    a slice of a block is a view, and flattening it would copy all of its features at every step.
    """
    width, regimes = len(block.feature_names), len(REGIMES)
    seen = np.zeros((bars.shape[0], width + regimes + len(STATE_NAMES)), dtype=np.float32)
    seen[:, :width] = block.features[symbols, bars]
    seen[:, width : width + regimes] = block.regime_probabilities[symbols, bars]
    state = seen[:, width + regimes :]
    state[:, 8] = cost_in_volatility
    held = np.flatnonzero(accounts.quantity)
    if held.size:
        state[held, :8] = _position_state(
            block.close[symbols[held], bars[held]], bars[held], accounts, held, rules
        )
    return seen


def _position_state(
    close: Floats, bars: NDArray[np.int64], accounts: Accounts, held: NDArray[np.int64], rules: TradingRules
) -> NDArray[np.float32]:
    entry = accounts.entry_reference[held]
    per_price = 1.0 / (entry * accounts.unit_bps[held] * BPS)
    columns = (
        np.ones_like(close),
        accounts.size_multiplier[held],
        (close - entry) * per_price,
        (bars - accounts.entry_bar[held] + 1) / rules.maximum_holding_bars,
        (close - accounts.stop[held]) * per_price,
        (accounts.target[held] - close) * per_price,
        (accounts.best[held] - entry) * per_price,
        (accounts.worst[held] - entry) * per_price,
    )
    return np.stack(columns, axis=1).astype(np.float32)
