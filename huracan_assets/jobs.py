"""The four jobs of a night, chained by day: market; then trade and learn; then publish.

They are apart because a failed training must not stop the day's trades, nor a failed gate the training.
"""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

Job = UnresolvedAssetJobDefinition
"""What `define_asset_job` gives; Dagster does not export its type."""

MARKET, TRADE, LEARN, PUBLISH = "market", "trade", "learn", "publish"

STAGES: dict[str, list[str]] = {
    MARKET: ["ohlcv", "features", "regimes"],
    TRADE: [
        "shadow_trades",
        "shadow_scenarios",
        "model_performance",
        "confidence_model",
        "meta_label_model",
        "feature_importance",
        "post_exit",
        "trade_memory",
        "win_analysis",
        "loss_analysis",
        "pattern_library",
        "gate_decisions",
        "gate_stats",
    ],
    LEARN: ["ppo_checkpoint"],
    PUBLISH: ["brain_evaluation", "baseline_brain"],
}
"""Which assets each job makes. The models of past trades are fitted in `trade` and not in `learn`: they learn
from the day's own trades too, and a training that fails must not take tomorrow's gates with it."""

NEXT: dict[str, list[str]] = {MARKET: [TRADE, LEARN], TRADE: [PUBLISH], LEARN: [PUBLISH], PUBLISH: []}
NEEDS: dict[str, list[str]] = {MARKET: [], TRADE: [MARKET], LEARN: [MARKET], PUBLISH: [TRADE, LEARN]}

_WHY = {
    MARKET: "Candles of the closed day, their features and regimes.",
    TRADE: "The day on paper by yesterday's policy, its analyses and gates.",
    LEARN: "The policy retrained on the window that ends with the day.",
    PUBLISH: "The verdict on tonight's policy, and the brain that survives it.",
}
_MAXIMUM_SECONDS = {MARKET: 7_200, TRADE: 3_600, LEARN: 21_600, PUBLISH: 3_600}


def night_jobs(partitions: dg.PartitionsDefinition) -> dict[str, Job]:
    return {
        job: dg.define_asset_job(
            job,
            selection=assets,
            partitions_def=partitions,
            description=_WHY[job],
            tags={"huracan/job": job, "dagster/max_runtime": str(_MAXIMUM_SECONDS[job])},
        )
        for job, assets in STAGES.items()
    }
