"""Leaks in joining tables, planted into what makes a block of the market of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import pyarrow as pa

from huracan.market.block import MarketBlock
from huracan.market.block_audit import audited_days, check_block
from huracan.market.block_tables import build_market_block
from huracan.proof.leaks.bed import first_that_shows, is_same, unless_refused
from huracan.proof.leaks.candles import FIT_DAYS, LEAK_RECIPE, LeakCandles
from huracan.proof.leaks.forms import ONE_COLUMN, Form
from huracan.proof.leaks.table_leaks import Change, changed, closed_up, shifted
from huracan.regimes.filter import filter_regimes
from huracan.regimes.model import PROBABILITIES
from huracan.verdict import Verdict

DAYS = 3
_PRICES = ("open", "high", "low", "close")
_CHANGES: dict[str, Change] = {"off-by-one join": shifted, "index-merge misalignment of a join": closed_up}
CANDLES_EARLY = "candles joined a bar early"


@dataclass(frozen=True, eq=False)
class BlockBed:
    """The block that training and paper trade in, made of the tables of three days."""

    market: LeakCandles

    leaks = (*_CHANGES, CANDLES_EARLY)

    def absent(self, _leak: str, _form: Form) -> str:
        return ""

    def night(self, index: int, leak: str | None, form: Form) -> list[Verdict] | None:
        tables = _Tables.of(self.market, index + FIT_DAYS)
        joined = tables if leak is None else tables.spoiled(leak, form)
        if leak is not None and tables.is_same(joined):
            return None
        block = joined.block()

        def audited() -> None:
            for day in audited_days(list(tables.days)):
                place = tables.days.index(day)
                check_block(block, day, tables.candles[place], tables.features[place], tables.regimes[place])

        return [unless_refused("block_holds_its_tables", audited)]

    def closely(self, leak: str, form: Form) -> list[Verdict]:
        return first_that_shows(self, self.market.nights - FIT_DAYS - DAYS + 1, leak, form)


@dataclass(frozen=True, eq=False)
class _Tables:
    """[days] what the lake has of each day."""

    days: tuple[date, ...]
    candles: tuple[pa.Table, ...]
    features: tuple[pa.Table, ...]
    regimes: tuple[pa.Table, ...]

    @staticmethod
    def of(market: LeakCandles, first: int) -> "_Tables":
        places = range(first, first + DAYS)
        regimes = []
        for place in places:
            led = pa.concat_tables([market.features(place - 1), market.features(place)])
            regimes.append(filter_regimes(led, market.day(place), market.parameters(place)))
        return _Tables(
            tuple(market.day(place) for place in places),
            tuple(market.days(place, 0) for place in places),
            tuple(market.features(place) for place in places),
            tuple(regimes),
        )

    def spoiled(self, leak: str, form: Form) -> "_Tables":
        """As they come to the join where it takes them for rows of other times."""

        def early(tables: tuple[pa.Table, ...], names: Sequence[str], change: Change) -> tuple[pa.Table, ...]:
            return tuple(form.mixed(each, changed(each, names, change), names) for each in tables)

        if leak == CANDLES_EARLY:
            return replace(self, candles=early(self.candles, _PRICES, shifted))
        features = early(self.features, LEAK_RECIPE.names, _CHANGES[leak])
        if form.name == ONE_COLUMN:
            return replace(self, features=features)
        return replace(self, features=features, regimes=early(self.regimes, PROBABILITIES, _CHANGES[leak]))

    def is_same(self, other: "_Tables") -> bool:
        pairs = (
            (self.candles, other.candles),
            (self.features, other.features),
            (self.regimes, other.regimes),
        )
        return all(is_same(*each) for one, another in pairs for each in zip(one, another, strict=True))

    def block(self) -> MarketBlock:
        """By the real join."""
        candles, regimes = pa.concat_tables(self.candles), pa.concat_tables(self.regimes)
        return build_market_block(candles, self.features, regimes, LEAK_RECIPE.names)
