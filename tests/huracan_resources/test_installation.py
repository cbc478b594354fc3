"""A checkout is told from an installed wheel, and each by its own way to install."""

from importlib.metadata import PackagePath
from pathlib import Path

import pytest

from huracan_resources import installation
from huracan_resources.settings.sections import default_home


@pytest.fixture
def _is_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "checkout", lambda: None)
    monkeypatch.setattr("huracan_resources.settings.sections.checkout", lambda: None)


def test_in_a_checkout_the_home_lies_at_its_root_wherever_a_command_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    root = Path(__file__).resolve().parents[2]
    assert installation.checkout() == root and default_home() == root / ".huracan"
    assert installation.constraints() == root / "constraints.txt"
    assert installation.how_to_install() == "Install with constraints.txt: make install."


@pytest.mark.usefixtures("_is_wheel")
def test_of_a_wheel_the_home_lies_in_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_home() == tmp_path / ".huracan"


@pytest.mark.usefixtures("_is_wheel")
def test_of_a_wheel_the_tested_versions_are_those_that_it_laid_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class _Laid(PackagePath):
        def locate(self) -> Path:
            return tmp_path / self.name

    monkeypatch.setattr("importlib.metadata.files", lambda name: [_Laid("share/huracan/constraints.txt")])
    assert installation.constraints() is None
    assert installation.how_to_install().endswith("pip install 'huracan[platform]'.")
    (tmp_path / "constraints.txt").touch()
    assert installation.constraints() == tmp_path / "constraints.txt"
    assert f"pip install --constraint {tmp_path}/constraints.txt" in installation.how_to_install()


def test_another_project_that_holds_the_packages_is_no_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "mine"\n')
    monkeypatch.setattr(installation, "_ROOT", tmp_path)
    assert installation.checkout.__wrapped__() is None  # type: ignore[attr-defined]
