"""Homes that the end-to-end tests share: a night is run once and looked at by many tests."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from huracan.brain.signature import generate_key_pair
from huracan_resources.database.embedded_postgres import embedded_url
from tests.end_to_end.command import DAY, SMALL_NIGHT, Answer, Home

MakeHome = Callable[..., Home]


@pytest.fixture(scope="session")
def signing_key() -> str:
    return generate_key_pair()[0]


@pytest.fixture(scope="session")
def make_home(signing_key: str) -> Iterator[MakeHome]:
    """Makes fresh homes for the small night; `make_home(X=value)` sets further variables."""
    made: list[Home] = []

    def make(**variables: str) -> Home:
        # Not below pytest's own directory: its path is too long for a socket, and closed to other accounts.
        path = Path(tempfile.mkdtemp(prefix="huracan-e2e-"))
        made.append(Home(path, {**SMALL_NIGHT, "HURACAN_SIGNING_KEY": signing_key, **variables}))
        return made[-1]

    yield make
    for home in made:
        home.stop()
        shutil.rmtree(home.path)


@pytest.fixture(scope="session")
def home(make_home: MakeHome) -> Home:
    """The home of the first and the second night; this process holds its database open between them."""
    made = make_home()
    embedded_url(made.path)
    return made


@pytest.fixture(scope="session")
def first_night(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """`huracan nightly` in an empty home."""
    answer = home.run("nightly", "--date", DAY.isoformat(), "--json")
    assert answer.code == 0, answer.out + answer.err
    return answer


@pytest.fixture(scope="session")
def lake_of_first_night(home: Home, first_night: Answer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the lake as the first night left it (or a later test remade it: the contents are equal)."""
    copy = tmp_path_factory.mktemp("first-night") / "lake"
    later = {f"day={(DAY + timedelta(days=offset)).isoformat()}" for offset in range(1, 8)}
    shutil.copytree(home.path / "lake", copy, ignore=lambda _, names: later & set(names))
    return copy


@pytest.fixture(scope="session")
def second_night(home: Home, first_night: Answer) -> Answer:
    """The night after, with a bar for promotion that no brain can take."""
    day = (DAY + timedelta(days=1)).isoformat()
    answer = home.run("nightly", "--date", day, "--json", "--set", "promotion.minimum_trades=1000000")
    assert answer.code == 0, answer.out + answer.err
    return answer
