"""With which probability the exploration book enters at a close: all of it known before that.

Half of the budget goes anywhere, to strata of hour, regime and volatility that were rare on the days before
up to twice as often as to common ones; half goes where the policy, softened, would enter. Of both the rate of
a moment is the budget over the moments of a day, times what the moment is beside the mean of the days before.
"""

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.errors import InvalidInput
from huracan.regimes.model import REGIMES

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MOST_OF_BARS = 0.25
"""Share of a day's decision bars that the budget may reach."""
MOST_OF_A_MOMENT = 0.5
"""No moment is entered more surely, so that at each there is also what comes of waiting."""
MOST_BESIDE = 4.0
"""How much oftener than usual the policy's half may enter where the policy is surer than usual."""
_LEAST_MOMENTS = 0.5
"""Of a day's decision bars: so many moments at least are expected, however few a short past had."""
_LEAST, _MOST = 0.5, 2.0
"""How much less, and more, often than at large a stratum is entered."""
_SHAPE = (24, len(REGIMES), 3)


@dataclass(frozen=True)
class ExplorationConfig:
    """How much the exploration book enters, and where."""

    entries_per_day: float = 24.0
    """Entries of each symbol that a day is expected to bring, at most a quarter of its decision bars; 0: the
    book enters nothing."""
    policy_share: float = 0.5
    """Share of them that goes where the policy, softened, would enter."""
    temperature: float = 2.0
    """What softens the policy: its scores are divided by this before they become probabilities."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.entries_per_day) and self.entries_per_day >= 0):
            raise InvalidInput(
                f"exploration.entries_per_day was {self.entries_per_day}.", "Give 0 (none) or more."
            )
        if not 0 <= self.policy_share < 1:
            raise InvalidInput(
                f"exploration.policy_share was {self.policy_share}.",
                "Give 0 or more, below 1: where the policy never enters, something must be drawn too.",
            )
        if not (math.isfinite(self.temperature) and self.temperature >= 1):
            raise InvalidInput(
                f"exploration.temperature was {self.temperature}.", "Give 1 (as the policy decides) or more."
            )

    def budget(self, bars_per_day: int) -> float:
        """Expected entries of a symbol on a day of so many decision bars."""
        return min(self.entries_per_day, MOST_OF_BARS * bars_per_day)


@dataclass(frozen=True, eq=False)
class Moments:
    """Closes [n] at which an entry could be drawn."""

    symbol: Integers
    """Index in the block."""
    hour: Integers
    regime: Integers
    volatility_bps: Floats
    entry_probability: Floats
    """That the policy, softened, enters; NaN where nobody decides."""


@dataclass(frozen=True, eq=False)
class PastMoments:
    """What the days before say of the moments to come, by symbol of a block; one that they lack is taken to
    be as all of them together."""

    thirds_bps: Floats
    """[symbols, 2] between calm, usual and wild volatility."""
    weight: Floats
    """[symbols, hours, regimes, thirds] of the rate anywhere: its mean over the moments of the past is 1."""
    moments_per_day: Floats
    """[symbols]"""
    entry_probability: Floats
    """[symbols] what the policy's half takes for usual; NaN where no policy has decided yet."""

    @staticmethod
    def of(past: pa.Table | None, symbols: tuple[str, ...], bars_per_day: int) -> "PastMoments":
        """From MOMENTS_SCHEMA of days before; without any, all moments count alike."""
        count = len(symbols)
        if past is None or past.num_rows == 0:
            return PastMoments(
                thirds_bps=np.full((count, 2), np.nan),
                weight=np.ones((count, *_SHAPE)),
                moments_per_day=np.full(count, float(bars_per_day)),
                entry_probability=np.full(count, np.nan),
            )
        columns = _Columns.of(past)
        parts = [columns.where(columns.symbol == name) for name in symbols]
        found = [(each if each.symbol.size else columns).summary() for each in parts]
        return PastMoments(*(np.array([each[part] for each in found]) for part in range(4)))

    def volatility_rank(self, moments: Moments) -> Integers:
        """[n] 0 to 2; 1 where there is no past."""
        thirds = self.thirds_bps[moments.symbol]
        rank = (moments.volatility_bps[:, None] > thirds).sum(axis=1)
        return np.where(np.isnan(thirds[:, 0]), 1, rank).astype(np.int64)


