"""Days of a policy without skill, as the trial ledger would record them, judged night by night by the
verdict."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.market.block import EPOCH, MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.what_if.shifted_schedule import Schedule, mean_rival_gross_usd
from huracan.promotion.criteria import Judged
from huracan.promotion.day import DayResult, planned_loss_usd, side_cost_bps
from huracan.promotion.evidence import DEVIATIONS, Bet, Evidence, unit_usd
from huracan.promotion.settings import SPAN_DAYS, PromotionConfig
from huracan.promotion.verdict import Registered, judge_procedure
from huracan.proof.promotion.null_markets import BARS_PER_DAY, HOUR_MINUTES
from huracan.proof.promotion.skillless import Played
from huracan.regimes.model import REGIMES
from huracan.units import BASIS_POINT

Floats = NDArray[np.float64]
HELD_OUT_DAYS = 7
"""The first days of a procedure only fix its unit, as the held-out days of its first night do."""


@dataclass(frozen=True, eq=False)
class PaperYear:
    """A policy's days on a block, at the costs that it paid."""

    block: MarketBlock
    played: Played
    costs: CostAssumptions

    @property
    def days(self) -> int:
        return self.block.bar_count // BARS_PER_DAY

    @cached_property
    def _side_bps(self) -> Floats:
        """[symbols] of an order that crosses."""
        return side_cost_bps(self._accounts(0), self.costs)

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        """[days] the last bar of each."""
        return np.arange(BARS_PER_DAY - 1, self.block.bar_count, BARS_PER_DAY)

    @cached_property
    def results(self) -> Floats:
        """[days] change of what everything closed would leave, USD."""
        set_aside = (self.played.held_usd[:, self._ends] * self._side_bps[:, None]).sum(axis=0) * BASIS_POINT
        worth = self.played.equity_usd[:, self._ends].sum(axis=0) - set_aside
        return np.diff(worth, prepend=float(self.played.equity_usd[:, 0].sum()))

    @cached_property
    def paid(self) -> Floats:
        """[days] costs, and what is set aside for them."""
        made = np.diff(
            self.played.equity_usd[:, self._ends].sum(axis=0),
            prepend=float(self.played.equity_usd[:, 0].sum()),
        )
        paid = np.diff(self.played.costs_usd[:, self._ends].sum(axis=0), prepend=0.0)
        return np.asarray(paid + made - self.results)

    @cached_property
    def planned(self) -> Floats:
        """[days] planned losses, USD."""
        return np.array([self._planned(day) for day in range(self.days)])

    def rival_gross(self, day: int, first: int) -> float:
        """Mean of what the trades from the day `first` on, moved, make on `day` before costs."""
        begins, ends = day * BARS_PER_DAY, (day + 1) * BARS_PER_DAY - 1
        pooled = max(first, day - SPAN_DAYS + 1)
        closed = self.played.closed
        own = closed[(closed["exit_bar"] >= pooled * BARS_PER_DAY) & (closed["entry_bar"] <= ends)]
        schedule = Schedule.of_closed(own)
        lasted = np.minimum(schedule.entry_bar + schedule.held_bars, ends + 1) - schedule.entry_bar
        # What is held goes on, and nobody knows for how long.
        so_far = replace(schedule, held_bars=np.maximum(lasted, 1))
        lead = max(begins - 20 * BARS_PER_DAY, 0)
        block = self.block.slice(lead, ends)
        bars = (day - pooled + 1) * BARS_PER_DAY
        return mean_rival_gross_usd(so_far, block, self.played.rules, begins - lead, ends - lead, bars)

    def day(self, number: int, units: tuple[float, float], rival_usd: float) -> DayResult:
        """The whole record of a day."""
        first, last = number * BARS_PER_DAY, (number + 1) * BARS_PER_DAY
        equity = self.played.equity_usd[:, first:last].sum(axis=0)
        opening = float(self.played.equity_usd[:, max(first - 1, 0)].sum())
        moved = np.append(0.0, equity - opening)
        closed = self.played.closed
        own = closed[(closed["exit_bar"] >= first) & (closed["exit_bar"] < last)]
        return DayResult(
            day=self.date_of(number),
            result_usd=float(self.results[number]),
            rival_usd=rival_usd,
            unit_usd=units[0],
            rival_unit_usd=units[1],
            opening_usd=opening,
            costs_usd=float(self.paid[number]),
            trades=int(own.size),
            low_usd=float(moved.min()),
            high_usd=float(moved.max()),
            fall_usd=float(np.max(np.maximum.accumulate(moved) - moved)),
            regimes=self._regimes(own),
        )

    def date_of(self, number: int) -> date:
        return EPOCH + timedelta(days=int(self.block.day_index[number * BARS_PER_DAY]))

    def _planned(self, day: int) -> float:
        accounts = self._accounts(max(day * BARS_PER_DAY - 1, 0))
        return planned_loss_usd(accounts, accounts.num_rows, self.played.rules, self.costs)

    def _accounts(self, bar: int) -> pa.Table:
        """As far as costs and stops are concerned, at a bar's close."""
        return pa.table(
            {
                "equity_usd": self.played.equity_usd[:, bar],
                "mark_volatility_bps": self.block.volatility_bps[:, bar],
                "bar_minutes": [HOUR_MINUTES] * self.block.symbol_count,
                "mark_taker_fee_bps": self.block.taker_fee_bps[:, 0],
                "mark_half_spread_bps": self.block.half_spread_bps[:, 0],
            }
        )

    def _regimes(self, closed: NDArray[np.void]) -> dict[str, tuple[int, float]]:
        codes = self.block.regime[closed["symbol"], np.maximum(closed["signal_bar"], 0)]
        return {
            REGIMES[code]: (int((codes == code).sum()), float(closed["net_usd"][codes == code].sum()))
            for code in np.unique(codes).tolist()
        }


