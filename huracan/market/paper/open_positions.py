"""What is open at a day's end, as a table: with it the next day goes on as if there had been no midnight.

How a day begins with it is in `carrying`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.candles.redenominations import units_factor
from huracan.candles.schema import SYMBOL, TIME
from huracan.market.block import MarketBlock
from huracan.market.costs import Floats
from huracan.market.engine.lane import LANE
from huracan.market.ledger import ENTRY_COLUMNS, EXIT_REASONS, FILLS_COLUMNS, LONG, SHORT
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.signal_context import Entries, as_array, held_positions, keys_of
from huracan.market.paper.trade_log import fill_columns
from huracan.regimes.model import REGIMES
from huracan.tables import FLAG, FLOAT, INTEGER, TEXT, Column, arrow_schema

FILL = pa.struct([(column.name, column.type) for column in FILLS_COLUMNS[2:]])
"""Of a fill: the columns of FILLS_SCHEMA but its trade and symbol."""

_ACCOUNT = (
    SYMBOL,
    Column("as_of", TIME, "close of the bar that the account stands at", "UTC"),
    Column("cash_usd", FLOAT, "of the symbol's account", "USD"),
    Column("position_value_usd", FLOAT, "at the last known close; below 0 where short, 0 where flat", "USD"),
    Column("equity_usd", FLOAT, "cash and position value: the opening of the day after", "USD"),
    Column("peak_usd", FLOAT, "highest equity of the account at the close of a decision bar", "USD"),
    Column("costs_usd", FLOAT, "fees, spread, slippage and funding paid since the account began", "USD"),
    Column("turnover_usd", FLOAT, "filled since the account began, at reference prices", "USD"),
    Column("trades", INTEGER, "positions opened since the account began"),
    Column(
        "bar_minutes", INTEGER, "length of the stored bars, in which ages and limits are counted", "minutes"
    ),
    Column(
        "units_factor",
        FLOAT,
        "what declared redenominations had multiplied the symbol's prices by: prices here are over it",
    ),
    Column("recipe", TEXT, "digest of the names of the day's features and of the length of a decision bar"),
    Column("mark_price", FLOAT, "the last known close; null where there was none yet", "quote currency"),
    Column("mark_volatility_bps", FLOAT, "as volatility_bps, of the last bar", "bps"),
    Column("mark_slippage_volatility_bps", FLOAT, "standard deviation of the last 60 one-bar returns", "bps"),
    Column("mark_traded_value_usd", FLOAT, "mean traded value of the last 60 bars", "USD"),
    Column("mark_regime", TEXT, "of the last decision bar"),
    Column("mark_half_spread_bps", FLOAT, "of the market on this day", "bps"),
    Column("mark_taker_fee_bps", FLOAT, "of the market on this day", "bps"),
    Column("mark_tick_size", FLOAT, "step of prices; 0 where none is known", "quote currency"),
)
_POSITION = (
    Column("side", TEXT, "long or short; null like all that follows where the account is flat"),
    Column(
        "result_usd",
        FLOAT,
        "what the position has come to so far, its costs and closed parts included",
        "USD",
    ),
    Column(
        "pending", TEXT, "exit reason of an order that waits for a bar that is traded; null where none does"
    ),
    Column("exit_model_id", TEXT, "checkpoint that decided that order; null where none did"),
    Column("quantity", FLOAT, "held", "base currency"),
    Column("is_trailing", FLAG, "the stop follows the price"),
    Column("stop_has_followed", FLAG, "the stop has moved since the entry"),
    Column("adds", INTEGER, "times that the position was added to"),
    Column("scale_outs", INTEGER, "times that half of the position was closed early"),
    Column("exit_parts", INTEGER, "fills so far of an exit that one bar could not take"),
    Column("signal_time", TIME, "close of the bar at which the entry was decided", "UTC"),
    Column("entry_time", TIME, "open of the bar that filled the entry", "UTC"),
    Column("traded_time", TIME, "open of the last bar that was traded", "UTC"),
    Column("best_time", TIME, "open of the bar that met the best price", "UTC"),
    Column("worst_time", TIME, "open of the bar that met the worst price", "UTC"),
    Column("size_multiplier", FLOAT, "of the entry: its value over the notional of size 1"),
    Column("entry_reference", FLOAT, "mean price of all that was opened, before costs", "quote currency"),
    Column("entry_price", FLOAT, "the same, spread, slippage and tick included", "quote currency"),
    Column("opened_quantity", FLOAT, "all that was opened", "base currency"),
    Column("opened_reference_usd", FLOAT, "its value before costs", "USD"),
    Column("opened_price_usd", FLOAT, "its value, spread, slippage and tick included", "USD"),
    Column("closed_reference_usd", FLOAT, "value of what was closed of it, before costs", "USD"),
    Column("closed_price_usd", FLOAT, "the same, spread, slippage and tick included", "USD"),
    Column("stop", FLOAT, "where it stands", "quote currency"),
    Column("target", FLOAT, "where it stands", "quote currency"),
    Column("best", FLOAT, "best price met", "quote currency"),
    Column("worst", FLOAT, "worst price met", "quote currency"),
    Column("volatility_bps", FLOAT, "of one bar, at the signal", "bps"),
    Column("unit_bps", FLOAT, "of distances, fixed at the signal: volatility over the rules' horizon", "bps"),
    Column("estimated_cost_bps", FLOAT, "of entering and leaving, known at the signal", "bps"),
    Column("fee_usd", FLOAT, "paid by the position so far", "USD"),
    Column("spread_usd", FLOAT, "paid by the position so far", "USD"),
    Column("slippage_usd", FLOAT, "paid by the position so far", "USD"),
    Column("funding_usd", FLOAT, "paid by the position so far, below 0 where received", "USD"),
    Column("funding_due", FLOAT, "of bars that were not traded, to be paid at the next that is", "fraction"),
    Column("maximum_holding_bars", INTEGER, "rule that the position was opened under: its time-out", "bars"),
    Column("scratch_bars", INTEGER, "the same: how old it may be scratched", "bars"),
    Column("maximum_adds", INTEGER, "the same: how often it may be added to"),
    Column("targets_are_maker", FLAG, "the same: its target rests in the book"),
    Column(
        "scratch_volatilities", FLOAT, "the same: loss at which it may be scratched", "horizon volatilities"
    ),
    Column("add_notional_usd", FLOAT, "the same: value of an add", "USD"),
    Column("trail_volatilities", FLOAT, "the same: distance of a trailing stop", "horizon volatilities"),
)
OPEN_POSITIONS_COLUMNS = (
    *_ACCOUNT,
    *_POSITION,
    *(replace(column, meaning=f"{column.meaning}; as in shadow_trades") for column in ENTRY_COLUMNS),
    Column("fills", pa.list_(FILL), "of the position so far, as in the table fills"),
)
OPEN_POSITIONS_SCHEMA = arrow_schema(OPEN_POSITIONS_COLUMNS)
"""One row for every symbol's account as it stands at the day's end. Of one that holds something: all that the
compiled step knows of it, bars as the times of their opens, and what its trade will say of its entry."""

TIMES = {f"{name}_bar": f"{name}_time" for name in ("entry", "traded", "best", "worst")}
"""Bars of a lane and the columns of their opens; that of the signal is named by its close."""
OF_ACCOUNT = ("cash_usd", "costs_usd", "turnover_usd", "trades")
OF_PLACE = ("symbol", "bar", "end_bar", "has_ended", "closes_at_end", "peak_usd")
"""What a lane knows of where it stands in its block and in whose interest: the day's own."""
AS_TOLD = tuple(
    name
    for name in LANE.names or ()
    if name not in (*OF_ACCOUNT, *OF_PLACE, *TIMES, "signal_bar", "side", "pending")
)
"""Fields of a lane that stand in the table as they are."""