@dataclass(frozen=True, eq=False)
class _Columns:
    """MOMENTS_SCHEMA as arrays [n]."""

    symbol: NDArray[np.object_]
    day: Integers
    hour: Integers
    regime: Integers
    volatility_bps: Floats
    entry_probability: Floats

    @staticmethod
    def of(past: pa.Table) -> "_Columns":
        regime = pc.index_in(past["regime"], value_set=pa.array(REGIMES))
        return _Columns(
            symbol=past["symbol"].to_numpy(zero_copy_only=False),
            day=pc.cast(past["signal_time"], pa.int64()).to_numpy() // 86_400_000,
            hour=past["hour"].to_numpy(),
            regime=regime.to_numpy(zero_copy_only=False).astype(np.int64),
            volatility_bps=past["entry_volatility_bps"].to_numpy(),
            entry_probability=past["entry_probability"].to_numpy(zero_copy_only=False).astype(np.float64),
        )

    def where(self, rows: NDArray[np.bool_]) -> "_Columns":
        return _Columns(**{name: values[rows] for name, values in vars(self).items()})

    def summary(self) -> tuple[Floats, Floats, float, float]:
        """The parts of `PastMoments`, of one symbol."""
        thirds = np.quantile(self.volatility_bps, [1 / 3, 2 / 3])
        rank = (self.volatility_bps[:, None] > thirds).sum(axis=1)
        cells = np.zeros(_SHAPE)
        np.add.at(cells, (self.hour, self.regime, rank), 1.0)
        weight = np.clip(1.0 / (cells.size * _shares(cells)), _LEAST, _MOST)
        days = np.unique(self.day).size * np.unique(self.symbol).size
        return (
            thirds,
            weight / ((cells * weight).sum() / cells.sum()),
            self.hour.size / days,
            usual_probability(self.entry_probability[np.isfinite(self.entry_probability)]),
        )


def usual_probability(known: Floats) -> float:
    """The c at which the mean of min(s / c, MOST_BESIDE) over the past s is 1; NaN without a past.

    The mean of s itself would do without the cap; with it a bold past would leave budget unspent.
    """
    if not known.size or known.max() <= 0.0:
        return math.nan
    low, high = known.max() * 1e-9, float(known.max())
    for _ in range(60):
        middle = math.sqrt(low * high)
        if np.minimum(known / middle, MOST_BESIDE).mean() > 1.0:
            low = middle
        else:
            high = middle
    return high


def _shares(cells: Floats) -> Floats:
    """[hours, regimes, thirds] share of each stratum, smoothed towards the product of its margins: some weeks
    of hourly bars are fewer moments than there are strata."""
    expected = np.ones(_SHAPE)
    for axis, length in enumerate(_SHAPE):
        others = tuple(each for each in range(3) if each != axis)
        margin = cells.sum(axis=others) + 1.0
        shape = [1, 1, 1]
        shape[axis] = length
        expected = expected * (margin / margin.sum()).reshape(shape)
    smoothed: Floats = (cells + cells.size * expected) / (cells.sum() + cells.size)
    return smoothed


def rates(
    moments: Moments, past: PastMoments, config: ExplorationConfig, bars_per_day: int
) -> tuple[Floats, Floats]:
    """[n] probability of an entry drawn from anywhere, and of one drawn from the policy, at each moment.

    Where nobody decides all of the budget goes anywhere. Together at most MOST_OF_A_MOMENT, of which what
    goes anywhere is never less for the other half.
    """
    per_day = np.clip(past.moments_per_day, _LEAST_MOMENTS * bars_per_day, bars_per_day)
    budget = config.budget(bars_per_day) / per_day[moments.symbol]
    stratum = (moments.symbol, moments.hour, moments.regime, past.volatility_rank(moments))
    own, usual = moments.entry_probability, past.entry_probability[moments.symbol]
    share = np.where(np.isfinite(own), config.policy_share, 0.0)
    # Before there is a past every moment counts alike.
    beside = np.where(usual > 0.0, np.minimum(own / np.where(usual > 0.0, usual, 1.0), MOST_BESIDE), 1.0)
    anywhere = np.minimum(budget * (1.0 - share) * past.weight[stratum], MOST_OF_A_MOMENT)
    from_policy = np.where(own > 0.0, budget * share * beside, 0.0)
    return anywhere, np.minimum(from_policy, MOST_OF_A_MOMENT - anywhere)
