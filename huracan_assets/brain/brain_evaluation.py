"""The asset `brain_evaluation`: has the procedure earned its place, and is tonight's brain fit for it."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import pyarrow as pa

from huracan.errors import InputRefused
from huracan.models.canonical import canonical_json
from huracan.promotion.champion import Act, Night, plain_act
from huracan.promotion.night import TrainedNight, verdict_of_research
from huracan.promotion.verdict import EVALUATION_COLUMNS, evaluation_row, out_of_sample_verdict
from huracan.tables import Always, Table, arrow_schema
from huracan_assets import shown
from huracan_assets.brain import plots
from huracan_assets.inputs import market_block
from huracan_assets.inputs.file_names import DECISIONS_FILE, VERDICT_FILE
from huracan_assets.inputs.paper_result import READS_OF_RESULTS
from huracan_assets.inputs.trials import Trials
from huracan_assets.inputs.windows import held_out_and_before, held_out_days
from huracan_assets.jobs import PUBLISH
from huracan_assets.reads import Inputs, Read, record
from huracan_assets.stage import Check, Outcome, StageContext, stage


@stage(
    job=PUBLISH,
    kinds={"postgres"},
    reads=[
        record("ppo_checkpoint"),
        *READS_OF_RESULTS,
        Read("ohlcv", days=held_out_and_before, edge=False),
        Read("market_costs", days=held_out_days, edge=False),
        Read("features", days=held_out_days, edge=False),
        Read("regimes", days=held_out_days, edge=False, table="data"),
        market_block.pattern_libraries(held_out_days),
    ],
    tables={"data": Table(EVALUATION_COLUMNS, keep=Always(), in_database=True)},
    settings=["universe", "market", "promotion", "models", "training"],
    checks=[
        Check(
            "brain_out_of_sample",
            "The procedure has earned its place by the days that its brains traded, and tonight's brain does"
            " not contradict it.",
            blocking=False,
        )
    ],
    reads_outside=True,
    is_record=True,
)
def brain_evaluation(inputs: Inputs, context: StageContext) -> Outcome:
    """The verdict on the procedure that makes the brains, and on tonight's.

    Every day that its brains traded on paper is a result that was honestly earned; two bets on all of them,
    on what was made and on what was made beyond random rivals, say how sure it is that it is no luck.
    Tonight's weights are set against the ledger on their held-out days. A refused brain is an answer: the
    check warns, and the night goes on.
    """
    counts, trials = context.settings.mode == "shadow", Trials(inputs, context)
    left_out = trials.record_paper_days() if counts else ""
    report, checkpoint = inputs.file("ppo_checkpoint", "report.json"), inputs.last("ppo_checkpoint")
    if report is None or checkpoint is None:
        why = checkpoint.note if checkpoint else ""
        return _without_policy(trials if counts else None, f"No policy was trained on {context.day}: {why}")
    trained = TrainedNight(json.loads(report), checkpoint.is_simulated, checkpoint.remade)
    night = trials.judge_night(trained, left_out) if counts else None
    verdict = night.verdict if night else verdict_of_research(trained)
    row = evaluation_row(verdict, trained.report["model_id"])
    return Outcome(
        tables={"data": pa.Table.from_pylist([row], schema=arrow_schema(EVALUATION_COLUMNS))},
        files={
            VERDICT_FILE: json.dumps(asdict(verdict), sort_keys=True).encode(),
            DECISIONS_FILE: _decisions(night.acts if night else ()),
        },
        verdicts=[out_of_sample_verdict(verdict)],
        metadata={
            "verdict": row["verdict"],
            "reasons": shown.lines(verdict.reasons),
            "evidence": plots.evidence_by_day(night.procedure, night.evidence) if night else "none counts",
            "track_record": shown.lines(night.track_record if night else []),
            "held_out_equity": _held_out_picture(inputs, context, trained),
        },
    )


def _without_policy(trials: Trials | None, note: str) -> Outcome:
    """A champion that loses is demoted on such a night too."""
    acts, decided = trials.decide(Night(day=trials.day)) if trials is not None else ((), "")
    return Outcome(files={DECISIONS_FILE: _decisions(acts)} if acts else {}, note=f"{note} {decided}".strip())


def _decisions(acts: Sequence[Act]) -> bytes:
    return canonical_json([plain_act(act) for act in acts])


def _held_out_picture(inputs: Inputs, context: StageContext, trained: TrainedNight) -> shown.Shown:
    """What tonight's policy made on its held-out days, among its random rivals."""
    from huracan.agent.policy.evaluation import judges_generator
    from huracan.agent.policy.held_out_equity import held_out_equity

    if not inputs.has("regimes"):
        return "not drawn: the bars of the held-out days are not there."
    rules, generator = context.settings.market.rules, judges_generator(trained.report["seed"])
    try:
        block = market_block.market_block(inputs, context.settings)
        equity = held_out_equity(trained.report["held_out"], block, rules, generator)
    except InputRefused as refused:
        # A picture decides nothing: bars that have aged out, or were made again, refuse no verdict.
        return f"not drawn: {refused.what}"
    return plots.held_out_equity(equity)
