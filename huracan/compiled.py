"""How Huracan compiles its inner loops: numba, once per machine, kept on disk. No loop lives here.

numba's own cache looks at the date of a function's file alone. Machine code is kept here under a digest of
that file and of every file of Huracan that it imports: an upgrade can never run yesterday's kernel.
"""

import ast
import hashlib
import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])
_PACKAGE = Path(__file__).parent


def compiled(function: F) -> F:
    """Machine code for `function`, releasing the interpreter's lock; division by zero gives inf, as in NumPy.

    Arithmetic is IEEE to the letter, so the same inputs give the same bits on every thread.
    """
    return _compile(function)


def compiled_inline(function: F) -> F:
    """The same, and asks LLVM to paste it into its callers: for the small steps of a hot loop."""
    return _compile(function, forceinline=True)


def compiled_fast(function: F) -> F:
    """The same, and lets sums be reordered into vector lanes: for a network's arithmetic, never for money.

    The order is fixed when it is compiled: on one machine the same inputs still give the same bits. NaN and
    infinity stay what they are.
    """
    return _compile(function, fastmath={"reassoc", "contract"})


def _compile(function: F, **options: Any) -> F:
    folder = _machine_code_folder(Path(function.__code__.co_filename))
    configuration: Any = numba.config
    before, configuration.CACHE_DIR = configuration.CACHE_DIR, str(folder or "")
    try:
        made: F = numba.njit(cache=folder is not None, nogil=True, error_model="numpy", **options)(function)
    finally:
        configuration.CACHE_DIR = before
    return made


@cache
def _machine_code_folder(source: Path) -> Path | None:
    """Where the code of `source` is kept; None where no folder can be written.

    NUMBA_CACHE_DIR names another place. Older code is deleted beside the package only: elsewhere it may be
    the code of another copy of Huracan, which still runs it.
    """
    digest = hashlib.sha256()
    for path in sorted(sources_of(source)):
        digest.update(path.read_bytes())
    own = _PACKAGE / "__pycache__"
    places = [own, Path("~/.cache/huracan").expanduser()]
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    for place in [Path(chosen)] if chosen else places:
        folder = place / f"{source.stem}-{digest.hexdigest()[:16]}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            older = place.glob(f"{source.stem}-{'[0-9a-f]' * 16}") if place == own else ()
            for old in older:
                if old != folder:
                    shutil.rmtree(old, ignore_errors=True)
            return folder
    return None


def sources_of(source: Path) -> set[Path]:
    """`source` and every file of Huracan that it imports, directly or not."""
    found: set[Path] = set()
    left = [source]
    while left:
        path = left.pop()
        if path in found:
            continue
        found.add(path)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("huracan."):
                names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
                files = [_PACKAGE.parent / f"{name.replace('.', '/')}.py" for name in names]
                left += [file for file in files if file.is_file()]
    return found
