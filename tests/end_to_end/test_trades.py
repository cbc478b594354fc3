"""Looking at the trades of two nights: the commands `trades`, `trade` and `sql`, and `huracan.open()`."""

import csv
import io
import json
import math
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import huracan
from huracan.errors import InvalidInput
from huracan.features.recipe import EVERY_COLUMN
from huracan.market.ledger import TRADES_SCHEMA
from huracan_resources.lake.parquet import encode_table
from tests.end_to_end.command import DAY, Answer, Home
from tests.end_to_end.conftest import MakeHome

NEXT_DAY = DAY + timedelta(days=1)


@pytest.fixture(scope="module")
def ledger(home: Home, second_night: Answer) -> pa.Table:
    return home.lake.read_table("shadow_trades", NEXT_DAY)


@pytest.fixture(scope="module")
def both_days(home: Home, ledger: pa.Table) -> list[dict[str, Any]]:
    first = home.lake.read_table("shadow_trades", DAY)
    return [*first.to_pylist(), *ledger.to_pylist()]


def _json(home: Home, *words: str) -> list[dict[str, Any]]:
    answer = home.call(*words, "--json")
    assert answer.code == 0, answer.out + answer.err
    found: list[dict[str, Any]] = json.loads(answer.out)
    return found


def test_without_a_day_the_newest_traded_one_is_shown(home: Home, ledger: pa.Table) -> None:
    rows = _json(home, "trades")
    assert {row["trade_id"] for row in rows} == set(ledger["trade_id"].to_pylist())
    assert set(TRADES_SCHEMA.names) <= set(rows[0])
    times = [row["entry_time"] for row in rows]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(
    ("words", "keep"),
    [
        (("--symbol", "ETH/USDT"), lambda row: row["symbol"] == "ETH/USDT"),
        (("--outcome", "win"), lambda row: row["net_bps"] > 0),
        (("--outcome", "loss"), lambda row: row["net_bps"] <= 0),
        (("--reason", "policy_exit"), lambda row: row["exit_reason"] == "POLICY_EXIT"),
        (
            ("--regime", "range", "--outcome", "loss"),
            lambda row: row["regime"] == "range" and row["net_bps"] <= 0,
        ),
        (("--reason", "cost_not_covered", "--outcome", "win"), lambda row: False),
    ],
)
def test_each_filter_keeps_what_it_names(
    home: Home,
    both_days: list[dict[str, Any]],
    words: tuple[str, ...],
    keep: Callable[[dict[str, Any]], bool],
) -> None:
    rows = _json(home, "trades", "--from", DAY.isoformat(), "--to", NEXT_DAY.isoformat(), *words)
    expected = {row["trade_id"] for row in both_days if keep(row)}
    assert {row["trade_id"] for row in rows} == expected
    assert expected or "cost_not_covered" in words


def test_explored_trades_are_shown_where_their_book_is_named_and_nowhere_else(
    home: Home, both_days: list[dict[str, Any]]
) -> None:
    explored = home.lake.read_table("explored_trades", NEXT_DAY)
    rows = _json(home, "trades", "--book", "explored")
    assert explored.num_rows > 10
    assert {row["trade_id"] for row in rows} == set(explored["trade_id"].to_pylist())
    assert {row["trade_id"] for row in _json(home, "trades")}.isdisjoint(explored["trade_id"].to_pylist())
    lost = _json(home, "trades", "--book", "explored", "--outcome", "loss", "--reason", "stop")
    assert {row["exit_reason"] for row in lost} == {"STOP"}
    told = home.call("trade", rows[0]["trade_id"])
    assert told.code == 0 and ", explored:" in told.out.splitlines()[0]
    with home.database.connect() as connection:
        query = "SELECT count(*), count(propensity) FROM explored_trades WHERE day = %s"
        assert connection.execute(query, [NEXT_DAY]).fetchone() == (explored.num_rows, explored.num_rows)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--symbol", "'; DROP TABLE trades; --"), "is unknown to the ledger"),
        (("--symbol", "eth/usdt"), "Did you mean 'ETH/USDT'?"),
        (("--regime", "Range"), "Did you mean 'range'?"),
    ],
)
def test_a_filter_by_a_word_that_there_is_not_is_wrong_use(
    home: Home, both_days: list[dict[str, Any]], words: tuple[str, ...], said: str
) -> None:
    answer = home.call("trades", *words)
    assert answer.code == 2 and said in answer.err and answer.out == ""


