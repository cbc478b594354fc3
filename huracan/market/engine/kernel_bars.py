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
from huracan.market.costs import CostAssumptions
from huracan.regimes.model import REGIMES
from huracan.units import BASIS_POINT

BAR = np.dtype(
    [
        # What is looked at while flat comes first: mostly one cache line.
        ("close", np.float64),
        ("volatility_bps", np.float64),
        ("impact_bps", np.float64),  # slippage of 1 USD decided at its close; not finite where unknown
        ("market", np.int32),  # index of that of its symbol and day
        ("is_tradable", np.bool_),
        ("is_ready", np.bool_),
        ("open", np.float64),
        ("high", np.float64),
        ("low", np.float64),
        ("funding_rate", np.float64),  # due at the open
        ("value_usd", np.float64),  # traded in it
        ("stop_impact_bps", np.float64),  # as `impact_bps`, of a stop inside it
    ],
    align=True,
)
"""One detail bar of one symbol."""
RANGE_PER_VOLATILITY = 1.67
"""Expected range of a bar in standard deviations of its return (Parkinson 1980: 2 sqrt(ln 2))."""
MARKET = np.dtype(
    [
        ("tick_size", np.float64),
        ("step_size", np.float64),
        ("minimum_notional_usd", np.float64),
        ("taker_fee_bps", np.float64),
        ("maker_fee_bps", np.float64),
        ("half_spread_bps", np.float64),
        ("borrow_rate", np.float64),  # of one bar, paid by a short, as a fraction of its value
        ("cash_per_usd", np.float64),  # what a mask wants for every USD of an order
        ("may_short", np.bool_),
        ("is_perpetual", np.bool_),
    ],
    align=True,
)
"""What one symbol's exchange demands of an order and asks for it on a day; 0 where nothing."""
CASH_RESERVE = 0.04
"""Cash beside an order and its costs, as a share of the order: for rounding to the tick and for funding.

One settlement of an exchange is at most 3 %. A larger one (sources take up to 10 %), or many, need no more:
who cannot pay is sold out at that same open, see `settle_funding`.
"""
_MINUTES_PER_YEAR = 365.0 * 1440.0

Bar = Any
Market = Any
"""One record of BAR and of MARKET inside compiled code."""


class Moment(NamedTuple):
    """What a lane meets between two closes; records, so that it costs nothing to hand on."""

    decided: Bar
    """The bar before, whose close is known when orders are sent."""
    bar: Bar
    """The next one, in which orders are filled."""
    market: Market
    """Of the next one's day."""


class Bars(NamedTuple):
    """The block for compiled code. Bar t of symbol s is row s x `length` + t of `rows`."""

    length: int
    rows: NDArray[np.void]
    """BAR [symbols x length]"""
    markets: NDArray[np.void]
    """MARKET [symbols x days]"""
    decision_bars: int


class Sights(NamedTuple):
    """What is only seen: float32 arrays [rows, columns], no copy where the rows are contiguous.

    A block cut out of a longer one is a view: decision d of symbol s is row s x `_apart` + d.
    """

    features: NDArray[np.float32]
    features_apart: int
    regime_probabilities: NDArray[np.float32]
    regimes_apart: int
    pattern_context: NDArray[np.float32]
    patterns_apart: int
    time_of_day: NDArray[np.float32]
    """[T, 2] sine and cosine of the time of day of a detail bar's open"""


_packed: WeakKeyDictionary[MarketBlock, NDArray[np.void]] = WeakKeyDictionary()


def packed_bars(block: MarketBlock, costs: CostAssumptions) -> Bars:
    """The block's bars, packed once for as long as the block lives (its arrays must not change after that),
    and its markets as `costs` have them.

    InvalidInput where a tradable bar has a price that is not finite and positive.
    """
    if block not in _packed:
        _packed[block] = _pack(block)
    markets = _price_markets(block, costs).reshape(-1)
    return Bars(block.bar_count, _packed[block], markets, block.decision_bars)


def _pack(block: MarketBlock) -> NDArray[np.void]:
    rows = np.zeros((block.symbol_count, block.bar_count), BAR)
    for name in (
        "open",
        "high",
        "low",
        "close",
        "volatility_bps",
        "funding_rate",
        "value_usd",
        "is_tradable",
    ):
        _require_shape(getattr(block, name), rows.shape, name)
        rows[name] = getattr(block, name)
    _require_shape(block.is_ready, (block.symbol_count, block.decision_count), "is_ready")
    rows["market"] = np.arange(block.symbol_count)[:, None] * block.day_count + block.day_of_bar
    rows["is_ready"][:, block.decision_closes] = block.is_ready
    before = np.maximum(np.arange(block.bar_count) - 1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(block.traded_value_usd)
        rows["impact_bps"] = block.slippage_volatility_bps / root
        range_bps = (block.high / block.low - 1.0) / BASIS_POINT
        own = range_bps / RANGE_PER_VOLATILITY / root[:, before]
        # Not a number where there was no volume or no volatility yet: fmax would hide that.
        rows["stop_impact_bps"] = np.maximum(rows["impact_bps"][:, before], own)
    _require_sound(rows, block)
    return rows.reshape(-1)


def _price_markets(block: MarketBlock, costs: CostAssumptions) -> NDArray[np.void]:
    """MARKET [symbols, days]: each market's own fees and spread where `costs` state none, as it is paid."""
    markets = np.zeros((block.symbol_count, block.day_count), MARKET)
    for name in ("tick_size", "step_size", "minimum_notional_usd", "may_short", "is_perpetual"):
        markets[name] = getattr(block, name)
    for name in ("taker_fee_bps", "maker_fee_bps"):
        stated = getattr(costs, name)
        fee = getattr(block, name) if stated is None else np.full(markets.shape, stated)
        markets[name] = fee * np.where(fee > 0.0, costs.multiplier, min(costs.multiplier, 1.0))
    spread = block.half_spread_bps if costs.half_spread_bps is None else costs.half_spread_bps
    markets["half_spread_bps"] = np.maximum(spread, costs.half_spread_floor_bps) * costs.multiplier
    per_year = block.borrow_pct_per_year * (costs.multiplier / 100.0)
    markets["borrow_rate"] = per_year * (block.bar_minutes / _MINUTES_PER_YEAR)
    dearer_fee = np.maximum(np.maximum(markets["taker_fee_bps"], markets["maker_fee_bps"]), 0.0)
    worst_bps = dearer_fee + markets["half_spread_bps"] + costs.maximum_slippage_bps * costs.multiplier
    markets["cash_per_usd"] = 1.0 + worst_bps * BASIS_POINT + CASH_RESERVE
    return markets


def _require_sound(rows: NDArray[np.void], block: MarketBlock) -> None:
    sound = np.isfinite(block.funding_rate) & (block.value_usd >= 0.0)
    for name in ("open", "high", "low", "close"):
        price = rows[name]
        sound &= ((price > 0.0) & (price < np.inf)) | ~rows["is_tradable"]
    if not sound.all():
        symbol, bar = np.argwhere(~sound)[0]
        raise InvalidInput(
            f"Bar {bar} of {block.symbols[symbol]} is tradable and one of its prices is not finite and "
            "positive, or its funding rate is not finite, or its traded value is not known.",
            "Mark the bar as not tradable, or repair its candle.",
        )


def sights_of(block: MarketBlock) -> Sights:
    """The block's features, regimes and pattern memory, read-only."""
    whole = (block.symbol_count, block.decision_count)
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
