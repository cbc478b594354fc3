"""Folders of a home are closed to other accounts; what exists stays as it is."""

import stat
from pathlib import Path

from huracan_resources.folders import make_folder
from huracan_resources.lake.store import LocalStore
from huracan_resources.settings.settings import load_settings
from huracan_resources.signing import signing_key


def _modes(folder: Path) -> dict[str, str]:
    return {each.name: oct(stat.S_IMODE(each.stat().st_mode)) for each in folder.rglob("*") if each.is_dir()}


def test_whatever_makes_a_home_first_closes_it_and_all_of_its_folders(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    home = tmp_path / "deep" / "home"
    LocalStore(home / "lake").put("ohlcv/day=2023-06-02/manifest.json", b"{}")
    signing_key(load_settings({"storage.home": str(home)}, {}))
    assert set(_modes(tmp_path).values()) == {"0o700"}
    assert {"deep", "home", "lake", "ohlcv", "day=2023-06-02", "keys"} <= set(_modes(tmp_path))
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_lake_that_somebody_shares_stays_shared(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake").chmod(0o755)
    LocalStore(tmp_path / "lake").put("ohlcv/day=2023-06-02/manifest.json", b"{}")
    assert set(_modes(tmp_path).values()) == {"0o755"}


def test_a_folder_that_exists_is_not_changed(tmp_path: Path) -> None:
    tmp_path.chmod(0o751)
    make_folder(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o751
