"""Leaks in filling orders, planted into the market that a session trades in."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from huracan.candles.schema import TIME, TRADED
from huracan.market.actions import action_names
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.paper.conservation import judge_ledger
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.session import Session, trade_session
from huracan.market.policy import ScriptedPolicy
from huracan.market.rules import TradingRules
from huracan.proof.leaks.bed import first_that_shows
from huracan.proof.leaks.forms import ONE_COLUMN, Form
from huracan.proof.promotion.null_markets import BARS_PER_DAY, NullMarketConfig, null_market
from huracan.verdict import Verdict

AT_CLOSE, AT_OPEN = "same-bar fill at its close", "same-bar fill at its open"
_RULES = TradingRules(allow_short=True, maximum_holding="4h", volatility_horizon="6h")
_MADE_BY = Provenance("script", "null", "proof", True)
_JUMP = 0.001
"""Deviation of what a price jumps from a close to the next open."""


@dataclass(frozen=True)
class FillBed:
    """The shadow ledger of a day, by a policy that does anything."""

    nights: int
    seed: int

    leaks = (AT_CLOSE, AT_OPEN)

    def absent(self, _leak: str, form: Form) -> str:
        return "a fill has one price" if form.name == ONE_COLUMN else ""

    def night(self, index: int, leak: str | None, form: Form) -> list[Verdict] | None:
        block = self._day(index)
        session = self._traded(block, index)
        if leak is not None:
            honest, session = session, self._traded(_met_early(block, leak, form), index)
            if honest.fills.equals(session.fills) and honest.open_positions.equals(session.open_positions):
                return None
        return [judge_ledger(session, _RULES, _candles(block))]

    def closely(self, leak: str, form: Form) -> list[Verdict]:
        return first_that_shows(self, self.nights, leak, form)

    @cached_property
    def _market(self) -> MarketBlock:
        """Hours, of which each opens a little away from where the one before it closed."""
        block = null_market(NullMarketConfig(symbols=6, days=self.nights + 1, seed=self.seed))
        generator = np.random.default_rng([self.seed, 3])
        opened = block.open * np.exp(_JUMP * generator.standard_normal(block.open.shape))
        return replace(
            block, open=opened, high=np.maximum(block.high, opened), low=np.minimum(block.low, opened)
        )

    def _day(self, index: int) -> MarketBlock:
        """Led by the last bar of the day before."""
        return self._market.slice((index + 1) * BARS_PER_DAY - 1, (index + 2) * BARS_PER_DAY - 1)

    def _traded(self, block: MarketBlock, index: int) -> Session:
        generator = np.random.default_rng([self.seed, 4, index])
        script = generator.integers(0, len(action_names(True)), (block.bar_count, block.symbol_count))
        policy = ScriptedPolicy(script, is_lenient=True)
        return trade_session(block, policy, _RULES, CostAssumptions(), _MADE_BY)


def _met_early(block: MarketBlock, leak: str, form: Form) -> MarketBlock:
    """A market in which an order meets a price of the bar that it was decided by."""
    known = block.close if leak == AT_CLOSE else block.open
    before = np.concatenate([block.open[:, :1], known[:, :-1]], axis=1)
    spoiled = form.symbols(block.symbols)[:, None] & form.bars(block.open_time_ms)
    return replace(block, open=np.where(spoiled, before, block.open))


def _candles(block: MarketBlock) -> pa.Table:
    prices = {name: getattr(block, name).reshape(-1) for name in ("open", "high", "low", "close")}
    times = pa.array(np.tile(block.open_time_ms, block.symbol_count)).cast(TIME)
    symbols = np.repeat(np.array(block.symbols), block.bar_count)
    return pa.table({"symbol": symbols, "open_time": times, **prices, "status": [TRADED] * symbols.size})
