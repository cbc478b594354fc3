"""The graph as Dagster sees it, held by a snapshot: a rename or a lost edge is a red diff.

After a change that is meant, write the snapshot anew: HURACAN_WRITE_SNAPSHOT=1 pytest <this file>.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from huracan_assets.definitions import build_definitions
from huracan_assets.registry import assets_by_job, stages
from huracan_resources.settings.settings import load_settings

SNAPSHOT = Path(__file__).parent / "graph.json"


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    home = tmp_path_factory.mktemp("home")
    return build_definitions(load_settings(environ={"HURACAN_HOME": str(home)}))


def _edges(asset: dg.AssetsDefinition) -> list[str]:
    spec = next(iter(asset.specs))
    return sorted(
        dep.asset_key.to_user_string() + (" [D-1]" if dep.partition_mapping is not None else "")
        for dep in spec.deps
    )


def _graph(definitions: dg.Definitions) -> dict[str, Any]:
    repository = definitions.get_repository_def()
    assets = {}
    for asset in definitions.assets or []:
        assert isinstance(asset, dg.AssetsDefinition)
        spec = next(iter(asset.specs))
        assets[spec.key.to_user_string()] = {
            "group": spec.group_name,
            "kinds": sorted(spec.kinds),
            "owners": list(spec.owners),
            "edges": _edges(asset),
            "checks": {check.name: check.blocking for check in asset.check_specs},
        }
    return {
        "assets": assets,
        "jobs": {
            name: sorted(
                key.to_user_string() for key in repository.get_job(name).asset_layer.executable_asset_keys
            )
            for name in assets_by_job()
        },
        "schedules": {
            each.name: [each.cron_schedule, each.job_name, each.default_status.value]
            for each in repository.schedule_defs
        },
        "sensors": {each.name: each.default_status.value for each in repository.sensor_defs},
    }


def test_the_graph_is_the_one_of_the_snapshot(definitions: dg.Definitions) -> None:
    graph = _graph(definitions)
    if os.environ.get("HURACAN_WRITE_SNAPSHOT"):
        SNAPSHOT.write_text(json.dumps(graph, indent=1, sort_keys=True) + "\n")
    assert graph == json.loads(SNAPSHOT.read_text())


def test_the_definitions_can_be_loaded(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_every_asset_belongs_to_exactly_one_job() -> None:
    in_jobs = [asset for assets in assets_by_job().values() for asset in assets]
    assert sorted(in_jobs) == sorted(stage.name for stage in stages())


def test_what_the_day_made_is_told_although_the_training_fails() -> None:
    later = {*assets_by_job()["learn"], *assets_by_job()["publish"]}
    for stage in stages():
        if stage.name in assets_by_job()["trade"]:
            tonight = {read.asset for read in stage.reads if read.ends == 0}
            assert not tonight & later, stage.name
    assert "model_performance" in assets_by_job()["trade"]


def test_every_asset_has_a_description_an_owner_and_a_version(definitions: dg.Definitions) -> None:
    for asset in definitions.assets or []:
        assert isinstance(asset, dg.AssetsDefinition)
        spec = next(iter(asset.specs))
        assert spec.description and len(spec.description) > 60, spec.key
        assert spec.owners and spec.code_version, spec.key


def test_no_description_is_indented_so_that_none_is_shown_as_code(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    described: dict[str, str | None] = {}
    for asset in definitions.assets or []:
        assert isinstance(asset, dg.AssetsDefinition)
        spec = next(iter(asset.specs))
        described |= {
            f"asset {spec.key.to_user_string()}": spec.description,
            f"op {asset.op.name}": asset.op.description,
        }
        described |= {f"check {each.name}": each.description for each in asset.check_specs}
        schema = spec.metadata.get("dagster/column_schema")
        for column in schema.columns if schema else []:
            described[f"column {spec.key.to_user_string()}.{column.name}"] = column.description
    described |= {
        f"job {each.name}": each.description for each in repository.get_all_jobs() if each.name[0] != "_"
    }
    described |= {f"schedule {each.name}": each.description for each in repository.schedule_defs}
    described |= {f"sensor {each.name}": each.description for each in repository.sensor_defs}
    assert [name for name, text in described.items() if not text] == []
    lines = [(name, line) for name, text in described.items() for line in (text or "").splitlines()]
    assert [(name, line) for name, line in lines if line != line.strip()] == []


def test_every_asset_is_a_pool_of_its_own(definitions: dg.Definitions) -> None:
    pools = [asset.op.pool for asset in definitions.assets or [] if isinstance(asset, dg.AssetsDefinition)]
    assert sorted(pools) == sorted(stage.name for stage in stages())


def test_only_the_network_and_the_database_are_retried(definitions: dg.Definitions) -> None:
    retried = {
        asset.op.name
        for asset in definitions.assets or []
        if isinstance(asset, dg.AssetsDefinition) and asset.op.retry_policy is not None
    }
    assert retried == {"ohlcv", *(stage.name for stage in stages() if stage.database or stage.searches)}


def test_definitions_load_without_any_heavy_library() -> None:
    """Each of them takes a second and more, in every process that only wants to know the graph."""
    heavy = (
        *("torch", "numba", "lightgbm", "sklearn", "scipy.stats", "onnx", "matplotlib", "ccxt", "talib"),
        *("pandas", "psycopg", "duckdb", "pyarrow.parquet"),
    )
    script = (
        "import sys; from huracan_assets.definitions import defs; defs().get_repository_def();"
        f"print([x for x in {heavy} if x in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
