"""Retention knows every table that real nights make, and takes nothing from them that is young."""

from huracan_resources.lake.views import LakeViews
from huracan_resources.settings.retention import DatabaseRetention, LakeRetention
from tests.end_to_end.conftest import MakeHome
from tests.end_to_end.night import Night


def test_every_table_of_a_night_has_a_retention_and_nothing_young_goes(
    make_home: MakeHome, after_second_night: Night
) -> None:
    home = make_home(after_second_night)
    with LakeViews(home.lake) as views:
        assert set(views.tables) <= set(LakeRetention.complete().model_fields)
        assert {"shadow_trades_session", "shadow_trades_decisions", "shadow_signals"} <= set(views.tables)
    with home.database.connect() as connection:
        held = connection.execute("SELECT DISTINCT table_name FROM partition_rows").fetchall()
    assert {table for (table,) in held} <= set(DatabaseRetention.complete().model_fields)
    before = home.partitions()
    answer = home.call("retention", "--json")
    assert answer.code == 0, answer.out + answer.err
    assert answer.summary["tables"] == [] and home.partitions() == before
