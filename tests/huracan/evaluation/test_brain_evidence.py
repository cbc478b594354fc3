from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from huracan.evaluation.evidence import gather_evidence, trailing_drawdown_pct
from huracan.market.ledger import SESSION_SCHEMA

START = datetime(2025, 3, 1, tzinfo=UTC)


def day_of(number: int, equity: list[float]) -> pa.Table:
    rows = [
        {"symbol": "A", "open_time": START + timedelta(days=number, minutes=bar), "equity_usd": value}
        for bar, value in enumerate(equity)
    ]
    return pa.Table.from_pylist(rows, schema=SESSION_SCHEMA)


def test_losses_of_several_days_add_up_to_one_fall() -> None:
    days = [day_of(0, [1000.0, 1050.0]), day_of(1, [1000.0, 980.0]), day_of(2, [1000.0, 970.0])]
    assert trailing_drawdown_pct(days) == pytest.approx(5.0)
    assert trailing_drawdown_pct([]) is None


def test_random_draws_are_put_on_the_notional_that_was_traded() -> None:
    report = {
        "random_draws_net_bps_per_trade": [-20.0, 10.0],
        "hourly_returns_bps": [1.0, -1.0, 2.0],
        "trades": 40,
        "net_usd": 12.5,
        "traded_notional_usd": 50_000.0,
    }
    evidence = gather_evidence(
        report, trials=3, is_simulated=True, last_brain_net_usd=None, sessions=[day_of(0, [1000.0, 990.0])]
    )
    assert evidence.random_net_usd.tolist() == pytest.approx([-100.0, 50.0])
    assert (evidence.trades, evidence.trials, evidence.is_simulated) == (40, 3, True)
    assert evidence.trailing_drawdown_pct == pytest.approx(1.0)
