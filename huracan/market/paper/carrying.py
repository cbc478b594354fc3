"""How a day begins with what was open at the end of the day before."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.candles.redenominations import units_factor
from huracan.errors import InputRefused
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions, Floats
from huracan.market.engine.environment import beginning
from huracan.market.engine.records import FILL
from huracan.market.ledger import (
    DELISTED,
    ENTRY_SCHEMA,
    EXIT_REASONS,
    LEFT_UNIVERSE,
    TIMEFRAME_CHANGED,
)
from huracan.market.paper.closures import NO_CLOSURES, Closures, close_at_mark
from huracan.market.paper.lane_rows import fills_of, lanes_of, milliseconds
from huracan.market.paper.open_positions import AS_TOLD, OF_ACCOUNT, TIMES, recipe_digest
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.signal_context import NO_ENTRIES, Entries
from huracan.market.rules import TradingRules

_PRICES = (
    "mark_price",
    "mark_tick_size",
    "entry_reference",
    "entry_price",
    "stop",
    "target",
    "best",
    "worst",
)
_QUANTITIES = ("quantity", "opened_quantity")
_MARKS = {
    "mark_price": ("open", "high", "low", "close"),
    "mark_volatility_bps": ("volatility_bps",),
    "mark_slippage_volatility_bps": ("slippage_volatility_bps",),
}
"""What an account knows of its market, and the arrays of a block that it stands in for."""
_OF_POSITION = (*AS_TOLD, *TIMES, "signal_bar", "side", "pending")


@dataclass(frozen=True, eq=False)
class Carried:
    """What the day before handed over."""

    accounts: pa.Table
    """OPEN_POSITIONS_SCHEMA"""
    outside: frozenset[str] = field(default_factory=frozenset)
    """Symbols that are outside the universe from the new day on."""


@dataclass(frozen=True, eq=False)
class Opening:
    """With what a span begins: a lane for every symbol of its block, or for every position."""

    block: MarketBlock
    """The block, with the last known prices where its own begin later."""
    state: NDArray[np.void]
    """LANE [lanes] at the close of the block's first decision bar."""
    equity_usd: Floats
    """[lanes] as the day before ended; of a new account its starting cash."""
    entries: Entries
    """Of what is held."""
    fills: NDArray[np.void]
    """FILL records of what is held, by lane."""
    exit_models: list[str | None]
    """[lanes] who decided the exit that waits."""
    closures: Closures
    """What was closed before the first decision."""


def begin_flat(block: MarketBlock, rules: TradingRules) -> Opening:
    """Every account with its starting cash."""
    every = np.arange(block.symbol_count)
    return Opening(
        block=block,
        state=beginning(block, rules, every, np.full(every.size, block.decision_closes[0])),
        equity_usd=np.full(every.size, rules.starting_cash_usd),
        entries=NO_ENTRIES,
        fills=np.zeros(0, FILL),
        exit_models=[None] * every.size,
        closures=NO_CLOSURES,
    )


def carried_in(
    carried: Carried,
    block: MarketBlock,
    rules: TradingRules,
    costs: CostAssumptions,
    provenance: Provenance,
) -> Opening:
    """The accounts of the day before, one of each symbol, at the close of the block's first decision bar.

    What the new day has no market for is closed at the last known price: see `Closures`. Prices and
    quantities are brought into the units of the new day's candles. InputRefused where the accounts stand at
    another moment.
    """
    found = _going_on(carried, block, rules, costs, provenance)
    opening, state = begin_flat(found.block, rules), found.state
    lanes, keeps = found.symbol, found.keeps
    for name in OF_ACCOUNT:
        opening.state[name][lanes] = state[name]
    for name in _OF_POSITION:
        opening.state[name][lanes[keeps]] = state[name][keeps]
    opening.state["peak_usd"][lanes] = found.accounts["peak_usd"].to_numpy()
    opening.equity_usd[lanes] = found.accounts["equity_usd"].to_numpy()
    found.closures.settle(opening.state, block.symbols)
    kept, lanes = found.accounts.filter(pa.array(keeps)), lanes[keeps]
    for lane, model in zip(lanes.tolist(), kept["exit_model_id"].to_pylist(), strict=True):
        opening.exit_models[lane] = model
    keys = lanes.astype(np.int64) << 32 | (state["trades"][keeps] - 1)
    return replace(
        opening,
        entries=Entries(keys, kept.select(ENTRY_SCHEMA.names)),
        fills=fills_of(kept, keys, block),
        closures=found.closures,
    )


