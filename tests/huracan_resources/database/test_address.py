"""Addresses of a PostgreSQL server: what is understood, what is refused, and that nothing secret is shown."""

import traceback
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy.engine import make_url

from huracan.errors import HuracanError, InvalidInput
from huracan_resources.database.address import dagster_url, plain_url, shown_url
from huracan_resources.database.database import Database

SECRET = "hunter2"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+psycopg"])
def test_every_spelling_of_a_url_is_understood(scheme: str) -> None:
    url = f" {scheme}://u:p@h:5/d?sslmode=require\n"  # as a file of variables may end it
    assert plain_url(url) == "postgresql://u:p@h:5/d?sslmode=require"


@pytest.mark.parametrize("url", ["mysql://u:hunter2@h/d", "hunter2", "host=h password=hunter2"])
def test_another_database_is_refused_without_showing_its_url(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        plain_url(url)
    assert SECRET not in str(caught.value)


def test_the_url_for_dagster_keeps_socket_and_options() -> None:
    url = dagster_url("postgresql://postgres:@/postgres?host=/tmp/a%20b&options=-cwork_mem%3D4MB")
    assert url.startswith("postgresql+psycopg2://postgres@/postgres?")
    query = parse_qs(urlsplit(url).query)
    assert query["host"] == ["/tmp/a b"]
    assert query["options"] == ["-cwork_mem=4MB -csearch_path=dagster -csynchronous_commit=off"]


@pytest.mark.parametrize("password", ["p#w", "p?w", "[pw", "p;w", "p%2Fw%40x%25", "p:w", "pä", "p&w=1"])
def test_dagster_logs_in_with_the_password_that_we_log_in_with(password: str) -> None:
    url = make_url(dagster_url(f"postgresql://u:{password}@h:5/d"))
    assert url.password == password.replace("%2F", "/").replace("%40", "@").replace("%25", "%")
    assert (url.username, url.database, url.query["host"], url.query["port"]) == ("u", "d", "h", "5")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:p%40w@h/d?password=x&sslmode=allow", "postgresql://u:***@h/d"),
        ("postgresql://u:p@h:5/d?sslpassword=x&sslkey=k", "postgresql://u:***@h:5/d"),
        ("postgresql://u:p#w@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:p?w@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:[pw@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:p@[::1]:5,h2:6/d", "postgresql://u:***@[::1]:5,h2:6/d"),
        ("postgresql://h/d?user=u&password=p", "postgresql://u:***@h/d"),
    ],
)
def test_a_shown_url_has_user_hosts_and_name_and_nothing_else(url: str, shown: str) -> None:
    assert shown_url(plain_url(url)) == shown


TOLD = [
    ("postgresql://u:hunter2/w@127.0.0.1:1/d", "percent-encoding"),
    ("postgresql://u:12/hunter2@127.0.0.1:1/d", "percent-encoding"),
    ("postgresql://u:hunter2@w@127.0.0.1:1/d", "percent-encoding"),
    ("postgresql://u:hunter2%w@127.0.0.1:1/d", "percent-encoding"),
    ("postgresql://u:hunter2 w@127.0.0.1:1/d", "percent-encoding"),
    ("postgresql://u:hunter2@127.0.0.1:1/d?schema=public", "the parameter schema"),
    ("postgresql://u:hunter2@127.0.0.1:1/d?pgbouncer=true", "the parameter pgbouncer"),
    ("postgresql://u@127.0.0.1:1/d?hunter2=x", "a parameter that"),
    ("postgresql://u:hunter2@127.0.0.1:1/d?sslmode=hunter2", "disable, allow, prefer"),
    ("postgresql://u:hunter2@127.0.0.1:99999/d", "port"),
    ("postgresql://u:hunter2@127.0.0.1:hunter2/d", "port"),
    ("postgresql://u:hunter2@127.0.0.1:1/d?connect_timeout=hunter2", "connect_timeout"),
    ("postgresql://u:hunter2@127.0.0.1:1/d?target_session_attrs=hunter2", "target_session_attrs"),
    ("postgresql://u:hunter2@127.0.0.1:1/d?keepalives=hunter2", "keepalives"),
    ("postgresql://u:hunter2#;[@127.0.0.1:1/d?sslpassword=hunter2", "did not answer"),
    ("postgresql://u:%ff@127.0.0.1:1/d", ""),
]


@pytest.mark.parametrize(("url", "part"), TOLD, ids=[url for url, _ in TOLD])
def test_what_is_wrong_with_a_url_is_one_sentence_whose_whole_traceback_holds_no_secret(
    url: str, part: str
) -> None:
    with pytest.raises(HuracanError) as caught:
        Database(Path("/nowhere"), url).migrate()
    told = "".join(traceback.format_exception(caught.value))
    assert SECRET not in told and part in str(caught.value)
    assert caught.value.remedy and "\n" not in str(caught.value)
