"""What a day on paper came to, for the procedure that traded it or for a champion that goes on beside it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.schema import day_start
from huracan.ensemble.columns import COMBINED, SIGNALS_SCHEMA
from huracan.market.costs import CostAssumptions
from huracan.market.ledger import TRADES_SCHEMA
from huracan.market.paper.open_columns import OPEN_POSITIONS_SCHEMA
from huracan.market.rules import TradingRules
from huracan.promotion.day import DayBook, DayResult
from huracan.promotion.paper_day import PaperDay
from huracan.promotion.settings import SPAN_DAYS
from huracan_assets.inputs import market_block
from huracan_assets.inputs.accounts import OPEN_POSITIONS, accounts_of
from huracan_assets.inputs.windows import before_held_days, held_days, with_held_days
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import StageContext
from huracan_resources.lake.entry_features import TRACE_FILE

GATED, CHAMPION, _ALONE = "gated_trades", "champion_trades", "shadow_trades"
_FORECASTS, _LEAD = "forecasts", "priced_"
_MOVED = (
    "symbol",
    "side",
    "entry_time",
    "exit_time",
    "notional_usd",
    "entry_volatility_bps",
    "gross_usd",
    "net_usd",
)


def _reads_of(book: str) -> tuple[Read, ...]:
    """The day of a book, its accounts of the day before, and its trades of the trailing days."""
    return (
        Read(book, is_record=True, may_lack_days=True),
        replace(accounts_of(book), key=f"{book}_before", may_lack_days=True, because=""),
        Read(book, key=f"{book}_pooled", days=SPAN_DAYS, edge=False, is_record=True, may_lack_days=True),
    )


READS_OF_RESULTS = (
    *_reads_of(GATED),
    *_reads_of(CHAMPION),
    Read(_ALONE, is_record=True, may_lack_days=True),
    Read("ensemble", key=_FORECASTS, days=with_held_days, edge=False, is_record=True, may_lack_days=True),
    Read("ohlcv", key=f"{_LEAD}ohlcv", days=before_held_days, edge=False),
    Read("market_costs", key=f"{_LEAD}market_costs", days=with_held_days, edge=False, may_lack_days=True),
    Read("features", key=f"{_LEAD}features", days=with_held_days, edge=False, may_lack_days=True),
    Read("regimes", key=f"{_LEAD}regimes", days=with_held_days, edge=False, table="data", may_lack_days=True),
)


@dataclass(frozen=True, eq=False)
class PaperResult:
    """The day of one book, traded by `rules` and `costs`."""

    inputs: Inputs
    context: StageContext
    book: str
    rules: TradingRules
    costs: CostAssumptions

    @property
    def is_traded(self) -> bool:
        """Whether the day was traded in the book."""
        return self.inputs.has(self.book, "session.parquet")

    def result(self, earlier: Mapping[date, DayResult], held_out_usd: list[float]) -> DayResult:
        """That of the day; `earlier` are those of the same procedure, whose trades its rivals move too, and
        `held_out_usd` what its first weights made on their held-out days: units are made of both."""
        book, day = self._day_book(), self.context.day
        before = [earlier[each] for each in sorted(earlier) if each < day]
        symbols = len(self.context.settings.universe.symbols_on(day))
        rivals = self._rival_gross_usd(book, [each.day for each in before])
        paper = PaperDay(day, book, self.rules, self.costs, symbols, rivals, self._said())
        manifest = self.inputs.last(self.book)
        assert manifest is not None  # the day was traded
        return replace(
            paper.result(before, held_out_usd),
            alone_usd=self._alone_usd(),
            models=self._models(),
            is_simulated=manifest.is_simulated,
            is_refit=self.context.settings.training.refits_whole_window,
            is_remade=manifest.remade,
        )

    def _day_book(self) -> DayBook:
        inputs, before = self.inputs, f"{self.book}_before"
        has_before = inputs.has(before, f"{OPEN_POSITIONS}.parquet")
        nothing = OPEN_POSITIONS_SCHEMA.empty_table()
        return DayBook(
            trades=inputs.table(self.book),
            fills=inputs.table(self.book, "fills"),
            session=inputs.table(self.book, "session"),
            accounts=inputs.table(self.book, OPEN_POSITIONS),
            accounts_before=inputs.table(before, OPEN_POSITIONS) if has_before else nothing,
        )

    def _rival_gross_usd(self, book: DayBook, before: list[date]) -> float:
        """Mean of what the schedule of the procedure's days up to this one, moved, makes on the day."""
        from huracan.market.what_if.shifted_schedule import Schedule, mean_rival_gross_usd

        settings, day = self.context.settings, self.context.day
        days = [*before[-SPAN_DAYS + 1 :], day]
        block = market_block.priced_block(self.inputs, settings, day, _LEAD, held_days(settings))
        schedule = Schedule.of_tables(self._trades_of(days), book.accounts, block)
        first, last = int(block.day_first[-1]), block.bar_count - 1
        bars = len(days) * (last - first + 1)
        return mean_rival_gross_usd(schedule, block, self.rules, first, last, bars)

    def _trades_of(self, days: list[date]) -> pa.Table:
        """Those that closed on the days."""
        name = f"{self.book}_pooled"
        if not self.inputs.has(name):
            return TRADES_SCHEMA.empty_table().select(_MOVED)
        trades = self.inputs.table(name, columns=_MOVED)
        of_day = pc.cast(pc.floor_temporal(trades["exit_time"], unit="day"), pa.int64()).to_numpy()
        own = [round(day_start(day).timestamp() * 1000) for day in days]
        return trades.filter(pa.array(np.isin(of_day, own)))

    def _said(self) -> pa.Table:
        """The probabilities of all members together, by trade."""
        names = ["trade_id", "member", "probability"]
        if not self.inputs.has(_FORECASTS):
            return SIGNALS_SCHEMA.empty_table()
        signals = self.inputs.table(_FORECASTS, columns=names)
        return signals.filter(pc.equal(signals["member"], COMBINED))

    def _alone_usd(self) -> float | None:
        """What the policy by itself made on the day."""
        if self.book != GATED or not self.inputs.has(_ALONE, "session.parquet"):
            return None
        return float(pc.sum(self.inputs.table(_ALONE, "session")["result_usd"]).as_py() or 0.0)

    def _models(self) -> tuple[str, ...]:
        trace = json.loads(self.inputs.file(self.book, TRACE_FILE) or b"{}")
        names = (trace.get("model_id_before_handover"), trace.get("model_id"))
        return tuple(dict.fromkeys(name for name in names if name))
