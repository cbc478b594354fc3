"""Huracan: every night from closed candles to a judged, published baseline brain.

`huracan.open()` gives pandas access to what the nights left behind. Importing this package imports nothing
else; a consumer of a brain needs no platform.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from huracan.workspace import Workspace

    __version__: str
else:

    def __getattr__(name: str) -> str:
        """`__version__` of pyproject.toml. Written here, every release would make all policies anew."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import version

        return version(__name__)


_GROUP = "huracan.workspace"


def open(settings: Mapping[str, Any] | None = None) -> "Workspace":
    """The trades, tables and SQL of this machine's lake and database, as pandas frames.

    `settings` by dotted key go before those of the environment: `{"storage.home": "/data/huracan"}`.
    InvalidInput where the platform is not installed.
    """
    from importlib.metadata import entry_points

    from huracan.errors import InvalidInput

    # The platform stands on floors above this one, so it is found by its entry point and not imported.
    offered = entry_points(group=_GROUP)
    if not offered:
        raise InvalidInput("No platform is installed beside this package.", "Install huracan[platform].")
    made: Workspace = next(iter(offered)).load()(settings)
    return made
