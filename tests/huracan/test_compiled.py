"""Compiled code is kept on disk, and never survives a change of what it was made from."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from huracan.import_closure import closure

pytestmark = pytest.mark.slow  # kernels are compiled by processes of their own

PROGRAM = """
import sys
sys.path.insert(0, {folder!r})
import huracan.import_closure as closure
closure.PACKAGE = __import__("pathlib").Path({folder!r}) / "huracan"
import huracan.compiled as compiled
sys.modules["huracan"].__path__.append({folder!r} + "/huracan")
from huracan.outer_kernel import doubled
print(doubled(3.0), doubled.stats.cache_hits[doubled.signatures[0]] if doubled.stats.cache_hits else 0)
"""
OUTER = "from huracan.compiled import compiled\nfrom huracan.inner_kernel import scale\n\n\n" + (
    "@compiled\ndef doubled(x):\n    return scale(x)\n"
)
INNER = "from huracan.compiled import compiled_inline\n\n\n" + (
    "@compiled_inline\ndef scale(x):\n    return {factor} * x\n"
)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    return _copy(tmp_path, 2.0)


def _copy(place: Path, factor: float) -> Path:
    folder = place / "huracan"
    folder.mkdir(parents=True)
    (folder / "outer_kernel.py").write_text(OUTER)
    (folder / "inner_kernel.py").write_text(INNER.format(factor=factor))
    return place


def _run(package: Path, **environment: str) -> tuple[float, int]:
    program = PROGRAM.format(folder=str(package))
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    value, hits = ran.stdout.split()
    return float(value), int(hits)


def test_machine_code_is_taken_from_disk_the_second_time(package: Path) -> None:
    assert _run(package) == (6.0, 0)
    assert _run(package) == (6.0, 1)


def test_a_change_in_an_imported_kernel_is_compiled_again(package: Path) -> None:
    assert _run(package)[0] == 6.0
    # Of another length: Python itself takes a source of the same second and size for unchanged.
    (package / "huracan" / "inner_kernel.py").write_text(INNER.format(factor=10.0))
    assert _run(package) == (30.0, 0)
    kept = list((package / "huracan" / "__pycache__").glob("outer_kernel-*"))
    assert len(kept) == 1, "code of the older source is deleted"


@pytest.mark.parametrize("is_chosen", [True, False])
def test_two_copies_that_share_a_folder_leave_each_other_their_code(tmp_path: Path, is_chosen: bool) -> None:
    copies = {factor: _copy(tmp_path / str(factor), factor) for factor in (2.0, 5.0)}
    shared = {"NUMBA_CACHE_DIR": str(tmp_path / "chosen")} if is_chosen else {"HOME": str(tmp_path / "home")}
    if not is_chosen:
        for package in copies.values():
            # Nothing can be made below a file: as in a package that was installed read-only.
            (package / "huracan" / "__pycache__").write_text("")
    for hits in (0, 1):
        for factor, package in copies.items():
            assert _run(package, **shared) == (3.0 * factor, hits)


@pytest.mark.parametrize("is_typed_in", [True, False], ids=["notebook", "script"])
def test_a_kernel_of_a_script_or_notebook_is_compiled(tmp_path: Path, is_typed_in: bool) -> None:
    script = tmp_path / "kernel.py"
    script.write_text(
        "from huracan.compiled import compiled\n\n\n"
        "@compiled\ndef doubled(x):\n    return 2.0 * x\n\n\nprint(doubled(3.0))\n"
    )
    words = ["-c", script.read_text()] if is_typed_in else [str(script)]
    ran = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    assert ran.stdout == "6.0\n", ran.stderr


def test_the_sources_of_a_kernel_reach_through_its_imports() -> None:
    names = {module.name for module in closure("huracan.market.engine.kernel_step")}
    assert {
        "huracan.market.engine.kernel_step",
        "huracan.compiled",
        "huracan.market.engine.kernel_fills",
    } <= names
