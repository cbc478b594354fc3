"""A wheel, installed alone in an environment of its own, runs whole nights in an empty directory."""

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import huracan
from huracan_resources.database.embedded_postgres import stop_embedded
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.store import LocalStore
from tests.end_to_end.command import DAY, SMALL_NIGHT, Answer
from tests.end_to_end.night import Night
from tests.end_to_end.test_up import port  # noqa: F401
from tests.made_once import empty_home

_ROOT = Path(huracan.__file__).parents[1]
_PACKAGES = ("huracan", "huracan_resources", "huracan_assets", "huracan_sensors", "huracan_console")
_FILES = ("pyproject.toml", "README.md", "CHANGELOG.md", "MANIFEST.in", "constraints.txt")
_LISTENER = """
import os, sys

def hear(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        path = os.path.abspath(os.fsdecode(arguments[0]))
        if path.startswith({root!r}) and not path.startswith({dependencies!r}):
            with open({heard!r}, "a") as file:
                file.write(path + "\\n")

sys.addaudithook(hear)
"""
"""Run by every Python of the environment as it starts: what of the checkout is opened is written down."""


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel, and the empty directory in which its commands are run."""

    environment: Path
    directory: Path
    variables: dict[str, str]

    @property
    def home(self) -> Path:
        return self.directory / ".huracan"

    @property
    def command(self) -> str:
        return str(self.environment / "bin" / "huracan")

    def run(self, *words: str) -> Answer:
        done = subprocess.run(
            [self.command, *words],
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=400,
            cwd=self.directory,
        )
        return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, signing_key: str) -> Iterator[Installed]:
    """No file of the checkout is beside it: the wheel is built from a copy that is gone."""
    made = tmp_path_factory.mktemp("wheel")
    source, environment = made / "source", made / "environment"
    source.mkdir()
    for name in _FILES:
        shutil.copy(_ROOT / name, source)
    for name in _PACKAGES:
        shutil.copytree(_ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    offline = ["--no-index", "--no-deps"]
    building = [*pip, "wheel", ".", "--no-build-isolation", *offline, "--wheel-dir", str(made)]
    subprocess.run(building, cwd=source, check=True)
    shutil.rmtree(source)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    (wheel,) = made.glob("*.whl")
    installing = [*pip, "--python", str(environment), "install", *offline, str(wheel)]
    subprocess.run(installing, check=True)
    # What Huracan depends on is taken from here: a path added this way brings no editable installation.
    dependencies = sysconfig.get_path("purelib")
    (packages,) = environment.glob("lib/python3*/site-packages")
    (packages / "dependencies.pth").write_text(f"{dependencies}\n")
    listener = _LISTENER.format(root=f"{_ROOT}/", dependencies=sys.prefix, heard=str(made / "heard"))
    (packages / "sitecustomize.py").write_text(listener)
    ours = ("HURACAN", "DAGSTER", "DATABASE_URL", "AWS_", "PYTHON", "NUMBA")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    night = {**SMALL_NIGHT, "HURACAN_SIGNING_KEY": signing_key, "OMP_NUM_THREADS": "1"}
    with empty_home() as directory:
        try:
            yield Installed(environment, directory, kept | night)
        finally:
            stop_embedded(directory / ".huracan")
    assert not (made / "heard").exists(), (made / "heard").read_text()


def test_it_is_the_installed_one_that_runs(installed: Installed) -> None:
    code = "import huracan; print(huracan.__file__, huracan.__version__)"
    python = [str(installed.environment / "bin" / "python"), "-c", code]
    done = subprocess.run(
        python, env=installed.variables, cwd=installed.directory, capture_output=True, text=True, check=True
    )
    file, version = done.stdout.split()
    assert Path(file).is_relative_to(installed.environment)
    assert installed.run("--version") == Answer(0, f"huracan {version}\n", "")
    assert list(installed.directory.iterdir()) == []
    assert all((Path(file).parents[1] / package / "py.typed").is_file() for package in _PACKAGES)


def test_its_profiles_and_the_versions_that_it_was_tested_with_came_along(installed: Installed) -> None:
    shown = json.loads(installed.run("config", "show", "--json").out)
    assert shown["storage.home"]["value"] == str(installed.home)
    mute = {name: value for name, value in installed.variables.items() if not name.startswith("HURACAN__")}
    profile = Installed(installed.environment, installed.directory, mute | {"HURACAN_ENV": "production"})
    assert json.loads(profile.run("config", "show", "--json").out)["source.kind"] == {
        "value": "ccxt",
        "origin": "profiles/production.yaml, line 5",
    }
    answer = installed.run("doctor", "--json")
    findings = {each["part"]: each for each in json.loads(answer.out)}
    assert answer.code == 0, findings
    assert "at their tested versions" in findings["dependencies"]["found"]


def test_a_night_in_an_empty_directory_is_the_night_of_the_checkout(
    installed: Installed, after_first_night: Night
) -> None:
    answer = installed.run("nightly", "--date", DAY.isoformat(), "--json")
    assert answer.code == 0, answer.out + answer.err
    assert answer.hashes == after_first_night.answer.hashes
    ours, theirs = (Lake(LocalStore(home / "lake")) for home in (installed.home, after_first_night.left))
    for asset in answer.hashes:
        made, there = ours.manifest(asset, DAY), theirs.manifest(asset, DAY)
        assert made is not None and there is not None
        assert (asset, made.code_version) == (asset, there.code_version)
    assert sorted(path.name for path in installed.directory.iterdir()) == [".huracan"]
    assert "kind: simulated" in (installed.home / "huracan.yaml").read_text()


def test_its_servers_start_and_stop(installed: Installed, port: int) -> None:  # noqa: F811
    up = subprocess.Popen(
        [installed.command, "up", "--port", str(port), "--json"],
        env=installed.variables,
        stdout=subprocess.PIPE,
        text=True,
        cwd=installed.directory,
    )
    assert up.stdout is not None
    try:
        told = json.loads(up.stdout.readline())
        with urllib.request.urlopen(f"{told['url']}/server_info", timeout=30) as answer:
            assert json.load(answer)["dagster_version"]
        assert (installed.home / "dagster" / "dagster.yaml").is_file()
    finally:
        up.send_signal(signal.SIGTERM)
        assert up.wait(30) == 0
