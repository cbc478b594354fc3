"""What a policy sees, lane by lane. Compiled; the names of the columns are in `observation`."""

import math

import numpy as np
from numpy.typing import NDArray

from huracan.compiled import compiled, compiled_inline
from huracan.market.block import PATTERN_CONTEXT
from huracan.market.costs import Floats
from huracan.market.engine.kernel_advance import equity_usd
from huracan.market.engine.kernel_bars import Bar, Bars, Market, Sights
from huracan.market.engine.kernel_fills import round_trip_bps
from huracan.market.engine.kernel_masks import FIRST_SHORT, NO_SLOT, entry_slot
from huracan.market.engine.kernel_numbers import CostNumbers, RuleNumbers
from huracan.market.engine.kernel_open import volatility_unit_bps
from huracan.market.engine.lane import Lane
from huracan.regimes.model import REGIMES
from huracan.units import BASIS_POINT

REGIME_COUNT = len(REGIMES)
PATTERN_COUNT = len(PATTERN_CONTEXT)
POSITION_COUNT = 12


@compiled_inline
def observe_position(
    lane: Lane, close: float, rules: RuleNumbers, seen: NDArray[np.float32], at: int
) -> None:
    """The position from its own point of view: what is good for it is positive, long or short."""
    entry = lane.entry_reference
    per_price = lane.side / (entry * lane.unit_bps * BASIS_POINT)
    seen[at] = 1.0
    seen[at + 1] = lane.side
    seen[at + 2] = lane.quantity * entry / rules.notional_usd
    seen[at + 3] = (close - entry) * per_price
    seen[at + 4] = (lane.bar - lane.entry_bar + 1) / lane.maximum_holding_bars
    seen[at + 5] = (close - lane.stop) * per_price
    seen[at + 6] = (lane.target - close) * per_price
    seen[at + 7] = (lane.best - entry) * per_price
    seen[at + 8] = (lane.worst - entry) * per_price
    seen[at + 9] = lane.adds / max(lane.maximum_adds, 1)
    seen[at + 10] = 1.0 if lane.is_trailing else 0.0
    seen[at + 11] = lane.funding_usd / (rules.notional_usd * lane.unit_bps * BASIS_POINT)


@compiled_inline
def cost_in_volatility(bar: Bar, market: Market, rules: RuleNumbers, costs: CostNumbers) -> float:
    """The estimated round trip of a long entry of size 1 in volatility units; 0 before the first one."""
    if math.isnan(bar.volatility_bps) or math.isnan(bar.close):
        return 0.0
    cost_bps = round_trip_bps(rules.notional_usd, bar, 1, rules.entries_are_maker, market, costs)
    return float(cost_bps / volatility_unit_bps(bar.volatility_bps, rules))


@compiled
def entry_cost_lanes(
    state: NDArray[np.void], bars: Bars, rules: RuleNumbers, costs: CostNumbers, out: Floats
) -> None:
    """Estimated round trip in bps of every entry that a lane could decide at its close, as its position would
    have it, by orders of the rules, into `out` [lanes, actions]; NaN of other actions and without a price."""
    rows, markets, length = bars.rows, bars.markets, bars.length
    for index in range(state.size):
        lane = state[index]
        at = lane.symbol * length + lane.bar
        bar = rows[at]
        # The order meets the next bar's market, which is known before it opens.
        market = markets[rows[at + 1].market if lane.bar + 1 < length else bar.market]
        for action in range(rules.action_count):
            out[index, action] = math.nan
            slot = entry_slot(action)
            if slot != NO_SLOT and math.isfinite(bar.volatility_bps) and math.isfinite(bar.close):
                notional = rules.notional_usd * rules.size_multipliers[slot]
                side = -1 if action >= FIRST_SHORT else 1
                rests = rules.entries_are_maker
                out[index, action] = round_trip_bps(notional, bar, side, rests, market, costs)


@compiled
def observe_lanes(
    state: NDArray[np.void], bars: Bars, sights: Sights, rules: RuleNumbers, costs: CostNumbers,
    out: NDArray[np.float32],
) -> None:  # fmt: skip
    """Observations float32 [lanes, names] at the close of each lane's bar, into `out`."""
    rows, length, each = bars.rows, bars.length, bars.decision_bars
    features, regimes, patterns = sights.features, sights.regime_probabilities, sights.pattern_context
    width = features.shape[1]
    at = width + REGIME_COUNT
    last = at + POSITION_COUNT + 3
    # Copied in a loop of its own, so that many rows are on their way from memory at a time.
    for index in range(state.size):
        lane = state[index]
        decision = (lane.bar + 1) // each - 1
        row = lane.symbol * sights.features_apart + decision
        for column in range(width):
            out[index, column] = features[row, column]
        row = lane.symbol * sights.regimes_apart + decision
        for column in range(REGIME_COUNT):
            out[index, width + column] = regimes[row, column]
        row = lane.symbol * sights.patterns_apart + decision
        for column in range(PATTERN_COUNT):
            out[index, last + column] = patterns[row, column]
        for column in range(POSITION_COUNT):
            out[index, at + column] = 0.0
    for index in range(state.size):
        lane = state[index]
        bar = rows[lane.symbol * length + lane.bar]
        if lane.quantity != 0.0:
            observe_position(lane, bar.close, rules, out[index], at)
        out[index, last - 3] = cost_in_volatility(bar, bars.markets[bar.market], rules, costs)
        out[index, last - 2] = sights.time_of_day[lane.bar, 0]
        out[index, last - 1] = sights.time_of_day[lane.bar, 1]


@compiled
def equity_lanes(state: NDArray[np.void], bars: Bars, out: Floats) -> None:
    """Equity in USD [lanes], into `out`."""
    rows, length = bars.rows, bars.length
    for index in range(state.size):
        lane = state[index]
        out[index] = equity_usd(lane, rows[lane.symbol * length + lane.bar].close)
