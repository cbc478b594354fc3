"""A day of every symbol from a source, where one symbol that the source refuses does not stop the others.

Nothing is judged here, and no unit changed. What was stored before is kept where the source has less of it
now: an exchange forgets what it delists.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.defects import GOOD, find_defects, floats, open_times_ms
from huracan.candles.funding import empty_funding, funding_table
from huracan.candles.market_info import MarketInfo
from huracan.candles.schema import OHLCV_SCHEMA, RAW_SCHEMA, Timeframe, day_end, day_start
from huracan.candles.source import CandleSource, empty_candles
from huracan.errors import SymbolRefused, UnknownSymbol

_ALIKE = 1e-9
_ALIKE_SHARE = 0.99


@dataclass(frozen=True)
class Wanted:
    """The universe of a day, as the settings have it."""

    symbols: Sequence[str]
    timeframe: Timeframe
    outside: Collection[str] = ()
    """those of `symbols` that do not belong to it on the day: nobody is asked for them"""


@dataclass(frozen=True)
class Stored:
    """What the lake has of the day already, and which symbols it has of any day."""

    candles: pa.Table = field(default_factory=OHLCV_SCHEMA.empty_table)
    """OHLCV_SCHEMA, the bars with a candle, as the source said it then; also of symbols that were set aside
    or have left"""
    symbols: Collection[str] = ()

    def of(self, symbol: str) -> pa.Table:
        return self.candles.filter(pc.field("symbol") == symbol)


@dataclass
class FetchedDay:
    """By symbol, in the universe's order, as the source said it."""

    raw: dict[str, pa.Table] = field(default_factory=dict)
    funding: dict[str, pa.Table] = field(default_factory=dict)
    infos: list[MarketInfo] = field(default_factory=list)
    """what an order meets, as far as the source says"""
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
        raw, funding, info = empty_candles(), empty_funding(), None
        if symbol in asked:
            try:
                info = source.market_info(symbol)
                raw, funding = source.fetch_day(symbol, day), source.fetch_funding(symbol, day)
            except SymbolRefused as refused:
                refusals[symbol] = refused
            before = stored.of(symbol)
            if _is_more(before, raw, day, wanted.timeframe):
                why = refusals[symbol].what if symbol in refusals else "the source has fewer of them now."
                fetched.kept[symbol] = f"{before.num_rows} stored candles are kept: {why}"
                raw, funding = before.select(RAW_SCHEMA.names).cast(RAW_SCHEMA), _funding_of(before)
            elif symbol in refusals:
                fetched.refused[symbol] = str(refusals[symbol])
        fetched.raw[symbol], fetched.funding[symbol] = raw, funding
        fetched.infos.append(info or MarketInfo(symbol))
    if asked and len(fetched.refused) == len(asked):
        raise next(iter(refusals.values()))
    return fetched


def _is_more(before: pa.Table, raw: pa.Table, day: date, timeframe: Timeframe) -> bool:
    """Whether the stored candles have more usable bars than the source, and the same closes where both have
    one: a source that was mended says something else, one that forgets says less."""
    known, now = (_usable_closes(table, day, timeframe) for table in (before, raw))
    if len(known) <= len(now):
        return False
    alike = [abs(now[at] / known[at] - 1) <= _ALIKE for at in now.keys() & known.keys()]
    return not alike or sum(alike) >= _ALIKE_SHARE * len(alike)


def _usable_closes(table: pa.Table, day: date, timeframe: Timeframe) -> dict[int, float]:
    """Open time in ms -> close, of the rows that find a bar."""
    raw = table.select(RAW_SCHEMA.names).cast(RAW_SCHEMA)
    start, end = (int(at.timestamp() * 1000) for at in (day_start(day), day_end(day)))
    good = np.flatnonzero(find_defects(raw, start, end, timeframe.minutes * 60_000) == GOOD)
    return dict(zip(open_times_ms(raw)[good].tolist(), floats(raw, "close")[good].tolist(), strict=True))


def _funding_of(candles: pa.Table) -> pa.Table:
    """The rates that lie on stored bars, as settlements at the bars' opens."""
    rows = candles.filter(pc.field("funding_rate").is_valid())
    return funding_table(rows["open_time"].cast(pa.int64()).to_numpy(), rows["funding_rate"].to_numpy())


def former_candles(stored: Stored, symbols: Collection[str]) -> dict[str, pa.Table]:
    """The stored rows of symbols that are not, or no longer, in the day's universe, as the table `former`;
    none where there are none."""
    rows = stored.candles.filter(~pc.field("symbol").isin(list(symbols)))
    return {"former": rows} if rows.num_rows else {}
