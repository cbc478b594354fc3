"""A night that was run once, for many tests to look at."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from huracan_resources.database.embedded_postgres import embedded_url
from tests.end_to_end.command import Answer, Home
from tests.made_once import copy_folder, empty_home


@dataclass(frozen=True)
class Night:
    """What a night answered, and the home as it left it with its server stopped. Nobody changes it."""

    folder: Path

    @classmethod
    def run(cls, home: Home, folder: Path, *words: str) -> None:
        """`huracan nightly WORDS` in `home`, kept in `folder`."""
        embedded_url(home.path)  # Held by this process: not one server for every command.
        answer = home.run("nightly", *words, "--json")
        assert answer.code == 0, answer.out + answer.err
        home.stop()
        (folder / "home").mkdir()
        copy_folder(home.path, folder / "home")
        (folder / "answer.json").write_text(json.dumps({"home": str(home.path), **asdict(answer)}))

    @property
    def left(self) -> Path:
        """The home itself: to be read and copied."""
        return self.folder / "home"

    @property
    def answer(self) -> Answer:
        """Its paths are those below `left`."""
        told = json.loads((self.folder / "answer.json").read_text())
        return Answer(told["code"], told["out"].replace(told["home"], str(self.left)), told["err"])

    @contextmanager
    def copy(self) -> Iterator[Path]:
        """A home like it, with a server of its own that this process holds."""
        with empty_home() as path:
            copy_folder(self.left, path)
            embedded_url(path)
            yield path
