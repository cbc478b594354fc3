"""What goes into PostgreSQL in binary comes back as it was, also text that was meant to do harm."""

from collections.abc import Iterator
from datetime import date

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huracan.errors import InvalidInput
from huracan_resources.database.database import Database
from huracan_resources.database.tables import read_partition, replace_partition

DAY = date(2023, 6, 30)

FROM_OUTSIDE = [
    "'; DROP TABLE outside; --",
    '"; DROP TABLE outside; --',
    "../../etc/passwd",
    "\x1b[2J\x1b[31mred\x07",
    "x" * 10_000,
    "%s %(x)s {} \\. \\N",
    "a\r\nb\tc\n\\.\n",
    "‮gnp.exe",
    "",
]


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as connection:
        connection.execute(
            "CREATE TABLE outside (place bigint, word text, words text[], detail jsonb, small int2, "
            "flags boolean[], counts bigint[], near halfvec(2), far vector(2), day date NOT NULL)"
        )
        yield connection
        connection.rollback()


def _store(connection: psycopg.Connection, **columns: pa.Array) -> pa.Table:
    rows = pa.table({"place": pa.array(range(len(next(iter(columns.values()))))), **columns})
    replace_partition(connection, "outside", DAY, rows)
    return read_partition(connection, "outside", DAY)


def test_text_from_outside_is_only_text(connection: psycopg.Connection) -> None:
    lists = [[text, text] for text in FROM_OUTSIDE]
    stored = _store(connection, word=pa.array(FROM_OUTSIDE), words=pa.array(lists))
    assert stored["word"].to_pylist() == FROM_OUTSIDE and stored["words"].to_pylist() == lists
    assert connection.execute("SELECT count(*) FROM outside").fetchone() == (len(FROM_OUTSIDE),)


def test_a_nul_becomes_the_sign_for_it_wherever_text_is_stored(connection: psycopg.Connection) -> None:
    details = ['{"a": "x\\u0000\\u0000y"}', '{"a": "\\\\u0000"}', None]
    stored = _store(
        connection,
        word=pa.array(["a\0b", None, "\0"]),
        words=pa.array([["\0", None], None, []], pa.list_(pa.string())),
        detail=pa.array(details),
    )
    assert stored["word"].to_pylist() == ["a␀b", None, "␀"]
    assert stored["words"].to_pylist() == [["␀", None], None, []]
    read = connection.execute("SELECT detail ->> 'a' FROM outside ORDER BY place").fetchall()
    assert read == [("x␀␀y",), ("\\u0000",), (None,)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "flags": st.none() | st.lists(st.none() | st.booleans(), max_size=3),
                "counts": st.none() | st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=3),
                "far": st.none() | st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=2),
                "near": st.none() | st.lists(st.integers(-9, 9).map(float), min_size=2, max_size=2),
            }
        ),
        min_size=1,
        max_size=6,
    )
)
def test_lists_and_vectors_survive_with_their_nulls(
    connection: psycopg.Connection, rows: list[dict[str, object]]
) -> None:
    kinds = {"flags": pa.bool_(), "counts": pa.int64(), "far": pa.float32(), "near": pa.float32()}
    table = {name: pa.array([row[name] for row in rows], pa.list_(kind)) for name, kind in kinds.items()}
    stored = _store(connection, **table).sort_by("place")
    for name in kinds:
        assert stored[name].to_pylist() == [row[name] for row in rows], name


def test_part_of_a_table_in_several_pieces_is_stored_as_that_part(connection: psycopg.Connection) -> None:
    whole = pa.table({"far": pa.array([[1.0, 2.0], None, [3.0, 4.0], [5.0, 6.0]])})
    pieces = pa.concat_tables([whole.slice(1, 2), whole.slice(3)])
    stored = _store(connection, far=pieces["far"])
    assert stored.sort_by("place")["far"].to_pylist() == [None, [3.0, 4.0], [5.0, 6.0]]


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ({"far": pa.array([[1.0, 2.0], [1.0]])}, "far have"),
        ({"far": pa.array([[1.0, None]])}, "far lacks"),
        ({"far": pa.array([[1.0, 2.0, 3.0]])}, "expected 2 dimensions"),
        ({"far": pa.array([[float("nan"), 2.0]])}, "NaN"),
        ({"small": pa.array([40_000])}, "small .*int2"),
        ({"detail": pa.array(["{not json"])}, "json"),
        ({"place": pa.array(["one"])}, "place"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_place(
    connection: psycopg.Connection, columns: dict[str, pa.Array], named: str
) -> None:
    with pytest.raises(InvalidInput, match=named):
        replace_partition(connection, "outside", DAY, pa.table(columns))