def test_a_loss_is_found_by_its_reason_and_says_it(home: Home, ledger: pa.Table) -> None:
    losses = home.lake.read_table("loss_analysis", NEXT_DAY)
    reason = pc.mode(losses["primary_reason"].dictionary_encode().combine_chunks().indices)
    named = (
        losses["primary_reason"]
        .dictionary_encode()
        .combine_chunks()
        .dictionary[reason[0]["mode"].as_py()]
        .as_py()
    )
    rows = _json(home, "trades", "--date", NEXT_DAY.isoformat(), "--reason", named.upper())
    assert len(rows) == pc.sum(pc.equal(losses["primary_reason"], named)).as_py() > 0
    assert {row["primary_reason"] for row in rows} == {named}


def test_the_table_shows_each_trade_and_what_was_left_out(home: Home, ledger: pa.Table) -> None:
    answer = home.call("trades", "--limit", "5")
    lines = answer.out.splitlines()
    newest = sorted(ledger.to_pylist(), key=lambda row: (row["entry_time"], row["trade_id"]))[-1]
    assert f"{ledger.num_rows} trades of {NEXT_DAY}, simulated" in lines[0]
    assert sum("USDT" in line for line in lines) == 5
    assert any(newest["symbol"] in line and f"{newest['net_bps']:+.1f}" in line for line in lines)
    assert f"The newest 5 of {ledger.num_rows}" in answer.out
    assert "The newest" not in home.call("trades", "--limit", "0").out
    assert (
        home.call("trades", "--reason", "cost_not_covered", "--outcome", "win").out.strip()
        == "No such trade."
    )


def _numbers(told: list[float | None]) -> list[float]:
    """JSON has no NaN: a column that is not known is null there."""
    return [math.nan if value is None else value for value in told]


def test_csv_has_every_column_of_every_trade(home: Home, ledger: pa.Table) -> None:
    rows = list(csv.DictReader(io.StringIO(home.call("trades", "--csv").out)))
    assert len(rows) == ledger.num_rows and set(TRADES_SCHEMA.names) <= set(rows[0])
    of = {row["trade_id"]: row for row in ledger.to_pylist()}
    for row in rows:
        assert float(row["net_bps"]) == of[row["trade_id"]]["net_bps"]
        assert _numbers(json.loads(row["entry_features"])) == pytest.approx(
            of[row["trade_id"]]["entry_features"], nan_ok=True
        )


def test_one_trade_is_told_whole(home: Home, ledger: pa.Table) -> None:
    losses = set(home.lake.read_table("loss_analysis", NEXT_DAY)["trade_id"].to_pylist())
    row = next(row for row in ledger.to_pylist()[::-1] if row["trade_id"] in losses)
    answer = home.call("trade", row["trade_id"][:10], "--json")
    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    assert told["trade"]["net_usd"] == row["net_usd"] and told["trade"]["trade_id"] == row["trade_id"]
    assert set(told["features"]) == set(EVERY_COLUMN.names)
    chosen = told["decision"]["actions"][row["action"]]
    assert chosen["is_legal"] and chosen["probability"] == max(
        each["probability"] for each in told["decision"]["actions"].values()
    )
    assert told["loss"]["primary_reason"] and told["win"] is None
    assert {gate["gate"] for gate in told["gates"]} >= {"cost", "combined"}
    assert sum(fill["fee_usd"] for fill in told["fills"]) == pytest.approx(row["fee_usd"])
    assert told["neighbours"] and all(
        each["closed_at"] < told["trade"]["signal_time"] for each in told["neighbours"]
    )
    assert [each["pattern_id"] for each in told["patterns"]] == row["nearest_patterns"]
    opens = [candle["open_time"] for candle in told["candles"]]
    assert opens == sorted(opens) and opens[0] < told["trade"]["entry_time"] <= opens[-1]
    # What came after the exits of this day is known on the next one only.
    assert told["post_exit"] is None


def test_what_came_after_the_exit_is_shown_once_it_is_known(home: Home, second_night: Answer) -> None:
    first = home.lake.read_table("shadow_trades", DAY)["trade_id"][0].as_py()
    told = json.loads(home.call("trade", first, "--json").out)
    assert told["post_exit"]["day"] == NEXT_DAY.isoformat()


def test_one_trade_for_a_person_has_its_chart_and_its_tables(
    home: Home, ledger: pa.Table, tmp_path: Path
) -> None:
    row, chart = ledger.to_pylist()[0], tmp_path / "chart.png"
    answer = home.call("trade", row["trade_id"], "--chart", str(chart))
    assert answer.code == 0, answer.err
    assert answer.out.startswith(f"{row['trade_id']}  {row['symbol']} {row['side']}")
    for shown in ("▲", "Decision", "ENTER_FULL", "The nearest trades", "Fills", "Gates", row["exit_reason"]):
        assert shown in answer.out, shown
    assert chart.read_bytes().startswith(b"\x89PNG")
    as_csv = list(csv.DictReader(io.StringIO(home.call("trade", row["trade_id"], "--csv").out)))
    fields = {(line["section"], line["name"]): line["value"] for line in as_csv}
    assert float(fields["trade", "net_usd"]) == row["net_usd"] and ("fills", "[0].kind") in fields


