"""Which files a file reaches by its imports, late ones inside functions included, and what they say.

Two things rest on it: the version of an asset, and the folder of compiled machine code. Files are known by
their content alone, so a change is never mistaken for old work; comments, docstrings, what columns mean and
layout do not count.
"""

import ast
import hashlib
import importlib.machinery
import json
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from huracan.errors import InvalidInput
from huracan.registry import Registry

PACKAGE = Path(__file__).parent
_OF_A_COLUMN = 2
"""The first arguments of a `huracan.tables.Column` are its name and type."""
_MOST_KEPT = 4_000
"""Contents in the cache of what was parsed; beyond it only those of now are kept."""


@dataclass(frozen=True)
class Source:
    """What a file says: the names that it imports (a relative one led by its dots), the registries it walks,
    the digest of its syntax tree."""

    imports: tuple[str, ...]
    registries: tuple[tuple[str, ...], ...]
    digest: str


@dataclass(frozen=True)
class Module:
    """A module and the file that holds it."""

    name: str
    file: Path


def closure(
    name: str, packages: Iterable[str] = ("huracan",), *, is_left_out: Callable[[str], bool] | None = None
) -> list[Module]:
    """The module `name` and all that it reaches within `packages` and its own, in order of names.

    A package's `__init__` runs when one of its modules is imported, so it is reached with it. A module that
    makes a `Registry` reaches every file of the packages that are registered there. What `is_left_out` says
    of a module's name is reached by nobody. `InvalidInput` where `name` has no source that could be read.
    """
    found: dict[str, Module] = {}
    registered: dict[str, Path] = {}
    tops = {*packages, _top(name)}
    left = [name]
    while left:
        module = left.pop()
        if module in found or _top(module) not in tops or (is_left_out is not None and is_left_out(module)):
            continue
        file = registered.get(module) or _file_of(module)
        if file is None:
            if module == name:
                raise InvalidInput(f"The source of {name} was not found.", "Install it with its source.")
            continue
        found[module] = Module(module, file)
        source = source_of(file)
        walked = dict(each for given in source.registries for each in Registry(*given).files())
        registered |= walked
        tops |= {_top(each) for each in walked}
        above = module.rpartition(".")[0]
        package = module if file.name == "__init__.py" else above
        left += [*walked, *(_absolute(each, package) for each in source.imports), *filter(None, [above])]
    return [found[each] for each in sorted(found)]


def _absolute(imported: str, package: str) -> str:
    """The full name of what a module of `package` imports: one dot is the package, each further one the
    package above."""
    name = imported.lstrip(".")
    level = len(imported) - len(name)
    if level == 0:
        return name
    return ".".join(filter(None, [package.rsplit(".", level - 1)[0], name]))


def _top(module: str) -> str:
    return module.partition(".")[0]


def digest_of(modules: Iterable[Module]) -> str:
    """SHA-256 over the names of the modules and their syntax trees without words, 16 digits of it."""
    digest = hashlib.sha256()
    for module in modules:
        digest.update(f"{module.name} {source_of(module.file).digest}\n".encode())
    return digest.hexdigest()[:16]


def source_of(file: Path) -> Source:
    """What the file says now; parsed once per content, on this machine."""
    content = file.read_bytes()
    key = hashlib.sha256(content).hexdigest()
    known = _cache()
    if key not in known:
        known[key] = _parse(content)
        _parsed.add(key)
    _used.add(key)
    return known[key]


