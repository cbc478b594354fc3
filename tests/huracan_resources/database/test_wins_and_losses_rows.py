"""The tables of wins and losses: rows of before stay, new ones come back as they were."""

import json
from collections.abc import Iterator
from datetime import date

import psycopg
import pyarrow as pa
import pytest

from huracan.analysis.rules.verdicts import RULE_VERDICTS
from huracan.analysis.trades.losses import LOSSES_SCHEMA
from huracan.analysis.trades.repeat import REPEAT_VERDICTS
from huracan.analysis.trades.wins import WINS_SCHEMA
from huracan_resources.database.database import Database
from huracan_resources.database.migrate import migrate, shipped_migrations
from huracan_resources.database.tables import read_partition, replace_partition

DAY = date(2023, 6, 2)
SHARED = {
    "day": DAY,
    "trade_id": "t1",
    "symbol": "BTC/USDT",
    "exit_reason": "STOP",
    "is_end_of_session": False,
    "net_usd": -0.15,
    "similar_trades": 0,
}
LOST = SHARED | {
    "net_bps": -1.5,
    "primary_reason": "regime_change",
    "evidence": "[]",
    "severity": "minor",
    "is_preventable": False,
    "avoidance_rule": "Leave once the regime of the signal has ended.",
    "rule": '{"kind": "leave_aged", "minutes": 20}',
}
WON = SHARED | {"net_bps": 1.5, "drivers": "[]"}


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as connection:
        yield connection
        connection.rollback()


def _table(row: dict[str, object], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([dict.fromkeys(schema.names) | row], schema=schema)


def test_rows_of_before_stay_as_they_were(connection: psycopg.Connection) -> None:
    connection.execute("CREATE SCHEMA earlier")
    connection.execute("SET LOCAL search_path TO earlier, public")
    shipped = shipped_migrations()
    migrate(connection, {name: text for name, text in shipped.items() if name < "0004"})
    connection.execute(
        "INSERT INTO win_analysis (day, trade_id, symbol, exit_reason, is_end_of_session, net_bps, net_usd, "
        "drivers, similar_trades, luck_probability) "
        "VALUES ('2023-06-02', 't0', 'BTC/USDT', 'TARGET', false, 3, 0.3, '[]', 0, 0.04)"
    )
    connection.execute(
        "INSERT INTO loss_analysis (day, trade_id, symbol, exit_reason, is_end_of_session, net_bps, net_usd, "
        "primary_reason, evidence, severity, is_preventable, avoidance_rule, similar_trades) "
        "VALUES ('2023-06-02', 't1', 'BTC/USDT', 'STOP', false, -3, -0.3, 'bad_luck', '[]', 'minor', false, "
        "'None.', 0)"
    )
    assert "0006_wins_and_losses.sql" in migrate(connection, shipped)
    won = connection.execute("SELECT net_bps, luck_probability, luck_percentile, repeat FROM win_analysis")
    assert won.fetchall() == [(3.0, 0.04, None, None)]
    lost = connection.execute("SELECT avoidance_rule, rule, rule_verdict, drivers FROM loss_analysis")
    assert lost.fetchall() == [("None.", None, None, None)]
    assert migrate(connection, shipped) == []


@pytest.mark.parametrize("verdict", RULE_VERDICTS)
def test_every_verdict_of_a_rule_can_be_stored_and_asked_for(connection, verdict: str) -> None:
    numbers = {"rule_days": 30, "rule_trades": 4, "rule_net_change_usd": -2.5, "rule_t_statistic": 1.25}
    rows = _table(LOST | numbers | {"rule_verdict": verdict}, LOSSES_SCHEMA)
    replace_partition(connection, "loss_analysis", DAY, rows)
    read = read_partition(connection, "loss_analysis", DAY).to_pylist()[0]
    written = rows.to_pylist()[0]
    assert json.loads(read.pop("rule")) == json.loads(written.pop("rule"))
    assert read == written
    found = connection.execute(
        "SELECT rule ->> 'minutes' FROM loss_analysis WHERE rule_verdict = %s", (verdict,)
    )
    assert found.fetchall() == [("20",)]


@pytest.mark.parametrize("verdict", REPEAT_VERDICTS)
def test_every_verdict_on_repeating_can_be_stored(connection, verdict: str) -> None:
    rows = _table(WON | {"repeat": verdict, "luck_percentile": 97.5, "luck_entries": 60}, WINS_SCHEMA)
    replace_partition(connection, "win_analysis", DAY, rows)
    read = read_partition(connection, "win_analysis", DAY)
    assert read.select(WINS_SCHEMA.names).to_pylist() == rows.to_pylist()


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("loss_analysis", _table(LOST | {"rule_verdict": "surely"}, LOSSES_SCHEMA)),
        ("win_analysis", _table(WON | {"repeat": "always"}, WINS_SCHEMA)),
    ],
)
def test_a_verdict_that_nobody_gives_is_refused(connection, table: str, rows: pa.Table) -> None:
    with pytest.raises(psycopg.IntegrityError):
        replace_partition(connection, table, DAY, rows)
