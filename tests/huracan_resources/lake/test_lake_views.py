"""SQL over the lake: exactly the rows that manifests name, on a disk and in a bucket, and clear refusals."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pyarrow as pa
import pytest

from huracan.errors import InvalidInput
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.parquet import encode_table
from huracan_resources.lake.store import LocalStore, ObjectStore, S3Store
from huracan_resources.lake.views import LakeViews
from tests.conftest import S3_KEY, S3_SECRET

DAY = date(2023, 6, 2)


def _trades(*rows: tuple[str, str, float], **more: Any) -> pa.Table:
    data = {
        "trade_id": [row[0] for row in rows],
        "symbol": [row[1] for row in rows],
        "net_bps": [row[2] for row in rows],
    }
    return pa.table(data | {name: [value] * len(rows) for name, value in more.items()})


def _fill(store: ObjectStore) -> Lake:
    """Two days of trades (the second knows one column more), losses of one of them, and fills."""
    lake = Lake(store)
    first = _trades(("a", "BTC/USDT", 5.0), ("b", "ETH/USDT", -3.0))
    second = _trades(("c", "BTC/USDT", -1.0), mode="scalp")
    for day, trades in ((DAY, first), (DAY + timedelta(days=1), second)):
        fills = encode_table(pa.table({"trade_id": trades["trade_id"], "quantity": [1.0] * len(trades)}))
        lake.write("shadow_trades", day, {"data.parquet": encode_table(trades), "fills.parquet": fills})
    losses = pa.table(
        {
            "day": [DAY],
            "trade_id": ["b"],
            "primary_reason": ["bad_luck"],
            "severity": ["minor"],
            "is_preventable": [False],
            "avoidance_rule": ["None"],
        }
    )
    lake.write("loss_analysis", DAY, {"data.parquet": encode_table(losses)})
    lake.write("win_analysis", DAY, {}, note="Nothing.")
    return lake


@pytest.fixture(params=["disk", pytest.param("bucket", marks=pytest.mark.server)])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    if request.param == "disk":
        return _fill(LocalStore(tmp_path / "it's a lake"))
    client = boto3.client(
        "s3",
        endpoint_url=request.getfixturevalue("s3_endpoint"),
        aws_access_key_id=S3_KEY,
        aws_secret_access_key=S3_SECRET,
        region_name="us-east-1",
    )
    return _fill(S3Store(client, "bucket", f"views-{tmp_path.name}"))


def test_every_table_of_every_asset_is_a_view_with_its_day(lake: Lake) -> None:
    with LakeViews(lake) as views:
        assert list(views.tables) == ["loss_analysis", "shadow_trades", "shadow_trades_fills"]
        rows = views.query("SELECT day, trade_id FROM shadow_trades ORDER BY trade_id").to_pylist()
    assert [(row["day"], row["trade_id"]) for row in rows] == [
        (DAY, "a"),
        (DAY, "b"),
        (DAY + timedelta(days=1), "c"),
    ]


def test_a_column_that_older_days_lack_is_null_there(lake: Lake) -> None:
    with LakeViews(lake) as views:
        rows = views.query("SELECT mode FROM shadow_trades ORDER BY trade_id").to_pylist()
    assert [row["mode"] for row in rows] == [None, None, "scalp"]


def test_a_column_that_came_after_every_day_asked_for_is_null_there_too(lake: Lake) -> None:
    with LakeViews(lake, DAY, DAY) as views:
        rows = views.query("SELECT mode, paid_cost_bps, signal_time FROM trades").to_pylist()
    assert rows == [{"mode": None, "paid_cost_bps": None, "signal_time": None}] * 2


def test_the_trades_come_with_what_the_analyses_say(lake: Lake) -> None:
    with LakeViews(lake) as views:
        rows = views.query("SELECT trade_id, outcome, primary_reason FROM trades ORDER BY 1").to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("a", "win", None),
        ("b", "loss", "bad_luck"),
        ("c", "loss", None),
    ]


def test_a_range_of_days_sees_no_other(lake: Lake) -> None:
    with LakeViews(lake, DAY + timedelta(days=1), DAY + timedelta(days=1)) as views:
        assert views.query("SELECT trade_id FROM shadow_trades").to_pylist() == [{"trade_id": "c"}]
        assert "loss_analysis" not in views.tables
        assert views.query("SELECT outcome FROM trades").to_pylist() == [{"outcome": "loss"}]


def test_a_file_that_no_manifest_names_is_not_read(tmp_path: Path) -> None:
    lake = _fill(LocalStore(tmp_path))
    stray = encode_table(_trades(("z", "BTC/USDT", 99.0)))
    lake.store.put(f"shadow_trades/day={DAY.isoformat()}/data-0123456789ab.parquet", stray)
    with LakeViews(lake) as views:
        assert views.query("SELECT count(*) AS n FROM shadow_trades").to_pylist() == [{"n": 3}]


def test_parameters_are_values_and_never_sql(lake: Lake) -> None:
    evil = "BTC/USDT' OR '1'='1"
    with LakeViews(lake) as views:
        assert views.query("SELECT * FROM shadow_trades WHERE symbol = ?", [evil]).num_rows == 0
        named = views.query("SELECT * FROM shadow_trades WHERE symbol = $s", {"s": "BTC/USDT"})
    assert named.num_rows == 2


def test_an_unknown_table_is_refused_with_those_that_there_are(lake: Lake) -> None:
    with LakeViews(lake) as views, pytest.raises(InvalidInput, match="no table 'nothing'") as refused:
        views.query("SELECT * FROM nothing")
    assert "trades, loss_analysis, shadow_trades" in str(refused.value)


def test_a_table_is_found_in_any_case_and_no_variable_of_the_program_is_a_table(lake: Lake) -> None:
    with LakeViews(lake) as views:
        assert views.query("SELECT * FROM Shadow_Trades").num_rows == 3
        assert views.query("SELECT * FROM TRADES").num_rows == 3
        with pytest.raises(InvalidInput, match="no table 'aliases'"):
            views.query("SELECT * FROM ALIASES")


@pytest.mark.parametrize("schema", ["temp", "information_schema", "system.main"])
@pytest.mark.parametrize("table", ["shadow_trades", "trades"])
def test_a_table_of_another_schema_is_refused_and_spoils_no_later_question(
    tmp_path: Path, schema: str, table: str
) -> None:
    with LakeViews(_fill(LocalStore(tmp_path))) as views:
        for _ in range(2):
            with pytest.raises(InvalidInput, match="DuckDB refused the statement"):
                views.query(f"SELECT count(*) FROM {schema}.{table}")
        assert views.query(f"SELECT * FROM {table}").num_rows == 3


@pytest.mark.parametrize("wrong", ["SELEC 1", "SELECT nothing FROM shadow_trades", "SELECT 1/'x'"])
def test_a_wrong_statement_is_refused_in_one_line(lake: Lake, wrong: str) -> None:
    with LakeViews(lake) as views, pytest.raises(InvalidInput) as refused:
        views.query(wrong)
    assert "\n" not in str(refused.value) and "DuckDB refused the statement" in str(refused.value)


def test_the_definitions_serve_any_other_duckdb(tmp_path: Path) -> None:
    lake = _fill(LocalStore(tmp_path / "it's a lake"))
    with LakeViews(lake) as views:
        script = views.definitions()
    with duckdb.connect() as other:
        other.execute(script)
        assert other.execute("SELECT count(*), count(primary_reason) FROM trades").fetchall() == [(3, 1)]


def test_a_table_that_is_not_made_yet_is_told_from_one_that_nobody_knows(tmp_path: Path) -> None:
    lake = Lake(LocalStore(tmp_path))
    for back in (0, 4):
        rows = encode_table(pa.table({"symbol": ["BTC/USDT"]}))
        lake.write("ohlcv", DAY - timedelta(days=back), {"data.parquet": rows})
    held = f"It has ohlcv of days from {DAY - timedelta(days=4)} to {DAY}"
    for name, said in {
        "shadow_trades": f"no table 'shadow_trades' yet. {held}; huracan nightly makes the others.",
        "trades": f"no table 'trades' yet. {held}; huracan nightly makes the others.",
        "nothing": f"no table 'nothing'. {held}.",
    }.items():
        for first in (None, DAY + timedelta(days=1)):
            with LakeViews(lake, first) as views, pytest.raises(InvalidInput) as refused:
                views.query(f"SELECT * FROM {name}")
            assert str(refused.value).endswith(said)


def test_a_table_of_other_days_is_named_with_those(lake: Lake) -> None:
    later = DAY + timedelta(days=9)
    with LakeViews(lake, later, later) as views, pytest.raises(InvalidInput) as refused:
        views.query("SELECT * FROM loss_analysis")
    assert "No day that was asked for holds loss_analysis. Ask for days from" in str(refused.value)


def test_an_empty_lake_says_what_to_do(tmp_path: Path) -> None:
    with LakeViews(Lake(LocalStore(tmp_path))) as views, pytest.raises(InvalidInput, match="huracan nightly"):
        views.query("SELECT * FROM trades")


def test_rows_are_plain_values_with_times_in_utc(lake: Lake) -> None:
    moment = datetime(2023, 6, 2, 10, 30, 0, 250_000, tzinfo=UTC)
    with LakeViews(lake) as views:
        statement = (
            "SELECT 1.5 AS x, ?::timestamptz AS t, NULL::timestamptz AS t, [1, 2] AS x, DATE '2023-06-02'"
        )
        names, rows = views.rows(statement, [moment])
        assert names[:4] == ["x", "t", "t", "x"]
        assert rows == [(1.5, moment, None, [1, 2], DAY)]
        assert rows[0][1].isoformat() == "2023-06-02T10:30:00.250000+00:00"
        assert views.records("SELECT trade_id FROM shadow_trades ORDER BY 1 LIMIT 2") == [
            {"trade_id": "a"},
            {"trade_id": "b"},
        ]
        assert views.rows("SELECT trade_id FROM shadow_trades WHERE false") == (["trade_id"], [])
