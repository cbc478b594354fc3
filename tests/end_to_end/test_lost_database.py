"""The database of a home is lost and its lake is not: the next night is as it would have been, and a backfill
brings the rows back."""

import json
import shutil
from datetime import timedelta

import pytest
from psycopg import sql

from huracan_assets.registry import assets_by_job
from tests.end_to_end.command import DAY, Answer, Home
from tests.end_to_end.conftest import MakeHome
from tests.end_to_end.night import Night

NEXT = DAY + timedelta(days=1)
_TABLES = (
    "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'day'"
)
NOT_OF_THE_LAKE = {"incident", "trial_ledger", "retention_report"}
"""Kept by no partition."""


@pytest.fixture(scope="module")
def bereft(make_home: MakeHome, after_first_night: Night) -> Home:
    """The home after its first night, without its database."""
    made = make_home()
    for folder in ("lake", "brains"):
        shutil.copytree(after_first_night.left / folder, made.path / folder)
    return made


def _rows(home: Home) -> dict[str, int]:
    with home.database.connect() as connection:
        tables = {row[0] for row in connection.execute(_TABLES.encode()).fetchall()} - NOT_OF_THE_LAKE
        count = sql.SQL("SELECT count(*) FROM {} WHERE day IN (%s, %s)")
        return {
            table: connection.execute(count.format(sql.Identifier(table)), (DAY, NEXT)).fetchone()[0]
            for table in sorted(tables)
        }


def test_the_night_after_the_loss_finds_the_trades_that_it_would_have_found(
    bereft: Home, second_night: Answer
) -> None:
    answer = bereft.call(
        "nightly", "--date", NEXT.isoformat(), "--json", "--set", "promotion.minimum_trades=1000000"
    )
    assert answer.code == 0, answer.out + answer.err
    for asset in ("win_analysis", "loss_analysis", *assets_by_job()["trade"]):
        assert answer.hashes[asset] == second_night.hashes[asset], asset


def test_a_backfill_loads_every_row_of_the_lake_again_and_makes_nothing_anew(
    bereft: Home, home: Home, second_night: Answer
) -> None:
    before = bereft.partitions()
    words = ("backfill", "--from", DAY.isoformat(), "--to", DAY.isoformat(), "--jobs", "all", "--json")
    # Other settings make no verdict anew, and the brain is registered all the same.
    words += ("--set", "promotion.minimum_trades=1000000")
    answer = bereft.call(*words)
    assert answer.code == 0, answer.out + answer.err
    assert json.loads(answer.out)["runs"] == 2  # Of the market and of the learner the database has no rows.
    assert _rows(bereft) == _rows(home)
    assert bereft.partitions().keys() == before.keys()
    assert json.loads(bereft.call(*words).out)["runs"] == 0
