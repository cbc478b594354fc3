"""Skill against luck: a trade among the entries that chance could have made in the same hour and regime.

The market's own environment steps those entries. What a percentile says of a win or a loss is judged in
`wins` and `loss_reasons`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.outcome import Booleans, Floats, Integers, floats, milliseconds
from huracan.market.actions import action_names
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.held_entries import bars_to_enter, hold_entries, net_bps
from huracan.market.rules import TradingRules, bars_of
from huracan.regimes.model import REGIMES

LEAST_ENTRIES = 20
"""Fewer entries than this are no distribution: the search widens."""
MOST_ENTRIES = 500
"""Of more than this an even share is taken."""
SCOPES = ("symbol_hour", "all_symbols_hour", "neighbouring_hours", "whole_day")
"""Which bars of the trade's regime count as entries: those of its symbol in its hour; of all symbols in it;
of all symbols in it and the hours beside it; of all symbols on the UTC day of its signal."""

_TIE_BPS = 1e-6
"""Results as near as this are equal: the same moves at another size differ in their last bits."""
_HOURS = 24
_HOUR_MS = 3_600_000


@dataclass(frozen=True, eq=False)
class Luck:
    """Arrays [trades]."""

    percentile: Floats
    """0 to 100: the share of the entries that did worse, ties counted half, all held for as many bars as the
    trade; NaN where there was no entry."""
    percentile_by_rules: Floats
    """The same entries left to stop, target and time-out alone. A trade that its target ended early beats
    nearly all entries cut off after as few bars, because the target chose the moment: this one does not
    know it."""
    entries: Integers
    scope: Integers
    """Into SCOPES."""

    @property
    def surely_beaten(self) -> Floats:
        """[trades] the lower of the two percentiles, which a win must not owe to how its end was chosen; NaN
        with fewer than 20 entries."""
        return self._known(np.minimum(self.percentile, self.percentile_by_rules))

    @property
    def possibly_beaten(self) -> Floats:
        """[trades] the higher one, for a loss in the same way."""
        return self._known(np.maximum(self.percentile, self.percentile_by_rules))

    def _known(self, percentile: Floats) -> Floats:
        return np.where(self.entries >= LEAST_ENTRIES, percentile, np.nan)

    def scope_names(self) -> pa.Array:
        """[trades] the name of each trade's scope; null where there was no entry."""
        return pa.array(SCOPES, pa.string()).take(pa.array(self.scope, mask=self.entries == 0))

    @staticmethod
    def scopes_of(names: pa.Array) -> Integers:
        """The inverse of `scope_names`; the last scope, which every search ends with, where it is null."""
        index = pc.fill_null(pc.index_in(names, value_set=pa.array(SCOPES, pa.string())), len(SCOPES) - 1)
        return np.asarray(index.to_numpy(zero_copy_only=False), dtype=np.int64)


