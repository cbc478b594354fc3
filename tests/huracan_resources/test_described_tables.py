"""Every column that SQL shows is described once, with a unit where it has one, and is there as described.

After a change that is meant, write the generated part of docs/data.md anew:
HURACAN_WRITE_SNAPSHOT=1 pytest <this file>.
"""

import os
import re
from datetime import date
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from huracan.candles.schema import TIME
from huracan.errors import InvalidInput
from huracan.tables import (
    DATE,
    FLAG,
    FLAGS,
    FLOAT,
    FLOATS,
    INTEGER,
    SINGLE,
    SINGLES,
    TEXT,
    TEXTS,
    arrow_schema,
    as_markdown,
)
from huracan_resources.catalogue import catalogue
from huracan_resources.database.database import Database
from huracan_resources.database.tables import replace_partition
from huracan_resources.database_tables import DATABASE_TABLES
from huracan_resources.described_tables import Description, describe_table, described_tables
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.parquet import encode_table
from huracan_resources.lake.store import LocalStore
from huracan_resources.lake.views import LakeViews
from huracan_resources.settings.settings import explain, load_settings

DAY = date(2023, 6, 2)
COLUMNS = [
    (f"{each.name}.{column.name}", column) for each in described_tables().values() for column in each.columns
]

_ARROW = {
    **{"text": TEXT, "jsonb": TEXT, "bool": FLAG, "int8": INTEGER, "float8": FLOAT, "float4": SINGLE},
    **{"date": DATE, "timestamptz": TIME, "_text": TEXTS, "_bool": FLAGS, "_float8": FLOATS},
    **{"_float4": SINGLES, "vector": SINGLES},
}
"""PostgreSQL's types as the lake has them."""
_NO_LONGER_MADE = {"win_analysis": {"luck_probability"}}
"""Columns of the database that only rows of before have."""

_UNITS = {
    r"(^|_)bps(_|$)": {"bps"},
    r"square_sums?$": {"bps^2"},
    r"_usd(_|$)": {"USD"},
    r"_pct$|percentile": {"%"},
    r"^(?!.*_after_).*minutes$": {"minutes"},
    r"(^|_)bars(_|$)": {"bars"},
    r"_days$|days_": {"days"},
    r"win_rate|block_rate|probability": {"0 to 1"},
    r"funding_rate$": {"fraction"},
    r"cosine": {"-1 to 1"},
    r"price$|price_after": {"quote currency"},
    r"^quantity$|volume": {"base currency"},
    r"log_odds$": {"log-odds"},
    r"_volatilities$": {"horizon volatilities", "one-bar volatilities"},
    r"_time$|_at$": {"UTC"},
    r"^day$|_day$": {"UTC day"},
}
"""What a name says of the unit."""


def test_a_column_has_a_meaning_that_is_more_than_its_name() -> None:
    for name, column in COLUMNS:
        words = set(re.findall(r"\w+", column.meaning.lower())) - set(re.findall("[a-z]+", column.name))
        assert words - {"of", "the", "a", "its"}, name
        assert column.meaning == column.meaning.strip() and "\n" not in column.meaning, name


def test_a_setting_that_a_meaning_names_is_one() -> None:
    """And a limit that can be set is named: its default may not be what made the column."""
    settings = {key for key, _, _ in explain(load_settings({}, {}))}
    named = {word for _, column in COLUMNS for word in re.findall(r"\b\w+\.\w+\.\w+\b", column.meaning)}
    assert named <= settings
    for limit in ("hold_threshold_bps", "give_back_share", "give_back_floor_bps"):
        assert f"analysis.exits.{limit}" in named


def test_the_unit_in_a_name_is_the_unit_that_is_declared() -> None:
    for name, column in COLUMNS:
        for pattern, units in _UNITS.items():
            if not name.startswith("features.") and re.search(pattern, column.name):
                assert column.unit in units, name
        if column.unit in ("bps", "USD", "minutes"):
            assert column.unit.lower() in column.name, name


