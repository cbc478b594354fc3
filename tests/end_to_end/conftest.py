"""Homes that the end-to-end tests share: a night is run once and looked at by many tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from huracan.brain.signature import generate_key_pair
from tests.end_to_end.command import DAY, SMALL_NIGHT, Answer, Home
from tests.end_to_end.night import Night
from tests.made_once import MadeOnce, NewHome

MakeHome = Callable[..., Home]
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The file that makes both nights comes first of these, the others that look at one come last: meanwhile
    the other worker has something to do."""
    indices = [index for index, item in enumerate(items) if item.path.parent == _HERE]
    ours = [items[index] for index in indices]
    makers = [item.path for item in ours if "after_second_night" in _fixtures(item)]
    lookers = {item.path for item in ours if "after_first_night" in _fixtures(item)}
    ours.sort(key=lambda item: (item.path not in makers[:1], item.path in lookers))
    for index, item in zip(indices, ours, strict=True):
        items[index] = item


def _fixtures(item: pytest.Item) -> list[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else []


@pytest.fixture(scope="session")
def signing_key(made_once: MadeOnce) -> str:
    def make(folder: Path) -> None:
        (folder / "signing.key").write_text(generate_key_pair()[0])

    return (made_once("signing-key", make) / "signing.key").read_text()


@pytest.fixture(scope="module")
def make_home(signing_key: str, new_home: NewHome) -> Iterator[MakeHome]:
    """Makes homes for the small night, gone after the file: `make_home(X=value)` sets further variables,
    `make_home(night)` is a copy of what that night left, to be changed."""
    with ExitStack() as stack:

        def make(night: Night | None = None, **variables: str) -> Home:
            path = stack.enter_context(new_home() if night is None else night.copy())
            return _small(path, signing_key, **variables)

        yield make


def _small(path: Path, signing_key: str, **variables: str) -> Home:
    return Home(path, {**SMALL_NIGHT, "HURACAN_SIGNING_KEY": signing_key, **variables})


@pytest.fixture(scope="session")
def after_first_night(made_once: MadeOnce, signing_key: str, new_home: NewHome) -> Night:
    """`huracan nightly` in a home without any day."""

    def make(folder: Path) -> None:
        with new_home() as path:
            Night.run(_small(path, signing_key), folder, "--date", DAY.isoformat())

    return Night(made_once("first-night", make))


@pytest.fixture(scope="session")
def after_second_night(made_once: MadeOnce, signing_key: str, after_first_night: Night) -> Night:
    """The night after, with a bar for promotion that no brain can take."""
    words = ("--date", (DAY + timedelta(days=1)).isoformat(), "--set", "promotion.minimum_trades=1000000")

    def make(folder: Path) -> None:
        with after_first_night.copy() as path:
            Night.run(_small(path, signing_key), folder, *words)

    return Night(made_once("second-night", make))


@pytest.fixture(scope="session")
def home(signing_key: str, after_second_night: Night) -> Iterator[Home]:
    """The home after both nights, for tests that only look."""
    with after_second_night.copy() as path:
        yield _small(path, signing_key)


@pytest.fixture(scope="session")
def first_night(after_first_night: Night) -> Answer:
    return after_first_night.answer


@pytest.fixture(scope="session")
def second_night(after_second_night: Night) -> Answer:
    return after_second_night.answer