def test_a_trade_that_is_none_or_several_is_refused(home: Home, ledger: pa.Table) -> None:
    unknown = home.call("trade", "zzzz")
    assert unknown.code == 2 and "No trade's identity begins with 'zzzz'" in unknown.err
    several = home.call("trade", "")
    assert several.code == 2 and "trades begin with ''" in several.err
    wrong = home.call("trades", "--date", DAY.isoformat(), "--from", DAY.isoformat())
    assert wrong.code == 2 and "--date was given beside" in wrong.err
    nowhere = home.call("trade", ledger["trade_id"][0].as_py(), "--chart", "/nowhere/at/all.png")
    assert nowhere.code == 2 and "does not exist" in nowhere.err
    refused = home.call("trade", ledger["trade_id"][0].as_py(), "--chart", "/proc/chart.png")
    assert refused.code == 2 and "could not be written to /proc/chart.png" in refused.err


def test_the_trade_is_shown_although_the_memory_does_not_answer(home: Home, ledger: pa.Table) -> None:
    identity = ledger["trade_id"][0].as_py()
    gone = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    answer = home.call("trade", identity, "--json", **gone)
    assert answer.code == 0
    assert "did not answer" in json.loads(answer.out)["neighbours"]["error"]


def test_sql_asks_the_lake_and_the_database_alike(home: Home, ledger: pa.Table) -> None:
    statement = "SELECT count(*) AS trades, min(net_bps) AS worst FROM shadow_trades"
    (by_lake,) = _json(home, "sql", statement)
    (by_database,) = _json(home, "sql", "--database", statement)
    assert by_lake == pytest.approx(by_database)
    assert home.call("sql", statement, "--csv").out.splitlines()[0] == "trades,worst"
    assert "shadow_trades_fills" in home.call("sql").out.split()
    assert 'CREATE OR REPLACE VIEW "shadow_trades"' in home.call("sql", "--views").out
    assert "shadow_trades_fills" in _json(home, "sql")
    assert 'CREATE OR REPLACE VIEW "shadow_trades"' in _json(home, "sql", "--views")
    wrong = home.call("sql", "SELECT * FROM nothing")
    assert wrong.code == 2 and "The lake has no table 'nothing'" in wrong.err
    changed = home.call("sql", "--database", "DELETE FROM shadow_trades")
    assert changed.code == 2 and "A question to the database selects" in changed.err
    assert _json(home, "sql", "--database", statement)[0] == pytest.approx(by_database)


def test_sql_as_json_gives_every_value_as_it_is(home: Home, ledger: pa.Table) -> None:
    held = sum(ledger["bars_held"].to_pylist())
    total = f"sum(bars_held) AS held FROM shadow_trades WHERE day = '{NEXT_DAY}'"
    (by_lake,) = _json(home, "sql", f"SELECT 1.23456789e-6::double AS price, {total}")
    (by_database,) = _json(home, "sql", "--database", f"SELECT 1.23456789e-6::float8 AS price, {total}")
    assert by_lake == by_database == {"price": 1.23456789e-6, "held": held}
    (vector,) = _json(home, "sql", "--database", "SELECT embedding FROM trade_memory LIMIT 1")
    assert len(vector["embedding"]) >= 64 and all(isinstance(number, float) for number in vector["embedding"])
    twice = home.call("sql", "--json", "SELECT 1 AS a, 2 AS a")
    assert twice.code == 2 and "Two columns are called 'a'" in twice.out
    assert home.call("sql", "--csv", "SELECT 1 AS a, 2 AS a").out == "a,a\n1,2\n"
    assert "2" in home.call("sql", "SELECT 1 AS a, 2 AS a").out


def test_no_trade_is_a_header_and_days_the_wrong_way_round_are_refused(home: Home, ledger: pa.Table) -> None:
    none = home.call("trades", "--reason", "cost_not_covered", "--outcome", "win", "--csv")
    assert none.code == 0 and "trade_id" in none.out and none.out.count("\n") == 1
    assert _json(home, "trades", "--reason", "cost_not_covered", "--outcome", "win") == []
    turned = home.call("trades", "--from", NEXT_DAY.isoformat(), "--to", DAY.isoformat())
    assert turned.code == 2 and "is after --to" in turned.err


