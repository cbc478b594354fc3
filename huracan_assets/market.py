"""The asset `shadow_trades`: the day on paper, traded by yesterday's policy."""

import json

from huracan.features.recipe import RECIPE
from huracan.market.block_tables import build_market_block
from huracan.market.conservation import judge_ledger
from huracan.market.observation import observation_names
from huracan.market.session import trade_session
from huracan.market.trade_log import Provenance
from huracan_assets import plots
from huracan_assets.reads import Inputs, Read, yesterday
from huracan_assets.stage import Check, Night, Outcome, stage


@stage(
    group="shadow",
    kinds={"parquet"},
    reads=[yesterday("ppo_checkpoint", is_needed=False), Read("features"), Read("regimes"), Read("ohlcv")],
    rooms=["candles", "features", "market", "agent"],
    blocks=["universe", "market"],
    checks=[
        Check("ledger_conservation", "Equity = cash + position - costs to the cent; no fill without a trade.")
    ],
)
def shadow_trades(inputs: Inputs, night: Night) -> Outcome:
    """The trades that yesterday's policy would have made today, with every cost and full context.

    Decisions at a bar's close fill at the next bar's open; stop, target and time-out are tested inside the
    bar, the worse one first. Every signal is traded, also those that a gate would refuse: so a gate's worth
    is known. The account, bar by bar, lies in the table `session`.
    """
    from huracan.agent.checkpoint import load_policy
    from huracan.agent.threads import torch_threads

    checkpoint = inputs.file("ppo_checkpoint", "policy.safetensors")
    if checkpoint is None:
        return Outcome(note=_why_untraded(inputs, night))
    if not inputs.has("regimes"):
        return Outcome(note=f"The bars of {night.day} have no regimes yet.")
    policy = load_policy(checkpoint, observation_names(RECIPE.names))
    features, market = inputs.table("features"), night.settings.market
    block = build_market_block(inputs.table("ohlcv"), features, inputs.table("regimes"), RECIPE.names)
    manifest = inputs.manifests("features")[0]
    provenance = Provenance(
        policy.model_id, manifest.content_hash, night.configuration_digest, inputs.is_simulated
    )
    with torch_threads(1):
        session = trade_session(block, policy, market.rules, market.costs, provenance)
    return Outcome(
        tables={"data": session.trades, "session": session.bars},
        files={"model.json": json.dumps({"model_id": policy.model_id}).encode()},
        verdicts=[judge_ledger(session, market.rules, inputs.table("ohlcv"))],
        metadata={
            "model_id": policy.model_id,
            "equity_curve": plots.equity_curve(session.bars),
            "wins_and_losses": plots.win_loss_table(session.trades),
        },
    )


def _why_untraded(inputs: Inputs, night: Night) -> str:
    manifest = inputs.last("ppo_checkpoint")
    first = "no checkpoint was ever trained before this day."
    why = manifest.note if manifest else inputs.refusal("ppo_checkpoint") or first
    return f"No policy of the day before {night.day}: {why}"
