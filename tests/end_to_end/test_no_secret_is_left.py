"""Nights that fail with a secret in every place that can hold one: nothing they leave or say shows any."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from huracan_resources.database.database import Database
from huracan_resources.database.embedded_postgres import embedded_url
from tests.end_to_end.command import FIRST_DAY, Answer, Home
from tests.end_to_end.conftest import MakeHome

FIRST = FIRST_DAY.isoformat()
BACKFILL = ("backfill", "--from", FIRST, "--to", FIRST)
MARK = "pl4nted"
"""In every secret; each is whole and long enough to be one."""

PLANTED = {
    "HURACAN_ALERT_URLS": f"json://bob:{MARK}-alert,word@127.0.0.1:1/{MARK}-path?to={MARK}-query",
    "HURACAN_EXCHANGE_API_KEY": f"{MARK}-exchange-key",
    "HURACAN_EXCHANGE_SECRET": f"{MARK}-exchange-secret",
    "AWS_ACCESS_KEY_ID": "AKIAKNOWN",
    "AWS_SECRET_ACCESS_KEY": f"{MARK}-aws-secret",
    "AWS_SESSION_TOKEN": f"{MARK}-aws-token",
    "AWS_EC2_METADATA_DISABLED": "true",
}
KEY = f"{MARK}-signing-key"
DATABASE = f"postgresql://me:{MARK}-db/pa?ss@127.0.0.1:1/x?sslpassword={MARK}-tls"
HOW = [(), ("--json",), ("--verbose",), ("--json", "--verbose")]


@pytest.fixture(scope="module")
def home(make_home: MakeHome) -> Home:
    made = make_home(**PLANTED)
    embedded_url(made.path)
    return made


@pytest.fixture(scope="module")
def said(home: Home, tmp_path_factory: pytest.TempPathFactory) -> list[Answer]:
    """What the failing commands say, in every way of saying it."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "binance_BTC-USDT_1m.parquet").write_bytes(b"PAR1 this is not Parquet PAR1")
    files = ("--source", f"files:{folder}", "--set", "universe.symbols=BTC/USDT")
    on_line = ("--set", f"source.ccxt.secret={KEY}", "--set", f"signing.private_key={KEY}")
    exchange = ("--source", "ccxt:binance", "--set", f"source.ccxt.base_url=http://u:{MARK}-base@127.0.0.1:1")
    answers = [home.run(*BACKFILL, *files, *on_line, "--verbose"), home.call("alert", "test")]
    for how in HOW:
        answers += [
            home.call(*BACKFILL, *files, *on_line, *how),
            home.call("nightly", "--date", "2025-02-12", *exchange, *how),
            home.call(*BACKFILL, *how, DATABASE_URL=DATABASE),
            home.call(*BACKFILL, *how, HURACAN__STORAGE__LAKE_URL=f"s3://k:{MARK}-key@bucket/lake"),
            home.call(
                "sql",
                *how,
                HURACAN__STORAGE__LAKE_URL="s3://bucket/lake",
                HURACAN__STORAGE__S3_ENDPOINT_URL=f"http://me:{MARK}-s3@127.0.0.1:1",
            ),
            home.call("doctor", *how, HURACAN_ALERT_URLS=f"no {MARK}-url at all"),
            home.call("config", "show", f"signing.private_key={MARK}-unset", *how),
            home.call("config", "show", *how, HURACAN__ALERTS__URLS=f"[*{MARK}-alias]"),
            *(
                home.call("config", "show", "--set", text, *how)
                for text in (
                    f"signing.private_key {MARK}-spaced",
                    f"signing.private_kee={MARK}-misspelt",
                    f"alerts.urls=[json://{MARK}-open",
                    f"database.url=[{MARK}-listed]",
                    f"source.ccxt.secret={{a: {MARK}-mapped}}",
                    f"{MARK}-alone",
                    f"tgram://1:{MARK}-token/x?y=1",
                )
            ),
        ]
    return answers


def _raising(*_: object) -> None:
    cause = OSError(f"connection with {PLANTED['AWS_SECRET_ACCESS_KEY']} was reset")
    raise RuntimeError(f"GET /v3?key={PLANTED['HURACAN_EXCHANGE_API_KEY']} as {KEY}") from cause


@pytest.fixture(scope="module")
def foreign(home: Home) -> list[Answer]:
    """A library that repeats, within a run, what it was given."""
    retries = mock.patch("huracan_assets.wiring._retry_policy", return_value=None)
    with mock.patch("huracan_assets.wiring.run_stage", _raising), retries:
        return [home.call(*BACKFILL, "--set", f"signing.private_key={KEY}", *how) for how in HOW]


def test_every_command_fails_and_none_says_a_secret(said: list[Answer], foreign: list[Answer]) -> None:
    for answer in (*said, *foreign):
        assert answer.code != 0, answer.out + answer.err
        assert MARK not in answer.out + answer.err
    assert [("Stack Trace" in answer.err) for answer in foreign] == ["--verbose" in how for how in HOW]
    assert "RuntimeError: GET /v3?key=*** as ***" in foreign[0].err


def test_config_show_says_none_either(home: Home) -> None:
    for how in HOW:
        shown = home.call("config", "show", "--set", f"signing.private_key={KEY}", *how)
        assert shown.code == 0 and MARK not in shown.out + shown.err


def _rows(database: Database) -> Iterator[str]:
    """Every row of every table, ours and Dagster's: long values are compressed in the files."""
    with database.connect() as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables"
            " WHERE table_schema IN ('public', 'dagster') AND table_type = 'BASE TABLE'"
        ).fetchall()
        for (table,) in tables:
            for (row,) in connection.execute(f"SELECT to_jsonb(t)::text FROM {table} t".encode()):
                yield f"{table}: {row}"


def test_nothing_that_is_left_holds_a_secret(home: Home, said: list[Answer], foreign: list[Answer]) -> None:
    rows = list(_rows(home.database))
    assert sum("GET /v3?key=***" in row for row in rows) >= len(foreign), "the failure itself is kept"
    assert [row[:300] for row in rows if MARK in row] == []
    home.stop()
    found = subprocess.run(
        ["grep", "-rlaF", MARK, str(home.path)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 1 and found.stdout == "", found.stdout
    assert any(Path(home.path).rglob("*.conf")), "there was something to look through"