def measure_luck(trades: pa.Table, block: MarketBlock, rules: TradingRules, costs: CostAssumptions) -> Luck:
    """Each of `trades` (TRADES_SCHEMA, signalled in the block) among the entries of its hour and regime.

    An entry is a decision at which one is legal, in the hour and the regime of the trade's own, taken by the
    same action (so on the same side and in the same size) under `rules` and `costs`. Where a scope has fewer
    than 20, the next of SCOPES is taken. The trade's own decision is one of them. Entries run on over
    midnight; what is open at the block's end counts at liquidation value. `block` needs no features. A trade
    whose symbol or signal it lacks, or whose action today's rules do not have, has no entry.
    """
    symbol, bar, is_known = _signal_bars(trades, block)
    names = pa.array(action_names(rules.allow_short))
    action = pc.fill_null(pc.index_in(trades["action"], value_set=names), -1).to_numpy().astype(np.int64)
    is_known &= action >= 0
    hour = block.open_time_ms // _HOUR_MS
    regime = block.regime[symbol, np.maximum(block.row_of(bar), 0)]
    indices, first, count, scope = _candidates(block, symbol, hour[bar], regime)
    taken = np.where(is_known, np.minimum(count, MOST_ENTRIES), 0)
    owner = np.repeat(np.arange(len(trades)), taken)
    number = np.arange(owner.size) - np.repeat(np.cumsum(taken) - taken, taken)
    chosen = indices[first[owner] + number * count[owner] // np.maximum(taken[owner], 1)]
    mine, held = floats(trades, "net_bps"), floats(trades, "bars_held").astype(np.int64)
    entries = np.zeros(len(trades), dtype=np.int64)
    percentiles = []
    longest = bars_of(rules.maximum_holding, block.bar_minutes)
    for bars in (held[owner], np.full(owner.size, longest)):
        closed = hold_entries(block, rules, costs, chosen, action[owner], bars)
        whose, made = owner[closed["lane"]], net_bps(closed)
        is_tied = np.abs(made - mine[whose]) <= _TIE_BPS
        beaten = np.where(is_tied, 0.5, made < mine[whose])
        entries = np.bincount(whose, minlength=len(trades)).astype(np.int64)
        with np.errstate(invalid="ignore"):
            share = np.bincount(whose, weights=beaten, minlength=len(trades)) / entries
        percentiles.append(np.asarray(100.0 * share, dtype=np.float64))
    return Luck(percentiles[0], percentiles[1], entries, scope)


def _signal_bars(trades: pa.Table, block: MarketBlock) -> tuple[Integers, Integers, Booleans]:
    """Symbol and bar of the block at whose close each trade was decided, and whether the block has them:
    where it does not they are 0. A signal between two bars is one of shorter bars, of before the timeframe
    was changed."""
    symbol = pc.fill_null(pc.index_in(trades["symbol"], value_set=pa.array(block.symbols)), -1).to_numpy()
    # The close of the signal bar is the open of the bar after it.
    past_ms = milliseconds(trades, "signal_time") - int(block.open_time_ms[0])
    bar = past_ms // block.bar_ms - 1
    known = (symbol >= 0) & (bar >= block.decision_bars - 1) & (bar + 1 < block.bar_count)
    known &= past_ms % block.bar_ms == 0
    return np.where(known, symbol, 0).astype(np.int64), np.where(known, bar, 0).astype(np.int64), known


def _candidates(
    block: MarketBlock, symbol: Integers, hour: Integers, regime: npt.NDArray[np.int8]
) -> tuple[Integers, Integers, Integers, Integers]:
    """Indices of entries, and per trade the first of its own among them, their number, and the scope; `hour`
    counts from 1970."""
    indices = np.flatnonzero(bars_to_enter(block))
    bars = indices % block.bar_count
    hours = block.open_time_ms // _HOUR_MS
    # From the midnight before the block to the one after it.
    start, end = hours[0] // _HOURS * _HOURS, (hours[-1] // _HOURS + 1) * _HOURS
    length = int(end - start)
    moment = block.regime[indices // block.bar_count, block.row_of(bars)].astype(np.int64) * length
    moment += hours[bars] - start
    span = len(REGIMES) * length
    of_symbol = indices // block.bar_count * span + moment
    by_moment, by_symbol = np.argsort(moment, kind="stable"), np.argsort(of_symbol, kind="stable")
    # Two orders of the same indices, one after the other: every scope is a stretch of one of them.
    own, at = regime.astype(np.int64) * length, hour - start
    now, line, lines = own + at, moment[by_moment], of_symbol[by_symbol]
    day = own + at // _HOURS * _HOURS
    stretches = [
        (lines, symbol * span + now, symbol * span + now, indices.size),
        (line, now, now, 0),
        (line, own + np.maximum(at - 1, 0), own + np.minimum(at + 1, length - 1), 0),
        (line, day, day + _HOURS - 1, 0),
    ]
    begins = np.stack([np.searchsorted(keys, low) + lead for keys, low, _, lead in stretches])
    ends = np.stack([np.searchsorted(keys, high, "right") + lead for keys, _, high, lead in stretches])
    enough = ends - begins >= LEAST_ENTRIES
    scope = np.where(enough.any(axis=0), np.argmax(enough, axis=0), len(SCOPES) - 1)
    trade = np.arange(symbol.size)
    first, count = begins[scope, trade], (ends - begins)[scope, trade]
    both = np.concatenate([indices[by_moment], indices[by_symbol]])
    return both, first.astype(np.int64), count.astype(np.int64), scope.astype(np.int64)
