"""Which candle sources there are, and the one that the settings name, opened. No source is named here."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from huracan.candles.source import CandleSourceKind
from huracan.errors import InvalidInput
from huracan.registry import Registry

SOURCES = Registry("huracan.candle_sources", "huracan.candles", "huracan_resources.candles")


@cache
def candle_sources() -> Mapping[str, CandleSourceKind[Any]]:
    """Name of each candle source -> its declaration, in the order of their files.

    Of Huracan and of every package registered under `huracan.candle_sources`. `InvalidInput` for two sources
    of a name, and for a name that cannot be a section of settings.
    """
    found: dict[str, CandleSourceKind[Any]] = {}
    for kind in SOURCES.parts(CandleSourceKind):
        if kind.name in found:
            raise InvalidInput(f"Two candle sources are called {kind.name}.", "Rename one of them.")
        if not kind.name.isidentifier() or kind.name == "kind":
            raise InvalidInput(f"A candle source is called {kind.name!r}.", "Use a lower-case word.")
        found[kind.name] = kind
    return found


def usages() -> str:
    """What `--source` may be, as a list for a sentence."""
    *first, last = (kind.usage for kind in candle_sources().values())
    return f"{', '.join(first)} or {last}"
