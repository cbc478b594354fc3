"""Real candles without an edge: a fair coin, one for all symbols, keeps each bar or turns it over."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.errors import InvalidInput
from huracan.market.block import MarketBlock, carry_last
from huracan.proof.promotion.null_markets import BARS_PER_DAY, block_of

Floats = NDArray[np.float64]
PRICES = ("open", "high", "low", "close")


def mirrored(candles: pa.Table, generator: np.random.Generator) -> pa.Table:
    """Candles (`symbol`, `open_time`, prices; null where there was no bar) of symbols that have the same
    bars, sorted by symbol, then time.

    Every price of a bar is a multiple f of the close before it; a bar that is turned over has 2 - f instead,
    so that the expectation of each price at the close before it is that close, whatever the real bars are.
    Its high becomes the low that the other way round is as deep, and what takers bought is what they sold.
    Volatility, and how symbols move together, stay. InvalidInput where a price doubles within a bar: nothing
    above 0 is as far below. A stop inside a bar is met as in the real one, which is no martingale within.
    """
    count = len(candles["symbol"].unique())
    table = {name: candles[name].to_numpy().reshape(count, -1).astype(np.float64) for name in PRICES}
    before = carry_last(table["close"])
    before = np.concatenate([table["open"][:, :1], before[:, :-1]], axis=1)
    factor = {name: values / before for name, values in table.items()}
    if (high := np.nan_to_num(factor["high"])).max() >= 2.0:
        row = int(np.argmax(high))
        raise InvalidInput(
            f"{candles['symbol'][row]} doubled in the bar of {candles['open_time'][row]}: it has no mirror.",
            "Leave the symbol or the days out.",
        )
    turned = generator.random(table["close"].shape[1]) < 0.5
    other = {"open": "open", "close": "close", "high": "low", "low": "high"}
    factor = {name: np.where(turned, 2.0 - factor[other[name]], factor[name]) for name in PRICES}
    moves = np.nan_to_num(factor["close"], nan=1.0)
    ends = before[:, :1] * np.cumprod(moves, axis=1)
    begins = np.concatenate([before[:, :1], ends[:, :-1]], axis=1)
    made = {name: begins * factor[name] for name in PRICES}
    if {"volume", "taker_buy_volume"} <= set(candles.column_names):
        volume, bought = (
            candles[name].to_numpy().reshape(count, -1) for name in ("volume", "taker_buy_volume")
        )
        made["taker_buy_volume"] = np.where(turned, volume - bought, bought)
    for name, values in made.items():
        place, field = candles.column_names.index(name), candles.schema.field(name)
        candles = candles.set_column(place, field, pa.array(values.reshape(-1), field.type, from_pandas=True))
    return candles


def mirrored_market(candles: pa.Table, days: int, seed: int) -> MarketBlock:
    """So many days of whole days of hourly candles (as `mirrored` takes them), from a day that is drawn on,
    turned over by coins of the seed. An hour without a bar stands still."""
    generator = np.random.default_rng([seed, 72])
    count = len(candles["symbol"].unique())
    bars = candles.num_rows // count
    if bars < days * BARS_PER_DAY:
        raise InvalidInput(f"The candles hold {bars} hours and {days} days are asked.", "Give more of them.")
    first = int(generator.integers(0, bars // BARS_PER_DAY - days + 1)) * BARS_PER_DAY
    rows = np.arange(count)[:, None] * bars + np.arange(first, first + days * BARS_PER_DAY)
    made = mirrored(candles.take(pa.array(rows.reshape(-1))), generator)
    prices = {name: made[name].to_numpy().reshape(count, -1).astype(np.float64) for name in PRICES}
    close = carry_last(prices["close"])
    return block_of(*(np.where(np.isfinite(prices[name]), prices[name], close) for name in PRICES))