def held_in(
    carried: Carried,
    block: MarketBlock,
    rules: TradingRules,
    costs: CostAssumptions,
    provenance: Provenance,
) -> Opening:
    """The same of accounts that hold one position each, any number of a symbol: a lane for each of those that
    go on, in their order. No fills are told."""
    found = _going_on(carried, block, rules, costs, provenance)
    kept, symbol = found.accounts.filter(pa.array(found.keeps)), found.symbol[found.keeps]
    state = beginning(found.block, rules, symbol, np.full(symbol.size, block.decision_closes[0]))
    for name in (*OF_ACCOUNT, *_OF_POSITION):
        state[name] = found.state[name][found.keeps]
    state["peak_usd"] = kept["peak_usd"].to_numpy()
    keys = np.arange(symbol.size) << 32 | (state["trades"] - 1)
    return Opening(
        block=found.block,
        state=state,
        equity_usd=kept["equity_usd"].to_numpy(),
        entries=Entries(keys, kept.select(ENTRY_SCHEMA.names)),
        fills=np.zeros(0, FILL),
        exit_models=kept["exit_model_id"].to_pylist(),
        closures=found.closures,
    )


@dataclass(frozen=True, eq=False)
class _GoingOn:
    """The accounts whose symbols the new day has, and what was closed of the others."""

    block: MarketBlock
    accounts: pa.Table
    """OPEN_POSITIONS_SCHEMA"""
    symbol: NDArray[np.int64]
    """[accounts] index in the block"""
    state: NDArray[np.void]
    """LANE [accounts], as far as the table tells"""
    keeps: NDArray[np.bool_]
    """[accounts] which go on holding what they have"""
    closures: Closures


def _going_on(
    carried: Carried,
    block: MarketBlock,
    rules: TradingRules,
    costs: CostAssumptions,
    provenance: Provenance,
) -> _GoingOn:
    begins_ms = int(block.time_of(block.decision_closes[0] + 1))
    accounts = _of_this_recipe(_in_units_of_now(carried.accounts, provenance), block)
    _require_moment(accounts, begins_ms)
    symbols, minutes = (accounts[name].to_pylist() for name in ("symbol", "bar_minutes"))
    reasons = [_reason(*each, block, carried) for each in zip(symbols, minutes, strict=True)]
    is_held = accounts["side"].is_valid().to_numpy(zero_copy_only=False)
    gone = np.array([reason is not None for reason in reasons], np.bool_) & is_held
    codes = [
        EXIT_REASONS.index(reason)
        for reason, is_gone in zip(reasons, gone, strict=True)
        if is_gone and reason
    ]
    closures = close_at_mark(accounts.filter(pa.array(gone)), codes, begins_ms, rules, costs)
    place = pc.index_in(accounts["symbol"].combine_chunks(), value_set=pa.array(block.symbols))
    has_market = place.is_valid()
    own, symbol = accounts.filter(has_market), place.drop_null().to_numpy().astype(np.int64)
    order = np.argsort(symbol, kind="stable")
    own, symbol, gone = (
        own.take(pa.array(order)),
        symbol[order],
        gone[has_market.to_numpy(zero_copy_only=False)][order],
    )
    state = lanes_of(own, block)
    keeps = (state["quantity"] > 0.0) & ~gone
    return _GoingOn(_with_marks(block, accounts), own, symbol, state, keeps, closures)


