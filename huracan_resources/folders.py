"""Where this code lies, and folders that we make: those of a home are closed to other accounts. Those that
exist are never changed."""

from functools import cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]


@cache
def checkout() -> Path | None:
    """The root of the checkout that this code is run from; None where it is installed."""
    project = _ROOT / "pyproject.toml"
    return _ROOT if project.is_file() and 'name = "huracan"' in project.read_text("utf-8") else None


def make_folder(folder: Path, root: Path | None = None) -> None:
    """Make `folder` and what is missing above it, for our account alone; below `root`, which somebody may
    have made to share it, each as open as the folder that it lies in."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        is_below = root is not None and root in each.parents
        each.mkdir(mode=each.parent.stat().st_mode & 0o777 if is_below else 0o700, exist_ok=True)
