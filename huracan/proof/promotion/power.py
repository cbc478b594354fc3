"""Does the verdict find who is good? Independent days of a known annual Sharpe ratio, through everything that
blocks.

A day is drawn and not traded: its result is normal, or Student's with four degrees of freedom, around the
mean that makes the ratio. The account beside it is consistent with it: so many trades, costs of half of what
is made, a planned loss of so many deviations, rivals whose mean has a noise of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from huracan.evidence.betting import DAILY_STAKES
from huracan.promotion.criteria import Judged
from huracan.promotion.day import DayResult
from huracan.promotion.evidence import LARGEST_GAIN, Evidence, unit_usd
from huracan.promotion.settings import PromotionConfig
from huracan.promotion.verdict import Registered, judge_procedure
from huracan.proof.promotion.judged_nights import HELD_OUT_DAYS
from huracan.proof.proof_table import Bar

Floats = NDArray[np.float64]
_DEVIATION_USD, _OPENING_USD, _TRADES = 20.0, 30_000.0, 6
_COST_SHARE = 0.5
"""Of what is made on a day before they are paid: the net is as much again."""
_OF_RIVALS = 0.3
"""Deviation of the rivals' mean on a day, in that of the result, and drawn by itself."""
_FIRST = date(2025, 1, 1)


@dataclass(frozen=True)
class PowerSettings:
    """The full proof."""

    draws: int = 1_000
    nights: int = 365
    planned_deviations: float = 3.5
    """The planned loss, in deviations of a day."""
    first_seed: int = 40_001
    limits: PromotionConfig = field(default_factory=PromotionConfig)


@dataclass(frozen=True)
class PowerRow:
    """Who is promoted when."""

    sharpe: float
    """A year, of 365 days."""
    tail: str
    """`normal` or `student`."""
    procedure: int
    draws: int
    promoted_by: tuple[float, ...]
    """[nights] share that was promoted by then."""
    median_night: int | None
    """By which half were; None where fewer ever were."""

    def share_by(self, night: int) -> float:
        return self.promoted_by[night - 1]


ASKED = ((10.0, 90, 0.90), (5.0, 240, 0.85))
"""Annual Sharpe ratio, nights, and the share that must be promoted by then."""


def power_row(sharpe: float, tail: str, procedure: int, settings: PowerSettings) -> PowerRow:
    """The same settings give the same row."""
    first = [
        _first_night(_drawn(sharpe, tail, settings, draw), procedure, settings)
        for draw in range(settings.draws)
    ]
    nights = np.array([settings.nights + 1 if each is None else each for each in first])
    shares = [(nights <= night).mean() for night in range(1, settings.nights + 1)]
    median = int(np.median(nights))
    return PowerRow(
        sharpe,
        tail,
        procedure,
        settings.draws,
        tuple(float(each) for each in shares),
        median if median <= settings.nights else None,
    )


def prove_power(
    settings: PowerSettings, on_row: Callable[[PowerRow], None] | None = None
) -> tuple[PowerRow, ...]:
    """The ratios that are asked for, of both tails, as the first procedure."""
    rows = []
    for sharpe, _, _ in ASKED:
        for tail in ("normal", "student"):
            rows.append(power_row(sharpe, tail, 1, settings))
            if on_row is not None:
                on_row(rows[-1])
    return tuple(rows)


def power_bars(rows: Sequence[PowerRow]) -> tuple[Bar, ...]:
    """Of the normal days."""
    found = []
    for sharpe, night, share in ASKED:
        for row in rows:
            if (row.sharpe, row.tail, row.procedure) == (sharpe, "normal", 1):
                what = f"share promoted within {night} nights at an annual Sharpe ratio of {sharpe:g}"
                value = row.share_by(night)
                found.append(Bar("power", what, value, share, value >= share))
    return tuple(found)


def _drawn(sharpe: float, tail: str, settings: PowerSettings, draw: int) -> tuple[Floats, Floats]:
    """[held-out days and nights] results, and what rivals made of them before costs; USD."""
    generator = np.random.default_rng([settings.first_seed, draw])
    count = HELD_OUT_DAYS + settings.nights
    if tail == "normal":
        noise = generator.standard_normal(count)
    else:
        noise = generator.standard_t(4, count) / np.sqrt(2.0)
    rivals = _OF_RIVALS * generator.standard_normal(count)
    return _DEVIATION_USD * (sharpe / np.sqrt(365.0) + noise), _DEVIATION_USD * rivals


def _first_night(drawn: tuple[Floats, Floats], procedure: int, settings: PowerSettings) -> int | None:
    """The night on which it is promoted; its first day is the second night's."""
    results, rivals = drawn
    registered = Registered("0" * 64, procedure, _FIRST)
    planned = settings.planned_deviations * _DEVIATION_USD
    cost = _COST_SHARE * max(float(results.mean()), 0.0)
    known = list[DayResult]()
    beyond = results[:HELD_OUT_DAYS].tolist()
    wealth = np.ones((2, DAILY_STAKES.size))
    highest = np.ones(2)
    for night in range(1, settings.nights):
        place = HELD_OUT_DAYS + night - 1
        unit = unit_usd(results[:place].tolist(), planned)
        rival_unit = unit_usd(beyond, planned)
        day = _day(night, float(results[place]), float(rivals[place]) - cost, (unit, rival_unit), cost)
        known.append(day)
        beyond.append(day.rival_result_usd)
        # Day by day, where `Evidence` would play all days again every night.
        gained = np.minimum([day.result_usd / unit, day.rival_result_usd / rival_unit], LARGEST_GAIN)
        wealth *= np.maximum(1.0 + gained[:, None] * DAILY_STAKES, 0.0)
        highest = np.maximum(highest, wealth.mean(axis=1))
        if highest.min() >= registered.bar:
            judged = Judged(Evidence.of(known), (), procedure)
            if judge_procedure(registered, judged, settings.limits).is_earned:
                return night + 1
    return None


def _day(
    night: int, result_usd: float, rival_usd: float, units: tuple[float, float], cost_usd: float
) -> DayResult:
    """A day whose trades, wins and falls are those of its result."""
    half = _TRADES // 2
    return DayResult(
        day=_FIRST + timedelta(days=night),
        result_usd=result_usd,
        rival_usd=rival_usd,
        unit_usd=units[0],
        rival_unit_usd=units[1],
        opening_usd=_OPENING_USD,
        costs_usd=cost_usd,
        trades=_TRADES,
        low_usd=min(result_usd, 0.0) - 0.5 * _DEVIATION_USD,
        high_usd=max(result_usd, 0.0) + 0.5 * _DEVIATION_USD,
        fall_usd=max(-result_usd, 0.0) + 0.5 * _DEVIATION_USD,
        regimes={"range": (half, 0.5 * result_usd), "trend": (half, 0.5 * result_usd)},
        forecasts=_TRADES,
        forecast_wins=0.5 * _TRADES,
        wins=half + (1 if result_usd > 0 else -1),
    )
