"""The best causal policy of a planted market, traded in the market's own environment: 100 % of the proof.

Two traders are known here. One knows the latent imbalance itself: nobody can, so what it earns is only an
upper bound. The other knows what is visible, the measured flow and the returns up to the bar's close,
filtered optimally, together with the market's parameters. It is the ceiling of the proof: no policy that
looks only at the past can know more of the next minute, because the filter's estimate is a sufficient
statistic of everything that was seen. Its rules of entering, adding and leaving come from dynamic programming
over (estimate, place between stop and target, age, bars left), so stops, targets and time-outs are planned
for. What the program leaves out costs it little: volatility is taken as known and constant, a stop as no
dearer than another exit, and the few bars that adding takes are not planned for. As utility is linear in
size, it always wants the greatest position.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from huracan.market.actions import (
    ADD_INDEX,
    ENTER_ONE_AND_HALF_INDEX,
    EXIT_INDEX,
    HOLD_INDEX,
    WAIT_INDEX,
)
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.observation import observation_names
from huracan.market.rules import TradingRules, bars_of
from huracan.proof.exam import Decide, Exam, take_exam
from huracan.proof.planted_market import Floats, PlantedMarket, PlantedMarketConfig, plant_market
from huracan.proof.signal_filter import filter_imbalance, filtered_signal, latent_signal
from huracan.proof.stopping_program import Grid, StoppingProblem, StoppingRules, solve


@dataclass(frozen=True)
class Ceiling:
    """What the two traders earn on the same days."""

    visible: Exam
    """Of the one that filters what is visible: the best causal policy."""
    latent: Exam
    """Of the one that knows the latent imbalance."""


def problem_of(
    config: PlantedMarketConfig, rules: TradingRules, costs: CostAssumptions, *, knows_latent: bool
) -> StoppingProblem:
    """The stopping problem of a market under the product's rules and costs, at the true volatility."""
    unit_bps = max(config.volatility_bps, rules.minimum_volatility_bps)
    unit_bps *= rules.horizon_factor(config.bar_minutes)
    return StoppingProblem(
        signal=latent_signal(config) if knows_latent else filtered_signal(config),
        volatility_bps=config.volatility_bps,
        cost_bps=_side_cost_bps(config, rules, costs),
        stop_bps=max(rules.stop_volatilities * unit_bps, rules.stop_floor_bps),
        target_bps=max(rules.target_volatilities * unit_bps, rules.target_floor_bps),
        maximum_holding_bars=bars_of(rules.maximum_holding, config.bar_minutes),
    )


def _side_cost_bps(config: PlantedMarketConfig, rules: TradingRules, costs: CostAssumptions) -> float:
    """Of the largest entry, by the market's own formula."""
    # Compiled code loads slowly; who asks for no ceiling does not wait for it.
    from huracan.market.engine import kernel_bars
    from huracan.market.engine.kernel_fills import side_cost_bps
    from huracan.market.engine.kernel_numbers import cost_numbers

    block = plant_market(replace(config, symbols=1, days=1, switch_day=None)).block
    known = np.full_like(block.close, config.volatility_bps)
    bars = kernel_bars.packed_bars(replace(block, volatility_bps=known, slippage_volatility_bps=known), costs)
    notional_usd = max(rules.size_multipliers) * rules.notional_usd
    numbers = cost_numbers(costs)
    return float(side_cost_bps(notional_usd, bars.rows[0], True, False, bars.markets[0], numbers))


def measure_ceiling(
    market: PlantedMarket, rules: TradingRules, costs: CostAssumptions, grid: Grid | None = None
) -> Ceiling:
    """Both traders on all days of `market`."""
    exams = []
    for signal, knows_latent in ((filter_imbalance(market), False), (market.latent, True)):
        solved = solve(problem_of(market.config, rules, costs, knows_latent=knows_latent), grid)
        decide = follow_rules(solved, signal, market.block)
        exams.append(take_exam(market.block, decide, rules, costs, market.drift_bps))
    return Ceiling(*exams)


def follow_rules(solved: StoppingRules, signal: Floats, block: MarketBlock) -> Decide:
    """Decides by the thresholds of `solved`, given the signal [S, T] at every close."""
    last, decisions = solved.entry.size - 1, block.decision_count
    places, ages = solved.leave.shape[1] - 1, solved.leave.shape[2] - 1

    def thresholds(bar: int, observed: dict[str, Floats]) -> tuple[float, Floats, Floats]:
        left = min(decisions - 1 - bar, last)
        spread = observed["position_to_stop"] + observed["position_to_target"]
        share = np.divide(observed["position_to_stop"], spread, out=np.zeros_like(spread), where=spread > 0)
        place = np.clip(np.rint(share * places), 0, places).astype(np.int64)
        age = np.rint(observed["position_age"] * solved.problem.maximum_holding_bars)
        age = np.clip(age, 0, ages).astype(np.int64)
        return float(solved.entry[left]), solved.leave[left, place, age], solved.add[left, place, age]

    return _Decider(block, signal, thresholds).decide


def follow_levels(enter_above: float, leave_below: float, signal: Floats, block: MarketBlock) -> Decide:
    """The simplest rule of all: two levels of the signal, for comparison. It adds as soon as it may."""
    levels = np.full(block.symbol_count, leave_below)
    return _Decider(block, signal, lambda _bar, _observed: (enter_above, levels, levels)).decide


class _Decider:
    """Turns thresholds of the signal into actions that the masks allow."""

    def __init__(
        self,
        block: MarketBlock,
        signal: Floats,
        thresholds: Callable[[int, dict[str, Floats]], tuple[float, Floats, Floats]],
    ) -> None:
        names = observation_names(block.feature_names)
        needed = ("position_is_open", "position_to_stop", "position_to_target", "position_age")
        self._columns = {name: names.index(name) for name in needed}
        self._seen, self._thresholds = np.ascontiguousarray(signal.T), thresholds

    def decide(
        self, bar: int, observations: NDArray[np.float32], masks: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        observed = {
            name: observations[:, column].astype(np.float64) for name, column in self._columns.items()
        }
        enter, leave, add = self._thresholds(bar, observed)
        signal, held = self._seen[bar], observed["position_is_open"] > 0.5
        actions = np.where(held, HOLD_INDEX, WAIT_INDEX)
        for index, wanted in (
            (ENTER_ONE_AND_HALF_INDEX, ~held & (signal > enter)),
            (ADD_INDEX, held & (signal > add)),
            (EXIT_INDEX, held & (signal < leave)),
        ):
            actions = np.where(wanted & masks[:, index], index, actions)
        return actions
