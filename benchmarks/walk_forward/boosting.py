"""Gradient boosting on the policy's own features, fitted anew every night on past days alone.

It says what an entry that is left to stop, target and time-out will net, costs paid, and enters where that is
above 0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huracan.durations import MINUTES_PER_DAY, minute_of_day
from huracan.market.actions import ENTER_FULL_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.held_entries import bars_to_enter, hold_entries, net_bps
from huracan.market.rules import TradingRules, bars_of
from walk_forward.cases import RivalSettings
from walk_forward.contestants import BOOSTING, Contestant, TradedDays, contestant_of
from walk_forward.statistics import Floats


@dataclass(frozen=True, eq=False)
class _Entries:
    """Every full long entry that the market allows, in the order of symbols and time."""

    symbol: NDArray[np.int64]
    bar: NDArray[np.int64]
    """The decision's close."""
    features: NDArray[np.float32]
    """[entries, features]"""
    closed: NDArray[np.void]
    """[entries] what became of it..."""
    net_bps: Floats
    """...and its net result; NaN where nothing was filled."""


def boost(
    block: MarketBlock,
    traded: TradedDays,
    handover: str,
    window_days: int,
    settings: RivalSettings,
) -> Contestant:
    """`block` is the market of the traded days and of those before them on which is learned.

    The model of D-1 knows what was closed by D-1 24:00, the longest holding between the last decision that it
    learned from and that midnight; it decides from the handover of D to that of D+1, as the policy's does.
    """
    entries = _every_entry(block, traded.rules, traded.costs)
    longest = bars_of(traded.rules.maximum_holding, block.bar_minutes)
    after_midnight = bars_of(f"{max(1, minute_of_day(handover))}m", block.bar_minutes)
    per_day = MINUTES_PER_DAY // block.bar_minutes
    offset = block.bar_count - traded.block.bar_count
    taken = []
    midnight = offset + int(traded.block.day_first[1])
    for begins in range(midnight - per_day, block.bar_count, per_day):
        decides = (entries.bar + 1 >= begins + after_midnight) & (
            entries.bar + 1 < begins + after_midnight + per_day
        )
        decides &= entries.bar >= offset
        known = (entries.bar + 1 + longest < begins) & (entries.bar >= begins - window_days * per_day)
        wanted = _wanted(entries, known & np.isfinite(entries.net_bps), decides, settings)
        taken.append(wanted)
    chosen = _one_at_a_time(entries, np.sort(np.concatenate(taken)))
    closed = entries.closed[chosen].copy()
    for name in ("signal_bar", "entry_bar", "exit_bar"):
        closed[name] -= offset
    return contestant_of(BOOSTING, closed, traded)


def _every_entry(block: MarketBlock, rules: TradingRules, costs: CostAssumptions) -> _Entries:
    able = bars_to_enter(block)
    indices = np.flatnonzero(able)
    symbol, bar = indices // block.bar_count, indices % block.bar_count
    longest = bars_of(rules.maximum_holding, block.bar_minutes)
    entries = np.full(indices.size, ENTER_FULL_INDEX)
    found = hold_entries(block, rules, costs, indices, entries, np.full(indices.size, longest))
    closed = np.zeros(indices.size, found.dtype)
    closed[found["lane"]] = found
    net = np.full(indices.size, np.nan)
    net[found["lane"]] = net_bps(found)
    features = block.features[symbol, block.row_of(bar)]
    return _Entries(symbol, bar, features, closed, net)


def _wanted(
    entries: _Entries, known: NDArray[np.bool_], decides: NDArray[np.bool_], settings: RivalSettings
) -> NDArray[np.int64]:
    """The entries among `decides` of which a model of the `known` ones expects a profit."""
    from lightgbm import LGBMRegressor

    rows, asked = np.flatnonzero(known), np.flatnonzero(decides)
    if rows.size < 2 * settings.booster_least_rows or asked.size == 0:
        return asked[:0]
    if rows.size > settings.booster_rows:
        rows = rows[np.linspace(0, rows.size - 1, settings.booster_rows).astype(np.int64)]
    model = LGBMRegressor(
        n_estimators=settings.booster_rounds,
        num_leaves=settings.booster_leaves,
        learning_rate=settings.booster_learning_rate,
        min_child_samples=settings.booster_least_rows,
        random_state=settings.seed,
        deterministic=True,
        force_row_wise=True,
        n_jobs=1,
        verbose=-1,
    )
    model.fit(entries.features[rows], entries.net_bps[rows])
    expected = np.asarray(model.predict(entries.features[asked]))
    return asked[(expected > 0) & np.isfinite(entries.net_bps[asked])]


def _one_at_a_time(entries: _Entries, wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of the wanted entries those at which the symbol's account is flat."""
    chosen: list[int] = []
    free_from: dict[int, int] = {}
    for index in wanted:
        symbol, bar = int(entries.symbol[index]), int(entries.bar[index])
        if bar >= free_from.get(symbol, 0):
            chosen.append(int(index))
            free_from[symbol] = int(entries.closed["exit_bar"][index])
    return np.array(chosen, np.int64)
