"""The two bets on the days of a procedure, and how far they have come.

Days are bet on in their order, each in a unit that was fixed before it. What is promoted is in `verdict`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from huracan.candles.schema import day_start
from huracan.evidence.betting import DAILY_STAKES, LastingBet, play_in_turn
from huracan.promotion.day import DayResult
from huracan.promotion.settings import SPAN_DAYS

Floats = NDArray[np.float64]
DEVIATIONS = 3.5
LARGEST_GAIN = 3.0
"""More units than this count as these: what is so large was no day like those that the unit was made of."""
LOST = -1.0
"""What a day comes to that its procedure should have traded and did not, in units."""
FEWEST_FOR_RATE = 10
"""Days below which their rate says nothing: of fewer, one day more or less decides it."""
_FARTHEST_DAYS = 3650


@dataclass(frozen=True)
class Lost:
    """A day with candles that was not traded, by the procedure's own fault."""

    day: date


Day = DayResult | Lost


def unit_usd(earlier: Sequence[float], planned_loss_usd: float) -> float:
    """The unit of a day: the larger of 3.5 deviations of up to 60 `earlier` results, and the planned loss."""
    trailing = np.asarray(earlier[-SPAN_DAYS:], np.float64)
    deviation = float(trailing.std(ddof=1)) if trailing.size > 1 else 0.0
    return max(DEVIATIONS * deviation, planned_loss_usd)


def nights_to(bar: float, annual_sharpe: float) -> int:
    """About how many days it takes to `bar` from the first on, where their annual Sharpe ratio (365 days) is
    `annual_sharpe` and their unit is 3.5 of their deviations: by the growth s m - s^2 (v + m^2) / 2 of the
    best stake s, with m and v mean and variance in units, which has to make what all stakes began with."""
    mean, variance = annual_sharpe / math.sqrt(365.0) / DEVIATIONS, DEVIATIONS**-2
    growth = float(np.max(DAILY_STAKES * mean - DAILY_STAKES**2 * (variance + mean**2) / 2.0))
    return math.ceil(math.log(bar * DAILY_STAKES.size) / growth)


@dataclass(frozen=True, eq=False)
class Bet:
    """One bet: its results in units, and what the gamblers had after each day."""

    results: Floats
    """[days]"""
    wealth: Floats
    """[stakes, days]"""

    @staticmethod
    def on(results: Sequence[float]) -> "Bet":
        """Gains beyond the largest are cut off, losses never."""
        values = np.minimum(np.asarray(results, np.float64), LARGEST_GAIN)
        return Bet(values, play_in_turn(values))

    @property
    def path(self) -> Floats:
        """[days] the evidence after each day."""
        return np.asarray(self.wealth.mean(axis=0))

    @property
    def now(self) -> float:
        return float(self.path[-1]) if self.results.size else 1.0

    @property
    def highest(self) -> float:
        return float(max(self.path.max(), 1.0)) if self.results.size else 1.0

    def days_to(self, bar: float) -> int | None:
        """About how many more days like those so far it takes to reach `bar`; None where it does not at
        this rate. 0 where it was reached."""
        if self.highest >= bar:
            return 0
        if self.results.size < 2:
            return None
        growth = np.log(np.maximum(1.0 + DAILY_STAKES[:, None] * self.results, 1e-12)).mean(axis=1)
        left = np.log(np.maximum(self.wealth[:, -1], 1e-300))
        best = math.inf
        for each, has in zip(growth.tolist(), left.tolist(), strict=True):
            if each > 0.0:
                best = min(best, (math.log(bar * DAILY_STAKES.size) - has) / each)
        return math.ceil(best) if best <= _FARTHEST_DAYS else None


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the days of a procedure came to."""

    days: tuple[Day, ...]
    result: Bet
    """On what was made."""
    skill: Bet
    """On what was made beyond random rivals."""

    @staticmethod
    def of(days: Sequence[Day]) -> "Evidence":
        """In the order of the days. A day that was lost counts as its unit in both."""
        ordered = tuple(sorted(days, key=lambda each: each.day))
        return Evidence(
            ordered,
            Bet.on([LOST if isinstance(each, Lost) else each.result_usd / each.unit_usd for each in ordered]),
            Bet.on(
                [
                    LOST if isinstance(each, Lost) else each.rival_result_usd / each.rival_unit_usd
                    for each in ordered
                ]
            ),
        )

    @property
    def traded(self) -> tuple[DayResult, ...]:
        return tuple(each for each in self.days if isinstance(each, DayResult))

    @property
    def highest(self) -> float:
        """The lesser of what the two bets have reached: what counts."""
        return min(self.result.highest, self.skill.highest)

    @property
    def share_beyond(self) -> float:
        """Share of days that lost more than their unit."""
        return float(np.mean(self.result.results < LOST)) if self.days else 0.0

    def days_to(self, bar: float) -> int | None:
        """About how many more days both bets take to reach `bar`; None where one does not at this rate."""
        each = [bet.days_to(bar) for bet in (self.result, self.skill)]
        return None if None in each else max(days for days in each if days is not None)

    def since(self, first: date) -> "Evidence":
        """Of the days from `first` on that were not remade, from 1 on anew."""
        return Evidence.of(
            [each for each in self.days if each.day >= first and not getattr(each, "is_remade", False)]
        )


def evidence_against(days: Sequence[date], results: Floats) -> float:
    """What who bets against the days has: who believes that they lose, from whatever day on.

    `results` [days] in units; a win beyond a unit counts as one. Some gamblers begin on every day, so that
    what turned late is found too.
    """
    bet = LastingBet()
    for day, result in zip(days, results.tolist(), strict=True):
        begins = round(day_start(day).timestamp() * 1000)
        opened, closed = np.array([begins + 1]), np.array([begins + 2])
        bet = bet.play_night(opened, closed, np.array([max(-result, -1.0)]), begins + 2)
    return bet.evidence
