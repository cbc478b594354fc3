"""A day of every symbol from a source, where one symbol that the source refuses does not stop the others.

Nothing is judged here. What was stored before is kept where the source has less of it now: an exchange
forgets what it delists.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.funding import empty_funding, funding_table
from huracan.candles.market_info import MarketInfo
from huracan.candles.redenominations import Redenomination, in_units_of_before, info_in_units_of_before
from huracan.candles.schema import FLAT, RAW_SCHEMA, TRADED, day_end
from huracan.candles.source import CandleSource, empty_candles
from huracan.errors import SymbolRefused, UnknownSymbol


@dataclass(frozen=True)
class Wanted:
    """The universe of a day, as the settings have it."""

    symbols: Sequence[str]
    outside: Collection[str] = ()
    """those of `symbols` that do not belong to it on the day: nobody is asked for them"""
    filters: Callable[[str], MarketInfo] = MarketInfo
    """what the settings say of a market, which goes before what the source says"""
    declared: Callable[[str], Sequence[Redenomination]] = lambda _: ()


@dataclass(frozen=True)
class Stored:
    """What the lake has of the day already, and which symbols it has of any day."""

    candles: pa.Table | None = None
    """OHLCV_SCHEMA, in the units in which candles are stored"""
    symbols: Collection[str] = ()

    def of(self, symbol: str) -> pa.Table | None:
        """The rows with a candle, None where there is none."""
        if self.candles is None:
            return None
        rows = self.candles.filter((pc.field("symbol") == symbol) & pc.field("status").isin([TRADED, FLAT]))
        return rows if rows.num_rows else None


@dataclass
class FetchedDay:
    """By symbol, in the universe's order and the units in which candles are stored."""

    raw: dict[str, pa.Table] = field(default_factory=dict)
    funding: dict[str, pa.Table] = field(default_factory=dict)
    infos: list[MarketInfo] = field(default_factory=list)
    """what an order must keep to, by the settings and the source"""
    refused: dict[str, str] = field(default_factory=dict)
    """why the source has none of the symbol, where nothing is stored of it either"""
    kept: dict[str, str] = field(default_factory=dict)
    """why the stored candles stand in for those of the source"""


def check_known(source: CandleSource, symbols: Sequence[str], stored: Collection[str]) -> None:
    """UnknownSymbol for the first symbol that neither the source knows nor the lake: one that is stored was
    delisted, one that never was is a typing error."""
    for symbol in symbols:
        try:
            source.check_symbols([symbol])
        except UnknownSymbol:
            if symbol not in stored:
                raise


def fetch_universe(
    source: CandleSource, wanted: Wanted, day: date, stored: Stored, report: Callable[[int, str], None]
) -> FetchedDay:
    """Candles, funding and market info of every symbol; `report` is told how many are done, and the next one.

    A symbol that the source refuses is told in `refused`. Raises the first refusal where it refuses all of
    them, UnknownSymbol for one that nobody knows, and whatever is no matter of one symbol.
    """
    fetched, refusals = FetchedDay(), {}
    asked = [symbol for symbol in wanted.symbols if symbol not in wanted.outside]
    check_known(source, asked, stored.symbols)
    for done, symbol in enumerate(wanted.symbols):
        report(done, symbol)
        raw, funding, info, declared = empty_candles(), empty_funding(), None, wanted.declared(symbol)
        if symbol not in wanted.outside:
            try:
                info = source.market_info(symbol)
                raw, funding = source.fetch_day(symbol, day), source.fetch_funding(symbol, day)
            except SymbolRefused as refused:
                refusals[symbol] = refused
        raw, before = in_units_of_before(raw, declared), stored.of(symbol)
        if before is not None and before.num_rows > raw.num_rows:
            why = (
                refusals[symbol].what if symbol in refusals else f"the source has {raw.num_rows} of them now."
            )
            fetched.kept[symbol] = f"{before.num_rows} stored candles are kept: {why}"
            raw, funding = before.select(RAW_SCHEMA.names).cast(RAW_SCHEMA), _funding_of(before)
        elif symbol in refusals:
            fetched.refused[symbol] = str(refusals[symbol])
        fetched.raw[symbol], fetched.funding[symbol] = raw, funding
        complete = wanted.filters(symbol).completed_by(info)
        fetched.infos.append(info_in_units_of_before(complete, declared, day_end(day)))
    if asked and len(fetched.refused) == len(asked):
        raise next(iter(refusals.values()))
    return fetched


def _funding_of(candles: pa.Table) -> pa.Table:
    """The rates that lie on stored bars, as settlements at the bars' opens."""
    rows = candles.filter(pc.field("funding_rate").is_valid())
    return funding_table(rows["open_time"].cast(pa.int64()).to_numpy(), rows["funding_rate"].to_numpy())


def former_candles(stored: pa.Table | None, symbols: Collection[str]) -> dict[str, pa.Table]:
    """The stored rows of symbols that are no longer in the universe, as the table `former`; none where there
    are none."""
    if stored is None:
        return {}
    rows = stored.filter(~pc.field("symbol").isin(list(symbols)))
    return {"former": rows} if rows.num_rows else {}
