"""The four jobs as Dagster runs them. Which job makes which assets is declared beside the assets."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from huracan_assets.jobs import MAXIMUM_SECONDS, WHY
from huracan_assets.registry import assets_by_job

Job = UnresolvedAssetJobDefinition
"""What `define_asset_job` gives; Dagster does not export its type."""


def night_jobs(partitions: dg.PartitionsDefinition) -> dict[str, Job]:
    return {
        job: dg.define_asset_job(
            job,
            # Names alone would be read as expressions, by a parser that costs time to load.
            selection=dg.AssetSelection.assets(*assets),
            partitions_def=partitions,
            description=WHY[job],
            tags={"huracan/job": job, "dagster/max_runtime": str(MAXIMUM_SECONDS[job])},
        )
        for job, assets in assets_by_job().items()
    }
