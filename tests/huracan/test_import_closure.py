"""What a module reaches by its imports, and that a change of what it says is never missed."""

import ast
import os
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from huracan import import_closure
from huracan.errors import InvalidInput
from huracan.import_closure import closure, digest_of, save_parsed, source_of
from huracan_assets.code_version import reached_by
from huracan_assets.registry import stages

Write = Callable[[str, str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a module of the package `lab` that lies on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))
    import_closure._file_of.cache_clear()
    import_closure._folders_of.cache_clear()

    def write(name: str, text: str) -> None:
        path = tmp_path.joinpath(*name.split("."))
        file = path / "__init__.py" if name.count(".") == 0 else path.with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
        import_closure._file_of.cache_clear()

    write("lab", "")
    return write


def _reached(name: str) -> set[str]:
    return {module.name for module in closure(name) if module.name.startswith("lab.")}


def test_late_imports_count_and_those_of_a_type_checker_do_not(write: Write) -> None:
    write(
        "lab.body",
        """
        from typing import TYPE_CHECKING
        from lab import named
        import lab.whole
        if TYPE_CHECKING:
            from lab.typed import Shape
        def run():
            from lab.late import work
            return work
        """,
    )
    for name in ("named", "whole", "late", "typed", "unused"):
        write(f"lab.{name}", "from lab.deep import depth" if name == "late" else "")
    write("lab.deep", "depth = 1")
    assert _reached("lab.body") == {"lab.body", "lab.named", "lab.whole", "lab.late", "lab.deep"}


def test_relative_imports_count(write: Write) -> None:
    write("lab", "from . import settings")
    write("lab.settings", "LIMIT = 3")
    write("lab.inner.body", "from .near import work\nfrom .. import above, LIMIT\nfrom ..far import more")
    for name in ("inner.__init__", "inner.near", "above", "far", "unused"):
        write(f"lab.{name}", "from . import deep" if name == "inner.__init__" else "")
    write("lab.inner.deep", "depth = 1")
    inner = {f"lab.inner{name}" for name in ("", ".body", ".near", ".deep")}
    assert _reached("lab.inner.body") == {*inner, "lab.settings", "lab.above", "lab.far"}


