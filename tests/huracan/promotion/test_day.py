"""What a day on paper comes to: the change of what everything closed would leave, and what it might lose."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.ensemble.columns import SIGNALS_SCHEMA
from huracan.market.actions import ENTER_FULL_INDEX, EXIT_INDEX, action_names
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.ledger import LONG, POLICY_EXIT
from huracan.market.paper.carrying import Carried
from huracan.market.paper.open_columns import OPEN_POSITIONS_SCHEMA
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.session import Session, trade_session
from huracan.market.policy import ScriptedPolicy
from huracan.market.rules import MaintenanceTier, TradingRules
from huracan.market.what_if.shifted_schedule import Schedule
from huracan.promotion.day import (
    DayBook,
    DayResult,
    closing_cost_usd,
    fees_of,
    forecasts_of,
    path_of,
    planned_loss_usd,
    regimes_of,
    result_and_costs_usd,
)
from huracan.promotion.evidence import unit_usd
from huracan.promotion.paper_day import PaperDay
from huracan.proof.promotion.null_markets import BARS_PER_DAY, NullMarketConfig, null_market

RULES = TradingRules(allow_short=True, maximum_holding="10h", volatility_horizon="6h")
MADE_BY = Provenance("model", "null", "test", True)
NOTHING = OPEN_POSITIONS_SCHEMA.empty_table()


def accounts(**columns: list[Any]) -> pa.Table:
    """OPEN_POSITIONS_SCHEMA as far as a day is concerned."""
    count = len(next(iter(columns.values())))
    usual: dict[str, list[Any]] = {
        "equity_usd": [10_000.0] * count,
        "position_value_usd": [0.0] * count,
        "mark_taker_fee_bps": [5.0] * count,
        "mark_half_spread_bps": [1.0] * count,
        "mark_volatility_bps": [20.0] * count,
        "bar_minutes": [60] * count,
    }
    return pa.table(usual | columns)


def test_closing_costs_fee_and_spread_of_each_market_on_what_is_held_either_way() -> None:
    held = accounts(
        position_value_usd=[1_000.0, -2_000.0], mark_taker_fee_bps=[5.0, 4.0], mark_half_spread_bps=[1.0, 2.0]
    )
    assert closing_cost_usd(held, RULES, CostAssumptions()) == pytest.approx(0.6 + 1.2)
    assert closing_cost_usd(held, RULES, CostAssumptions(taker_fee_bps=10.0)) == pytest.approx(1.1 + 2.4)
    assert closing_cost_usd(held, RULES, CostAssumptions(half_spread_bps=0.0)) == pytest.approx(0.5 + 0.8)
    floor = CostAssumptions(half_spread_floor_bps=3.0)
    assert closing_cost_usd(held, RULES, floor) == pytest.approx(0.8 + 1.4)
    assert closing_cost_usd(held, RULES, CostAssumptions(multiplier=2.0)) == pytest.approx(3.6)
    assert closing_cost_usd(NOTHING, RULES, CostAssumptions()) == 0.0


def test_a_takers_rebate_is_never_made_larger_and_nothing_is_earned_by_closing() -> None:
    held = accounts(position_value_usd=[1_000.0])
    rebate = CostAssumptions(taker_fee_bps=-0.5, half_spread_bps=1.0)
    assert closing_cost_usd(held, RULES, rebate) == pytest.approx(0.05)
    doubled = CostAssumptions(taker_fee_bps=-0.5, half_spread_bps=1.0, multiplier=2.0)
    assert closing_cost_usd(held, RULES, doubled) == pytest.approx(0.15)
    assert closing_cost_usd(held, RULES, CostAssumptions(taker_fee_bps=-5.0)) == 0.0


def test_where_targets_rest_no_more_than_a_makers_fee_is_set_aside_and_no_rebate_is_earned() -> None:
    rules, held = TradingRules(targets_are_maker=True), accounts(position_value_usd=[1_000.0, -1_000.0])
    assert closing_cost_usd(held, rules, CostAssumptions()) == 0.0
    assert closing_cost_usd(held, rules, CostAssumptions(maker_fee_bps=2.0)) == pytest.approx(0.4)
    assert closing_cost_usd(held, rules, CostAssumptions(maker_fee_bps=-2.0)) == 0.0


def test_the_planned_loss_is_every_symbols_largest_exposure_at_its_stop_with_both_sides_of_costs() -> None:
    rules = TradingRules(
        notional_usd=1_000.0,
        size_multipliers=(0.5, 1.0, 1.5),
        maximum_adds=2,
        add_multiplier=0.5,
        stop_volatilities=1.5,
        stop_floor_bps=30.0,
        volatility_horizon="4h",
    )
    # 1,500 and two adds of 500; a stop of 1.5 x 20 bps x sqrt(4 bars), or the floor; 6 bps a side.
    own = accounts(mark_volatility_bps=[20.0, 1.0])
    by_hand = 2_500.0 * (60.0 + 12.0) / 10_000 + 2_500.0 * (30.0 + 12.0) / 10_000
    assert planned_loss_usd(own, 2, rules, CostAssumptions()) == pytest.approx(by_hand)
    dearer = 2_500.0 * (60.0 + 24.0) / 10_000 + 2_500.0 * (30.0 + 24.0) / 10_000
    assert planned_loss_usd(own, 2, rules, CostAssumptions(multiplier=2.0)) == pytest.approx(dearer)
    # No account can lose what it may not hold; one that owes can hold nothing.
    poor = accounts(equity_usd=[1_000.0, -5.0])
    assert planned_loss_usd(poor, 2, rules, CostAssumptions()) == pytest.approx(1_000.0 * 72.0 / 10_000)
    # A symbol that begins with the day has no volatility yet: its stop stands at the floor.
    new = by_hand + 2_500.0 * 30.0 / 10_000
    assert planned_loss_usd(own, 3, rules, CostAssumptions()) == pytest.approx(new)
    assert planned_loss_usd(NOTHING, 2, rules, CostAssumptions()) == pytest.approx(2 * 2_500.0 * 0.003)
    stated = CostAssumptions(taker_fee_bps=10.0, half_spread_bps=5.0)
    assert planned_loss_usd(NOTHING, 2, rules, stated) == pytest.approx(2 * 2_500.0 * 0.006)


@pytest.fixture(scope="module")
def market() -> MarketBlock:
    return null_market(NullMarketConfig(symbols=3, days=4, seed=3))


def _days(market: MarketBlock, costs: CostAssumptions) -> list[Session]:
    """Every day goes on from what the one before left open."""
    sessions = list[Session]()
    for number in range(3):
        first, end = (number + 1) * BARS_PER_DAY - 1, (number + 2) * BARS_PER_DAY - 1
        day = market.slice(first, end)
        draws = np.random.default_rng([6, number])
        script = draws.integers(0, len(action_names(True)), (day.bar_count, day.symbol_count))
        carried = Carried(sessions[-1].open_positions) if sessions else None
        policy = ScriptedPolicy(script, is_lenient=True)
        sessions.append(trade_session(day, policy, RULES, costs, MADE_BY, carried))
    return sessions


@pytest.mark.parametrize("costs", [CostAssumptions(), CostAssumptions(multiplier=1.5)])
def test_the_results_of_days_add_up_to_what_all_accounts_would_leave_if_everything_were_closed(
    market: MarketBlock, costs: CostAssumptions
) -> None:
    sessions = _days(market, costs)
    held = [np.count_nonzero(each.open_positions["position_value_usd"].to_numpy()) for each in sessions]
    assert min(held) > 0, "positions over midnight are what it is about"
    total = paid = 0.0
    before = NOTHING
    for session in sessions:
        book = DayBook(session.trades, session.fills, session.bars, session.open_positions, before)
        made, cost = result_and_costs_usd(book, RULES, costs)
        total, paid, before = total + made, paid + cost, session.open_positions
    equity = float(np.sum(before["equity_usd"].to_numpy()))
    set_aside = closing_cost_usd(before, RULES, costs)
    assert set_aside > 0.0
    assert total == pytest.approx(equity - set_aside - 3 * RULES.starting_cash_usd)
    assert paid == pytest.approx(float(np.sum(before["costs_usd"].to_numpy())) + set_aside)
    gross = sum(float(np.sum(session.trades["gross_usd"].to_numpy())) for session in sessions)
    marked = sum(
        (row["result_usd"] or 0.0) + sum(row[f"{name}_usd"] or 0.0 for name in COSTS)
        for row in before.to_pylist()
    )
    assert total + paid == pytest.approx(gross + marked), "result and costs are what was made before costs"


COSTS = ("fee", "spread", "slippage", "funding")


def test_a_days_record_is_made_of_its_tables_and_of_the_days_before(market: MarketBlock) -> None:
    first, second, _ = _days(market, CostAssumptions())
    book = DayBook(second.trades, second.fills, second.bars, second.open_positions, first.open_positions)
    said = SIGNALS_SCHEMA.empty_table()
    paper = PaperDay(date(2025, 1, 3), book, RULES, CostAssumptions(), 3, 12.0, said)
    alone, made = paper.result([], []), result_and_costs_usd(book, RULES, CostAssumptions())
    assert (alone.result_usd, alone.costs_usd) == made and alone.rival_usd == 12.0 - alone.costs_usd
    planned = planned_loss_usd(first.open_positions, 3, RULES, CostAssumptions())
    assert alone.unit_usd == alone.rival_unit_usd == planned
    assert alone.trades == second.trades.num_rows == sum(count for count, _ in alone.regimes.values())
    assert alone.opening_usd == pytest.approx(float(np.sum(first.open_positions["equity_usd"].to_numpy())))
    before = [alone, DayResult.read(alone.plain() | {"day": "2025-01-04", "result_usd": 900.0})]
    after = paper.result(before, [5.0])
    assert after.unit_usd == unit_usd([5.0, *(each.result_usd for each in before)], planned) > planned
    assert after.rival_unit_usd == unit_usd([5.0, *(each.rival_result_usd for each in before)], planned)


def test_trades_of_tables_are_the_schedule_that_the_session_itself_closed(market: MarketBlock) -> None:
    (first, *_) = _days(market, CostAssumptions())
    day = market.slice(BARS_PER_DAY - 1, 2 * BARS_PER_DAY - 1)
    draws = np.random.default_rng([6, 0])
    script = draws.integers(0, len(action_names(True)), (day.bar_count, day.symbol_count))
    environment = MarketEnvironment(day, RULES, CostAssumptions(), 3, records=True)
    every = np.arange(3)
    environment.begin(every, every, np.zeros(3, np.int64))
    for bar in range(day.bar_count - 1):
        legal = environment.masks()
        actions = script[bar]
        flat = environment.state["quantity"] == 0.0
        lenient = np.where(flat, 0, 5)
        environment.advance(np.where(legal[every, actions], actions, lenient))
    ours = Schedule.of_closed(environment.closed())
    theirs = Schedule.of_tables(first.trades, first.open_positions.slice(0, 0), day)
    assert ours.count == theirs.count > 5
    one, other = (np.lexsort((each.entry_bar, each.symbol)) for each in (ours, theirs))
    for name in ("symbol", "side", "entry_bar", "held_bars"):
        assert getattr(ours, name)[one].tolist() == getattr(theirs, name)[other].tolist(), name
    for name in ("notional_usd", "volatility_bps", "gross_usd", "cost_usd"):
        assert getattr(ours, name)[one] == pytest.approx(getattr(theirs, name)[other], rel=1e-9), name


def test_what_is_still_held_is_moved_for_as_long_as_it_has_been_held(market: MarketBlock) -> None:
    first, *_ = _days(market, CostAssumptions())
    day = market.slice(BARS_PER_DAY - 1, 2 * BARS_PER_DAY - 1)
    schedule = Schedule.of_tables(first.trades, first.open_positions, day)
    held = [row for row in first.open_positions.to_pylist() if row["side"] is not None]
    assert held and schedule.count == first.trades.num_rows + len(held)
    for place, row in enumerate(held, first.trades.num_rows):
        hours = round((row["as_of"] - row["entry_time"]) / timedelta(hours=1))
        assert schedule.held_bars[place] == max(hours, 1)
        assert schedule.gross_usd[place] == 0.0 == schedule.cost_usd[place]
        assert schedule.symbol[place] == day.symbols.index(row["symbol"])
        assert schedule.side[place] == (1 if row["side"] == LONG else -1)
        assert schedule.notional_usd[place] == row["opened_reference_usd"]
        assert schedule.volatility_bps[place] == row["volatility_bps"]


def test_trades_of_a_symbol_that_the_block_lacks_are_left_out(market: MarketBlock) -> None:
    first, *_ = _days(market, CostAssumptions())
    day = market.slice(BARS_PER_DAY - 1, 2 * BARS_PER_DAY - 1)
    whole = Schedule.of_tables(first.trades, first.open_positions, day)
    renamed = replace(day, symbols=("ELSE/USDT:USDT", *day.symbols[1:]))
    fewer = Schedule.of_tables(first.trades, first.open_positions, renamed)
    stays = whole.symbol != 0
    assert 0 < np.count_nonzero(stays) < whole.count
    for name, values in fewer.plain().items():
        assert values == getattr(whole, name)[stays].tolist(), name


def _session(equity: list[list[float]], opening: list[float]) -> pa.Table:
    """SESSION_SCHEMA of symbols [symbols, bars]."""
    begins = datetime(2025, 1, 2, tzinfo=UTC)
    rows = [
        {
            "symbol": f"S{symbol}",
            "open_time": begins + timedelta(hours=hour),
            "equity_usd": value,
            "result_usd": value - (values[hour - 1] if hour else opening[symbol]),
        }
        for symbol, values in enumerate(equity)
        for hour, value in enumerate(values)
    ]
    return pa.Table.from_pylist(rows)


def test_the_path_of_a_day_is_that_of_all_accounts_together() -> None:
    session = _session([[110.0, 90.0, 105.0], [100.0, 104.0, 120.0]], [100.0, 100.0])
    # Together 200, then 210, 194, 225.
    assert path_of(session) == pytest.approx((200.0, -6.0, 25.0, 16.0))


def test_regimes_fees_and_forecasts_are_counted_by_hand() -> None:
    trades = pa.table(
        {
            "trade_id": ["a", "b", "c", "d"],
            "regime": ["range", "panic", "range", "range"],
            "net_usd": [5.0, -2.0, -1.0, 0.0],
        }
    )
    assert regimes_of(trades) == {"panic": (1, -2.0), "range": (3, 4.0)}
    said = pa.table({"trade_id": ["a", "b", "d", "x"], "probability": [0.6, 0.3, None, 0.9]})
    assert forecasts_of(trades, said) == (2, pytest.approx(0.9), 1)
    fills = pa.table({"quantity": [2.0, 1.0], "reference_price": [100.0, 50.0], "fee_usd": [0.1, 0.05]})
    assert fees_of(fills) == (pytest.approx(0.15), 250.0)


AMOUNTS = st.floats(-1e6, 1e6)


@settings(max_examples=50, deadline=None)
@given(AMOUNTS, AMOUNTS, st.integers(0, 99), st.none() | AMOUNTS, st.booleans())
def test_a_days_record_is_read_again_to_the_bit(
    result: float, rival: float, trades: int, alone: float | None, is_remade: bool
) -> None:
    whole = DayResult(
        day=date(2025, 1, 2),
        result_usd=result,
        rival_usd=rival,
        unit_usd=3.0,
        rival_unit_usd=4.0,
        opening_usd=1e4,
        costs_usd=0.1,
        trades=trades,
        regimes={"range": (trades, result)},
        alone_usd=alone,
        models=("m", "n"),
        is_remade=is_remade,
    )
    assert DayResult.read(whole.plain()) == whole
    assert DayResult.read(whole.plain() | {"of_a_later_version": 1}) == whole


@pytest.mark.parametrize(
    "costs",
    [
        CostAssumptions(),
        CostAssumptions(multiplier=1.5),
        CostAssumptions(taker_fee_bps=9.0, half_spread_bps=0.5, half_spread_floor_bps=2.0),
        CostAssumptions(half_spread_floor_bps=30.0, multiplier=0.5),
    ],
)
def test_what_is_set_aside_is_what_the_market_takes_for_an_order_that_crosses(costs: CostAssumptions) -> None:
    market = null_market(NullMarketConfig(symbols=3, days=3, seed=3))
    rules = TradingRules(
        allow_short=True, stop_volatilities=50.0, target_volatilities=50.0, maximum_holding="3d"
    )
    one, two = (market.slice(day * BARS_PER_DAY - 1, (day + 1) * BARS_PER_DAY - 1) for day in (1, 2))
    script = np.zeros((one.bar_count, 3), np.int64)
    script[-4] = [ENTER_FULL_INDEX, action_names(True).index("ENTER_SHORT_FULL"), ENTER_FULL_INDEX]
    first = trade_session(one, ScriptedPolicy(script, is_lenient=True), rules, costs, MADE_BY)
    leaves = np.full((two.bar_count, 3), EXIT_INDEX)
    carried = Carried(first.open_positions)
    second = trade_session(two, ScriptedPolicy(leaves, is_lenient=True), rules, costs, MADE_BY, carried)
    left = [row for row in second.fills.to_pylist() if row["kind"] == POLICY_EXIT]
    held = {row["symbol"]: row for row in first.open_positions.to_pylist()}
    assert len(left) == 3 == sum(row["position_value_usd"] != 0.0 for row in held.values())
    for row in left:
        value = row["quantity"] * row["reference_price"]
        alone = first.open_positions.filter(pa.array([each == row["symbol"] for each in held]))
        share = closing_cost_usd(alone, rules, costs) / abs(held[row["symbol"]]["position_value_usd"])
        assert row["fee_usd"] + row["spread_usd"] == pytest.approx(share * value, rel=1e-3)


def test_a_frozen_price_plans_a_loss_at_the_least_volatility_and_leverage_more_of_it() -> None:
    rules = TradingRules(
        notional_usd=3_000.0,
        size_multipliers=(0.5, 1.0, 1.5),
        maximum_adds=2,
        add_multiplier=0.5,
        starting_cash_usd=2_000.0,
        stop_volatilities=1.5,
        stop_floor_bps=30.0,
        volatility_horizon="4h",
        minimum_volatility_bps=50.0,
    )
    # 4,500 and two adds of 1,500, of which 2,000 are the account's own; 1.5 x 50 bps x sqrt(4 bars).
    frozen = accounts(mark_volatility_bps=[None], equity_usd=[2_000.0])
    assert planned_loss_usd(frozen, 1, rules, CostAssumptions()) == pytest.approx(2_000.0 * 162.0 / 10_000)
    still = accounts(mark_volatility_bps=[1.0], equity_usd=[2_000.0])
    assert planned_loss_usd(still, 1, rules, CostAssumptions()) == pytest.approx(2_000.0 * 162.0 / 10_000)
    # An account whose symbol has left the universe is no gain.
    assert planned_loss_usd(still, 0, rules, CostAssumptions()) == pytest.approx(2_000.0 * 162.0 / 10_000)
    assert planned_loss_usd(NOTHING, 2, rules, CostAssumptions()) == pytest.approx(2 * 2_000.0 * 0.003)
    lent = TradingRules(
        **(vars(rules) | {"maximum_leverage": 2.0, "maintenance_tiers": (MaintenanceTier(1e9, 0.05),)})
    )
    assert planned_loss_usd(still, 1, lent, CostAssumptions()) == pytest.approx(4_000.0 * 162.0 / 10_000)
    assert planned_loss_usd(NOTHING, 2, lent, CostAssumptions()) == pytest.approx(2 * 4_000.0 * 0.003)


def test_a_market_without_a_known_fee_or_spread_sets_nothing_aside_for_it() -> None:
    held = accounts(position_value_usd=[1_000.0], mark_taker_fee_bps=[None], mark_half_spread_bps=[1.0])
    assert closing_cost_usd(held, RULES, CostAssumptions()) == pytest.approx(0.1)
    held = accounts(position_value_usd=[1_000.0], mark_taker_fee_bps=[5.0], mark_half_spread_bps=[None])
    assert closing_cost_usd(held, RULES, CostAssumptions()) == pytest.approx(0.5)


def test_a_day_that_only_rises_has_no_low_and_one_that_only_falls_no_high() -> None:
    assert path_of(_session([[101.0, 107.0, 103.0]], [100.0])) == pytest.approx((100.0, 0.0, 7.0, 4.0))
    assert path_of(_session([[99.0, 92.0, 95.0]], [100.0])) == pytest.approx((100.0, -8.0, 0.0, 8.0))


def test_a_trade_that_came_to_nothing_is_no_win_and_regimes_are_sorted_by_name() -> None:
    trades = pa.table(
        {
            "trade_id": ["a", "b", "c"],
            "regime": ["range", "trend", "panic"],
            "net_usd": [0.0, 3.0, 1.0],
        }
    )
    said = pa.table({"trade_id": ["a", "b"], "probability": [0.7, 0.2]})
    assert forecasts_of(trades, said) == (2, pytest.approx(0.9), 1)
    assert list(regimes_of(trades)) == ["panic", "range", "trend"]


def test_a_record_without_what_later_versions_added_is_read_with_their_usual_values() -> None:
    plain = DayResult(
        day=date(2025, 1, 2),
        result_usd=1.0,
        rival_usd=0.5,
        unit_usd=3.0,
        rival_unit_usd=4.0,
        opening_usd=1e4,
        costs_usd=0.1,
    ).plain()
    before = {name: value for name, value in plain.items() if name not in ("alone_usd", "is_remade")}
    assert DayResult.read(before) == DayResult.read(plain)
