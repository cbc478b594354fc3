"""Rules, costs and reward as tuples of numbers, for compiled code."""

import math
from itertools import chain
from typing import NamedTuple

from huracan.market.actions import actions_of
from huracan.market.costs import CostAssumptions
from huracan.market.reward import RewardTerms
from huracan.market.rules import MOST_TIERS, MaintenanceTier, TradingRules, bars_of

TIER_NUMBERS = 3


class RuleNumbers(NamedTuple):
    """TradingRules as numbers, times in detail bars."""

    action_count: int
    size_multipliers: tuple[float, float, float]
    notional_usd: float
    minimum_notional_usd: float
    stop_volatilities: float
    stop_floor_bps: float
    target_volatilities: float
    target_floor_bps: float
    horizon_factor: float
    minimum_volatility_bps: float
    maximum_holding_bars: int
    scratch_volatilities: float
    scratch_bars: int
    add_notional_usd: float
    maximum_adds: int
    trail_volatilities: float
    entries_are_maker: bool
    targets_are_maker: bool
    maximum_participation: float
    leverage: float
    """What may be held for every USD of equity."""
    credit: float
    """Share of a position's value that leverage lends: 0 without."""
    maintenance: tuple[float, ...]
    """MOST_TIERS times the upper end in USD, the rate and the amount in USD that makes it continuous; ends of
    0 are no tiers."""


class CostNumbers(NamedTuple):
    """What CostAssumptions say of slippage, the multiplier applied; fees and spreads lie with the market."""

    slippage_coefficient: float
    maximum_slippage_bps: float


class RewardNumbers(NamedTuple):
    """RewardTerms as numbers."""

    drawdown_weight: float
    turnover_weight: float
    liquidation_weight: float
    discount: float


class Conditions(NamedTuple):
    """What lanes trade by and are rewarded by."""

    rules: RuleNumbers
    costs: CostNumbers
    terms: RewardNumbers


def conditions_of(
    rules: TradingRules, costs: CostAssumptions, bar_minutes: float, reward: RewardTerms | None = None
) -> Conditions:
    """The rules, the costs and the reward as numbers; without `reward` it is the money alone."""
    return Conditions(
        rule_numbers(rules, bar_minutes), cost_numbers(costs), reward_numbers(reward or RewardTerms())
    )


def rule_numbers(rules: TradingRules, bar_minutes: float) -> RuleNumbers:
    """The rules on bars of that length, and how many actions they allow."""
    half, full, more = (float(size) for size in rules.size_multipliers)
    return RuleNumbers(
        action_count=len(actions_of(rules.allow_short)),
        size_multipliers=(half, full, more),
        notional_usd=float(rules.notional_usd),
        minimum_notional_usd=float(rules.minimum_notional_usd),
        stop_volatilities=float(rules.stop_volatilities),
        stop_floor_bps=float(rules.stop_floor_bps),
        target_volatilities=float(rules.target_volatilities),
        target_floor_bps=float(rules.target_floor_bps),
        horizon_factor=float(rules.horizon_factor(bar_minutes)),
        minimum_volatility_bps=float(rules.minimum_volatility_bps),
        maximum_holding_bars=bars_of(rules.maximum_holding, bar_minutes),
        scratch_volatilities=float(rules.scratch_volatilities),
        scratch_bars=bars_of(rules.scratch_age, bar_minutes),
        add_notional_usd=float(rules.add_multiplier * rules.notional_usd),
        maximum_adds=int(rules.maximum_adds),
        trail_volatilities=float(rules.trail_volatilities),
        entries_are_maker=bool(rules.entries_are_maker),
        targets_are_maker=bool(rules.targets_are_maker),
        maximum_participation=float(rules.maximum_participation),
        leverage=float(rules.maximum_leverage),
        credit=1.0 - 1.0 / float(rules.maximum_leverage),
        maintenance=_maintenance(rules.maintenance_tiers),
    )


def _maintenance(tiers: tuple[MaintenanceTier, ...]) -> tuple[float, ...]:
    numbers, before, amount = [], MaintenanceTier(0.0, 0.0), 0.0
    for tier in tiers:
        amount += before.up_to_usd * (tier.rate - before.rate)
        numbers.append((float(tier.up_to_usd), float(tier.rate), amount))
        before = tier
    if numbers:
        # Nothing lies beyond the last one.
        numbers[-1] = (math.inf, *numbers[-1][1:])
    numbers += [(0.0, 0.0, 0.0)] * (MOST_TIERS - len(numbers))
    return tuple(chain.from_iterable(numbers))


def cost_numbers(costs: CostAssumptions) -> CostNumbers:
    """Slippage of one side."""
    return CostNumbers(
        slippage_coefficient=float(costs.slippage_coefficient * costs.multiplier),
        maximum_slippage_bps=float(costs.maximum_slippage_bps * costs.multiplier),
    )


def reward_numbers(terms: RewardTerms) -> RewardNumbers:
    """The weights."""
    return RewardNumbers(
        float(terms.drawdown_weight),
        float(terms.turnover_weight),
        float(terms.liquidation_weight),
        float(terms.discount),
    )
