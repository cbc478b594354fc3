"""Rules, costs and reward as tuples of numbers, for compiled code."""

from typing import NamedTuple

from huracan.market.actions import actions_of
from huracan.market.costs import CostAssumptions
from huracan.market.reward import RewardTerms
from huracan.market.rules import TradingRules
from huracan.units import BASIS_POINT

CASH_RESERVE = 0.04
"""Cash beside an order and its costs, as a share of the order: for rounding to the tick and for funding.

One settlement of an exchange is at most 3 %. A larger one (sources take up to 10 %), or many, need no more:
who cannot pay is sold out at that same open, see `settle_funding`.
"""


class RuleNumbers(NamedTuple):
    """TradingRules as numbers."""

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
    entry_margin_bars: int
    scratch_volatilities: float
    scratch_bars: int
    add_notional_usd: float
    maximum_adds: int
    trail_volatilities: float
    entries_are_maker: bool
    targets_are_maker: bool


class CostNumbers(NamedTuple):
    """CostAssumptions as numbers, the multiplier applied."""

    taker_fee_bps: float
    maker_fee_bps: float
    half_spread_bps: float
    slippage_coefficient: float
    maximum_slippage_bps: float
    cash_per_usd: float
    """Cash that a mask wants for every USD of an order."""


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
    rules: TradingRules, costs: CostAssumptions, reward: RewardTerms | None = None
) -> Conditions:
    """The rules, the costs and the reward as numbers; without `reward` it is the money alone."""
    return Conditions(rule_numbers(rules), cost_numbers(costs), reward_numbers(reward or RewardTerms()))


def rule_numbers(rules: TradingRules) -> RuleNumbers:
    """The rules, and how many actions they allow."""
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
        horizon_factor=float(rules.horizon_factor),
        minimum_volatility_bps=float(rules.minimum_volatility_bps),
        maximum_holding_bars=int(rules.maximum_holding_bars),
        entry_margin_bars=int(rules.entry_margin_bars),
        scratch_volatilities=float(rules.scratch_volatilities),
        scratch_bars=int(rules.scratch_bars),
        add_notional_usd=float(rules.add_multiplier * rules.notional_usd),
        maximum_adds=int(rules.maximum_adds),
        trail_volatilities=float(rules.trail_volatilities),
        entries_are_maker=bool(rules.entries_are_maker),
        targets_are_maker=bool(rules.targets_are_maker),
    )


def cost_numbers(costs: CostAssumptions) -> CostNumbers:
    """The costs of one side."""
    return CostNumbers(
        taker_fee_bps=float(costs.fee_bps),
        maker_fee_bps=float(costs.maker_fee_bps * costs.multiplier),
        half_spread_bps=float(costs.paid_half_spread_bps),
        slippage_coefficient=float(costs.slippage_coefficient * costs.multiplier),
        maximum_slippage_bps=float(costs.maximum_slippage_bps * costs.multiplier),
        cash_per_usd=float(1.0 + costs.worst_side_bps * BASIS_POINT + CASH_RESERVE),
    )


def reward_numbers(terms: RewardTerms) -> RewardNumbers:
    """The weights."""
    return RewardNumbers(
        float(terms.drawdown_weight),
        float(terms.turnover_weight),
        float(terms.liquidation_weight),
        float(terms.discount),
    )
