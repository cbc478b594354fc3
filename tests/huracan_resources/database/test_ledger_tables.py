"""The ledger's tables in PostgreSQL take what the market writes, list columns included, and give it back."""

from datetime import UTC, date, datetime, timedelta

import psycopg
import pyarrow as pa
import pytest

from huracan.errors import InvalidInput
from huracan.market.ledger import TRADES_SCHEMA
from huracan_resources.database.database import Database
from huracan_resources.database.tables import read_partition, replace_partition

DAY = date(2023, 6, 2)
START = datetime(2023, 6, 2, tzinfo=UTC)


def _trade(number: int) -> dict:
    at = START + timedelta(minutes=number)
    return {
        **dict.fromkeys(TRADES_SCHEMA.names),
        "trade_id": f"t{number}",
        "symbol": "BTC/USDT",
        "side": "long",
        "signal_time": at,
        "entry_time": at,
        "exit_time": at,
        "exit_reason": "STOP",
        "net_bps": -1.5,
        "net_usd": -0.15,
        "entry_features": [1.5, None, -2.0],
        "action_mask": [True, False, True],
        "nearest_patterns": ["pattern-1", 'it\'s "2", {3}'],
        "nearest_pattern_cosines": [0.75, 0.5],
        "is_simulated": True,
    }


def test_trades_come_back_as_they_were_stored(database: Database) -> None:
    trades = pa.Table.from_pylist([_trade(1), _trade(2)], schema=TRADES_SCHEMA)
    with database.connect() as connection:
        assert replace_partition(connection, "shadow_trades", DAY, trades) == 2
        stored = read_partition(connection, "shadow_trades", DAY)
        _assert_same(stored, trades)
        # The day again is the day once.
        replace_partition(connection, "shadow_trades", DAY, trades)
        assert read_partition(connection, "shadow_trades", DAY).equals(stored)
        connection.rollback()


def _assert_same(stored: pa.Table, trades: pa.Table) -> None:
    for name in trades.column_names:
        found, given = stored[name].to_pylist(), trades[name].to_pylist()
        assert found == given or name == "entry_features", name
    assert [row[::2] for row in stored["entry_features"].to_pylist()] == [[1.5, -2.0]] * 2


def test_a_trade_twice_in_a_day_is_refused(database: Database) -> None:
    doubled = pa.Table.from_pylist([_trade(1), _trade(1)], schema=TRADES_SCHEMA)
    with database.connect() as connection:
        with pytest.raises(psycopg.errors.UniqueViolation):
            replace_partition(connection, "shadow_trades", DAY, doubled)
        connection.rollback()


def test_a_symbol_too_long_for_an_index_is_refused_and_leaves_the_old_day(database: Database) -> None:
    varied = "".join(chr(0x4E00 + index) for index in range(10_000))
    with database.connect() as connection:
        replace_partition(connection, "shadow_trades", DAY, pa.Table.from_pylist([_trade(1)], TRADES_SCHEMA))
    rows = pa.Table.from_pylist([_trade(2) | {"symbol": varied}], TRADES_SCHEMA)
    with (
        pytest.raises(InvalidInput, match="rows for shadow_trades do not fit"),
        database.connect() as connection,
    ):
        replace_partition(connection, "shadow_trades", DAY, rows)
    with database.connect() as connection:
        assert read_partition(connection, "shadow_trades", DAY)["trade_id"].to_pylist() == ["t1"]
