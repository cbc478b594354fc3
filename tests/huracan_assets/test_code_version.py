"""The version of an asset changes with every line that decides its content, and with no other.

What an asset reaches is told a second time by grimp, the graph behind the import contracts.
"""

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import grimp
import pytest

import huracan
from huracan.import_closure import source_of
from huracan.registry import Registry
from huracan_assets.code_version import reached_by
from huracan_assets.registry import stages
from huracan_assets.stage import Stage

ROOT = Path(huracan.__file__).parents[1]
PACKAGES = ("huracan", "huracan_resources", "huracan_assets")
EDITS = {
    "huracan/evaluation/splits.py": "MORE = 1",
    "huracan/evaluation/wilson.py": "MORE = 1",
    "huracan/features/recipe.py": "MORE = 1",
    "huracan/market/engine/kernel_step.py": "MORE = 1",
    "huracan_assets/inputs/windows.py": "MORE = 1",
    "huracan_resources/database/memory_reader.py": "MORE = 1",
    "huracan_resources/lake/entry_features.py": "MORE = 1",
    "huracan_resources/lake/lake.py": "MORE = 1",
    "huracan_resources/notifier.py": "MORE = 1",
    "huracan_assets/shown.py": "MORE = 1",
    "huracan_assets/market/plots.py": "MORE = 1",
    "huracan/market/costs.py": '"""Only words."""',
}
ONLY_STORES = ("lake.lake", "lake.manifest", "lake.parquet", "lake.store", "resources", "settings", "signing")
SHOW = """
import json, sys
from pathlib import Path
from huracan_assets.code_version import code_version
from huracan_assets.registry import stages

def versions():
    return {stage.name: code_version(stage.body.__module__) for stage in stages()}

told = {"": versions()}
assert told[""] == {stage.name: stage.code_version for stage in stages()}
for name, line in json.loads(sys.argv[1]).items():
    original = Path(name).read_text()
    Path(name).write_text(f"{original}\\n\\n{line}\\n")
    told[name] = versions()
    Path(name).write_text(original)
print(json.dumps(told))
"""


@cache
def _imports() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)


def _reached_by_grimp(start: str) -> set[str]:
    graph, found, left = _imports(), set(), [start]
    while left:
        module = left.pop()
        parts = module.split(".")
        is_machinery = parts[0] == "huracan_assets" and len(parts) < 3
        only_stores = parts[0] == "huracan_resources" and ".".join(parts[1:]).startswith(ONLY_STORES)
        if module in found or is_machinery or only_stores or parts[-1].endswith("plots"):
            continue
        found.add(module)
        left += graph.find_modules_directly_imported_by(module)
        left += [".".join(parts[:length]) for length in range(1, len(parts))]
        for walked in source_of(_file(module)).registries:
            left += [name for name, _ in Registry(*walked).files()]
    return found


def _file(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@pytest.mark.parametrize("stage", stages(), ids=lambda stage: stage.name)
def test_an_asset_reaches_what_its_imports_reach(stage: Stage) -> None:
    module = stage.body.__module__
    assert {each.name for each in reached_by(module)} == _reached_by_grimp(module)


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Of every asset of a copy of the packages: as it is (""), and after each of the edits."""
    folder = tmp_path_factory.mktemp("copy")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    environment = {**os.environ, "PYTHONPATH": str(folder), "HURACAN_HOME": str(folder / "home")}
    command = [sys.executable, "-c", SHOW, json.dumps(EDITS)]
    answer = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, dict[str, str]] = json.loads(answer.stdout)
    return found


@pytest.mark.parametrize("file", EDITS)
def test_an_edit_changes_the_versions_of_those_that_reach_the_file_and_of_no_other(
    versions: dict[str, dict[str, str]], file: str
) -> None:
    module = file.removesuffix(".py").replace("/", ".")
    reaching = {each.name for each in stages() if module in _reached_by_grimp(each.body.__module__)}
    expected = set() if EDITS[file].startswith('"') else reaching
    assert {name for name, version in versions[""].items() if version != versions[file][name]} == expected


@pytest.mark.parametrize(
    ("asset", "module"),
    [
        ("trade_context", "huracan_resources.database.memory"),
        ("trade_context", "huracan.analysis.memory.nearest"),
        ("confidence_model", "huracan_resources.lake.entry_features"),
        ("brain_evaluation", "huracan_resources.brains"),
    ],
)
def test_an_asset_follows_what_it_asks_of_the_world_outside(asset: str, module: str) -> None:
    (asking,) = (each for each in stages() if each.name == asset)
    assert module in {each.name for each in reached_by(asking.body.__module__)}


def test_a_policy_follows_the_program_that_trains_its_seeds() -> None:
    (checkpoint,) = (each for each in stages() if each.name == "ppo_checkpoint")
    reached = {module.name for module in reached_by(checkpoint.body.__module__)}
    assert "huracan.agent.night.seed_process" in reached


def test_models_and_gates_follow_the_splits_that_they_are_fitted_by() -> None:
    module = "huracan.evaluation.splits"
    reaching = {
        each.name for each in stages() if module in {m.name for m in reached_by(each.body.__module__)}
    }
    assert {"confidence_model", "meta_label_model", "gate_decisions", "baseline_brain"} <= reaching
    assert not {"ohlcv", "features", "regimes"} & reaching
