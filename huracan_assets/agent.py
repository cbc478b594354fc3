"""The asset `ppo_checkpoint`: the policy trained on the window that ends with the day."""

from huracan.features.recipe import RECIPE
from huracan.market.block_tables import build_market_block
from huracan.models.canonical import canonical_json
from huracan_assets import plots
from huracan_assets.reads import Inputs, Read
from huracan_assets.stage import Check, Night, Outcome, stage
from huracan_resources.settings import Settings


def window_days(settings: Settings) -> int:
    return settings.training.window_days


@stage(
    group="learning",
    kinds={"torch", "safetensors"},
    reads=[
        Read("ohlcv", days=window_days),
        Read("features", days=window_days),
        Read("regimes", days=window_days),
    ],
    rooms=["candles", "features", "regimes", "market", "agent"],
    blocks=["universe", "market", "training"],
    checks=[Check("learner_health", "No NaN; entropy, KL and explained variance are in their bands.")],
    expected_minutes=2,
)
def ppo_checkpoint(inputs: Inputs, night: Night) -> Outcome:
    """PPO over the market environment, on a window with a held-out tail and an embargo before it.

    Partition D is trained on days up to D, and trades no day before D+1. The weights lie in
    `policy.safetensors` with the normaliser's statistics inside; what the policy did on the held-out tail, in
    `report.json`.
    """
    from huracan.agent.train import judge_learner, train_policy

    config, market = night.settings.training, night.settings.market
    days = [manifest.day for manifest in inputs.manifests("regimes") if "data.parquet" in manifest.files]
    if len(days) < config.window_days:
        return Outcome(note=f"{len(days)} of the {config.window_days} days that training needs are there.")
    block = build_market_block(
        inputs.table("ohlcv"), inputs.table("features"), inputs.table("regimes"), RECIPE.names
    )
    trained = train_policy(block, config, market.rules, market.costs, night.steps)
    return Outcome(
        tables={"curve": trained.curve},
        files={
            "policy.safetensors": trained.checkpoint,
            "report.json": canonical_json(trained.report | {"model_id": trained.model_id}),
        },
        verdicts=[judge_learner(trained)],
        metadata={
            "model_id": trained.model_id,
            "held_out": plots.held_out_table(trained.report),
            "learning_curve": plots.learning_curve(trained.curve),
        },
    )
