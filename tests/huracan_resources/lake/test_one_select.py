"""A question to the lake reads its tables: nothing that it says reads, writes or runs anything else."""

import hashlib
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from huracan.errors import InvalidInput
from huracan_resources.lake import one_select
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.parquet import encode_table
from huracan_resources.lake.store import LocalStore
from huracan_resources.lake.views import LakeViews

DAY = date(2023, 6, 2)
SECRET = "hunter2"

READS = [
    "SELECT * FROM read_text('{home}/keys/signing.key')",
    "SELECT * FROM read_blob('{home}/keys/signing.key')",
    "SELECT * FROM read_csv('/etc/passwd', header = false, sep = '|')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM '{home}/keys/table.csv'",
    "SELECT * FROM read_text('{manifest}')",
    "SELECT * FROM '{manifest}'",
    "SELECT * FROM '{file}'",
    "SELECT * FROM '{home}/ohlcv/*/*.parquet'",
    'SELECT * FROM (SELECT count(*) FROM "{file}")',
    'SELECT * FROM memory.main."{file}"',
    "DESCRIBE '{file}'",
    "SUMMARIZE '{file}'",
    "SHOW '{file}'",
    "SELECT * FROM (PIVOT '{file}' ON symbol IN ('BTC/USDT') USING max(close))",
    "SELECT * FROM query_table('{file}')",
    "SELECT * FROM query_table(['ohlcv', '{file}'])",
    "SELECT * FROM read_parquet('{home}/ohlcv/../keys/x.parquet')",
    "SELECT (SELECT content FROM read_text('{home}/keys/signing.key'))",
    "SELECT * FROM query('SELECT * FROM read_text(''{home}/keys/signing.key'')')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('FROM read_text(''/etc/passwd'')'))",
    "SELECT * FROM glob('{home}/**')",
    "SELECT getenv('HOME')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM parquet_metadata('{file}')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM 'https://example.invalid/x.parquet'",
    "SELECT * FROM sqlite_scan('{home}/x.db', 'x')",
]
WRITES = [
    "COPY (SELECT 1) TO '{manifest}'",
    "COPY (SELECT 1) TO '{home}/ohlcv/day=2023-06-02/new.csv'",
    "WITH gone AS (COPY (SELECT 1 AS x) TO '{manifest}') SELECT * FROM gone",
    "SELECT * FROM (WITH gone AS (COPY (SELECT 1 AS x) TO '{file}') SELECT * FROM gone)",
    "SELECT * FROM query('WITH gone AS (COPY (SELECT 1 AS x) TO ''{file}'') SELECT * FROM gone')",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{manifest}'",
    "EXPORT DATABASE '{home}/ohlcv/export'",
    "IMPORT DATABASE '{home}/ohlcv'",
    "ATTACH '{home}/ohlcv/new.db'",
    "CREATE TABLE kept AS SELECT 1",
    "CREATE VIEW ohlcv AS SELECT 1",
    "CREATE SECRET (TYPE s3, KEY_ID 'x', SECRET 'y')",
    "WITH gone AS (INSERT INTO ohlcv VALUES (1) RETURNING *) SELECT * FROM gone",
    "DELETE FROM ohlcv",
    "DROP VIEW ohlcv",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "PRAGMA enable_profiling",
    "CALL enable_logging()",
    "PREPARE later AS SELECT 1",
    "CHECKPOINT",
    "SELECT 1; COPY (SELECT 1) TO '{manifest}'",
    "SELECT 1; SELECT 2",
    "",
    "-- nothing",
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake that lies where the keys lie too."""
    home = tmp_path_factory.mktemp("home")
    lake = Lake(LocalStore(home))
    table = pa.table({"symbol": ["BTC/USDT", "ETH/USDT"], "close": [1.0, 2.0]})
    lake.write("ohlcv", DAY, {"data.parquet": encode_table(table)})
    (home / "keys").mkdir()
    for name in ("signing.key", "table.csv"):
        (home / "keys" / name).write_text(SECRET)
    return home


def _contents(home: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in home.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("statement", READS + WRITES)
def test_no_statement_leaves_the_tables(home: Path, statement: str) -> None:
    partition = home / "ohlcv" / "day=2023-06-02"
    places = {
        "manifest": partition / "manifest.json",
        "file": next(partition.glob("*.parquet")),
        "home": home,
    }
    before = _contents(home)
    with LakeViews(Lake(LocalStore(home))) as views:
        assert views.query("SELECT * FROM ohlcv").num_rows == 2
        with pytest.raises(InvalidInput) as refused:
            views.query(statement.format(**places))
    assert SECRET not in str(refused.value) and "root:" not in str(refused.value)
    assert _contents(home) == before


@pytest.mark.parametrize("name", ["'{stem}.parquet'", '"{stem}".parquet', "manifest.json"])
def test_no_file_is_named_from_within_its_folder_either(
    home: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There a name without a slash would be a file's, and so would be one in two parts."""
    file = next(home.rglob("*.parquet"))
    monkeypatch.chdir(file.parent)
    with LakeViews(Lake(LocalStore(home))) as views, pytest.raises(InvalidInput, match="is none"):
        views.query(f"SELECT * FROM {name.format(stem=file.stem)}")


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("FROM ohlcv", 2),
        ("WITH best AS (SELECT max(close) AS close FROM ohlcv) FROM ohlcv JOIN best USING (close);", 1),
        ("SELECT symbol FROM ohlcv UNION ALL SELECT 'x'", 3),
        ("WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) FROM n", 5),
        ('WITH "the best" AS (SELECT 1) FROM "the best"', 1),
        ("SELECT * FROM memory.main.ohlcv", 2),
        ("SELECT * FROM (SHOW ohlcv) WHERE column_name = 'close'", 1),
        ("SELECT * FROM range(4)", 4),
        ("SELECT unnest([1, 2, 3])", 3),
        ("VALUES (1), (2)", 2),
        ("SELECT * FROM (DESCRIBE ohlcv) WHERE column_name = 'close'", 1),
        ("SELECT min FROM (SUMMARIZE ohlcv) WHERE column_name = 'close'", 1),
        ("SELECT * FROM (PIVOT ohlcv ON symbol IN ('BTC/USDT') USING max(close) GROUP BY day)", 1),
        ("SELECT json_extract('{\"a\": 1}', '$.a'), current_setting('TimeZone'), now()", 1),
        ("SELECT quantile_cont(close, 0.5) OVER (PARTITION BY symbol) FROM ohlcv QUALIFY true", 2),
    ],
)
def test_what_a_person_asks_is_answered(home: Path, statement: str, rows: int) -> None:
    with LakeViews(Lake(LocalStore(home))) as views:
        views.query("SELECT 1 FROM ohlcv")
        assert views.query(statement).num_rows == rows