def test_a_registered_package_is_followed_into_every_place_that_it_lies_in(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, file in (("here", "other/one.py"), ("there", "gates/late.py"), ("there", "shared.py")):
        path = tmp_path / place / "spread_lab" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("from spread_lab.shared import LIMIT" if path.stem == "late" else "LIMIT = 3")
    for place in ("there", "here"):
        monkeypatch.syspath_prepend(str(tmp_path / place))
    import_closure._folders_of.cache_clear()
    write("lab.body", "GATES = Registry('lab.gates', 'spread_lab.gates')")
    reached = {module.name for module in closure("lab.body")}
    assert {"spread_lab.gates.late", "spread_lab.shared"} <= reached


def test_the_package_of_a_module_runs_too(write: Write) -> None:
    write("lab", "from lab.settings import LIMIT")
    write("lab.settings", "LIMIT = 3")
    write("lab.body", "x = 1")
    assert _reached("lab.body") == {"lab.body", "lab.settings"}


@pytest.mark.parametrize(
    ("changed", "is_same"),
    [
        (
            '"""Other words."""\n\n\n# comment\ndef run(x):\n    """Nobody asks."""\n    return x + 1\n',
            True,
        ),
        ("def run(x):\n    return (x + 1)\n", True),
        ("def run(x):\n    return x + 2\n", False),
        ("def run(x):\n    return x + 1.0\n", False),
        ("def run(y):\n    return y + 1\n", False),
        ("def run(x: int):\n    return x + 1\n", False),
        ("LIMIT = 'text'\ndef run(x):\n    return x + 1\n", False),
    ],
)
def test_a_digest_follows_what_is_done_and_not_how_it_is_told(
    write: Write, changed: str, is_same: bool
) -> None:
    write("lab.body", 'def run(x):\n    """Adds one."""\n    return x + 1\n')
    before = digest_of(closure("lab.body"))
    write("lab.body", changed)
    assert (digest_of(closure("lab.body")) == before) is is_same


def test_a_change_deep_inside_is_seen_although_time_and_size_of_the_file_stay(
    write: Write, tmp_path: Path
) -> None:
    write("lab.body", "from lab.deep import depth")
    write("lab.deep", "depth = 1")
    before = digest_of(closure("lab.body"))
    file = tmp_path / "lab" / "deep.py"
    status = file.stat()
    write("lab.deep", "depth = 2")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert file.stat().st_mtime_ns == status.st_mtime_ns and file.stat().st_size == status.st_size
    assert digest_of(closure("lab.body")) != before


def test_what_was_parsed_is_kept_for_the_next_process_and_a_damaged_file_counts_as_none(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_closure, "PACKAGE", tmp_path / "kept")
    monkeypatch.setattr(import_closure, "_parsed", set())
    import_closure._cache.cache_clear()
    write("lab.body", "x = 1")
    said = source_of(tmp_path / "lab" / "body.py")
    save_parsed()
    (kept,) = (tmp_path / "kept").rglob("*.json")
    monkeypatch.setattr(import_closure, "_parse", lambda content: pytest.fail("it was parsed before"))
    import_closure._cache.cache_clear()
    assert source_of(tmp_path / "lab" / "body.py") == said
    monkeypatch.undo()
    monkeypatch.setattr(import_closure, "PACKAGE", tmp_path / "kept")
    kept.write_text("{")
    import_closure._cache.cache_clear()
    assert source_of(tmp_path / "lab" / "body.py") == said
    import_closure._cache.cache_clear()


def test_what_another_version_of_python_writes_of_nothing_does_not_count() -> None:
    text = "@named\ndef run(x, *, y=None, **more):\n    return {**more, 'x': None}\n\nclass Held:\n    pass\n"
    tree = ast.parse(text)
    before = import_closure.written(tree)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):  # as 3.12 adds `type_params`
            node._fields = (*node._fields, "further")
            node.further = []  # type: ignore[attr-defined]
    assert "further=[]" in ast.dump(tree)
    assert import_closure.written(tree) == before
    assert import_closure.written(ast.parse(text.replace("y=None", "y"))) != before
    assert import_closure.written(ast.parse(text.replace("'x': None", "'x': 0"))) != before


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ('x = Column("a", FLOAT, "in other words", "USD")', False),
        ('x = Column("a", FLOAT, f"of {y.meaning}")', False),
        ('x = Column("b", FLOAT, "net", "bps")', True),
        ('x = Column("a", INTEGER, "net", "bps")', True),
        ('x = Row("a", FLOAT, "in other words", "bps")', True),
    ],
)
def test_what_a_column_means_does_not_count_and_its_name_and_type_do(
    write: Write, line: str, counts: bool
) -> None:
    write("lab.body", 'x = Column("a", FLOAT, "net", "bps")')
    before = digest_of(closure("lab.body"))
    write("lab.body", line)
    assert (digest_of(closure("lab.body")) != before) == counts


def test_a_module_without_a_source_has_no_version() -> None:
    with pytest.raises(InvalidInput, match=r"The source of lab\.nowhere was not found"):
        closure("lab.nowhere")


def test_nothing_that_decides_content_reads_its_own_text() -> None:
    """Docstrings, comments and what columns mean may be left out of a digest: no code asks for them."""
    asked = {"__doc__", "getsource", "getdoc", "getcomments", "findsource", "getsourcelines", "meaning"}
    for module in {each for stage in stages() for each in reached_by(stage.body.__module__)}:
        found = asked & set(_names(module.file))
        assert found <= ({"meaning"} if module.name == "huracan.tables" else set()), module.name


def _names(file: Path) -> list[str]:
    tree = import_closure.without_words(ast.parse(file.read_text()))
    nodes = list(ast.walk(tree))
    attributes = [node.attr for node in nodes if isinstance(node, ast.Attribute)]
    return attributes + [node.id for node in nodes if isinstance(node, ast.Name)]
