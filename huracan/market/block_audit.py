"""Whether a block holds what the tables of its days say at the same symbol and time.

Rows are found by their keys, not by the order that made the block.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.candles.schema import TRADED
from huracan.errors import InputRefused
from huracan.market.block import EPOCH, MarketBlock
from huracan.regimes.model import PROBABILITIES, REGIMES

_PRICES = ("open", "high", "low", "close")
_Pair = tuple[str, NDArray[Any], NDArray[Any]]
"""What a block holds and what is stored, [symbols, rows]."""


def audited_days(days: Sequence[date], most: int = 3) -> list[date]:
    """The first and the last of a window's `days`, and others drawn between them: `most` in all."""
    if len(days) <= most:
        return list(days)
    random = np.random.default_rng(days[-1].toordinal())
    between = random.choice(np.arange(1, len(days) - 1), most - 2, replace=False)
    return [days[0], *(days[place] for place in sorted(between.tolist())), days[-1]]


def check_block(
    block: MarketBlock, day: date, ohlcv: pa.Table, features: pa.Table, regimes: pa.Table
) -> None:
    """InputRefused where on `day` the `block` holds anything else than the day's tables at the same place."""
    for fault in block_faults(block, day, ohlcv, features, regimes):
        raise InputRefused(
            f"The block of the market holds other {fault} than the day's table.",
            "Its rows were joined wrongly: mend the code, nothing that was made of it may count.",
        )


def block_faults(
    block: MarketBlock, day: date, ohlcv: pa.Table, features: pa.Table, regimes: pa.Table
) -> Iterator[str]:
    """Each column that differs anywhere, with the first place where it does."""
    bars = np.flatnonzero(block.day_index == (day - EPOCH).days)
    rows = np.unique(bars // block.decision_bars)
    opened = block.open_time_ms[:: block.decision_bars][rows]
    told = [f"{np.datetime64(int(time), 'ms')}" for time in opened]
    found = _rows(features, block.symbols, opened)
    pairs: list[_Pair] = [
        (name, block.features[:, rows, index], _floats(features, name)[found])
        for index, name in enumerate(block.feature_names)
    ]
    is_ready = pc.fill_null(features["is_ready"], False).to_numpy()[found]
    pairs.append(("is_ready", block.is_ready[:, rows], is_ready))
    found = _rows(regimes, block.symbols, opened)
    codes = pc.index_in(regimes["regime"], value_set=pa.array(REGIMES)).to_numpy()[found]
    pairs.append(("regime", block.regime[:, rows], codes))
    for index, name in enumerate(PROBABILITIES):
        values = np.nan_to_num(_floats(regimes, name)[found])
        pairs.append((name, block.regime_probabilities[:, rows, index], values))
    yield from _differing(pairs, block.symbols, told)
    opened = block.open_time_ms[bars]
    found = _rows(ohlcv, block.symbols, opened)
    traded = pc.fill_null(pc.equal(ohlcv["status"], TRADED), False).to_numpy()[found]
    pairs = [("is_tradable", block.is_tradable[:, bars], traded)]
    for name in _PRICES:
        held = getattr(block, name)[:, bars]
        stored = _floats(ohlcv, name)[found]
        # What was not traded carries a price from before.
        pairs.append((name, np.where(traded, held, 0.0), np.where(traded, stored, 0.0)))
    yield from _differing(pairs, block.symbols, [f"{np.datetime64(int(time), 'ms')}" for time in opened])


def _differing(
    pairs: Sequence[_Pair],
    symbols: Sequence[str],
    told: Sequence[str],
) -> Iterator[str]:
    for name, held, stored in pairs:
        same = (held == stored) | ((held != held) & (stored != stored))
        if not same.all():
            symbol, place = np.unravel_index(int(np.argmin(same)), same.shape)
            yield f"{name} of {symbols[int(symbol)]} at {told[int(place)]}"


def _rows(table: pa.Table, symbols: Sequence[str], times: NDArray[np.int64]) -> NDArray[np.int64]:
    """[symbols, times] the row of each key; InputRefused where the table lacks one."""
    held = (
        pc.fill_null(pc.index_in(table["symbol"], value_set=pa.array(symbols)), -1)
        .to_numpy()
        .astype(np.int64)
    )
    keys = held * 10**14 + table["open_time"].cast(pa.int64()).to_numpy()
    order = np.argsort(keys, kind="stable")
    wanted = np.arange(len(symbols))[:, None] * 10**14 + times
    found = order[np.searchsorted(keys[order], wanted).clip(0, len(keys) - 1)]
    if (keys[found] != wanted).any():
        raise InputRefused("A table of the day lacks bars that the block has.", "Make that day again.")
    return np.asarray(found, dtype=np.int64)


def _floats(table: pa.Table, name: str) -> NDArray[np.floating]:
    column = table[name]
    wanted = pa.float32() if column.type == pa.float32() else pa.float64()
    return np.asarray(column.cast(wanted).to_numpy())