def test_pandas_has_the_trades_in_one_line(home: Home, ledger: pa.Table) -> None:
    with mock.patch.dict("os.environ", home.environ, clear=True):
        workspace = huracan.open()
        frame = workspace.trades(DAY.isoformat(), NEXT_DAY.isoformat())
        one = workspace.trades(NEXT_DAY, symbol="ETH/USDT")
        assert workspace.table("shadow_trades_fills", NEXT_DAY)["trade_id"].isin(frame["trade_id"]).all()
        assert workspace.lake("SELECT sum(net_usd) FROM trades").iloc[0, 0] == pytest.approx(
            frame["net_usd"].sum()
        )
        counted = workspace.database("SELECT count(*) AS n FROM shadow_trades WHERE day = %s", [NEXT_DAY])
        with pytest.raises(InvalidInput, match="'2025-13-40' is not a day"):
            workspace.trades("2025-13-40")
        with pytest.raises(InvalidInput, match="no column"):
            workspace.trades(DAY, **{'net_bps" OR "1': "1"})
    assert frame["entry_time"].is_monotonic_increasing and str(frame["entry_time"].dt.tz) == "UTC"
    assert set(one["symbol"]) == {"ETH/USDT"} and len(frame) > ledger.num_rows
    assert counted["n"].tolist() == [ledger.num_rows]


def test_trades_of_an_older_version_are_shown_without_what_it_did_not_keep(
    make_home: MakeHome, home: Home, ledger: pa.Table
) -> None:
    lately = ["mode", "paid_cost_bps", "nearest_patterns", "nearest_pattern_cosines"]
    other = make_home()
    model = home.lake.read_file("shadow_trades", NEXT_DAY, "model.json")
    old = {"data.parquet": encode_table(ledger.drop_columns(lately)), "model.json": model}
    other.lake.write("shadow_trades", NEXT_DAY, old)
    answer = other.call("trades", "--limit", "0")
    assert answer.code == 0, answer.err
    assert len(_json(other, "trades")) == ledger.num_rows and "mode" in answer.out
    one = ledger["trade_id"][0].as_py()
    whole = other.call("trade", one)
    assert whole.code == 0 and one in whole.out and "None" not in whole.out.splitlines()[0]


def test_features_have_the_names_of_the_ledger_or_none(
    make_home: MakeHome, home: Home, ledger: pa.Table
) -> None:
    """What they were called when the trade was made; where nobody knows that, the values and the reason."""
    other, row = make_home(), ledger.slice(0, 1).to_pylist()[0]
    trace = json.loads(home.lake.read_file("shadow_trades", NEXT_DAY, "model.json"))
    assert trace["entry_features"] == list(EVERY_COLUMN.names)

    def told(names: list[str] | None) -> Answer:
        kept = {**trace, "entry_features": names} if names else {k: trace[k] for k in trace if k[0] != "e"}
        files = {"data.parquet": encode_table(ledger), "model.json": json.dumps(kept).encode()}
        other.lake.write("shadow_trades", NEXT_DAY, files)
        return other.call("trade", row["trade_id"], "--json")

    former = [f"former_{number}" for number in range(len(EVERY_COLUMN.names))]
    assert list(json.loads(told(former).out)["features"]) == former
    nameless = json.loads(told(None).out)
    assert "does not name its entry features" in nameless["unnamed_features"]
    values = _numbers(list(nameless["features"].values()))
    assert values == pytest.approx(row["entry_features"], nan_ok=True)
    assert list(nameless["features"])[:2] == ["feature 1", "feature 2"]
    assert "Features without names" in other.call("trade", row["trade_id"]).out
    damaged = told(former[1:])
    assert damaged.code == 2 and f"has {len(former)} values, and its partition names" in damaged.out


def test_text_that_would_steer_a_terminal_is_shown_as_text(
    make_home: MakeHome, home: Home, ledger: pa.Table
) -> None:
    """A lake whose symbols and reasons were written by somebody who means harm."""
    evil = "\x1b[2J[red]BTC'; DROP TABLE shadow_trades; --/../" + "x" * 10_000
    row = ledger.slice(0, 1).to_pylist()[0] | {"symbol": evil, "exit_reason": "[bold]\x07STOP"}
    other = make_home()
    trades = pa.Table.from_pylist([row], schema=TRADES_SCHEMA)
    model = home.lake.read_file("shadow_trades", NEXT_DAY, "model.json")
    other.lake.write("shadow_trades", NEXT_DAY, {"data.parquet": encode_table(trades), "model.json": model})
    for words in (("trades",), ("trade", row["trade_id"]), ("sql", "SELECT symbol, exit_reason FROM trades")):
        answer = other.call(*words)
        assert answer.code == 0, answer.err
        assert "\x1b" not in answer.out and "\x07" not in answer.out
        assert "\\x1b[2J[red]BTC'" in answer.out and "x" * 10_000 in answer.out
    (found,) = _json(other, "trades", "--symbol", evil)
    assert found["symbol"] == evil and found["exit_reason"] == row["exit_reason"]