@dataclass(frozen=True)
class JudgedYear:
    """What the verdict made of the days of one procedure."""

    promoted_on: int | None
    """The how-many-th night; None where it never was."""
    result_reached: bool
    """The first bet alone would have."""
    share_beyond: float
    """Of days that lost more than their unit."""


def units_of(results: Floats, planned: Floats) -> Floats:
    """[days] `unit_usd` of each day by the results before it, all at once."""
    padded = np.concatenate([np.full(SPAN_DAYS, np.nan), results[:-1]])
    trailing = np.lib.stride_tricks.sliding_window_view(padded, SPAN_DAYS)
    counts = np.isfinite(trailing).sum(axis=1)
    known = np.where(np.isfinite(trailing), trailing, 0.0)
    means = known.sum(axis=1) / np.maximum(counts, 1)
    apart = np.where(np.isfinite(trailing), trailing - means[:, None], 0.0)
    deviation = np.sqrt((apart**2).sum(axis=1) / np.maximum(counts - 1, 1))
    return np.maximum(np.where(counts > 1, DEVIATIONS * deviation, 0.0), planned)


def judge_year(year: PaperYear, number: int, first: int, end: int, limits: PromotionConfig) -> JudgedYear:
    """The days from `first` to before `end` of the `number`-th procedure, night by night."""
    procedure = Registered("0" * 64, number, year.date_of(first))
    begins = first + HELD_OUT_DAYS
    days = range(begins, end)
    units = units_of(year.results[first:end], year.planned[first:end])[HELD_OUT_DAYS:].tolist()
    result = Bet.on([float(year.results[day]) / unit for day, unit in zip(days, units, strict=True)])
    beyond = float(np.mean(result.results < -1.0)) if result.results.size else 0.0
    if result.highest < procedure.bar:
        return JudgedYear(None, False, beyond)
    promoted = next(_promoted(year, procedure, (first, begins, end), units, limits), None)
    return JudgedYear(promoted, True, beyond)


def _promoted(
    year: PaperYear,
    procedure: Registered,
    span: tuple[int, int, int],
    units: list[float],
    limits: PromotionConfig,
) -> Iterator[int]:
    """The nights on which it has earned its place."""
    first, begins, end = span
    known, beyond_rivals = list[DayResult](), year.results[first:begins].tolist()
    for day, unit in zip(range(begins, end), units, strict=True):
        rival = year.rival_gross(day, begins) - float(year.paid[day])
        rival_unit = unit_usd(beyond_rivals, float(year.planned[day]))
        known.append(year.day(day, (unit, rival_unit), rival))
        beyond_rivals.append(known[-1].rival_result_usd)
        evidence = Evidence.of(known)
        if evidence.highest >= procedure.bar:
            judged = Judged(evidence, (), procedure.number)
            if judge_procedure(procedure, judged, limits).is_earned:
                yield day - first + 1