@pytest.mark.slow
def test_an_answer_that_outgrows_the_memory_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary, here = tmp_path / "temporary", tmp_path / "here"
    temporary.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setitem(one_select._SETTINGS, "memory_limit", "'150MB'")
    monkeypatch.setitem(one_select._SETTINGS, "threads", "1")
    large = "SELECT count(*) FROM (SELECT hash(i) AS h FROM range(20000000) t (i) ORDER BY h LIMIT 15000000)"
    with one_select.open_closed([]) as connection:
        assert connection.execute(large).fetchall() == [(15_000_000,)]
        assert list(temporary.iterdir()), "it did outgrow it"
    assert list(here.iterdir()) == list(temporary.iterdir()) == []


@pytest.mark.parametrize("statement", ["SHOW TABLES", "SHOW ALL TABLES", "SHOW TABLES FROM main"])
def test_a_list_of_the_views_that_happen_to_be_made_is_refused_with_who_lists_all(
    home: Path, statement: str
) -> None:
    with LakeViews(Lake(LocalStore(home))) as views, pytest.raises(InvalidInput) as refused:
        views.query(statement)
    assert "huracan sql lists them" in refused.value.remedy


def test_parameters_pass_by_place_and_by_name(home: Path) -> None:
    with LakeViews(Lake(LocalStore(home))) as views:
        assert (
            views.query("SELECT * FROM ohlcv WHERE close > ? AND symbol = ?", [1.0, "ETH/USDT"]).num_rows == 1
        )
        assert views.query("SELECT * FROM ohlcv WHERE close > $least", {"least": 1.5}).num_rows == 1
