"""The house stays readable: rooms that can be overlooked, files that can be read in one sitting."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("huracan", "huracan_resources", "huracan_assets", "huracan_sensors", "huracan_console")
MOST_FILES, MOST_LINES, MOST_PARAMETERS = 25, 400, 6
MANY_PARAMETERS = {"stage", "one_output_backward"}
WHERE_ELSE = re.compile(r"\b(?:belongs?|decided|is|made|read|told) in `([a-z_]+)`")
"""How the docstring of a file names the one in which something else is done."""
SAYS_NOTHING = {"utils", "helpers", "common", "misc", "manager"}


@pytest.mark.parametrize("package", (*PACKAGES, "tests", "benchmarks"))
def test_no_room_has_too_many_files(package: str) -> None:
    folders = [file.parent for file in _files(package)]
    for folder in set(folders):
        held = folders.count(folder)
        assert held <= MOST_FILES, f"{folder} holds {held} files: give them rooms"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_file_has_too_many_lines_or_a_name_that_says_nothing(package: str) -> None:
    for file in _files(package):
        assert file.read_text().count("\n") <= MOST_LINES, f"{file} is long: split it by idea"
        assert file.stem not in SAYS_NOTHING, file


def test_a_file_that_another_names_is_there() -> None:
    files = [file for package in PACKAGES for file in _files(package)]
    known = {file.stem for file in files} | {file.parent.name for file in files}
    for file in files:
        said = " ".join((ast.get_docstring(ast.parse(file.read_text())) or "").split())
        gone = set(WHERE_ELSE.findall(said)) - known
        assert not gone, f"{file} names {gone}"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_function_takes_more_parameters_than_one_can_hold_in_mind(package: str) -> None:
    """But for the options of a command, the declaration of a stage and what is pasted into a hot loop."""
    for file in _files(package):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.FunctionDef) or node.name in MANY_PARAMETERS:
                continue
            decorated = {ast.unparse(each) for each in node.decorator_list}
            taken = [each.arg for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            count = len(set(taken) - {"self", "cls"})
            assert count <= MOST_PARAMETERS or "shared_options" in decorated, (
                f"{file}: {node.name} takes {count}"
            )


def _files(package: str) -> list[Path]:
    found = [file for file in (ROOT / package).rglob("*.py") if "__pycache__" not in file.parts]
    assert found
    return found
