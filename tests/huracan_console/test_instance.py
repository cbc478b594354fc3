"""Where Dagster keeps what it writes: in the home, wherever Huracan is installed."""

import os
from pathlib import Path
from unittest import mock

import pytest

from huracan.errors import InvalidInput
from huracan_console import instance
from huracan_console.instance import WORKSPACE, dagster_home, open_instance
from huracan_resources.settings.settings import load_settings
from tests.made_once import NewHome


@pytest.fixture(autouse=True)
def _no_folder_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)


def test_each_home_has_the_configuration_of_this_version(tmp_path: Path) -> None:
    folder = dagster_home(tmp_path / "home")
    assert folder == tmp_path / "home" / "dagster"
    ours = (folder / "dagster.yaml").read_text()
    assert (
        "HuracanDagsterStorage" in ours and (folder / "workspace.yaml").read_text() == WORKSPACE.read_text()
    )
    assert folder.stat().st_mode & 0o077 == 0
    (folder / "dagster.yaml").write_text("of another version")
    dagster_home(tmp_path / "home")
    assert (folder / "dagster.yaml").read_text() == ours


def test_what_is_as_it_should_be_is_not_written_again(tmp_path: Path) -> None:
    dagster_home(tmp_path)
    with mock.patch.object(instance, "write_whole", side_effect=PermissionError):
        dagster_home(tmp_path)


@pytest.mark.server
def test_a_process_that_opens_two_homes_keeps_them_apart(new_home: NewHome) -> None:
    for _ in range(2):
        with new_home() as home:
            with open_instance(load_settings(environ={"HURACAN_HOME": str(home)})) as opened:
                assert Path(opened.root_directory) == home / "dagster"
            assert "DAGSTER_HOME" not in os.environ


def test_a_folder_of_ones_own_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with pytest.raises(InvalidInput, match=r"holds no dagster\.yaml.*copy /.*/dagster\.yaml there"):
        dagster_home(tmp_path / "home")
    (tmp_path / "dagster.yaml").write_text("mine")
    assert dagster_home(tmp_path / "home") == tmp_path
    assert (tmp_path / "dagster.yaml").read_text() == "mine" and not (tmp_path / "home").exists()