def _reason(symbol: str, bar_minutes: int, block: MarketBlock, carried: Carried) -> str | None:
    """Why the account of a symbol cannot go on holding what it has; None where it can."""
    if symbol not in block.symbols:
        return LEFT_UNIVERSE
    if symbol in carried.outside:
        return DELISTED
    return None if bar_minutes == block.bar_minutes else TIMEFRAME_CHANGED


def _require_moment(accounts: pa.Table, begins_ms: int) -> None:
    other = [each for each in milliseconds(accounts, "as_of") if each != begins_ms]
    if other:
        stood, begins = (np.datetime64(int(each), "ms") for each in (other[0], begins_ms))
        raise InputRefused(
            f"The accounts of the day before stand at {stood}, and the first decision is made at {begins}.",
            "Make the day before it again, its candles too: a position cannot skip the time between.",
        )


def _with_marks(block: MarketBlock, accounts: pa.Table) -> MarketBlock:
    """The block, with the last known price and volatility of an account where its own begin later."""
    if not np.isnan(block.close[:, 0]).any():
        return block
    marks = dict(zip(accounts["symbol"].to_pylist(), accounts.to_pylist(), strict=True))
    known = [marks.get(symbol, {}) for symbol in block.symbols]
    changed: dict[str, Any] = {}
    for column, names in _MARKS.items():
        mark = np.array([each.get(column) for each in known], dtype=np.float64)[:, None]
        for name in names:
            values = getattr(block, name)
            # A block carries what it knows on, so nothing is unknown but before the first that it knows.
            changed[name] = np.where(np.isnan(values), mark, values)
    return replace(block, **changed)


def _of_this_recipe(accounts: pa.Table, block: MarketBlock) -> pa.Table:
    """Entry features of another recipe than the block's would be read by the wrong names: not a number."""
    rows, digest = accounts["entry_features"].to_pylist(), recipe_digest(block)
    other = [recipe != digest for recipe in accounts["recipe"].to_pylist()]
    if not any(other):
        return accounts
    unknown = [float("nan")] * len(block.feature_names)
    known = [unknown if is_other and row else row for row, is_other in zip(rows, other, strict=True)]
    place = accounts.column_names.index("entry_features")
    field = accounts.schema.field(place)
    return accounts.set_column(place, field, pa.array(known, field.type))


def _in_units_of_now(accounts: pa.Table, provenance: Provenance) -> pa.Table:
    """Prices and quantities of accounts in the units of candles for which more, or less, is declared."""
    stood = accounts["units_factor"].to_numpy()
    moments = milliseconds(accounts, "as_of").tolist()
    places = zip(accounts["symbol"].to_pylist(), moments, strict=True)
    now = np.array([units_factor(provenance.declared, symbol, moment) for symbol, moment in places])
    if np.array_equal(stood, now):
        return accounts
    dearer = stood / now
    scales = dict.fromkeys(_PRICES, dearer) | dict.fromkeys(_QUANTITIES, 1.0 / dearer)
    columns = {name: accounts[name] for name in accounts.column_names}
    columns |= {name: pc.multiply(accounts[name], pa.array(scale)) for name, scale in scales.items()}
    lists = accounts["fills"].combine_chunks()
    rows = pa.Table.from_struct_array(lists.flatten())
    lengths = pc.fill_null(lists.value_lengths(), 0).to_numpy(zero_copy_only=False)
    by_fill = np.repeat(dearer, lengths)
    for name in ("reference_price", "price", "quantity", "ordered_quantity"):
        scale = by_fill if name.endswith("price") else 1.0 / by_fill
        scaled = pc.multiply(rows[name], pa.array(scale))
        rows = rows.set_column(rows.column_names.index(name), rows.schema.field(name), scaled)
    offsets = pa.array(np.append(0, np.cumsum(lengths)).astype(np.int32))
    scaled_fills = rows.to_struct_array().combine_chunks()
    columns["fills"] = pa.ListArray.from_arrays(offsets, scaled_fills, mask=lists.is_null())
    return pa.table(columns, schema=accounts.schema)
