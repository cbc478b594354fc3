"""Makes a MarketBlock from the Arrow tables of consecutive days, and refuses tables that do not match."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.candles.market_info import MarketInfo
from huracan.candles.schema import TRADED
from huracan.durations import MINUTES_PER_HOUR
from huracan.errors import InputRefused
from huracan.market.block import (
    BY_MARKET,
    EPOCH,
    MS_PER_DAY,
    MS_PER_MINUTE,
    TRAILING_BARS,
    MarketBlock,
    carry_last,
    trailing_mean,
)
from huracan.market.volatility import trailing_volatility_bps
from huracan.regimes.model import PROBABILITIES, REGIMES

_NAMES = {"minimum_notional_usd": "minimum_notional"}
"""Of what a block holds by market, where `MarketInfo` calls it otherwise."""
_PRICES = ("open", "high", "low", "close")
REGIME_COLUMNS = ("symbol", "open_time", "regime", *PROBABILITIES)
"""All that a block is made of in a table of regimes: the rest need not be read."""


@dataclass(frozen=True)
class _Grid:
    """The index of every row of a table: `order` sorts its rows by symbol, then time."""

    symbols: tuple[str, ...]
    open_time_ms: NDArray[np.int64]
    order: NDArray[np.int64]

    @property
    def bar_ms(self) -> int:
        """Of a single bar a minute, as `MarketBlock` has it."""
        times = self.open_time_ms
        return int(times[1] - times[0]) if times.size > 1 else MS_PER_MINUTE

    def bars_of_a_decision(self, decisions: "_Grid") -> int:
        """How many of these bars one of `decisions` is."""
        bars, rows = self.open_time_ms.size, decisions.open_time_ms.size
        return bars // rows if bars % rows == 0 else 1

    def arrange(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Rows of a column as [S, T]."""
        return values[self.order].reshape(len(self.symbols), -1)


@dataclass(frozen=True, eq=False)
class Trailing:
    """Into what the first bars of a block look back, and how far."""

    candles: pa.Table | None = None
    """Of the days before the block's."""
    volatility_minutes: int = MINUTES_PER_HOUR
    """The span over which volatility is measured; 60 bars at least."""