@dataclass(frozen=True, eq=False)
class Ending:
    """How a span ended, beside what its lanes hold."""

    equity_usd: Floats
    """[symbols] of the accounts, as is the peak."""
    peak_usd: Floats
    exit_models: Sequence[str | None]
    """[symbols] who decided the exit that waits."""


def carried_out(
    state: NDArray[np.void],
    fills: NDArray[np.void],
    entries: Entries,
    block: MarketBlock,
    ending: Ending,
    provenance: Provenance,
) -> pa.Table:
    """OPEN_POSITIONS_SCHEMA of lanes [symbols] that stand at the block's last bar.

    `fills` are FILL records by lane and trade, those of what is held among them, and `entries` what is known
    of its entry.
    """
    held = held_positions(state)
    rows = np.full(state.size, -1, np.int64)
    rows[held["lane"]] = np.arange(held.size)
    by_row = pa.array(rows, mask=rows < 0)
    data: dict[str, Any] = lane_columns(state, block) | _marks(block, provenance)
    data["equity_usd"], data["peak_usd"] = ending.equity_usd, ending.peak_usd
    data["position_value_usd"] = ending.equity_usd - state["cash_usd"]
    data["result_usd"] = pa.array(result_so_far_usd(state, block.close[:, -1]), mask=rows < 0)
    data["exit_model_id"] = list(ending.exit_models)
    data["fills"] = _fills(fills, held, block).take(by_row)
    known = entries.of(held)
    data |= {name: known[name].combine_chunks().take(by_row) for name in known.column_names}
    columns = {
        field.name: as_array(data[field.name], field.type).cast(field.type) for field in OPEN_POSITIONS_SCHEMA
    }
    return pa.table(columns, schema=OPEN_POSITIONS_SCHEMA)


