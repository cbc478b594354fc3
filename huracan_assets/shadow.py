"""The assets `shadow_trades` and `shadow_scenarios`: the day on paper, and what its decisions were worth."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from huracan.features.recipe import RECIPE
from huracan.market.actions import action_names
from huracan_assets import ledger_plots, market_block, plots
from huracan_assets.reads import Inputs, Read, yesterday
from huracan_assets.stage import Check, Night, Outcome, stage

if TYPE_CHECKING:
    from huracan.market.paper.session import Session


@stage(
    group="shadow",
    kinds={"parquet", "postgres"},
    reads=[
        yesterday("ppo_checkpoint", is_needed=False),
        Read("features"),
        Read("regimes"),
        Read("ohlcv", days=2),
        market_block.pattern_libraries(1),
    ],
    rooms=[*market_block.ROOMS, "agent"],
    blocks=["universe", "market"],
    checks=[
        Check(
            "ledger_conservation",
            "Equity = cash + position, trades = their fills, to the cent; every fill was possible.",
        ),
        Check("replay_equals_ledger", "The stored actions give the same trades and fills, to the bit."),
        Check("signal_coverage", "Every trade is a signal and every signal has one status."),
    ],
    database={"shadow_trades": "data", "shadow_signals": "signals"},
)
def shadow_trades(inputs: Inputs, night: Night) -> Outcome:
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
    from huracan.market.paper.replay_audit import judge_replay
    from huracan.market.paper.session import trade_session
    from huracan.market.paper.trade_log import Provenance

    checkpoint = inputs.file("ppo_checkpoint", "policy.safetensors")
    if checkpoint is None:
        return Outcome(note=_why_untraded(inputs, night))
    if not inputs.has("regimes"):
        return Outcome(note=f"The bars of {night.day} have no regimes yet.")
    market = night.settings.market
    actions = action_names(market.rules.allow_short)
    policy = load_policy(checkpoint, observation_names(RECIPE.names), actions)
    block = market_block.market_block(inputs)
    manifest = inputs.manifests("features")[0]
    provenance = Provenance(
        policy.model_id, manifest.content_hash, night.configuration_digest, inputs.is_simulated
    )
    known = market_block.named_patterns(inputs)
    session = trade_session(block, policy, market.rules, market.costs, provenance, known)
    terms = policy.bias.term_names if policy.bias else ()
    trace = {"model_id": policy.model_id, "actions": actions, "bias_terms": terms}
    return Outcome(
        tables={
            "data": session.trades,
            "fills": session.fills,
            "session": session.bars,
            "decisions": session.decisions,
            "signals": session.signals,
        },
        files={"model.json": json.dumps(trace).encode()},
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
        "fills": plots.count_table(session.fills, ["kind", "side"]),
        "signals": plots.count_table(session.signals, ["status", "reason"]),
    }


def _why_untraded(inputs: Inputs, night: Night) -> str:
    manifest = inputs.last("ppo_checkpoint")
    first = "no checkpoint was ever trained before this day."
    why = manifest.note if manifest else inputs.refusal("ppo_checkpoint") or first
    return f"No policy of the day before {night.day}: {why}"


@stage(
    group="shadow",
    kinds={"parquet", "postgres"},
    reads=[Read("shadow_trades"), Read("features"), Read("regimes"), Read("ohlcv", days=2)],
    rooms=["candles", "features", "regimes", "market", "compiled.py", "../huracan_assets/market_block.py"],
    blocks=["universe", "market"],
    checks=[Check("scenario_base", "The decisions replayed as they were make what the ledger says.")],
    database={"shadow_scenarios": "data", "shadow_rivals": "rivals"},
)
def shadow_scenarios(inputs: Inputs, night: Night) -> Outcome:
    """What the day's decisions would have made under other circumstances, and what others would have made.

    The stored actions are replayed with all costs half as much again and doubled, one bar later, and in a
    market of wider bars and more slippage; `break_even_fee_bps` is the fee at which the day nets nothing. On
    the same bars: doing nothing, buying and holding, and 200 draws of as many random entries, held as long.
    """
    from huracan.market.what_if.rivals import compare_with_rivals
    from huracan.market.what_if.scenarios import judge_scenario_base, run_scenarios

    if not inputs.has("shadow_trades"):
        return Outcome(note=f"No session was traded on {night.day}.")
    market, block = night.settings.market, market_block.priced_block(inputs, night.day)
    trades = inputs.table("shadow_trades")
    scenarios = run_scenarios(inputs.table("shadow_trades", "session"), block, market.rules, market.costs)
    generator = np.random.default_rng(night.day.toordinal())
    rivals, draws = compare_with_rivals(trades, block, market.rules, market.costs, generator)
    return Outcome(
        tables={"data": scenarios, "rivals": rivals},
        verdicts=[judge_scenario_base(scenarios, trades)],
        metadata={
            "scenarios": plots.top_rows(scenarios, 30),
            "rivals": plots.top_rows(rivals, 30),
            "picture": ledger_plots.scenarios_and_rivals(scenarios, rivals, draws),
        },
    )
