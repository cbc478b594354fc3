"""The asset `ppo_checkpoint`: the policy trained on the window that ends with the day."""

from pathlib import Path

from huracan.agent.diagnostics import CURVE_COLUMNS
from huracan.models.canonical import canonical_json
from huracan.tables import Table
from huracan_assets.inputs import market_block
from huracan_assets.inputs.file_names import seed_file
from huracan_assets.inputs.windows import window_days
from huracan_assets.jobs import LEARN
from huracan_assets.learning import plots
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import Check, Outcome, StageContext, stage
from huracan_resources.lake.entry_features import POLICY_FILE


@stage(
    job=LEARN,
    kinds={"torch", "safetensors"},
    reads=[
        Read("ohlcv", days=window_days),
        Read("market_costs", days=window_days),
        Read("features", days=window_days),
        Read("regimes", days=window_days, table="data"),
        market_block.pattern_libraries(window_days),
    ],
    tables={"curve": Table(CURVE_COLUMNS)},
    settings=["universe", "market", "training"],
    checks=[
        Check("learner_health", "No NaN; entropy, KL and explained variance are in their bands."),
        Check("held_out_apart", "The embargo lies between the days of training and those that judge it."),
    ],
    expected_minutes=2,
    is_record=True,
)
def ppo_checkpoint(inputs: Inputs, context: StageContext) -> Outcome:
    """PPO over the market environment, on a window with a held-out tail and an embargo before it.

    Partition D is trained on days up to D, and trades no day before D+1. Several seeds are trained; the one
    with the median held-out result is published. Its weights lie in `policy.safetensors` with the
    normaliser's statistics and the contextual bias inside; beside it lie all seeds, whom the ensemble asks,
    and in `report.json` what each did on the held-out tail. A training that was killed goes on where it saved
    itself last, below HURACAN_HOME.
    """
    from huracan.agent.night.learner_health import judge_held_out
    from huracan.agent.night.recovery import FileRecovery
    from huracan.agent.night.train import judge_learner, train_policy

    config, market = context.settings.training, context.settings.market
    days = [manifest.day for manifest in inputs.manifests("regimes") if "data.parquet" in manifest.files]
    if len(days) < config.window_days:
        return Outcome(note=f"{len(days)} of the {config.window_days} days that training needs are there.")
    recovery = FileRecovery(recovery_file(context))
    trained = train_policy(
        market_block.market_block(inputs, context.settings),
        config,
        market.rules,
        market.costs,
        context.steps,
        recovery,
    )
    return Outcome(
        tables={"curve": trained.curve},
        files={
            POLICY_FILE: trained.checkpoint,
            **{seed_file(place): sealed for place, sealed in enumerate(trained.seed_checkpoints)},
            "report.json": canonical_json(trained.report | {"model_id": trained.model_id}),
        },
        verdicts=[judge_learner(trained, config.health), judge_held_out(trained.report, config.embargo_days)],
        metadata={
            "learning_curve": plots.learning_curve(trained.seed_curves, trained.report),
            "held_out": plots.held_out_table(trained.report),
            "seeds": plots.seeds_table(trained.report),
            "model_id": trained.model_id,
        },
    )


def recovery_file(context: StageContext) -> Path:
    """Where a training of the day keeps its state while it runs."""
    return (
        context.settings.storage.home / "recovery" / f"{context.asset}-{context.day.isoformat()}.safetensors"
    )
