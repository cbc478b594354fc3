"""A day's rows are replaced in one transaction and come back as they were."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime

import numpy as np
import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huracan.candles.schema import TIME
from huracan.errors import InvalidInput
from huracan_resources.database.database import Database
from huracan_resources.database.tables import read_days, read_partition, replace_partition

DAY, NEXT = date(2023, 6, 30), date(2023, 7, 1)

SCHEMA = pa.schema(
    [
        *[("name", pa.string()), ("count", pa.int64()), ("value", pa.float64()), ("is_good", pa.bool_())],
        *[("seen_at", TIME), ("born", pa.date32()), ("detail", pa.string())],
        *[
            ("embedding", pa.list_(pa.float32())),
            ("weights", pa.list_(pa.float64())),
            ("tags", pa.list_(pa.string())),
        ],
    ]
)


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    """A connection with the table `sample`, undone at the end."""
    with database.connect() as connection:
        connection.execute(
            "CREATE TABLE sample (name text, count bigint, value float8, is_good boolean, "
            "seen_at timestamptz, born date, detail jsonb, embedding vector(3), weights float8[], "
            "tags text[], day date NOT NULL)"
        )
        yield connection
        connection.rollback()


def _row(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "name": 'a "quoted", name\nin two lines',
        "count": -5,
        "value": 0.1,
        "is_good": True,
        "seen_at": datetime(2023, 6, 30, 12, 0, 0, 123000, tzinfo=UTC),
        "born": date(1999, 1, 2),
        "detail": '{"a": [1, "x,y"]}',
        "embedding": [0.25, -1e-7, 3.0],
        "weights": [1.5, 2.5],
        "tags": ["a,b", 'c"d', "e\\f", ""],
    }
    return row | changes


def _rows(*rows: dict[str, object]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), SCHEMA)


def test_rows_come_back_as_they_were_nulls_and_empties_apart(connection: psycopg.Connection) -> None:
    rows = _rows(
        _row(),
        _row(name="z", weights=[], tags=[]),
        _row(**dict.fromkeys(SCHEMA.names)) | {"name": ""},
        dict.fromkeys(SCHEMA.names),
    ).sort_by("name")
    assert replace_partition(connection, "sample", DAY, rows) == 4
    read = read_partition(connection, "sample", DAY).sort_by("name")
    assert read.drop_columns("day").to_pylist() == rows.to_pylist()
    assert read.column("day").to_pylist() == [DAY] * 4


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=4),
    number=st.floats(allow_nan=False),
    weights=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3),
)
def test_any_text_and_number_survives(
    connection: psycopg.Connection, texts: list[str], number: float, weights: list[float]
) -> None:
    rows = _rows(*[_row(name=text, value=number, weights=weights, tags=texts) for text in texts])
    replace_partition(connection, "sample", DAY, rows)
    read = read_partition(connection, "sample", DAY)
    expected = sorted(rows.to_pylist(), key=str)
    assert sorted(read.drop_columns("day").to_pylist(), key=str) == expected


def test_only_the_day_is_replaced(connection: psycopg.Connection) -> None:
    replace_partition(connection, "sample", DAY, _rows(_row(), _row()))
    replace_partition(connection, "sample", NEXT, _rows(_row()))
    replace_partition(connection, "sample", DAY, _rows(_row(name="only")))
    assert read_partition(connection, "sample", DAY).column("name").to_pylist() == ["only"]
    assert read_days(connection, "sample", DAY, NEXT).column("day").to_pylist() == [DAY, NEXT]
    replace_partition(connection, "sample", DAY, SCHEMA.empty_table())
    empty = read_partition(connection, "sample", DAY)
    assert empty.num_rows == 0 and empty.schema.field("embedding").type == pa.list_(pa.float32())


def test_a_failure_in_the_middle_leaves_the_old_rows(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("CREATE TABLE durable (x bigint CHECK (x > 0), day date)")
        replace_partition(connection, "durable", DAY, pa.table({"x": [1, 2]}))
    with pytest.raises(psycopg.IntegrityError), database.connect() as connection:
        replace_partition(connection, "durable", DAY, pa.table({"x": [3, -1]}))
    with database.connect() as connection:
        assert read_partition(connection, "durable", DAY).column("x").to_pylist() == [1, 2]
        connection.execute("DROP TABLE durable")


@pytest.mark.parametrize("table", ["samples", "incident", "pg_class", 'sample"; DROP TABLE sample; --'])
def test_a_table_without_days_is_refused(connection: psycopg.Connection, table: str) -> None:
    with pytest.raises(InvalidInput, match="no table"):
        replace_partition(connection, table, DAY, _rows())


def test_an_unknown_column_is_refused_with_the_nearest(connection: psycopg.Connection) -> None:
    with pytest.raises(InvalidInput, match=r"sample\.counts.*sample\.count\?"):
        replace_partition(connection, "sample", DAY, pa.table({"counts": [1]}))


def test_rows_of_another_day_are_refused(connection: psycopg.Connection) -> None:
    rows = pa.table({"name": ["a"], "day": [NEXT]})
    with pytest.raises(InvalidInput, match="another day"):
        replace_partition(connection, "sample", DAY, rows)


def test_a_vector_of_the_wrong_length_is_one_clear_line(connection: psycopg.Connection) -> None:
    with pytest.raises(InvalidInput, match="expected 3 dimensions"):
        replace_partition(connection, "sample", DAY, _rows(_row(embedding=[1.0])))


def test_a_hundred_thousand_rows_take_seconds(connection: psycopg.Connection) -> None:
    count = 100_000
    random = np.random.default_rng(1)
    vectors = pa.FixedSizeListArray.from_arrays(random.random(count * 3, np.float32), 3)
    rows = pa.table({"name": ["BTC/USDT"] * count, "value": random.random(count), "embedding": vectors})
    start = time.perf_counter()
    replace_partition(connection, "sample", DAY, rows)
    read = read_partition(connection, "sample", DAY)
    assert time.perf_counter() - start < 20
    assert sorted(read.column("value").to_pylist()) == sorted(rows.column("value").to_pylist())
