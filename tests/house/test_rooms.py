"""The house stays readable: rooms that can be overlooked, files that can be read in one sitting."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("huracan", "huracan_resources", "huracan_assets", "huracan_sensors", "huracan_console")
MOST_FILES, MOST_LINES = 25, 400
SAYS_NOTHING = {"utils", "helpers", "common", "misc", "manager"}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_room_has_too_many_files_and_no_file_too_many_lines(package: str) -> None:
    files = [file for file in (ROOT / package).rglob("*.py") if "__pycache__" not in file.parts]
    assert files
    for folder in {file.parent for file in files}:
        held = [file for file in files if file.parent == folder]
        assert len(held) <= MOST_FILES, f"{folder} holds {len(held)} files: give them rooms"
    for file in files:
        assert file.read_text().count("\n") <= MOST_LINES, f"{file} is long: split it by idea"
        assert file.stem not in SAYS_NOTHING, file
