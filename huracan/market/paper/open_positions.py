"""What is open at a day's end, as a table: with it the next day goes on as if there had been no midnight.

How a day begins with it is in `carrying`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.candles.redenominations import units_factor
from huracan.candles.schema import TIME
from huracan.market.block import MarketBlock
from huracan.market.costs import Floats
from huracan.market.engine.lane import LANE
from huracan.market.ledger import EXIT_REASONS, LONG, SHORT
from huracan.market.paper.open_columns import FILL, OPEN_POSITIONS_SCHEMA
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.signal_context import Entries, held_positions, keys_of
from huracan.market.paper.trade_log import fill_columns
from huracan.regimes.model import REGIMES
from huracan.tables import as_array

TIMES = {f"{name}_bar": f"{name}_time" for name in ("entry", "traded", "best", "worst")}
"""Bars of a lane and the columns of their opens; that of the signal is named by its close."""
OF_ACCOUNT = ("cash_usd", "costs_usd", "turnover_usd", "trades")
OF_PLACE = (
    *("symbol", "bar", "end_bar", "has_ended", "closes_at_end", "peak_usd"),
    *("order_factor", "order_rests"),
)
"""What a lane knows of where it stands in its block, in whose interest, and of the order of the moment: the
day's own."""
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
    """[lanes] of the accounts, as is the peak."""
    peak_usd: Floats
    exit_models: Sequence[str | None]
    """[lanes] who decided the exit that waits."""


def carried_out(
    state: NDArray[np.void],
    fills: NDArray[np.void],
    entries: Entries,
    block: MarketBlock,
    ending: Ending,
    provenance: Provenance,
) -> pa.Table:
    """OPEN_POSITIONS_SCHEMA of lanes, each an account, that stand at the block's last bar.

    `fills` are FILL records by lane and trade, those of what is held among them, and `entries` what is known
    of its entry.
    """
    held = held_positions(state)
    rows = np.full(state.size, -1, np.int64)
    rows[held["lane"]] = np.arange(held.size)
    by_row = pa.array(rows, mask=rows < 0)
    data: dict[str, Any] = lane_columns(state, block) | _marks(block, state["symbol"], provenance)
    data["equity_usd"], data["peak_usd"] = ending.equity_usd, ending.peak_usd
    data["position_value_usd"] = ending.equity_usd - state["cash_usd"]
    data["result_usd"] = pa.array(result_so_far_usd(state, block.close[state["symbol"], -1]), mask=rows < 0)
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
    """[lanes] what the positions have come to at a price, costs paid; 0 where there is none."""
    moved = state["closed_reference_usd"] + state["quantity"] * close - state["opened_reference_usd"]
    paid = state["fee_usd"] + state["spread_usd"] + state["slippage_usd"] + state["funding_usd"]
    return np.where(state["quantity"] == 0.0, 0.0, state["side"] * moved - paid)


def _marks(block: MarketBlock, symbol: NDArray[np.integer], provenance: Provenance) -> dict[str, Any]:
    """By what positions of `symbol` [lanes] would be closed, should their markets not be there tomorrow."""
    end_ms, count = int(block.time_of(np.array(block.bar_count))), symbol.size
    names = [block.symbols[each] for each in symbol.tolist()]
    factors = {name: units_factor(provenance.declared, name, end_ms) for name in set(names)}
    return {
        "symbol": names,
        "as_of": [end_ms] * count,
        "bar_minutes": [block.bar_minutes] * count,
        "units_factor": [factors[name] for name in names],
        "recipe": [recipe_digest(block)] * count,
        "mark_price": _known(block.close[symbol, -1]),
        "mark_volatility_bps": _known(block.volatility_bps[symbol, -1]),
        "mark_slippage_volatility_bps": _known(block.slippage_volatility_bps[symbol, -1]),
        "mark_traded_value_usd": _known(block.traded_value_usd[symbol, -1]),
        "mark_regime": np.array(REGIMES, dtype=object)[block.regime[symbol, -1]],
        **{
            f"mark_{name}": getattr(block, name)[symbol, -1]
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
