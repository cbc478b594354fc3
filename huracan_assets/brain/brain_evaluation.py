"""The asset `brain_evaluation`: is tonight's policy fit to be published."""

import json
from dataclasses import asdict, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from huracan.brain.brain import Brain, load_brain
from huracan.brain.signature import public_key_of
from huracan.errors import InputRefused
from huracan.evaluation.evidence import gather_evidence
from huracan.evaluation.promotion import (
    EVALUATION_COLUMNS,
    BrainVerdict,
    Incomparable,
    judge_brain,
    out_of_sample_verdict,
)
from huracan.evaluation.sharpe import measure_returns
from huracan.market.actions import action_names
from huracan.market.block import MarketBlock
from huracan.tables import Always, Table, arrow_schema
from huracan_assets import shown
from huracan_assets.brain import plots
from huracan_assets.inputs import market_block
from huracan_assets.inputs.file_names import VERDICT_FILE
from huracan_assets.inputs.past_trades import TRAILING_TRADES
from huracan_assets.inputs.recipes import recipe_for
from huracan_assets.inputs.windows import held_out_and_before, held_out_days
from huracan_assets.jobs import PUBLISH
from huracan_assets.reads import Inputs, Read, record
from huracan_assets.stage import Check, Outcome, StageContext, stage


@stage(
    job=PUBLISH,
    kinds={"postgres"},
    reads=[
        record("ppo_checkpoint"),
        TRAILING_TRADES,
        Read("ohlcv", days=held_out_and_before, edge=False),
        Read("market_costs", days=held_out_days, edge=False),
        Read("features", days=held_out_days, edge=False),
        Read("regimes", days=held_out_days, edge=False, table="data"),
        market_block.pattern_libraries(held_out_days),
    ],
    tables={"data": Table(EVALUATION_COLUMNS, keep=Always(), in_database=True)},
    settings=["market", "promotion", "models"],
    checks=[
        Check(
            "brain_out_of_sample",
            "Net of costs the brain beats doing nothing, random entries, luck and the last brain.",
            blocking=False,
        )
    ],
    reads_outside=True,
    is_record=True,
)
def brain_evaluation(inputs: Inputs, context: StageContext) -> Outcome:
    """The verdict on tonight's policy, from days that its training never saw.

    Its held-out tail is set against doing nothing, random entries with the same holding, the last published
    brain on the same bars, and the luck of all candidates ever tried. A refused brain is an answer: the check
    warns, and the night goes on.
    """
    report = inputs.file("ppo_checkpoint", "report.json")
    checkpoint = inputs.last("ppo_checkpoint")
    if report is None or checkpoint is None:
        return Outcome(
            note=f"No policy was trained on {context.day}: {checkpoint.note if checkpoint else ''}"
        )
    facts = json.loads(report)
    last, held_out = last_brain(context), _HeldOut(inputs, context)
    evidence = gather_evidence(
        facts["held_out"],
        trials=_count_trial(facts, checkpoint.is_simulated, context),
        is_simulated=checkpoint.is_simulated,
        last_brain_net_usd=held_out.net_usd(last) if isinstance(last, Brain) else last,
        sessions=inputs.tables("shadow_trades", "session"),
    )
    verdict = judge_brain(evidence, context.settings.promotion)
    if facts.get("refit"):
        verdict = replace(verdict, reasons=(*verdict.reasons, facts["refit"]["note"]))
    verdict = _without_remade(verdict, checkpoint.remade, inputs)
    row = {
        "model_id": facts["model_id"],
        "is_promoted": verdict.promoted,
        "is_live_eligible": verdict.live_eligible,
        "is_simulated": evidence.is_simulated,
        "verdict": "promoted" if verdict.promoted else "refused",
        "reasons": json.dumps(verdict.reasons),
        "numbers": json.dumps(verdict.numbers | _spread(facts), sort_keys=True),
    }
    return Outcome(
        tables={"data": pa.Table.from_pylist([row], schema=arrow_schema(EVALUATION_COLUMNS))},
        files={VERDICT_FILE: json.dumps(asdict(verdict), sort_keys=True).encode()},
        verdicts=[out_of_sample_verdict(verdict)],
        metadata={
            "verdict": row["verdict"],
            "reasons": shown.lines(verdict.reasons),
            "held_out_equity": held_out.picture(facts),
            "last_brain": "none was promoted before" if last is None else last.brain_id,
        },
    )