def _parse(content: bytes) -> Source:
    tree = ast.parse(content)
    imports: set[str] = set()
    registries: set[tuple[str, ...]] = set()
    for node in _executed(tree):
        if isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            inside = f"{origin}." if node.module else origin
            imports |= {origin, *(f"{inside}{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            imports |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Registry":
            named = tuple(str(each.value) for each in node.args if isinstance(each, ast.Constant))
            registries |= {named} if named else set()
    digest = hashlib.sha256(written(without_words(tree)).encode()).hexdigest()
    return Source(tuple(sorted(imports)), tuple(sorted(registries)), digest)


def _executed(tree: ast.AST) -> Iterable[ast.AST]:
    """Every node but those that only a type checker reads."""
    left = [tree]
    while left:
        node = left.pop()
        yield node
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            left += node.orelse
        else:
            left += ast.iter_child_nodes(node)


def without_words(tree: ast.Module) -> ast.Module:
    """The tree without expressions that are nothing but a text, which do nothing when they are run, and
    without the meanings and units of columns, with which nobody computes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            node.keywords = [each for each in node.keywords if each.arg != "meaning"]
            if isinstance(node.func, ast.Name) and node.func.id == "Column":
                del node.args[_OF_A_COLUMN:]
        for _, block in ast.iter_fields(node):
            if isinstance(block, list) and any(_is_text(each) for each in block):
                block[:] = [each for each in block if not _is_text(each)]
    return tree


def written(node: Any) -> str:
    """A syntax tree as a text, without fields that are empty: another version of Python knows other ones, and
    an upgrade of it must not make every asset anew."""
    if isinstance(node, list):
        return f"[{','.join(map(written, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, value) for name, value in ast.iter_fields(node) if value is not None and value != []]
    return f"{type(node).__name__}({','.join(f'{name}={written(value)}' for name, value in fields)})"


def _is_text(node: Any) -> bool:
    is_constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_constant and isinstance(node.value.value, str)


@cache
def _file_of(module: str) -> Path | None:
    """The file of a module that is imported by its full name; None where there is none, or no source."""
    above = module.rpartition(".")[0]
    file_above = _file_of(above) if above else None
    if file_above is not None and file_above.name != "__init__.py":
        return None  # a name that a file defines is no module
    top, *rest = module.split(".")
    folders = _folders_of(top)
    if folders:
        paths = [folder.joinpath(*rest) for folder in folders]
        files = [
            file
            for path in paths
            for file in (path / "__init__.py", *([path.with_suffix(".py")] if rest else []))
        ]
        return next((file for file in files if file.is_file()), None)
    loaded = getattr(sys.modules.get(module), "__file__", None)
    return Path(loaded) if loaded else None


@cache
def _folders_of(top: str) -> tuple[Path, ...]:
    """Where the package lies; one without `__init__` may lie in several places."""
    if top == PACKAGE.name:
        return (PACKAGE,)
    loaded = sys.modules.get(top)
    specification = loaded.__spec__ if loaded else importlib.machinery.PathFinder.find_spec(top)
    specification = specification or importlib.util.find_spec(top)
    locations = specification.submodule_search_locations if specification else None
    return tuple(Path(location) for location in locations or ())


def writable_folder(name: str) -> Path | None:
    """A folder `name` for what is made from the sources: beside the package, else in the user's cache; None
    where neither can be written."""
    for place in (PACKAGE / "__pycache__", Path("~/.cache/huracan").expanduser()):
        folder = place / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None


_parsed: set[str] = set()
_used: set[str] = set()


@cache
def _cache() -> dict[str, Source]:
    """Digest of a content -> what it says. A damaged file counts as none."""
    file, known = _cache_file(), {}
    if file is not None and file.is_file():
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            for key, said in json.loads(file.read_bytes()).items():
                walked = tuple(tuple(each) for each in said["registries"])
                known[key] = Source(tuple(said["imports"]), walked, said["digest"])
    return known


def _cache_file() -> Path | None:
    """Of this Python and this parser: another may say something else of the same content."""
    folder = writable_folder("sources")
    parser = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    return folder / f"{sys.version_info.major}.{sys.version_info.minor}-{parser}.json" if folder else None


def save_parsed() -> None:
    """Keep what was parsed for the next process. Written whole under another name first."""
    file = _cache_file()
    if not _parsed or file is None:
        return
    known = _cache()
    kept = _used if len(known) > _MOST_KEPT else known
    with suppress(OSError):
        made = file.with_suffix(f".{os.getpid()}")
        made.write_text(json.dumps({key: asdict(known[key]) for key in kept}))
        made.replace(file)
    _parsed.clear()
