"""Tables and names of the metadata, as people say them."""

import pyarrow as pa
import pytest

from huracan_assets import shown


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("net_usd", "net, USD"),
        ("net_usd_std", "net deviation, USD"),
        ("net_bps_per_trade", "net per trade, bps"),
        ("max_drawdown_pct", "greatest drawdown, %"),
        ("mean_return_after_60_minutes_bps", "mean return after 60 minutes, bps"),
        ("mean_holding_minutes", "mean holding, minutes"),
        ("minutes_held", "minutes held"),
        ("ready_bars", "ready bars"),
        ("is_published", "published"),
        ("trades", "trades"),
        ("net, USD", "net, USD"),
    ],
)
def test_a_name_of_code_is_said_in_words_with_its_unit_at_the_end(name: str, said: str) -> None:
    assert shown.in_words(name) == said


def test_a_table_shows_what_a_person_reads_and_its_ids_last() -> None:
    table = pa.table(
        {
            "trade_id": ["a"],
            "day": ["2025-03-01"],
            "net_usd": [1.23456],
            "drivers": ['[{"feature": "x"}]'],
            "embedding": [[0.1, 0.2]],
            "stop_price": pa.array([None], pa.float64()),
            "is_winner": [True],
        }
    )
    rows = shown.top_rows(table, 5)
    assert isinstance(rows, shown.Rows)
    assert list(rows.records[0].items()) == [("net, USD", 1.23), ("winner", True), ("trade id", "a")]


def test_a_count_table_counts_rows() -> None:
    counted = shown.count_table(pa.table({"exit_reason": ["STOP", "STOP", "TARGET"]}), ["exit_reason"])
    assert isinstance(counted, shown.Rows)
    assert [dict(each) for each in counted.records] == [
        {"exit reason": "STOP", "rows": 2},
        {"exit reason": "TARGET", "rows": 1},
    ]


def test_the_price_of_a_cheap_coin_is_not_rounded_to_nothing() -> None:
    rows = shown.top_rows(pa.table({"price": [1.23456789e-6, 31.123456, 0.0]}), 3)
    assert isinstance(rows, shown.Rows)
    assert [record["price"] for record in rows.records] == [1.234568e-6, 31.1235, 0.0]


def test_a_result_of_less_than_a_cent_is_not_rounded_to_nothing() -> None:
    rows = shown.top_rows(pa.table({"net_usd": [0.0042, -12.3456]}), 2)
    assert isinstance(rows, shown.Rows)
    assert [record["net, USD"] for record in rows.records] == [0.0042, -12.35]
