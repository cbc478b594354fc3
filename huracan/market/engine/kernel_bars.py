"""What compiled code reads of a block: its bars packed into records, and what is only seen, as flat arrays.

Compiled functions that call one another are given records and numbers, never arrays: counting the references
of arrays would cost more than the trading.
"""

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from huracan.errors import InvalidInput
from huracan.market.block import MS_PER_DAY, PATTERN_CONTEXT, MarketBlock
from huracan.market.costs import Floats
from huracan.regimes.model import REGIMES

BAR = np.dtype(
    [
        ("open", np.float64),
        ("high", np.float64),
        ("low", np.float64),
        ("close", np.float64),
        ("volatility_bps", np.float64),
        ("impact_bps", np.float64),  # slippage of 1 USD; not finite where unknown
        ("funding_rate", np.float64),  # due at the open, of untraded bars before it too; 0 where not traded
        ("is_tradable", np.bool_),
        ("is_ready", np.bool_),
    ],
    align=True,
)
"""One bar of one symbol: 64 bytes, a cache line."""
MARKET = np.dtype(
    [("tick_size", np.float64), ("step_size", np.float64), ("minimum_notional_usd", np.float64)]
)
"""What one symbol's exchange demands of an order; 0 where nothing."""

Bar = Any
Market = Any
"""One record of BAR and of MARKET inside compiled code."""


class Moment(NamedTuple):
    """What a lane meets between two closes; records, so that it costs nothing to hand on."""

    decided: Bar
    """The bar at whose close was decided."""
    bar: Bar
    """The next one, in which orders are filled."""
    market: Market


class Bars(NamedTuple):
    """The block for compiled code. Bar t of symbol s is row s x `length` + t of `rows`."""

    length: int
    rows: NDArray[np.void]
    """BAR [symbols x length]"""
    markets: NDArray[np.void]
    """MARKET [symbols]"""


class Sights(NamedTuple):
    """What is only seen: float32 arrays [rows, columns], no copy where the rows are contiguous.

    A block cut out of a longer one is a view: bar t of symbol s is row s x `_apart` + t.
    """

    features: NDArray[np.float32]
    features_apart: int
    regime_probabilities: NDArray[np.float32]
    regimes_apart: int
    pattern_context: NDArray[np.float32]
    patterns_apart: int
    time_of_day: NDArray[np.float32]
    """[T, 2] sine and cosine of the time of day of a bar's open"""


_packed: WeakKeyDictionary[MarketBlock, Bars] = WeakKeyDictionary()


def bars_of(block: MarketBlock) -> Bars:
    """The block's bars, packed once for as long as the block lives: its arrays must not change after that.

    InvalidInput where a tradable bar has a price that is not finite and positive.
    """
    if block not in _packed:
        _packed[block] = _pack(block)
    return _packed[block]


def _pack(block: MarketBlock) -> Bars:
    rows = np.zeros((block.symbol_count, block.bar_count), BAR)
    for name in ("open", "high", "low", "close", "volatility_bps", "funding_rate", "is_tradable", "is_ready"):
        _require_shape(getattr(block, name), rows.shape, name)
        rows[name] = getattr(block, name)
    rows["funding_rate"] = _settled_where_traded(rows["funding_rate"], block.is_tradable)
    with np.errstate(divide="ignore", invalid="ignore"):
        rows["impact_bps"] = block.volatility_bps / np.sqrt(block.traded_value_usd)
    _require_sound(rows, block)
    markets = np.zeros(block.symbol_count, MARKET)
    for name in MARKET.names or ():
        markets[name] = getattr(block, name)
    return Bars(block.bar_count, rows.reshape(-1), markets)


def _settled_where_traded(rate: Floats, is_tradable: NDArray[np.bool_]) -> Floats:
    """Rates [symbols, bars], those of untraded bars added to the next bar that is traded.

    Whoever holds through such bars can neither leave before that one nor, paying there, be left with a debt
    and no way to sell. After a session's last traded bar nobody holds: END_OF_SESSION is dated there.
    """
    bars = rate.shape[1]
    own = np.where(is_tradable, np.arange(bars), bars)
    next_traded = np.minimum.accumulate(own[:, ::-1], axis=1)[:, ::-1]
    settled = np.zeros((rate.shape[0], bars + 1))
    symbol, bar = np.nonzero(rate)
    np.add.at(settled, (symbol, next_traded[symbol, bar]), rate[symbol, bar])
    return settled[:, :bars]


def _require_sound(rows: NDArray[np.void], block: MarketBlock) -> None:
    sound = np.isfinite(block.funding_rate)
    for name in ("open", "high", "low", "close"):
        price = rows[name]
        sound &= ((price > 0.0) & (price < np.inf)) | ~rows["is_tradable"]
    if not sound.all():
        symbol, bar = np.argwhere(~sound)[0]
        raise InvalidInput(
            f"Bar {bar} of {block.symbols[symbol]} is tradable and one of its prices is not finite and "
            "positive, or its funding rate is not finite.",
            "Mark the bar as not tradable, or repair its candle.",
        )


def sights_of(block: MarketBlock) -> Sights:
    """The block's features, regimes and pattern memory, read-only."""
    whole = (block.symbol_count, block.bar_count)
    _require_shape(block.features, (*whole, len(block.feature_names)), "features")
    _require_shape(block.regime_probabilities, (*whole, len(REGIMES)), "regime_probabilities")
    _require_shape(block.pattern_context, (*whole, len(PATTERN_CONTEXT)), "pattern_context")
    angle = (block.open_time_ms % MS_PER_DAY) * (2.0 * np.pi / MS_PER_DAY)
    return Sights(
        *_flat(block.features),
        *_flat(block.regime_probabilities),
        *_flat(block.pattern_context),
        time_of_day=np.stack([np.sin(angle), np.cos(angle)], axis=1).astype(np.float32),
    )


def _require_shape(values: NDArray[Any], shape: tuple[int, ...], name: str) -> None:
    if values.shape != shape:
        raise InvalidInput(
            f"{name} of a block is {values.shape}, not {shape}.", "Give every symbol every bar."
        )


def _flat(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], int]:
    """[S, T, width] as [rows, width], and the rows from one symbol to the next."""
    symbols, bars, width = values.shape
    if width == 0:
        return np.zeros((symbols * bars, 0), np.float32), bars
    given = np.asarray(values, dtype=np.float32)
    row = given.itemsize * width
    if given.strides[1:] != (row, given.itemsize) or given.strides[0] % row or given.strides[0] < row * bars:
        given = np.ascontiguousarray(given)
    apart = bars if symbols == 1 else given.strides[0] // row
    shape = ((symbols - 1) * apart + bars, width)
    return as_strided(given, shape=shape, strides=(row, given.itemsize), writeable=False), int(apart)