def build_market_block(
    ohlcv: pa.Table,
    features: pa.Table | Iterable[pa.Table],
    regimes: pa.Table,
    feature_names: Sequence[str],
    *,
    market_infos: Mapping[date, Mapping[str, MarketInfo]] | None = None,
    trailing: Trailing | None = None,
) -> MarketBlock:
    """One block from the tables of consecutive days, rows in any order: detail bars of candles, and of
    features and regimes one row for each decision bar, at its open.

    `features` is one table, or one for each day in order, which are taken and let go one by one: features are
    the bulk of a window's memory, and are so never held twice. `feature_names` are the recipe's columns in
    order. Funding is taken from the column `funding_rate` of `ohlcv` where it has one. `market_infos` by day
    and symbol: one without has the defaults of its kind. What the first bars look back into, and the price
    before the first, come from `trailing`. InputRefused where a column lacks, a symbol lacks a bar, or the
    tables differ in symbols or bars.
    """
    _require(ohlcv, ("symbol", "open_time", *_PRICES, "volume", "status"), "ohlcv")
    _require(regimes, REGIME_COLUMNS, "regimes")
    grid = _grid(ohlcv, "ohlcv")
    regime_grid = _grid(regimes, "regimes")
    each = grid.bars_of_a_decision(regime_grid)
    decisions_ms = grid.open_time_ms[::each]
    _require_same(grid.symbols, decisions_ms, regime_grid, "regimes")
    parts = [features] if isinstance(features, pa.Table) else features
    stacked, is_ready = _read_features(parts, grid.symbols, decisions_ms, feature_names)
    prices = {name: _tidy(grid.arrange(_floats(ohlcv, name))) for name in (*_PRICES, "volume")}
    trailing = trailing or Trailing()
    before = _Before.of(trailing.candles, grid.symbols)
    close = before.carry(prices["close"])
    carried = {name: np.where(np.isfinite(prices[name]), prices[name], close) for name in _PRICES}
    traded = pc.fill_null(pc.equal(ohlcv["status"], TRADED), False)
    value_usd = np.nan_to_num(prices["volume"] * prices["close"])
    is_tradable = np.ascontiguousarray(grid.arrange(traded.to_numpy()), dtype=bool)
    volatility = before.volatility_bps(prices["close"], is_tradable, TRAILING_BARS)
    bars = max(TRAILING_BARS, -(-trailing.volatility_minutes * MS_PER_MINUTE // grid.bar_ms))
    return MarketBlock(
        symbols=grid.symbols,
        feature_names=tuple(feature_names),
        open_time_ms=grid.open_time_ms,
        features=stacked,
        **carried,
        is_tradable=is_tradable,
        is_ready=is_ready,
        volatility_bps=volatility
        if bars == TRAILING_BARS
        else before.volatility_bps(prices["close"], is_tradable, bars),
        slippage_volatility_bps=volatility,
        traded_value_usd=before.trailing_value_usd(value_usd),
        value_usd=value_usd,
        regime=_regime_codes(regimes, regime_grid),
        regime_probabilities=np.nan_to_num(_stack(regimes, regime_grid, PROBABILITIES), copy=False),
        day_index=grid.open_time_ms // MS_PER_DAY,
        decision_bars=each,
        funding_rate=_funding(ohlcv, grid),
        **_by_market(grid, market_infos or {}),
    )


def _read_features(
    parts: Iterable[pa.Table],
    symbols: tuple[str, ...],
    decisions_ms: NDArray[np.int64],
    names: Sequence[str],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Feature rows [S, decisions, names] and is_ready [S, decisions], of tables in time order."""
    shape = (len(symbols), decisions_ms.shape[0])
    stacked, is_ready = np.empty((*shape, len(names)), np.float32), np.zeros(shape, bool)
    done = 0
    for part in parts:
        _require(part, ("symbol", "open_time", "is_ready", *names), "features")
        own = _grid(part, "features")
        rows = slice(done, done + own.open_time_ms.shape[0])
        _require_same(symbols, decisions_ms[rows], own, "features")
        for index, name in enumerate(names):
            stacked[:, rows, index] = own.arrange(_floats(part, name))
        is_ready[:, rows] = own.arrange(pc.fill_null(part["is_ready"], False).to_numpy())
        done = rows.stop
    if done != shape[1]:
        raise _mismatch("features")
    return stacked, is_ready


@dataclass(frozen=True, eq=False)
class _Before:
    """The candles before the block's, [S, bars], into which what trails looks back; there may be none."""

    close: NDArray[np.float64]
    value_usd: NDArray[np.float64]
    is_tradable: NDArray[np.bool_]

    @staticmethod
    def of(earlier: pa.Table | None, symbols: tuple[str, ...]) -> "_Before":
        """None of other symbols than the block's."""
        grid = None if earlier is None else _grid(earlier, "the candles before")
        if earlier is None or grid is None or grid.symbols != symbols:
            nothing = np.zeros((len(symbols), 0))
            return _Before(nothing, nothing, nothing.astype(bool))
        close, volume = (_tidy(grid.arrange(_floats(earlier, name))) for name in ("close", "volume"))
        traded = pc.fill_null(pc.equal(earlier["status"], TRADED), False).to_numpy()
        return _Before(close, np.nan_to_num(volume * close), grid.arrange(traded).astype(bool))

    def carry(self, close: NDArray[np.float64]) -> NDArray[np.float64]:
        """[S, T] the last known close at every bar; NaN before the first."""
        lead = carry_last(self.close)[:, -1:]
        return np.ascontiguousarray(carry_last(np.concatenate([lead, close], axis=1))[:, lead.shape[1] :])

    def trailing_value_usd(self, value_usd: NDArray[np.float64]) -> NDArray[np.float64]:
        """[S, T] mean traded value of a bar over the last TRAILING_BARS."""
        lead = self.value_usd[:, 1 - TRAILING_BARS :]
        joined = trailing_mean(np.concatenate([lead, value_usd], axis=1), TRAILING_BARS)
        return np.ascontiguousarray(joined[:, lead.shape[1] :])

    def volatility_bps(
        self, close: NDArray[np.float64], is_tradable: NDArray[np.bool_], bars: int
    ) -> NDArray[np.float64]:
        """[S, T] of one bar over the last `bars`, the last known value where it cannot be told."""
        closes = np.concatenate([self.close, close], axis=1)
        traded = np.concatenate([self.is_tradable, is_tradable], axis=1)
        found = carry_last(trailing_volatility_bps(closes, traded, bars))
        return np.ascontiguousarray(found[:, self.close.shape[1] :])


def _funding(ohlcv: pa.Table, grid: _Grid) -> NDArray[np.float64]:
    """[S, T]; 0 where no rate settles, and for days that were stored before rates were."""
    if "funding_rate" not in ohlcv.column_names:
        return np.zeros((len(grid.symbols), grid.open_time_ms.shape[0]))
    return np.nan_to_num(_tidy(grid.arrange(_floats(ohlcv, "funding_rate"))), copy=False)


def _by_market(grid: _Grid, infos: Mapping[date, Mapping[str, MarketInfo]]) -> dict[str, NDArray[Any]]:
    """BY_MARKET of a block, [S, D]; what nobody says is 0."""
    days = [EPOCH + timedelta(days=int(day)) for day in np.unique(grid.open_time_ms // MS_PER_DAY)]
    known = [
        [infos.get(day, {}).get(symbol, MarketInfo(symbol)).resolved() for day in days]
        for symbol in grid.symbols
    ]
    return {
        name: np.array(
            [[getattr(info, _NAMES.get(name, name)) or 0 for info in row] for row in known],
            bool if isinstance(usual, bool) else np.float64,
        )
        for name, usual in BY_MARKET.items()
    }


def _stack(table: pa.Table, grid: _Grid, names: Sequence[str]) -> NDArray[np.float32]:
    """Columns as float32 [S, T, names]."""
    shape = (len(grid.symbols), grid.open_time_ms.shape[0], len(names))
    stacked = np.empty(shape, dtype=np.float32)
    for index, name in enumerate(names):
        stacked[:, :, index] = grid.arrange(_floats(table, name))
    return stacked


def _grid(table: pa.Table, name: str) -> _Grid:
    encoded = table["symbol"].combine_chunks().dictionary_encode()
    symbols = tuple(encoded.dictionary.to_pylist())
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    times = table["open_time"].cast(pa.int64()).to_numpy()
    order = np.lexsort((times, codes))
    counts = np.bincount(codes, minlength=len(symbols))
    if not symbols or counts.min() != counts.max():
        raise InputRefused(
            f"In {name} the symbols do not have the same number of bars: {counts.tolist()}.",
            "Rebuild the days whose universe differs, or shorten the window.",
        )
    by_symbol = times[order].reshape(len(symbols), -1)
    steps = np.diff(by_symbol[0])
    if (by_symbol != by_symbol[0]).any() or (steps.size and (steps <= 0).any()):
        raise InputRefused(f"In {name} a bar is missing or twice.", "Rebuild that day's partition.")
    if steps.size and (steps != steps[0]).any():
        gap = np.datetime64(int(by_symbol[0][int(np.argmax(steps != steps[0]))]), "ms")
        raise InputRefused(f"In {name} a day is missing after {gap}.", "Build the missing day first.")
    return _Grid(symbols, by_symbol[0], order)


def _require(table: pa.Table, columns: Sequence[str], name: str) -> None:
    known = set(table.column_names)
    lacking = [column for column in columns if column not in known]
    if lacking:
        raise InputRefused(
            f"The table {name} lacks {', '.join(lacking)}.", "Rebuild it with this version's recipe."
        )


def _require_same(symbols: tuple[str, ...], times: NDArray[np.int64], other: _Grid, name: str) -> None:
    if symbols != other.symbols or not np.array_equal(times, other.open_time_ms):
        raise _mismatch(name)


def _mismatch(name: str) -> InputRefused:
    return InputRefused(
        f"The rows of {name} do not match those of ohlcv in symbol and open_time.",
        f"Rebuild {name} from this ohlcv.",
    )


def _floats(table: pa.Table, name: str) -> NDArray[np.generic]:
    column = table[name]
    wanted = pa.float32() if column.type == pa.float32() else pa.float64()
    return np.asarray(column.cast(wanted).to_numpy())


def _tidy(values: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.ascontiguousarray(values, dtype=np.float64)


def _regime_codes(regimes: pa.Table, grid: _Grid) -> NDArray[np.int8]:
    found = pc.index_in(regimes["regime"], value_set=pa.array(REGIMES))
    if found.null_count:
        raise InputRefused("A regime has a name that is unknown or null.", "Rebuild the regimes.")
    return np.ascontiguousarray(grid.arrange(found.to_numpy()), dtype=np.int8)
