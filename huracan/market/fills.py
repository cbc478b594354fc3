"""Turns a reference price into a filled price with its costs. Which price an order meets is in `exits`."""

from dataclasses import dataclass

from huracan.market.costs import CostAssumptions, Floats

BPS = 1e-4


@dataclass(frozen=True)
class Fill:
    """One side of trades, arrays over the lanes that filled. Costs in USD, each counted once."""

    price: Floats
    """Paid or received per unit, with half-spread and slippage, before the fee."""
    fee_usd: Floats
    spread_usd: Floats
    slippage_usd: Floats

    @property
    def cost_usd(self) -> Floats:
        """All three together."""
        return self.fee_usd + self.spread_usd + self.slippage_usd


def fill_orders(
    quantity: Floats, reference: Floats, slippage: Floats, costs: CostAssumptions, *, buys: bool
) -> Fill:
    """Market orders for `quantity` units at the `reference` price, `slippage` in bps. Arrays over lanes.

    A buy pays above the reference and a sale receives below it; the fee is of the value filled.
    """
    sign = 1.0 if buys else -1.0
    price = reference * (1.0 + sign * (costs.spread_bps + slippage) * BPS)
    return Fill(
        price=price,
        fee_usd=quantity * price * costs.fee_bps * BPS,
        spread_usd=quantity * reference * costs.spread_bps * BPS,
        slippage_usd=quantity * reference * slippage * BPS,
    )
