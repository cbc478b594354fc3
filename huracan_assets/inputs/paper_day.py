"""A day on paper from the inputs of an asset that trades it: the market, the accounts, and who decides."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from huracan.verdict import Verdict
from huracan_assets.inputs import market_block
from huracan_assets.inputs.crew import Crew, provenance_of, without_regimes
from huracan_assets.reads import Inputs
from huracan_assets.stage import Outcome, StageContext
from huracan_resources.settings.settings import Market

if TYPE_CHECKING:
    import pyarrow as pa

    from huracan.market.block import MarketBlock
    from huracan.market.paper.carrying import Carried
    from huracan.market.paper.provenance import Provenance
    from huracan.market.paper.session import Session
    from huracan.market.paper.watch import Watch


RULES_OF_A_DAY = ("universe", "market")
"""The settings by which the policy's own ledger is traded."""


@dataclass(frozen=True, eq=False)
class PaperDay:
    """What a session of the day is traded with."""

    crew: Crew
    carried: "Carried | None"
    block: "MarketBlock"
    market: Market
    provenance: "Provenance"
    candles: "pa.Table"
    """OHLCV_SCHEMA of the day alone."""

    def trade(self, watches: "Sequence[Watch]") -> "Session":
        """The session, from what was carried on."""
        from huracan.market.paper.session import trade_session

        rules, costs = self.market.rules, self.market.costs
        return trade_session(self.block, watches, rules, costs, self.provenance, self.carried)

    def audit(self, session: "Session") -> list[Verdict]:
        """The checks `ledger_conservation` and `replay_equals_ledger`."""
        from huracan.market.paper.conservation import judge_ledger
        from huracan.market.paper.replay_audit import judge_replay

        rules, costs = self.market.rules, self.market.costs
        accounts = self.carried and self.carried.accounts
        ledger = judge_ledger(session, rules, self.candles, accounts, self.block.spot_symbols)
        replayed = judge_replay(session, self.block, rules, costs, self.provenance, self.carried)
        return [ledger, replayed]


def paper_day(
    inputs: Inputs, context: StageContext, carried: "Carried | None", *, is_decided: bool = False
) -> PaperDay | Outcome:
    """The day, or what the asset comes to where it cannot be traded; accounts go on from `carried`. Where it
    `is_decided` by somebody else, the policies of the nights before are not asked for."""
    crew = Crew.of(inputs, context)
    if carried is None and not (crew.has_policy or is_decided):
        return Outcome(note=f"No policy of the day before {context.day}: {crew.whys[-1]}")
    if not inputs.holds("regimes", context.day):
        return without_regimes(context, carried)
    return PaperDay(
        crew=crew,
        carried=carried,
        block=market_block.paper_block(inputs, context.settings),
        market=context.settings.market,
        # A trade is the same one in both books, whatever gates are set to.
        provenance=replace(
            provenance_of(inputs, context), configuration_digest=context.settings.digest(*RULES_OF_A_DAY)
        ),
        candles=inputs.of_day("ohlcv", context.day),
    )