def lane_columns(state: NDArray[np.void], block: MarketBlock) -> dict[str, pa.Array]:
    """What the lanes know of their accounts and positions; null of a position where there is none."""
    is_flat = state["quantity"] == 0.0

    def held(values: Any) -> pa.Array:
        return pa.array(values, mask=is_flat)

    # NOTHING_PENDING is the last one.
    pending = np.array([*EXIT_REASONS, None], dtype=object)[state["pending"]]
    return {
        **{name: pa.array(state[name]) for name in OF_ACCOUNT},
        **{name: held(state[name]) for name in AS_TOLD},
        **{column: held(block.time_of(state[bar])).cast(TIME) for bar, column in TIMES.items()},
        "signal_time": held(block.time_of(state["signal_bar"] + 1)).cast(TIME),
        "side": held(np.where(state["side"] < 0, SHORT, LONG).astype(object)),
        "pending": held(pending),
    }


def result_so_far_usd(state: NDArray[np.void], close: Floats) -> Floats:
    """[symbols] what the positions have come to at a price, costs paid; 0 where there is none."""
    moved = state["closed_reference_usd"] + state["quantity"] * close - state["opened_reference_usd"]
    paid = state["fee_usd"] + state["spread_usd"] + state["slippage_usd"] + state["funding_usd"]
    return np.where(state["quantity"] == 0.0, 0.0, state["side"] * moved - paid)


def _marks(block: MarketBlock, provenance: Provenance) -> dict[str, Any]:
    """By what a position would be closed, should its market not be there the day after."""
    end_ms = int(block.time_of(np.array(block.bar_count)))
    return {
        "symbol": list(block.symbols),
        "as_of": [end_ms] * block.symbol_count,
        "bar_minutes": [block.bar_minutes] * block.symbol_count,
        "units_factor": [units_factor(provenance.declared, each, end_ms) for each in block.symbols],
        "recipe": [recipe_digest(block)] * block.symbol_count,
        "mark_price": _known(block.close[:, -1]),
        "mark_volatility_bps": _known(block.volatility_bps[:, -1]),
        "mark_slippage_volatility_bps": _known(block.slippage_volatility_bps[:, -1]),
        "mark_traded_value_usd": _known(block.traded_value_usd[:, -1]),
        "mark_regime": np.array(REGIMES, dtype=object)[block.regime[:, -1]],
        **{
            f"mark_{name}": getattr(block, name)[:, -1]
            for name in ("half_spread_bps", "taker_fee_bps", "tick_size")
        },
    }


def recipe_digest(block: MarketBlock) -> str:
    """By which entry features of another recipe are told from the block's."""
    words = (str(block.bar_minutes * block.decision_bars), *block.feature_names)
    return hashlib.sha256("|".join(words).encode()).hexdigest()[:16]


def _known(values: Floats) -> pa.Array:
    return pa.array(values, from_pandas=True)


def _fills(fills: NDArray[np.void], held: NDArray[np.void], block: MarketBlock) -> pa.Array:
    """One list of FILL for each of the positions that are `held`."""
    own = fills[np.isin(keys_of(fills), keys_of(held))]
    columns = fill_columns(own, block)
    values = pa.StructArray.from_arrays(
        [as_array(columns[field.name], field.type) for field in FILL], fields=list(FILL)
    )
    ends = np.searchsorted(keys_of(own), keys_of(held), side="right")
    offsets = pa.array(np.concatenate([[0], ends]).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, values)
