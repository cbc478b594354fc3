"""An asset of somebody else's: a file and a migration in an installed package, and everything knows it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.added_package import huracan_beside, python_beside, write_package
from tests.made_once import NewHome

COUNTS = '''
"""The asset `candle_counts`: how many candles of a symbol the day has."""

import pyarrow as pa

from huracan.tables import INTEGER, TEXT, Column, Table
from huracan_assets.jobs import MARKET
from huracan_assets.reads import Read
from huracan_assets.stage import Check, Outcome, stage
from huracan.verdict import Verdict

COLUMNS = (Column("symbol", TEXT, "such as BTC/USDT"), Column("candles", INTEGER, "bars with a price"))


@stage(
    job=MARKET,
    kinds={"postgres"},
    reads=[Read("ohlcv")],
    tables={"data": Table(COLUMNS, keep=30, in_database=True)},
    checks=[Check("has_candles", "Every symbol has a candle.")],
)
def candle_counts(inputs, context):
    """How many candles of a symbol the day has, which a person may want to see before believing it."""
    counted = inputs.table("ohlcv").filter(inputs.table("ohlcv")["close"].is_valid())
    table = counted.group_by("symbol").aggregate([([], "count_all")]).rename_columns(["symbol", "candles"])
    return Outcome(
        tables={"data": table}, verdicts=[Verdict("has_candles", table.num_rows > 0, "Counted.")]
    )
'''
MIGRATION = "CREATE TABLE candle_counts (day date, symbol text, candles bigint, PRIMARY KEY (day, symbol));"
DAY = "2025-02-06"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("beside")
    files = {"candle_counts.py": COUNTS, "migrations/0001_candle_counts.sql": MIGRATION}
    write_package(folder, "added_assets", "huracan.assets", files)
    return folder


@pytest.fixture(scope="module")
def home(new_home: NewHome) -> Iterator[Path]:
    with new_home() as home:
        yield home


def test_the_graph_the_jobs_and_the_settings_know_it(folder: Path) -> None:
    code = """
from huracan_assets.definitions import build_definitions
from huracan_assets.registry import assets_by_job, stages
from huracan_resources.settings.settings import load_settings
(found,) = [each for each in stages() if each.name == "candle_counts"]
assert found.group == "added_assets" and found.code_version != ""
assert assets_by_job()["market"].index("ohlcv") < assets_by_job()["market"].index("candle_counts")
settings = load_settings()
assert settings.retention.lake["candle_counts"] == 30 == settings.retention.database["candle_counts"]
job = build_definitions(settings).resolve_job_def("market")
print(sorted(key.to_user_string() for key in job.asset_layer.executable_asset_keys))
"""
    answer = python_beside(folder, code)
    assert "'candle_counts'" in answer.stdout, answer.stderr


def test_a_day_makes_it_and_sql_the_database_and_the_terminal_show_it(folder: Path, home: Path) -> None:
    variables = {
        "HURACAN_HOME": str(home),
        "HURACAN__UNIVERSE__SYMBOLS": "BTC/USDT",
        "HURACAN__UNIVERSE__TIMEFRAME": "1h",
        "HURACAN__UNIVERSE__FIRST_DAY": DAY,
    }
    statement = "SELECT symbol, candles FROM candle_counts"
    commands = (
        ("backfill", "--from", DAY, "--to", DAY),
        ("sql", "--json", statement),
        ("sql", "--database", "--json", statement),
        ("sql", "--describe", "candle_counts"),
    )
    made, by_lake, by_database, described = huracan_beside(folder, *commands, **variables)
    assert made.code == 0, made.err
    for asked in (by_lake, by_database):
        assert json.loads(asked.out) == [{"symbol": "BTC/USDT", "candles": 24}], asked.err
    assert "bars with a price" in described.out


def test_a_file_of_another_name_than_its_asset_is_refused(tmp_path: Path) -> None:
    write_package(tmp_path, "added_assets", "huracan.assets", {"counts.py": COUNTS})
    answer = python_beside(tmp_path, "from huracan_assets.registry import stages; stages()")
    assert "added_assets.counts declares the asset candle_counts. Name its file" in answer.stderr


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("pattern_nights", "the asset pattern_library"),
        ("brain_registry", "a table of the database alone"),
        ("trades", "the view of all trades"),
    ],
)
def test_a_table_of_a_name_that_is_taken_is_refused(tmp_path: Path, name: str, taken: str) -> None:
    text = COUNTS.replace("keep=30", f"keep=30, name={name!r}").replace("candle_counts", "zone_counts")
    write_package(tmp_path, "zone_assets", "huracan.assets", {"zone_counts.py": text})
    answer = python_beside(tmp_path, "from huracan_resources.catalogue import catalogue; catalogue()")
    assert f"The asset zone_counts calls a table {name}, and so does {taken}." in answer.stderr


def test_a_second_asset_of_a_name_is_refused(tmp_path: Path) -> None:
    text = COUNTS.replace("def candle_counts", "def features")
    write_package(tmp_path, "added_assets", "huracan.assets", {"features.py": text})
    answer = python_beside(tmp_path, "from huracan_assets.registry import stages; stages()")
    assert "both declare features. Rename one of them." in answer.stderr
