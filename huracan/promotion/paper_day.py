"""The record of a day on paper: its tables, put together with what the procedure's days before were."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from huracan.promotion.day import (
    DayBook,
    DayResult,
    fees_of,
    forecasts_of,
    path_of,
    planned_loss_usd,
    regimes_of,
    result_and_costs_usd,
)
from huracan.promotion.evidence import unit_usd


@dataclass(frozen=True, eq=False)
class PaperDay:
    """A day of one book, and what is known beside its tables."""

    day: date
    book: DayBook
    rules: TradingRules
    costs: CostAssumptions
    symbols: int
    """Of the universe on the day."""
    rival_gross_usd: float
    """What random rivals make of the day on average before costs."""
    said: pa.Table
    """`trade_id` and `probability` of what was forecast of trades."""

    def result(self, before: Sequence[DayResult], held_out_usd: Sequence[float]) -> DayResult:
        """`before` are the same procedure's earlier days, in order, and `held_out_usd` what its first weights
        made on their held-out days: units are made of both."""
        book = self.book
        made, paid = result_and_costs_usd(book, self.rules, self.costs)
        planned = planned_loss_usd(book.accounts_before, self.symbols, self.rules, self.costs)
        opening, low, high, fall = path_of(book.session)
        forecasts, forecast_wins, wins = forecasts_of(book.trades, self.said)
        fees, traded = fees_of(book.fills)
        return DayResult(
            day=self.day,
            result_usd=made,
            rival_usd=self.rival_gross_usd - paid,
            unit_usd=unit_usd([*held_out_usd, *(each.result_usd for each in before)], planned),
            rival_unit_usd=unit_usd([*held_out_usd, *(each.rival_result_usd for each in before)], planned),
            opening_usd=opening,
            costs_usd=paid,
            trades=book.trades.num_rows,
            low_usd=low,
            high_usd=high,
            fall_usd=fall,
            regimes=regimes_of(book.trades),
            forecasts=forecasts,
            forecast_wins=forecast_wins,
            wins=wins,
            fees_usd=fees,
            traded_usd=traded,
        )
