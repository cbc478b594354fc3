"""Leaks in joining tables, planted into what makes a block of the market of them."""

from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from huracan.market.block import MarketBlock
from huracan.market.block_audit import audited_days, check_block
from huracan.market.block_tables import build_market_block
from huracan.proof.leaks.bed import unless_refused
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

    def night(self, index: int, leak: str | None, form: Form) -> list[Verdict]:
        tables = _Tables.of(self.market, index + FIT_DAYS)
        block = tables.block(leak, form)

        def audited() -> None:
            for day in audited_days(list(tables.days)):
                place = tables.days.index(day)
                check_block(block, day, tables.candles[place], tables.features[place], tables.regimes[place])

        return [unless_refused("block_holds_its_tables", audited)]

    def closely(self, leak: str, form: Form) -> list[Verdict]:
        return self.night(1, leak, form)


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

    def block(self, leak: str | None, form: Form) -> MarketBlock:
        """Of the days' tables, joined by the real join; with a leak some of them come spoiled to it."""
        candles, features, regimes = pa.concat_tables(self.candles), list(self.features), self.regimes
        if leak == CANDLES_EARLY:
            ordered = candles.sort_by([("symbol", "ascending"), ("open_time", "ascending")])
            candles = form.mixed(ordered, changed(ordered, _PRICES, shifted), _PRICES)
        elif leak is not None:
            change, names = _CHANGES[leak], LEAK_RECIPE.names
            features = [form.mixed(each, changed(each, names, change), names) for each in features]
            if form.name != ONE_COLUMN:
                regimes = tuple(
                    form.mixed(each, changed(each, PROBABILITIES, shifted), PROBABILITIES) for each in regimes
                )
        return build_market_block(candles, features, pa.concat_tables(regimes), LEAK_RECIPE.names)
