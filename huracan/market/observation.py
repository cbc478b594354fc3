"""What a policy sees at the close of a bar: one ordered, versioned list of names; see `kernel_observe`.

Values are raw: scaling to mean 0 and variance 1, and NaN to 0 (the mean), is the agent's normaliser.
Everything after the recipe's features is already in volatility units or a share, and is finite.
"""

from collections.abc import Sequence
from itertools import takewhile

from huracan.regimes.model import REGIMES

OBSERVATION_VERSION = 3

STATE_NAMES = (
    "position_is_open",
    "position_side",  # +1 long, -1 short
    "position_size",  # what is open, at its mean entry price, / notional_usd
    "position_unrealised",  # gross, in volatility units; > 0 is a gain, long or short
    "position_age",  # share of the longest holding
    "position_to_stop",  # distance of the close to the stop, in volatility units
    "position_to_target",
    "position_best",  # best and worst so far, in volatility units
    "position_worst",
    "position_adds",  # share of the most adds
    "position_is_trailing",
    "position_funding",  # paid so far, in volatility units of a position of size 1; < 0 where received
    "cost_in_volatility",  # estimated round trip / volatility unit
    "time_of_day_sin",  # of the bar's open, UTC
    "time_of_day_cos",
    "pattern_win_rate",  # block.PATTERN_CONTEXT
    "pattern_net",
    "pattern_reliability",
)
"""All of a position are 0 where there is none."""


def observation_names(feature_names: Sequence[str]) -> tuple[str, ...]:
    """The names of all columns, in order."""
    return (*feature_names, *(f"regime_{name}" for name in REGIMES), *STATE_NAMES)


def feature_names(observed: Sequence[str]) -> tuple[str, ...]:
    """The features among the names of an observation of any version: those before the regimes."""
    return tuple(takewhile(lambda name: name != f"regime_{REGIMES[0]}", observed))
