"""Parts that are found, not listed: a new gate, asset or candle source is a new file in a known package.

A package that somebody installs beside Huracan is known by an entry point: the group of the registry, and the
name of the package as its value.
"""

import importlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from types import ModuleType
from typing import TypeVar, cast

from huracan.errors import InvalidInput

Part = TypeVar("Part")


@dataclass(frozen=True, init=False)
class Registry:
    """The packages `own` of Huracan and those that others register under `group`.

    `package.*` means every package inside that one. Whoever reaches a registry reaches all of its files.
    """

    group: str
    own: tuple[str, ...]

    def __init__(self, group: str, *own: str) -> None:
        object.__setattr__(self, "group", group)
        object.__setattr__(self, "own", own)

    def packages(self) -> dict[str, Path]:
        """Name of each package -> its folder, in the order of names."""
        return _packages(self)

    def files(self) -> list[tuple[str, Path]]:
        """(module, file) of every module directly in the packages, in the order of names."""
        return [
            (f"{package}.{file.stem}", file)
            for package, folder in self.packages().items()
            for file in sorted(folder.glob("*.py"))
            if file.stem != "__init__"
        ]

    def modules(self) -> Iterator[ModuleType]:
        """Every module directly in the packages, imported."""
        for name, _ in self.files():
            yield importlib.import_module(name)

    def parts(self, kind: type[Part]) -> list[Part]:
        """The objects of `kind` that stand in the modules under a name of their own, each once."""
        found: dict[int, Part] = {}
        for module in self.modules():
            for value in vars(module).values():
                if isinstance(value, kind):
                    found.setdefault(id(value), value)
        return list(found.values())


@cache
def _packages(registry: Registry) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for pattern in registry.own:
        name = pattern.removesuffix(".*")
        folder = _folder(name)
        # Where only the domain is installed, the packages above it are not there, and nobody misses them.
        inner = sorted(folder.glob("*/__init__.py")) if folder and pattern.endswith(".*") else []
        found |= {f"{name}.{each.parent.name}": each.parent for each in inner}
        if folder and not pattern.endswith(".*"):
            found[name] = folder
    for name in {point.value for point in _entry_points().select(group=registry.group)}:
        folder = _folder(name)
        if folder is None:
            raise InvalidInput(
                f"The package {name} is registered under {registry.group} and cannot be imported.",
                "Install it again, or remove the distribution that names it.",
            )
        found[name] = folder
    return dict(sorted(found.items()))


@cache
def _entry_points() -> EntryPoints:
    """Of all groups: every distribution that is installed is asked once, not once a registry."""
    return cast(EntryPoints, entry_points())  # before Python 3.12 another type that is asked in the same way


def _folder(package: str) -> Path | None:
    try:
        specification = importlib.util.find_spec(package)
    except ImportError:
        return None
    locations = specification.submodule_search_locations if specification else None
    return Path(next(iter(locations))) if locations else None
