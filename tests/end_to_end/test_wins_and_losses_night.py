"""Two nights: what their wins and losses were explained by, and what their rules were tried on."""

from datetime import date, timedelta

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from huracan.candles.schema import TIME, day_start
from huracan.market.ledger import TRADES_SCHEMA
from huracan.models.confidence import ConfidenceModel
from tests.end_to_end.command import DAY, Answer, Home

NEXT_DAY = DAY + timedelta(days=1)


def _analysed(home: Home, day: date) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Wins, losses and rules of a day."""
    lake = home.lake
    return (
        lake.read_table("win_analysis", day),
        lake.read_table("loss_analysis", day),
        lake.read_table("loss_analysis", day, "rules"),
    )


def test_the_first_night_has_no_model_and_no_past_and_says_so(home: Home, first_night: Answer) -> None:
    wins, losses, rules = _analysed(home, DAY)
    for table in (wins, losses):
        assert pc.unique(table["driver_source"]).to_pylist() == ["unusual_features"]
        assert table["confidence_log_odds"].null_count == table.num_rows
        assert table["luck_percentile"].null_count < table.num_rows
    assert set(pc.unique(losses["rule_verdict"]).to_pylist()) <= {"no past", "no rule"}
    assert set(rules["days"].to_pylist()) == {0} and rules["net_change_usd"].null_count == rules.num_rows


def test_the_second_night_is_explained_by_the_model_of_the_first(home: Home, second_night: Answer) -> None:
    wins, losses, _ = _analysed(home, NEXT_DAY)
    model = ConfidenceModel.from_bytes(home.lake.read_file("confidence_model", DAY, "model.json"))
    trades = home.lake.read_table("shadow_trades", NEXT_DAY)
    # Until the handover the model of the night before was in force, and there was none.
    handover = pa.scalar(day_start(NEXT_DAY) + timedelta(hours=4), TIME)
    is_answered = pc.greater_equal(trades["signal_time"], handover).to_numpy(zero_copy_only=False)
    # What speaks for a trade is told before the probability is calibrated.
    log_odds = model.contributions(model.inputs(trades)).sum(axis=1)
    told = np.where(is_answered, log_odds, np.nan)
    answered = dict(zip(trades["trade_id"].to_pylist(), told.tolist(), strict=True))
    for table in (wins, losses):
        expected = [answered[trade] for trade in table["trade_id"].to_pylist()]
        assert np.allclose(table["confidence_log_odds"].to_numpy(), expected, atol=1e-12, equal_nan=True)
    inputs = home.lake.manifest("trade_context", NEXT_DAY).inputs
    assert f"confidence_model/{DAY}" in inputs and f"confidence_model/{NEXT_DAY}" not in inputs
    known = home.lake.read_table("trade_context", NEXT_DAY)
    assert known["trade_id"].equals(trades["trade_id"])
    assert known["confidence_log_odds"].to_numpy() == pytest.approx(
        [answered[trade] for trade in known["trade_id"].to_pylist()], nan_ok=True
    )


def test_the_second_nights_rules_are_tried_on_the_first_day_as_it_was_traded(
    home: Home, second_night: Answer
) -> None:
    _, losses, rules = _analysed(home, NEXT_DAY)
    assert set(rules["days"].to_pylist()) == {1} and pc.sum(rules["trades"]).as_py() > 0
    assert set(rules["days_traded_otherwise"].to_pylist()) == set(rules["days_unusable"].to_pylist()) == {0}
    # One day is no evidence, whatever it brought.
    assert set(pc.unique(losses["rule_verdict"]).to_pylist()) <= {"no evidence", "no rule"}
    asked = home.lake.manifest("loss_analysis", NEXT_DAY).inputs
    assert f"shadow_trades/{DAY}" in asked
    told = {v.check: v for v in home.lake.manifest("loss_analysis", NEXT_DAY).verdicts}["avoidance_rules"]
    assert told.passed and told.numbers["rules"] == rules.num_rows
    # A rule that strikes out every entry would give back what the day made.
    skips = rules.filter(pc.equal(rules["kind"], "skip_unprecedented")).to_pylist()
    before = home.lake.read_table("shadow_trades", DAY, columns=TRADES_SCHEMA.names)
    for row in skips:
        if row["trades"] == before.num_rows:
            assert abs(row["net_change_usd"] + pc.sum(before["net_usd"]).as_py()) < 0.01


def test_the_pictures_of_wins_and_losses_stand_beside_their_partitions(
    home: Home, second_night: Answer
) -> None:
    shown = {"win_analysis": "drivers and luck", "loss_analysis": "lost by reason"}
    with home.instance() as instance:
        for asset, name in shown.items():
            wanted = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[NEXT_DAY.isoformat()])
            record = instance.fetch_materializations(wanted, limit=1).records[0]
            metadata = record.asset_materialization.metadata
            assert str(metadata[name].value).startswith("![")
    with home.database.connect() as connection:
        row = connection.execute(
            "SELECT count(*), count(rule), count(rule_verdict) FROM loss_analysis WHERE day = %s", (NEXT_DAY,)
        ).fetchone()
    assert row is not None
    losses, ruled, judged = row
    assert losses == judged >= ruled > 0
