"""The script that makes the pictures of the documents says what it lacks."""

import importlib.util
import shutil
import sys
from datetime import date
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pytest

from huracan.errors import InvalidInput
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings

TABLE = encode_table(pa.table({"value": [1]}))
SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "pictures.py"


@pytest.fixture
def pictures() -> ModuleType:
    specification = importlib.util.spec_from_file_location("pictures", SCRIPT)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_without_a_browser_it_says_so(pictures: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("playwright")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(InvalidInput, match=r"No browser was found.*apt-get install"), pictures.open_browser():
        pass


def test_without_playwright_it_says_so(pictures: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    with (
        pytest.raises(InvalidInput, match=r"playwright is not installed.*pip install"),
        pictures.open_browser(),
    ):
        pass


def test_the_newest_night_with_trades_and_a_verdict_is_shown(pictures: ModuleType, tmp_path: Path) -> None:
    resources = Resources(load_settings(environ={"HURACAN_HOME": str(tmp_path)}))
    with pytest.raises(InvalidInput, match=r"no finished night with.*huracan nightly"):
        pictures.find_nights(resources, None)
    for day in (1, 2, 3):
        files = {} if day == 3 else {"data.parquet": TABLE}  # the third day was not traded
        resources.lake.write("shadow_trades", date(2025, 3, day), files)
        resources.lake.write("brain_evaluation", date(2025, 3, day), {"data.parquet": TABLE})
    first = date(2025, 3, 1)
    assert pictures.find_nights(resources, None) == (first, date(2025, 3, 2))
    assert pictures.find_nights(resources, first) == (first, first)
    with pytest.raises(InvalidInput, match="no finished night of 2025-03-03"):
        pictures.find_nights(resources, date(2025, 3, 3))


def test_the_pictures_of_the_documents_are_there_and_moderate() -> None:
    for name in ("night", "shadow_trades", "lineage"):
        picture = SCRIPT.parent / f"{name}.png"
        assert 20_000 < picture.stat().st_size < 250_000, name
