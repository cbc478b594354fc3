"""The verdict on a policy where it, or a session of the trailing days, was remade after its night."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from huracan.market.ledger import SESSION_SCHEMA
from huracan_assets.brain.brain_evaluation import brain_evaluation
from huracan_assets.reads import resolve_all
from huracan_assets.stage import Outcome, StageContext
from huracan_resources.database.database import Database
from huracan_resources.lake.manifest import Origin
from huracan_resources.lake.parquet import encode_table
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings

DAY = date(2025, 3, 20)
BEFORE = DAY - timedelta(days=1)
REPORT = {
    "model_id": "a policy of tests",
    "held_out": {
        "hourly_returns_bps": [5.0, 6.0] * 24,
        "trades": 40,
        "net_usd": 264.0,
        "net_bps_per_trade": 6.6,
        "traded_notional_usd": 400_000.0,
        "random_draws_net_bps_per_trade": [-20.0, -10.0, -5.0],
    },
    "seeds": {
        **{"count": 3, "net_usd_mean": 200.0, "net_usd_std": 9.0},
        **{"net_usd_lowest": 90.0, "net_usd_highest": 300.0},
    },
}


@pytest.fixture
def resources(tmp_path: Path, database: Database) -> Iterator[Resources]:
    """A lake of two days on real candles that fell by 1 %, and a policy that passes every criterion."""
    made = Resources(load_settings(environ={"HURACAN_HOME": str(tmp_path)}))
    made.__dict__["database"] = database
    for asset in ("ohlcv", "market_costs", "features", "regimes"):
        made.lake.write(asset, DAY, {}, note="Looked at only where there is an earlier brain.")
    yield made
    with database.connect() as connection:
        connection.execute("DELETE FROM trial_ledger WHERE model_id = %s", (REPORT["model_id"],))


def _verdict(resources: Resources, *, remade: str) -> Outcome:
    lake = resources.lake
    report = {"report.json": json.dumps(REPORT).encode()}
    lake.write("ppo_checkpoint", DAY, report, origin=Origin(remade=remade == "policy"))
    for day in (BEFORE, DAY):
        bars = [
            {"symbol": "A", "open_time": datetime(*day.timetuple()[:3], hour, tzinfo=UTC), "equity_usd": usd}
            for hour, usd in ((0, 1000.0), (1, 995.0))
        ]
        session = encode_table(pa.Table.from_pylist(bars, schema=SESSION_SCHEMA))
        origin = Origin(remade=remade == "session" and day == BEFORE)
        lake.write("shadow_trades", day, {"session.parquet": session}, origin=origin)
    inputs = resolve_all(lake, brain_evaluation.reads, DAY, resources.settings)
    context = StageContext("brain_evaluation", DAY, resources.settings, resources, "")
    return brain_evaluation.body(inputs, context)


@pytest.mark.parametrize(
    ("remade", "why"),
    [
        ("nothing", None),
        ("policy", "The policy was remade after its night, so it is never eligible for live trading."),
        ("session", f"1 of the trailing sessions were remade after their nights, the last of them {BEFORE}"),
    ],
)
def test_what_was_remade_makes_no_brain_eligible_for_live_trading(
    resources: Resources, remade: str, why: str | None
) -> None:
    outcome = _verdict(resources, remade=remade)
    (row,) = outcome.tables["data"].to_pylist()
    # There are no bars to draw; that refuses no verdict.
    assert str(outcome.metadata["held_out_equity"]).startswith("not drawn")
    reasons = json.loads(row["reasons"])
    assert row["is_promoted"], reasons
    assert row["is_live_eligible"] is (why is None)
    assert any(reason.startswith(why or "There is no earlier brain") for reason in reasons)
    assert any("was remade" in reason or "were remade" in reason for reason in reasons) is (why is not None)
