"""The embedded server starts wherever the home lies, changes nothing above it, and says what hinders it."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from huracan.errors import HuracanError, InvalidInput
from huracan_resources.database import cluster
from huracan_resources.database.database import Database
from huracan_resources.database.embedded_postgres import embedded_url, stop_embedded
from tests.made_once import NewHome, copy_folder

pytestmark = pytest.mark.server

PLACES = [
    "with spaces",
    "größe-日本",
    'it\'s $(touch made); "quoted" `x`',
    "a,comma",
    "percent%20and#hash?",
    "x" * 200,
]


@pytest.fixture
def above() -> Iterator[Path]:
    """A folder that is closed to every other account, as root's own often is."""
    with tempfile.TemporaryDirectory(prefix="huracan-test-") as name:
        yield Path(name)
        for home in Path(name).iterdir():
            stop_embedded(home)


@pytest.fixture
def home(new_home: NewHome, above: Path) -> Path:
    """One that was used and closed."""
    with new_home() as made:
        copy_folder(made, above / "home")
    return above / "home"


def _modes(folder: Path) -> dict[Path, int]:
    return {each: stat.S_IMODE(each.stat().st_mode) for each in (folder, *folder.parents)}


@pytest.mark.parametrize("place", PLACES)
def test_a_server_starts_in_any_path_and_opens_no_folder_to_others(above: Path, place: str) -> None:
    before = _modes(above)
    with Database(above / place).connect() as connection:
        assert connection.execute("SELECT count(*) > 0 FROM schema_migration").fetchone() == (True,)
    assert Database(above / place).query("SELECT 'ä'")[1] == [("ä",)]
    assert _modes(above) == before
    assert _modes(above / place)[above / place] == 0o700
    assert _modes(above / place / "postgres")[above / place / "postgres"] == 0o700
    assert not Path("made").exists() and [each.name for each in above.iterdir()] == [place]


def test_two_homes_of_long_paths_have_sockets_of_their_own_and_leave_no_link(above: Path) -> None:
    # Numbers of folders are those of their file system: two may be the same, as before and after a move.
    first, second = above / ("x" * 100), above / ("y" * 100)
    first.mkdir()
    (first / "postmaster.pid").write_text("1\n/data\n0\n5432\n.\n")

    def link_to(folder: Path) -> Path:
        return Path(str(psycopg.conninfo.conninfo_to_dict(cluster.cluster_url(folder))["host"]))

    link_to_first = link_to(first)
    first.rename(second)
    links = [link_to_first, link_to(second)]
    assert [link.readlink() for link in links] == [first, second]
    for folder in (first, second):
        assert not cluster.stop_cluster(folder)
    assert not any(link.is_symlink() for link in links)


def test_a_locale_that_is_not_installed_hinders_neither_the_making_nor_the_start(above: Path) -> None:
    ask = (
        "import sys; from pathlib import Path; from huracan_resources.database.database import Database\n"
        "question = \"SELECT x FROM (VALUES ('b'), ('B'), ('ä'), ('a')) AS t (x) ORDER BY x\"\n"
        "print(Database(Path(sys.argv[1])).query(question))"
    )
    environ = os.environ | {
        "LC_ALL": "xx_YY.UTF-8",
        "LANG": "xx_YY.UTF-8",
        "PGPORT": "99",
        "PGDATA": "/nowhere",
    }
    for _ in range(2):
        asked = subprocess.run(
            [sys.executable, "-X", "utf8", "-c", ask, str(above / "home")],
            env=environ,
            capture_output=True,
            text=True,
        )
        assert asked.stdout.strip() == "(['x'], [('B',), ('a',), ('b',), ('ä',)])", asked.stderr


