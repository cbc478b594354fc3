"""The asset `shadow_trades`: the day on paper."""

import json
from typing import TYPE_CHECKING, Any

from huracan.errors import InputRefused
from huracan.market.actions import action_names
from huracan.market.ledger import (
    DECISIONS_COLUMNS,
    FILLS_COLUMNS,
    SESSION_COLUMNS,
    SIGNALS_COLUMNS,
    TRADES_COLUMNS,
)
from huracan.tables import Always, Table
from huracan_assets import shown
from huracan_assets.inputs import market_block
from huracan_assets.inputs.recipes import recipe_for
from huracan_assets.jobs import TRADE
from huracan_assets.reads import Inputs, Read, yesterday
from huracan_assets.shadow import plots
from huracan_assets.stage import Check, Outcome, StageContext, stage
from huracan_resources.lake.entry_features import TRACE_FILE

if TYPE_CHECKING:
    from huracan.market.paper.session import Session


@stage(
    job=TRADE,
    kinds={"parquet", "postgres"},
    reads=[
        yesterday("ppo_checkpoint", is_needed=False),
        Read("features"),
        Read("regimes"),
        Read("ohlcv", days=2),
        market_block.pattern_libraries(1),
    ],
    tables={
        "data": Table(TRADES_COLUMNS, keep=Always(), in_database=True),
        "fills": Table(FILLS_COLUMNS, keep=Always()),
        "session": Table(SESSION_COLUMNS, keep=90),
        "decisions": Table(DECISIONS_COLUMNS, keep=90),
        "signals": Table(SIGNALS_COLUMNS, keep=90, name="shadow_signals", in_database=True),
    },
    settings=["universe", "market"],
    checks=[
        Check(
            "ledger_conservation",
            "Equity = cash + position, trades = their fills, to the cent; every fill was possible.",
        ),
        Check("replay_equals_ledger", "The stored actions give the same trades and fills, to the bit."),
        Check("signal_coverage", "Every trade is a signal and every signal has one status."),
    ],
    is_record=True,
)
def shadow_trades(inputs: Inputs, context: StageContext) -> Outcome:
    """The trades that yesterday's policy would have made today, with every cost and full context.

    Decisions at a bar's close fill at the next bar's open; stop and target are tested inside the bar, the
    worse one first. Every signal is traded, also those that a gate would refuse: so a gate's worth is known.
    Every single fill lies in the table `fills`; the account and the action of each bar, in `session`; logits,
    bias, mask and probabilities of each decision, in `decisions`; and in `signals` every bar at which the
    policy entered, would have entered but for a mask, or all but entered.
    """
    # What they import is compiled or takes a second to load; definitions must load fast.
    from huracan.agent.policy.checkpoint import load_policy
    from huracan.market.observation import observation_names
    from huracan.market.paper.conservation import judge_ledger, judge_signals_told
    from huracan.market.paper.provenance import Provenance
    from huracan.market.paper.replay_audit import judge_replay
    from huracan.market.paper.session import trade_session

    checkpoint = inputs.file("ppo_checkpoint", "policy.safetensors")
    if checkpoint is None:
        return _untraded(context, _why_no_policy(inputs))
    if not inputs.has("regimes"):
        return Outcome(note=f"The bars of {context.day} have no regimes yet.")
    market = context.settings.market
    actions = action_names(market.rules.allow_short)
    try:
        names = observation_names(recipe_for(context.settings).names)
        policy = load_policy(checkpoint, names, actions, context.decision_timeframe.minutes)
    except InputRefused as refused:
        # A record is not trained again, so a night that failed here would fail for good.
        return _untraded(context, refused.what)
    block = market_block.market_block(inputs, context.settings)
    manifest = inputs.manifests("features")[0]
    provenance = Provenance(
        policy.model_id, manifest.content_hash, context.configuration_digest, inputs.is_simulated
    )
    known = market_block.named_patterns(inputs, block.feature_names)
    session = trade_session(block, policy, market.rules, market.costs, provenance, known)
    terms = policy.bias.term_names if policy.bias else ()
    trace = {
        "model_id": policy.model_id,
        "actions": actions,
        "bias_terms": terms,
        "entry_features": block.feature_names,
        "decision_timeframe": context.decision_timeframe.name,
    }
    return Outcome(
        tables={
            "data": session.trades,
            "fills": session.fills,
            "session": session.bars,
            "decisions": session.decisions,
            "signals": session.signals,
        },
        files={TRACE_FILE: json.dumps(trace).encode()},
        verdicts=[
            judge_ledger(session, market.rules, inputs.table("ohlcv", last_days=1)),
            judge_replay(session, block, market.rules, market.costs),
            judge_signals_told(session),
        ],
        metadata={"model_id": policy.model_id, **_shown(session)},
    )


def _shown(session: "Session") -> dict[str, Any]:
    return {
        "equity_curve": plots.equity_curve(session.bars),
        "wins_and_losses": plots.win_loss_table(session.trades),
        "fills": shown.count_table(session.fills, ["kind", "side"]),
        "signals": shown.count_table(session.signals, ["status", "reason"]),
    }


def _untraded(context: StageContext, why: str) -> Outcome:
    return Outcome(note=f"No policy of the day before {context.day}: {why}")


def _why_no_policy(inputs: Inputs) -> str:
    manifest = inputs.last("ppo_checkpoint")
    first = "no checkpoint was ever trained before this day."
    return manifest.note if manifest else inputs.refusal("ppo_checkpoint") or first
