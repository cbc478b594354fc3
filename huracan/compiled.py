"""How Huracan compiles its inner loops: numba, once per machine, kept on disk. No loop lives here.

numba's own cache looks at the date of a function's file alone. Machine code is kept here under a digest of
that file and of every file of Huracan that it imports: an upgrade can never run yesterday's kernel.
"""

import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba

from huracan.import_closure import PACKAGE, closure, digest_of, save_parsed, writable_folder

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Machine code for `function`, releasing the interpreter's lock; division by zero gives inf, as in NumPy.

    Arithmetic is IEEE to the letter, so the same inputs give the same bits on every thread.
    """
    return _compile(function)


def compiled_inline(function: F) -> F:
    """The same, and asks LLVM to paste it into its callers: for the small steps of a hot loop."""
    return _compile(function, forceinline=True)


def prepared(function: F) -> F:
    """A compiled `function` for one caller, whose arguments are of the same types every time.

    numba looks at the types of all arguments of each call, number by number in a tuple: up to 10 us, in which
    hundreds of lanes are stepped. Here it does so once. Arguments of other types, an array that is not
    contiguous where the first was, would be read as if they were of these.
    """
    if not hasattr(function, "overloads"):  # nothing is compiled: NUMBA_DISABLE_JIT
        return function
    dispatcher: Any = function
    entry: Callable[..., Any] | None = None

    def call(*arguments: Any) -> Any:
        nonlocal entry
        if entry is None:
            told = dispatcher(*arguments)
            types = tuple(numba.typeof(argument) for argument in arguments)  # type: ignore[no-untyped-call]
            entry = dispatcher.overloads[types].entry_point
            return told
        return entry(*arguments)

    return call  # type: ignore[return-value]


def _compile(function: F, **options: Any) -> F:
    folder = _machine_code_folder(function.__module__)
    configuration: Any = numba.config
    before, configuration.CACHE_DIR = configuration.CACHE_DIR, str(folder or "")
    try:
        made: F = numba.njit(cache=folder is not None, nogil=True, error_model="numpy", **options)(function)
    finally:
        configuration.CACHE_DIR = before
    return made


@cache
def _machine_code_folder(module: str) -> Path | None:
    """Where the code of `module` is kept; None where no folder can be written, and for a script or notebook:
    it may import files beside it that nobody follows.

    NUMBA_CACHE_DIR names another place. Older code is deleted beside the package only: elsewhere it may be
    the code of another copy of Huracan, which still runs it.
    """
    if module == "__main__":
        return None
    stem = module.rpartition(".")[2]
    name = f"{stem}-{digest_of(closure(module))}"
    save_parsed()
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        folder = Path(chosen) / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    found = writable_folder(name)
    if found is not None and found.parent == PACKAGE / "__pycache__":
        for old in found.parent.glob(f"{stem}-{'[0-9a-f]' * 16}"):
            if old != found:
                shutil.rmtree(old, ignore_errors=True)
    return found