def test_a_copy_of_a_home_starts_beside_the_first_while_that_runs(home: Path, above: Path) -> None:
    with psycopg.connect(embedded_url(home)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS x")
    copy_folder(home, above / "copy")
    with psycopg.connect(embedded_url(above / "copy")) as connection:
        assert connection.execute("SELECT x FROM kept").fetchone() == (7,)
        connection.execute("DELETE FROM kept")
    with psycopg.connect(embedded_url(home)) as connection:
        assert connection.execute("SELECT x FROM kept").fetchone() == (7,)


def _refusal(home: Path) -> HuracanError:
    start = time.monotonic()
    with pytest.raises(HuracanError) as caught:
        embedded_url(home)
    assert time.monotonic() - start < 10 and "\n" not in str(caught.value)
    return caught.value


def _follow(remedy: str) -> None:
    subprocess.run(["sh", "-c", remedy.removeprefix("Run: ")], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a file to somebody else")
@pytest.mark.parametrize("whose", ["all", "a file"])
def test_a_copy_that_belongs_to_another_account_is_known_and_mended_by_the_command_given(
    home: Path, whose: str
) -> None:
    given = [home / "postgres", *(home / "postgres").rglob("*")]
    for each in given if whose == "all" else [home / "postgres" / "global" / "pg_control"]:
        os.chown(each, 0, 0)
    refused = _refusal(home)
    assert isinstance(refused, InvalidInput) and "chown -R" in refused.remedy
    assert ("belongs to another account" if whose == "all" else "Permission denied") in refused.what
    _follow(refused.remedy)
    assert embedded_url(home)


def test_a_copy_that_is_open_to_others_is_known_and_mended_by_the_command_given(home: Path) -> None:
    for each in [home / "postgres", *(home / "postgres").rglob("*")]:
        each.chmod(0o755)
    refused = _refusal(home)
    assert isinstance(refused, InvalidInput) and "open to other accounts" in refused.what
    _follow(refused.remedy)
    assert embedded_url(home)


def test_a_cluster_of_another_version_or_a_wrong_line_is_said_in_postgresqls_words(home: Path) -> None:
    conf = home / "postgres" / "postgresql.conf"
    right = conf.read_text()
    conf.write_text(right + "max_connections = many\n")
    assert "max_connections" in _refusal(home).what
    conf.write_text(right)
    (home / "postgres" / "PG_VERSION").write_text("16\n")
    assert "initialized by PostgreSQL version 16" in _refusal(home).what


def test_a_folder_that_holds_something_else_is_not_emptied(above: Path) -> None:
    (above / "home" / "postgres").mkdir(parents=True)
    (above / "home" / "postgres" / "mine").write_text("")
    refused = _refusal(above / "home")
    assert "no PostgreSQL" in refused.what and (above / "home" / "postgres" / "mine").exists()


def test_a_home_of_an_older_version_is_closed_to_others_once(home: Path) -> None:
    (home / "pgserver.lock").touch()  # which that version left
    home.chmod(0o755)
    embedded_url(home)
    assert _modes(home)[home] == 0o700
    stop_embedded(home)
    home.chmod(0o750)
    embedded_url(home)
    assert _modes(home)[home] == 0o750


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another account")
def test_programs_that_lie_in_a_closed_folder_are_copied_and_the_folder_stays_closed(
    above: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="huracan-test-") as name:
        Path(name).chmod(0o755)
        monkeypatch.setattr(cluster, "_SHARED", Path(name) / "shared")
        monkeypatch.setattr(cluster, "_is_open", lambda program: False)
        embedded_url(above / "home")
        pid = int((above / "home" / "postgres" / "postmaster.pid").read_text().split()[0])
        assert Path(f"/proc/{pid}/exe").readlink().is_relative_to(name)
        stop_embedded(above / "home")


@pytest.mark.skipif(os.geteuid() != 0, reason="only for root is a disk mounted")
def test_a_full_disk_is_said_as_such(home: Path, above: Path) -> None:
    small = above / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no disk may be mounted")
    try:
        refused = _refusal(small)
        assert "disk is full" in refused.what and "Free some space" in refused.remedy
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=True)  # a lock is held there
        shutil.rmtree(small)
