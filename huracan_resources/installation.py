"""How Huracan lies on this machine: as a checkout, or installed as a wheel."""

from functools import cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_PINS = "constraints.txt"


@cache
def checkout() -> Path | None:
    """The root of the checkout that this code is run from; None where it is installed."""
    project = _ROOT / "pyproject.toml"
    return _ROOT if project.is_file() and 'name = "huracan"' in project.read_text("utf-8") else None


def constraints() -> Path | None:
    """The exact versions that this one is tested with, of the checkout or as the wheel laid them beside the
    environment's own files; None where they are gone."""
    from importlib.metadata import files

    root = checkout()
    if root is not None:
        laid = [root / _PINS]
    else:
        laid = [Path(str(file.locate())) for file in files("huracan") or [] if file.name == _PINS]
    return next((file for file in laid if file.is_file()), None)


def how_to_install() -> str:
    """The remedy where a library is missing or of another version."""
    pins = constraints()
    if checkout() is not None:
        return f"Install with {_PINS}: make install."
    tested = f"--constraint {pins} " if pins else ""
    return f"Install what it was tested with: pip install {tested}'huracan[platform]'."
