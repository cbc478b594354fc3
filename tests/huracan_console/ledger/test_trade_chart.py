"""How a trade is shown: both ends in its chart, and no text taken for a formula."""

from datetime import UTC, datetime, timedelta
from typing import Any

from huracan_console.ledger.trade_chart import draw_in_terminal, draw_png

ENTERED = datetime(2025, 2, 12, 10, tzinfo=UTC)


def _report(minutes_held: int, symbol: str = "BTC/USDT") -> dict[str, Any]:
    candles = [
        {"open_time": ENTERED + timedelta(minutes=minute), "close": 100.0 + minute}
        for minute in range(-5, 10)
    ]
    left = ENTERED + timedelta(minutes=minutes_held)
    trade = {
        "symbol": symbol, "side": "long", "exit_reason": "STOP", "net_bps": -12.0,
        "entry_time": ENTERED, "exit_time": left, "stop_price": 98.0, "target_price": None,
        "entry_reference_price": 104.0, "exit_reference_price": 98.0,
    }  # fmt: skip
    return {"trade": trade, "candles": candles, "fills": None}


def test_a_trade_that_ended_in_the_bar_of_its_entry_shows_both_marks() -> None:
    for minutes_held in (0, 4):
        drawn = draw_in_terminal(_report(minutes_held), 100)
        assert "▲ in" in drawn and "▼ out" in drawn


def test_a_symbol_with_dollars_is_no_formula() -> None:
    assert draw_png(_report(4, "$^$/USDT")).startswith(b"\x89PNG")
