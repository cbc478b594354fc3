"""What was known at the signals of the positions of a span: regime, features, the decision's trace, patterns
that the entry resembles, and who decided.

What came of a position is in `trade_log`; one that was opened before the span brings all this along.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.market.block import MarketBlock
from huracan.market.ledger import ENTRY_SCHEMA, LONG, SHORT
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.session_arrays import DecisionTrace, SessionArrays
from huracan.market.paper.watch import NOBODY, Watch
from huracan.regimes.model import REGIMES
from huracan.tables import as_array

Integers = NDArray[np.int64]

POSITION = np.dtype(
    [
        ("lane", np.int32),
        ("trade", np.int32),
        ("side", np.int8),
        ("signal_bar", np.int32),
        ("entry_bar", np.int32),
    ]
)
"""What the records of a closed position and a lane that holds one have in common."""


@dataclass(frozen=True, eq=False)
class Entries:
    """ENTRY_SCHEMA of positions, each found by its lane and number."""

    keys: Integers
    """[positions] ascending; see `keys_of`."""
    table: pa.Table

    def of(self, positions: NDArray[np.void]) -> pa.Table:
        """The rows of positions that are among these, in the order asked for."""
        return self.table.take(self._rows(positions))

    def trade_ids(self, positions: NDArray[np.void]) -> pa.ChunkedArray:
        """The identities of the same."""
        return self.table["trade_id"].take(self._rows(positions))

    def _rows(self, positions: NDArray[np.void]) -> pa.Array:
        return pa.array(np.searchsorted(self.keys, keys_of(positions)))

    def joined(self, others: "Entries") -> "Entries":
        """These and others, none of them twice."""
        keys = np.concatenate([self.keys, others.keys])
        order = np.argsort(keys, kind="stable")
        return Entries(keys[order], pa.concat_tables([self.table, others.table]).take(pa.array(order)))


NO_ENTRIES = Entries(np.zeros(0, np.int64), ENTRY_SCHEMA.empty_table())


def keys_of(positions: NDArray[np.void]) -> Integers:
    """[n] one number for lane and position of any records that have them, ordered by both."""
    return np.asarray(positions["lane"].astype(np.int64) << 32 | positions["trade"], dtype=np.int64)


def held_positions(state: NDArray[np.void]) -> NDArray[np.void]:
    """POSITION of what the lanes hold, in their order."""
    lanes = np.flatnonzero(state["quantity"] > 0.0)
    held = np.zeros(lanes.size, POSITION)
    held["lane"], held["trade"] = lanes, state["trades"][lanes] - 1
    for name in ("side", "signal_bar", "entry_bar"):
        held[name] = state[name][lanes]
    return held


def entries_of(
    arrays: SessionArrays,
    block: MarketBlock,
    watches: Sequence[Watch],
    actions: tuple[str, ...],
    provenance: Provenance,
    known: Entries,
) -> Entries:
    """Of every position that was closed or is held: `known` are those that the span began with.

    `actions` are the names of the market's action list, in order.
    """
    closed = np.zeros(arrays.closed.size, POSITION)
    for name in POSITION.names or ():
        closed[name] = arrays.closed[name]
    positions = np.concatenate([closed, held_positions(arrays.state)])
    positions = positions[~np.isin(keys_of(positions), known.keys)]
    if positions.size == 0:
        return known
    positions = positions[np.argsort(keys_of(positions))]
    column = block.row_of(positions["signal_bar"]) - block.row_of(arrays.first_bar[positions["lane"]])
    deciders = arrays.in_charge[column]
    models = ["" if each == NOBODY else watches[each].model_id or "" for each in deciders.tolist()]
    count = positions.size
    data: dict[str, Any] = {
        "trade_id": _trade_ids(positions, block, arrays, models, provenance),
        **bar_columns(positions, block, arrays),
        **_decision_columns(arrays, actions, positions["lane"], column),
        **pattern_columns(positions, deciders, block, arrays, watches),
        "model_id": models,
        "data_hash": [provenance.data_hash] * count,
        "configuration_digest": [provenance.configuration_digest] * count,
        "is_simulated": [provenance.is_simulated] * count,
    }
    columns = {field.name: as_array(data[field.name], field.type) for field in ENTRY_SCHEMA}
    found = Entries(keys_of(positions), pa.table(columns, schema=ENTRY_SCHEMA))
    return known.joined(found)


def _trade_ids(
    positions: NDArray[np.void],
    block: MarketBlock,
    arrays: SessionArrays,
    models: Sequence[str],
    provenance: Provenance,
) -> list[str]:
    """A function of what each position is, so that a day that is made again has the same."""
    made_by = (provenance.data_hash, provenance.configuration_digest)
    symbols, times = arrays.symbol[positions["lane"]], block.time_of(positions["entry_bar"])
    identities = []
    rows = zip(symbols.tolist(), times.tolist(), positions["side"].tolist(), models, strict=True)
    for symbol, entry, side, model in rows:
        words = "|".join((block.symbols[symbol], str(entry), SHORT if side < 0 else LONG, model, *made_by))
        identities.append(hashlib.sha256(words.encode()).hexdigest()[:32])
    return identities


def bar_columns(positions: NDArray[np.void], block: MarketBlock, arrays: SessionArrays) -> dict[str, Any]:
    """What was known of the signal bar."""
    symbol, row = arrays.symbol[positions["lane"]], block.row_of(positions["signal_bar"])
    probabilities = {
        f"probability_{name}": block.regime_probabilities[symbol, row, index]
        for index, name in enumerate(REGIMES)
    }
    return {
        "regime": np.array(REGIMES, dtype=object)[block.regime[symbol, row]],
        **probabilities,
        "entry_features": lists(block.features[symbol, row].astype(np.float32)),
    }


def _decision_columns(
    arrays: SessionArrays, actions: tuple[str, ...], lane: Integers, column: Integers
) -> dict[str, Any]:
    """What led to the entry."""
    trace = arrays.trace
    return {
        "action": np.array(actions, dtype=object)[arrays.action[lane, column]],
        **trace_columns(trace, lane, column),
        "value_estimate": trace.values[lane, column].astype(np.float64),
    }


def trace_columns(trace: DecisionTrace, lane: Integers, column: Integers) -> dict[str, pa.Array]:
    """The lists of decisions [n]."""
    return {
        "policy_logits": lists(trace.logits[lane, column]),
        "action_bias": lists(trace.bias[lane, column]),
        "bias_terms": lists(trace.bias_terms[lane, column], trace.terms[column]),
        "action_mask": lists(trace.masks[lane, column]),
        "action_probabilities": lists(trace.probabilities[lane, column]),
    }


def pattern_columns(
    positions: NDArray[np.void],
    deciders: Integers,
    block: MarketBlock,
    arrays: SessionArrays,
    watches: Sequence[Watch],
) -> dict[str, Any]:
    """The patterns known to whoever decided that the entries resemble; none where none were known."""
    names: list[list[str]] = [[]] * positions.size
    cosines: list[list[float]] = [[]] * positions.size
    symbol, row = arrays.symbol[positions["lane"]], block.row_of(positions["signal_bar"])
    sides = np.where(positions["side"] < 0, SHORT, LONG).astype(object)
    for decider, watch in enumerate(watches):
        own = np.flatnonzero(deciders == decider)
        if watch.patterns is None or own.size == 0:
            continue
        features = block.features[symbol[own], row[own]].astype(np.float32)
        found = [each.to_pylist() for each in watch.patterns.nearest(features, sides[own])]
        for index, resembled, nearness in zip(own.tolist(), *found, strict=True):
            names[index], cosines[index] = resembled, nearness
    return {"nearest_patterns": names, "nearest_pattern_cosines": cosines}


def lists(rows: NDArray[Any], widths: Integers | None = None) -> pa.Array:
    """Rows of an array [n, width] as n lists, of each its first `widths` [n] where they are given."""
    count, width = rows.shape
    if widths is None:
        offsets, values = np.arange(count + 1) * width, rows
    else:
        offsets = np.concatenate([[0], np.cumsum(widths)])
        values = rows[np.arange(width) < widths[:, None]]
    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), flat)