def _without_remade(verdict: BrainVerdict, is_remade: bool, inputs: Inputs) -> BrainVerdict:
    """What was remade after its night is no prospective evidence: it may speak against a brain only. Remade
    sessions stand where the fall of the real ones would have been seen."""
    sessions = [manifest.day for manifest in inputs.manifests("shadow_trades") if manifest.remade]
    reasons = list(verdict.reasons)
    if sessions:
        reasons.append(
            f"{len(sessions)} of the trailing sessions were remade after their nights, the last of them"
            f" {sessions[-1]}: how far the real ones fell is not known, so none is eligible for live trading."
        )
    if is_remade:
        reasons.append("The policy was remade after its night, so it is never eligible for live trading.")
    is_eligible = verdict.live_eligible and not is_remade and not sessions
    return replace(verdict, reasons=tuple(reasons), live_eligible=is_eligible)


def _spread(facts: dict[str, Any]) -> dict[str, float]:
    """How far the night's seeds lie apart on the held-out tail."""
    seeds = facts["seeds"]
    figures = ("count", "net_usd_mean", "net_usd_std", "net_usd_lowest", "net_usd_highest")
    return {f"seeds_{name}": seeds[name] for name in figures}


def _count_trial(facts: dict[str, Any], is_simulated: bool, context: StageContext) -> int:
    """How many candidates there were up to the day: the ledger's count, and never fewer than the lake's
    nights, so that a lost database does not make the verdict easier."""
    from huracan_resources.brains import Trial, record_trial

    lake = context.resources.lake
    nights = sum(day < context.day for day in lake.days(context.asset)) + 1
    held_out = facts["held_out"]
    returns = np.asarray(held_out["hourly_returns_bps"], dtype=np.float64)
    trial = Trial(
        day=context.day,
        model_id=facts["model_id"],
        sharpe_per_observation=measure_returns(returns).sharpe,
        observations=returns.size,
        net_bps=float(held_out["net_bps_per_trade"]),
        configuration_digest=context.settings.digest(),
        is_simulated=is_simulated,
    )
    with context.resources.database.connect() as connection:
        counted = record_trial(connection, trial)
    return max(counted, nights)


def last_brain(context: StageContext) -> Brain | Incomparable | None:
    """The newest brain promoted before the day; None where there is none.

    One whose bundle is lost or damaged, or of another key, recipe or list of actions, cannot be compared:
    that must not read as if there were none.
    """
    from huracan.market.observation import observation_names
    from huracan_resources.brains import brain_id_of, last_promoted, read_bundle
    from huracan_resources.signing import signing_key

    key = last_promoted(context.resources.brains, context.resources.lake, context.day)
    if key is None:
        return None
    public_key = public_key_of(signing_key(context.settings))
    try:
        brain = load_brain(read_bundle(context.resources.brains, key), public_key)
    except InputRefused as refused:
        return Incomparable(brain_id_of(key), refused.what)
    recipe = recipe_for(context.settings)
    if why := brain.reads_otherwise(recipe):
        return Incomparable(brain.brain_id, why)
    if brain.weights.observation_names != observation_names(recipe.names):
        return Incomparable(brain.brain_id, "It sees other columns beside the features.")
    if brain.weights.action_names != action_names(context.settings.market.rules.allow_short):
        return Incomparable(brain.brain_id, "It has another list of actions.")
    return brain


class _HeldOut:
    """The bars of the held-out days, laid out when they are first needed."""

    def __init__(self, inputs: Inputs, context: StageContext) -> None:
        self._inputs, self._context = inputs, context
        self._market = context.settings.market

    @cached_property
    def _block(self) -> MarketBlock:
        return market_block.market_block(self._inputs, self._context.settings)

    def net_usd(self, brain: Brain) -> float:
        """What the brain's policy makes on them by itself, whatever gates bind."""
        from huracan.agent.policy.evaluation import evaluate_policy

        generator = np.random.default_rng(self._context.settings.training.seed)
        judged = evaluate_policy(self._block, brain.policy, self._market.rules, self._market.costs, generator)
        return float(judged["net_usd"])

    def picture(self, facts: dict[str, Any]) -> shown.Shown:
        """What the policy of the report made on them, among its random rivals."""
        from huracan.agent.policy.evaluation import judges_generator
        from huracan.agent.policy.held_out_equity import held_out_equity

        if not self._inputs.has("regimes"):
            return "not drawn: the bars of the held-out days are not there."
        market, generator = self._market, judges_generator(facts["seed"])
        try:
            equity = held_out_equity(facts["held_out"], self._block, market.rules, market.costs, generator)
        except InputRefused as refused:
            # A picture decides nothing: bars that have aged out, or were made again, refuse no verdict.
            return f"not drawn: {refused.what}"
        return plots.held_out_equity(equity)
