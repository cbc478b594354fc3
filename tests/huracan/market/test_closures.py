"""Positions that a new day has no market for, and those whose market counts in other units."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from huracan.candles.redenominations import Redenomination
from huracan.market.actions import ENTER_FULL_INDEX
from huracan.market.paper.carrying import Carried
from huracan.market.paper.session import trade_session
from tests.huracan.market.paper_days import FLAT, MADE_BY, RULES, Market, audited, milliseconds_of, scripted


def test_candles_that_stay_away_close_a_position_at_the_last_price(make_block: Market) -> None:
    tradable = np.arange(180) < 58
    block = make_block([100.0] * 180, tradable=tradable, day_bars=60)
    first = trade_session(block.slice(0, 59), scripted({50: ENTER_FULL_INDEX}), RULES, FLAT, MADE_BY)
    day = block.slice(59, 119)
    # As a lake has it: nothing of the day before is in the block but its last bar, which was not traded.
    blind = replace(day, **{name: np.full((1, 61), np.nan) for name in ("open", "high", "low", "close")})
    for each in (day, blind):
        second = audited(each, None, Carried(first.open_positions))
        (trade,) = second.trades.to_pylist()
        assert (trade["exit_reason"], trade["exit_reference_price"]) == ("DATA_GAP", 100.0)
        assert milliseconds_of(trade["exit_time"]) > block.open_time_ms[59]
        assert second.bars["equity_usd"][0].as_py() == pytest.approx(
            first.open_positions["equity_usd"][0].as_py()
        )


def test_a_symbol_that_left_the_universe_is_closed_and_its_account_ends(
    make_block: Market,
) -> None:
    closes = np.stack([np.full(120, 100.0), np.full(120, 50.0)])
    block = make_block(closes, day_bars=60)
    first = trade_session(
        block.slice(0, 59), scripted({50: ENTER_FULL_INDEX}, symbols=2), RULES, FLAT, MADE_BY
    )
    day = make_block(closes[:1], day_bars=60).slice(59, 119)
    second = audited(day, scripted({}), Carried(first.open_positions))
    # The other one runs into its time-out; what was closed before the first decision stands first.
    trade, _ = second.trades.to_pylist()
    before = first.open_positions.to_pylist()[1]
    sold = 50.0 * (1 - 1e-4)
    costs = 20 * (50.0 - sold) + 20 * sold * 1e-3
    assert (trade["symbol"], trade["exit_reason"], trade["exit_model_id"]) == ("S1", "LEFT_UNIVERSE", None)
    assert trade["exit_price"] == pytest.approx(sold) and trade["net_usd"] == pytest.approx(
        before["result_usd"] - costs
    )
    assert milliseconds_of(trade["exit_time"]) == block.open_time_ms[60]
    assert second.open_positions["symbol"].to_pylist() == ["S0"]
    (row,) = [each for each in second.bars.to_pylist() if each["symbol"] == "S1"]
    assert row["result_usd"] == pytest.approx(-costs) and row["action"] is None
    assert row["equity_usd"] == row["cash_usd"] == pytest.approx(before["equity_usd"] - costs)


def test_a_symbol_that_joins_begins_with_an_account_of_its_own(make_block: Market) -> None:
    block = make_block(np.full((2, 120), 100.0), day_bars=60)
    alone = make_block(np.full(120, 100.0), day_bars=60)
    first = trade_session(alone.slice(0, 59), scripted({50: ENTER_FULL_INDEX}), RULES, FLAT, MADE_BY)
    second = audited(block.slice(59, 119), scripted({}, symbols=2), Carried(first.open_positions))
    assert second.bars["equity_usd"][60].as_py() == RULES.starting_cash_usd
    assert second.trades["symbol"].to_pylist() == ["S0"] and second.open_positions.num_rows == 2


@pytest.mark.parametrize("reason", ["DELISTED", "TIMEFRAME_CHANGED"])
def test_an_account_without_its_market_is_closed_and_goes_on_flat(make_block: Market, reason: str) -> None:
    block = make_block([100.0] * 120, day_bars=60)
    first = trade_session(block.slice(0, 59), scripted({50: ENTER_FULL_INDEX}), RULES, FLAT, MADE_BY)
    day, outside = block.slice(59, 119), frozenset({"S0"})
    if reason == "TIMEFRAME_CHANGED":
        begins = int(day.open_time_ms[1])
        times = begins + (np.arange(61) - 1) * 2 * 60_000
        day, outside = replace(day, open_time_ms=times), frozenset()
    second = audited(day, scripted({}), Carried(first.open_positions, outside))
    (trade,) = second.trades.to_pylist()
    assert trade["exit_reason"] == second.fills["kind"].to_pylist()[1] == reason
    assert milliseconds_of(trade["entry_time"]) == block.open_time_ms[51]
    assert milliseconds_of(trade["exit_time"]) == block.open_time_ms[60]
    (account,) = second.open_positions.to_pylist()
    assert account["side"] is None and account["trades"] == 1
    assert account["equity_usd"] == pytest.approx(10_000 + trade["net_usd"])
    assert second.bars["result_usd"][0].as_py() == pytest.approx(
        trade["net_usd"] - first.open_positions["result_usd"][0].as_py()
    )


def test_a_redenomination_that_is_declared_afterwards_brings_the_position_into_its_units(
    make_block: Market,
) -> None:
    close = np.where(np.arange(120) < 80, 100.0, 95.0)
    first = trade_session(
        make_block(close, day_bars=60).slice(0, 59), scripted({50: ENTER_FULL_INDEX}), RULES, FLAT, MADE_BY
    )
    plain = audited(
        make_block(close, day_bars=60).slice(59, 119), scripted({}), Carried(first.open_positions)
    )
    # Declared since: prices after a moment of long ago are eight times what they were, stored ones over it.
    long_ago = Redenomination("S0", datetime(2020, 1, 1, tzinfo=UTC), 8.0)
    declared = replace(MADE_BY, declared=(long_ago,))
    scaled = make_block(close / 8.0, day_bars=60).slice(59, 119)
    second = audited(scaled, scripted({}), Carried(first.open_positions), made_by=declared)
    (trade,), (usual,) = second.trades.to_pylist(), plain.trades.to_pylist()
    assert trade["quantity"] == 8.0 * usual["quantity"]
    for name in ("entry_price", "exit_price", "stop_price", "target_price"):
        assert trade[name] == usual[name] / 8.0
    assert trade["net_usd"] == usual["net_usd"] and trade["exit_reason"] == usual["exit_reason"] == "STOP"
    assert [fill["price"] * 8.0 for fill in second.fills.to_pylist()] == plain.fills["price"].to_pylist()
    assert second.open_positions["units_factor"].to_pylist() == [8.0]


def test_a_redenomination_on_the_day_itself_leaves_the_position_as_it_is(make_block: Market) -> None:
    block = make_block([100.0] * 120, day_bars=60)
    today = Redenomination("S0", datetime.fromtimestamp(block.open_time_ms[60] / 1000, UTC), 8.0)
    declared = replace(MADE_BY, declared=(today,))
    first = trade_session(block.slice(0, 59), scripted({50: ENTER_FULL_INDEX}), RULES, FLAT, MADE_BY)
    second = audited(block.slice(59, 119), scripted({}), Carried(first.open_positions), made_by=declared)
    assert second.trades["quantity"].to_pylist() == [10.0]
    assert second.open_positions["units_factor"].to_pylist() == [8.0]
