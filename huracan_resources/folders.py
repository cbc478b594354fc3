"""Folders that we make: those of a home are closed to other accounts. Those that exist are never changed."""

from pathlib import Path


def make_folder(folder: Path, root: Path | None = None) -> None:
    """Make `folder` and what is missing above it, for our account alone; below `root`, which somebody may
    have made to share it, each as open as the folder that it lies in."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        is_below = root is not None and root in each.parents
        each.mkdir(mode=each.parent.stat().st_mode & 0o777 if is_below else 0o700, exist_ok=True)