def test_a_feature_in_bps_says_so() -> None:
    units = {column.name: column.unit for column in described_tables()["features"].columns}
    assert all((unit == "bps") == name.endswith("_bps") for name, unit in units.items())


def test_times_and_days_are_utc_and_text_is_no_number() -> None:
    expected = {TIME: {"UTC"}, DATE: {"UTC day"}, TEXT: {"", "JSON"}, FLAG: {""}}
    for name, column in COLUMNS:
        assert column.unit in expected.get(column.type, {column.unit} - {"UTC", "UTC day", "JSON"}), name


def test_no_column_of_a_table_is_there_twice() -> None:
    assert len({name for name, _ in COLUMNS}) == len(COLUMNS) > 500


def _in_database() -> dict[str, Description]:
    return {name: each for name, each in described_tables().items() if "database" in each.places}


def _columns(connection: psycopg.Connection) -> dict[str, dict[str, pa.DataType]]:
    """Table of the database -> column -> type, as the migrations made them."""
    rows = connection.execute(
        "SELECT table_name, column_name, udt_name FROM information_schema.columns "
        "WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"
    ).fetchall()
    found: dict[str, dict[str, pa.DataType]] = {}
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = _ARROW[kind]
    return found


def test_the_database_has_the_tables_that_are_described_with_just_their_columns(database: Database) -> None:
    with database.connect() as connection:
        found = _columns(connection)
    assert set(found) == set(_in_database())
    for name, described in _in_database().items():
        there = {
            column: kind
            for column, kind in found[name].items()
            if column not in _NO_LONGER_MADE.get(name, ())
        }
        assert there == {column.name: column.type for column in described.columns}, name
        if name in DATABASE_TABLES:
            assert list(there) == [column.name for column in described.columns]


@pytest.mark.parametrize("name", [name for name in _in_database() if name not in DATABASE_TABLES])
def test_the_database_takes_a_day_without_rows(database: Database, name: str) -> None:
    empty = arrow_schema(catalogue()[name].table.columns).empty_table()
    with database.connect() as connection:
        assert replace_partition(connection, name, DAY, empty) == 0
        connection.rollback()


def test_a_view_has_the_columns_that_are_described_also_those_that_its_days_lack(tmp_path: Path) -> None:
    lake = Lake(LocalStore(tmp_path))
    files: dict[str, dict[str, bytes]] = {}
    for entry in catalogue().values():
        first = arrow_schema(entry.table.columns[:2]).empty_table()
        files.setdefault(entry.asset, {})[f"{entry.key}.parquet"] = encode_table(first)
    for asset, tables in files.items():
        lake.write(asset, DAY, tables)
    with LakeViews(lake) as views:
        for name, described in described_tables().items():
            if "lake" in described.places:
                found = views.query(f"SELECT * FROM {name}").schema
                assert set(found.names) == {column.name for column in described.columns}, name


def test_an_unknown_table_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidInput, match=r"no table 'shadow_trade'.*Did you mean shadow_trades"):
        describe_table("shadow_trade")
    assert describe_table("TRADES").name == "trades"


BEGIN, END = "<!-- what follows is generated, and held by a test -->", "<!-- end of what is generated -->"
DOCUMENT = Path(__file__).parents[2] / "docs" / "data.md"


def _section(described: Description) -> str:
    made = f"Made by the asset `{described.asset}`, table `{described.key}`; in" if described.asset else "In"
    facts = f"{made} the {' and the '.join(described.places)}; kept {described.kept} by default."
    return f"### `{described.name}`\n\n{facts}\n\n{as_markdown(described.columns)}\n"


def test_the_document_tells_of_every_column() -> None:
    text = DOCUMENT.read_text()
    before, generated, after = re.split(f"{BEGIN}\n|\n{END}", text)
    wanted = "\n".join(_section(described) for described in described_tables().values())
    if os.environ.get("HURACAN_WRITE_SNAPSHOT"):
        DOCUMENT.write_text(f"{before}{BEGIN}\n{wanted}\n{END}{after}")
        generated = wanted
    assert generated == wanted
