"""What the context adds to the logits: a few named terms of the raw observation, each times its strength.

One function, used when acting and when learning. NumPy only; no network and no mask live here.

Every term is a product of at most two ramps of raw columns, so that any runtime can repeat it:

    ramp[n, t, k] = clip(observations[n, columns[t, k]] * slopes[t, k] + offsets[t, k], 0, 1)   (0 where NaN)
    terms[n, t]   = ramp[n, t, 0] * ramp[n, t, 1]
    bias[n, a]    = sum over t of terms[n, t] * weights[t, a]

all in float32. A term without a second ramp has slope 0 and offset 1 there; a term that is off has slope 0
and offset 0 in both. Without a slope the ramp is its offset, whatever the column holds (NaN x 0 is NaN).
In ONNX: Gather(axis 1), Mul, Add, Where(IsNaN, 0), Clip, Where(slope = 0, offset), Reshape [-1, terms, 2],
ReduceProd(axis 2), MatMul.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from huracan.agent.bias_config import TERMS, BiasConfig
from huracan.errors import InvalidInput
from huracan.market.actions import ADD, EXIT, SCALE_OUT, SCRATCH, TRAIL, actions_of

__all__ = ["TERMS", "BiasConfig", "ContextBias"]

RAMPS = 2
"""Of a term."""
_SIZES = (0.5, 1.0, 1.5)
"""Weight of an entry by its size slot, where large entries are meant most."""
_LARGE = (0.0, 0.5, 1.0)
"""The same where only the large ones are meant."""
_ALL = (1.0, 1.0, 1.0)

Ramp = tuple[str, float, float]
"""A column, the value at which the ramp is 0 and the value from which it is 1 (either may be the larger)."""


class ContextBias:
    """The bias of one list of observations and one list of actions.

    `weights` float32 [terms, actions]; `columns` int64, `slopes` and `offsets` float32 [terms, RAMPS] (see
    the module). InvalidInput where a term is on and its column is not observed.
    """

    def __init__(
        self, observation_names: Sequence[str], action_names: Sequence[str], config: BiasConfig
    ) -> None:
        self.term_names, self.config = TERMS, config
        self.weights = _weights(action_names, config)
        column_of = {name: column for column, name in enumerate(observation_names)}
        self.columns = np.zeros((len(TERMS), RAMPS), np.int64)
        self.slopes = np.zeros((len(TERMS), RAMPS), np.float32)
        self.offsets = np.zeros((len(TERMS), RAMPS), np.float32)
        for term, ramps in enumerate(_ramps(config)):
            if not self.weights[term].any():
                continue
            self.offsets[term] = 1.0
            for ramp, (column, zero, one) in enumerate(ramps):
                if column not in column_of:
                    raise InvalidInput(
                        f"The bias {TERMS[term]} needs the column {column}, which is not observed.",
                        f"Set the strength of {TERMS[term]} to 0, or observe the column.",
                    )
                self.columns[term, ramp] = column_of[column]
                self.slopes[term, ramp] = 1.0 / (one - zero)
                self.offsets[term, ramp] = -zero / (one - zero)
        self._added = [(term, action) for term, action in np.argwhere(self.weights)]
        self._used = [np.flatnonzero(self.slopes[:, ramp]) for ramp in range(RAMPS)]

    def terms(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """How strongly each term applies, 0 to 1, float32 [n, terms], from raw `observations` [n, width]."""
        found = np.zeros((len(TERMS), observations.shape[0]), np.float32)
        for ramp, terms in enumerate(self._used):
            ramps = observations.T[self.columns[terms, ramp]]
            ramps *= self.slopes[terms, ramp, None]
            ramps += self.offsets[terms, ramp, None]
            np.fmax(ramps, np.float32(0.0), out=ramps)  # of NaN and 0 this takes 0
            np.minimum(ramps, np.float32(1.0), out=ramps)
            found[terms] = ramps if ramp == 0 else found[terms] * ramps
        return np.ascontiguousarray(found.T)

    def apply(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """What to add to the logits, float32 [n, actions]; a row depends on that row alone, to the bit."""
        return self.of_terms(self.terms(observations))

    def of_terms(self, terms: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same from what `terms` gave, for those who record both."""
        # Summed in the order of the terms and not by BLAS, whose rounding depends on the number of rows.
        bias = np.zeros((self.weights.shape[1], terms.shape[0]), np.float32)
        by_term = np.ascontiguousarray(terms.T)
        for term, action in self._added:
            bias[action] += by_term[term] * self.weights[term, action]
        return np.ascontiguousarray(bias.T)


def _ramps(config: BiasConfig) -> tuple[tuple[Ramp, ...], ...]:
    """The ramps of every term, in the order of TERMS."""
    return (
        (("regime_panic", config.panic_from, config.panic_full),),
        (
            ("pattern_reliability", config.pattern_unreliable_below, 0.0),
            ("pattern_reliability", 0.0, config.pattern_known_from),
        ),
        (("position_unrealised", -config.losing_from, -config.losing_full),),
        (
            ("position_unrealised", -config.losing_young_from, -config.losing_young_full),
            ("position_age", config.young_until * 2, config.young_until),
        ),
        (("position_unrealised", config.winning_from, config.winning_full),),
        (("cost_in_volatility", config.costly_from, config.costly_full),),
    )


def _weights(action_names: Sequence[str], config: BiasConfig) -> NDArray[np.float32]:
    """Strength x share of every action, [terms, actions], in the order of TERMS; all 0 when off."""
    shares = (
        _entries(_SIZES, -1.0) | {ADD.name: -1.0},
        _entries(_LARGE, -1.0),
        {EXIT.name: 1.0},
        {SCRATCH.name: 1.0},
        {SCALE_OUT.name: 1.0, TRAIL.name: 0.75},
        _entries(_ALL, -1.0),
    )
    weights = np.zeros((len(TERMS), len(action_names)), np.float32)
    if config.is_on:
        for term, (name, share) in enumerate(zip(TERMS, shares, strict=True)):
            strength = getattr(config, f"{name}_strength")
            weights[term] = [strength * share.get(action, 0.0) for action in action_names]
    return weights + np.float32(0.0)  # -0 to 0


def _entries(by_slot: tuple[float, ...], sign: float) -> dict[str, float]:
    """A share for every entry, long and short alike."""
    return {
        action.name: sign * by_slot[action.size_slot]
        for action in actions_of(allow_short=True)
        if action.size_slot is not None
    }
