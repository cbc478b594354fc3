"""The same decisions under other circumstances, and the day's rivals: worked out by hand, and by property."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.market.actions import (
    ENTER_FULL_INDEX,
    ENTER_HALF_INDEX,
    ENTER_ONE_AND_HALF_INDEX,
    EXIT_INDEX,
    WAIT_INDEX,
)
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.paper.carrying import Carried, Opening, begin_flat
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.session import Session, opening_of, trade_session
from huracan.market.policy import ScriptedPolicy
from huracan.market.rules import TradingRules
from huracan.market.what_if.rivals import compare_with_rivals
from huracan.market.what_if.scenario_tables import RIVALS_SCHEMA, SCENARIOS_SCHEMA
from huracan.market.what_if.scenarios import PlayedDay, judge_scenario_base, run_scenarios
from huracan.market.what_if.shifted_schedule import DRAWS

RULES = TradingRules(maximum_holding="15m")
FLAT = CostAssumptions(taker_fee_bps=10, half_spread_bps=1, slippage_coefficient=0)
MADE_BY = Provenance("m", "d", "c", True)
NAMES = ["as_traded", "costs_x1.5", "costs_x2", "one_bar_later", "volatility_x1.5"]
Market = Callable[..., MarketBlock]


def _session(
    block: MarketBlock, script: dict[int, int], rules: TradingRules = RULES, costs: CostAssumptions = FLAT
) -> Session:
    return trade_session(block, _policy(block, script), rules, costs, MADE_BY)


def _policy(block: MarketBlock, script: dict[int, int]) -> ScriptedPolicy:
    actions = np.full((block.decision_count, block.symbol_count), WAIT_INDEX)
    for decision, action in script.items():
        actions[decision] = action
    return ScriptedPolicy(actions, is_lenient=True)


def _scenarios(
    session: Session,
    block: MarketBlock,
    rules: TradingRules = RULES,
    costs: CostAssumptions = FLAT,
    opening: Opening | None = None,
) -> pa.Table:
    return run_scenarios(_played(session, block, opening), rules, costs)


def _played(session: Session, block: MarketBlock, opening: Opening | None = None) -> PlayedDay:
    return PlayedDay(session.bars, opening or begin_flat(block, RULES))


def _rows(table: pa.Table, symbol: str = "all") -> dict[str, dict]:
    return {row["scenario"]: row for row in table.to_pylist() if row["symbol"] == symbol}


def test_dearer_and_later_are_what_they_are_by_hand(make_block: Market) -> None:
    close = np.full(60, 100.0)
    close[10:] = 101.0  # bar 10 opens at 100 and closes at 101
    session = _session(make_block(close), {8: ENTER_FULL_INDEX, 12: EXIT_INDEX})
    table = _scenarios(session, make_block(close))
    assert table.schema == SCENARIOS_SCHEMA
    rows = _rows(table)
    assert list(rows) == NAMES
    base = rows["as_traded"]
    # 1,000 USD at 100, sold at 101: 10 USD, less 11 bps of 1,000 and of 1,010.
    assert base["gross_usd"] == pytest.approx(10.0)
    assert base["net_usd"] == pytest.approx(10.0 - 2.01 - 0.201, abs=2e-4)
    assert base["net_usd"] == pytest.approx(session.trades["net_usd"][0].as_py(), abs=1e-12)
    for name, factor in (("costs_x1.5", 1.5), ("costs_x2", 2.0)):
        assert rows[name]["net_usd"] == pytest.approx(10.0 - factor * 2.211, abs=1e-3)
        assert rows[name]["change_usd"] == pytest.approx(rows[name]["net_usd"] - base["net_usd"])
    # A bar later the purchase meets bar 10's open, still 100; two bars later it would not.
    assert rows["one_bar_later"]["gross_usd"] == pytest.approx(10.0)
    moved = _session(make_block(close), {9: ENTER_FULL_INDEX, 12: EXIT_INDEX})
    late = _rows(_scenarios(moved, make_block(close)))["one_bar_later"]
    assert late["gross_usd"] == pytest.approx(0.0) and late["change_usd"] == pytest.approx(-10.0, abs=2e-2)


def test_a_wider_range_reaches_a_stop_that_the_bar_had_missed(make_block: Market) -> None:
    rules = replace(RULES, stop_volatilities=0.0, stop_floor_bps=50.0)
    high, low = np.full(40, 100.2), np.full(40, 99.6)
    block = make_block([100.0] * 40, high=high, low=low)
    session = _session(block, {5: ENTER_FULL_INDEX, 20: EXIT_INDEX}, rules)
    rows = _rows(_scenarios(session, block, rules))
    assert session.trades["exit_reason"].to_pylist() == ["TIME_OUT"] and rows["as_traded"]["stopped"] == 0
    # The range of 60 bps becomes 90 around its middle: 99.45 to 100.35, and the stop lies at 99.5.
    assert rows["volatility_x1.5"]["stopped"] == 1
    assert rows["volatility_x1.5"]["gross_usd"] == pytest.approx(-5.0)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_at_the_break_even_fee_the_same_decisions_net_nothing(random_market: Market, seed: int) -> None:
    block = random_market(seed, symbols=2)
    script = dict.fromkeys(range(0, 70, 12), ENTER_FULL_INDEX) | dict.fromkeys(range(7, 78, 12), EXIT_INDEX)
    costs = CostAssumptions(taker_fee_bps=4.0)
    session = _session(block, script, costs=costs)
    base = _rows(_scenarios(session, block, costs=costs))["as_traded"]
    fee = base["break_even_fee_bps"]
    assert base["trades"] >= session.trades.num_rows > 0
    if fee >= 0:
        again = _scenarios(session, block, costs=replace(costs, taker_fee_bps=fee))
        assert _rows(again)["as_traded"]["net_usd"] == pytest.approx(0.0, abs=0.005)
    else:
        free = _scenarios(session, block, costs=replace(costs, taker_fee_bps=0.0))
        assert _rows(free)["as_traded"]["net_usd"] < 0.0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_what_was_traded_is_the_ledger_and_dearer_is_never_better(random_market: Market, seed: int) -> None:
    block = random_market(seed, symbols=3)
    script = dict.fromkeys(range(0, 70, 9), ENTER_FULL_INDEX)
    session = _session(block, script | {150: EXIT_INDEX})  # and nothing is open at the end
    assert session.open_positions["side"].null_count == block.symbol_count
    table = _scenarios(session, block)
    for symbol in ("all", *block.symbols):
        rows = _rows(table, symbol)
        own = [row for row in session.trades.to_pylist() if symbol in ("all", row["symbol"])]
        assert rows["as_traded"]["trades"] == len(own)
        assert rows["as_traded"]["net_usd"] == pytest.approx(sum(row["net_usd"] for row in own), abs=1e-9)
        assert rows["as_traded"]["net_usd"] >= rows["costs_x1.5"]["net_usd"] >= rows["costs_x2"]["net_usd"]
        assert rows["as_traded"]["change_usd"] == 0.0


def test_a_day_without_a_trade_has_scenarios_of_nothing(make_block: Market) -> None:
    block = make_block([100.0] * 30)
    rows = _rows(_scenarios(_session(block, {}), block))
    assert {row["net_usd"] for row in rows.values()} == {0.0}
    assert {row["break_even_fee_bps"] for row in rows.values()} == {None}


def test_the_rivals_of_a_rising_day_are_those_worked_out_by_hand(make_block: Market) -> None:
    block = make_block(100.0 * (1 + 1e-4) ** np.arange(200))
    rules = replace(RULES)
    session = _session(block, {20: ENTER_FULL_INDEX, 29: EXIT_INDEX}, rules)
    table, draws = compare_with_rivals(_played(session, block), rules, FLAT, np.random.default_rng(1))
    assert table.schema == RIVALS_SCHEMA and len(draws) == DRAWS
    rows = {(row["rival"], row["symbol"]): row for row in table.to_pylist()}
    brain, guess = rows["brain", "all"], rows["random_entries", "all"]
    assert brain["net_bps"] == session.trades["net_bps"][0].as_py() and brain["trades"] == 1
    # Nine bars of the same rise wherever they are; only around the end the beginning follows.
    assert guess["net_bps"] == pytest.approx(brain["net_bps"], abs=0.6)
    assert guess["draws"] == DRAWS and guess["trades"] == 1
    assert rows["do_nothing", "all"]["net_usd"] == 0.0
    held = rows["buy_and_hold", "S0"]
    # Bought at the open of bar 1, which is bar 0's close: 199 bars of a basis point, 22 bps of costs.
    assert held["net_bps"] == pytest.approx(((1 + 1e-4) ** 199 - 1) * 1e4 - 22.2, abs=0.1)
    assert held["net_usd"] == pytest.approx(held["net_bps"] * 0.1) == rows["buy_and_hold", "all"]["net_usd"]


def test_a_brain_that_knows_the_day_beats_every_guess(make_block: Market) -> None:
    close = np.concatenate([np.full(100, 100.0), 100.0 * (1 + 2e-4) ** np.arange(12), np.full(100, 100.22)])
    block = make_block(close)
    session = _session(block, {99: ENTER_FULL_INDEX, 111: EXIT_INDEX})
    table, draws = compare_with_rivals(_played(session, block), RULES, FLAT, np.random.default_rng(1))
    percentile = table.to_pylist()[-1]["brain_percentile"]
    as_well = (draws >= session.trades["net_usd"][0].as_py() - 1e-6).sum()
    assert percentile == pytest.approx(100 * (1 - (1 + as_well) / (1 + DRAWS)))
    assert percentile > 97


def test_without_a_trade_there_is_nothing_to_guess(make_block: Market) -> None:
    block = make_block([100.0] * 60)
    played = _played(_session(block, {}), block)
    table, draws = compare_with_rivals(played, RULES, FLAT, np.random.default_rng(1))
    row = table.to_pylist()[-1]
    assert draws.size == row["draws"] == row["trades"] == 0 and row["brain_percentile"] is None


@pytest.mark.parametrize("price", [100.0, 97.3, 31.7, 0.123])
@pytest.mark.parametrize("entry", [ENTER_HALF_INDEX, ENTER_FULL_INDEX, ENTER_ONE_AND_HALF_INDEX])
def test_who_makes_what_all_make_beats_nobody_at_any_size(
    make_block: Market, price: float, entry: int
) -> None:
    block = make_block(np.full(200, price))
    session = _session(block, {20: entry, 29: EXIT_INDEX}, replace(RULES))
    table, _ = compare_with_rivals(_played(session, block), RULES, FLAT, np.random.default_rng(1))
    assert table.to_pylist()[-1]["brain_percentile"] == 0.0


def test_rivals_repeat_by_their_generator(random_market: Market) -> None:
    block = random_market(3)
    played = _played(_session(block, dict.fromkeys(range(0, 70, 9), ENTER_FULL_INDEX)), block)
    first, again = (compare_with_rivals(played, RULES, FLAT, np.random.default_rng(5))[0] for _ in range(2))
    assert first.equals(again)


def test_a_replay_that_makes_another_sum_than_the_ledger_fails_the_check(random_market: Market) -> None:
    block = random_market(3)
    session = _session(block, dict.fromkeys(range(0, 160, 9), ENTER_FULL_INDEX))
    day, accounts = PlayedDay(session.bars, begin_flat(block, RULES)), session.open_positions
    assert judge_scenario_base(day, RULES, FLAT, session.trades, accounts).passed
    dearer = judge_scenario_base(day, RULES, replace(FLAT, taker_fee_bps=11), session.trades, accounts)
    assert not dearer.passed and dearer.numbers["largest_difference_usd"] > 0.1
    assert not judge_scenario_base(day, RULES, FLAT, session.trades.slice(1), accounts).passed
    richer = accounts.set_column(
        accounts.column_names.index("equity_usd"), "equity_usd", pa.array([10_000.0] * len(accounts))
    )
    assert not judge_scenario_base(day, RULES, FLAT, session.trades, richer).passed


def test_what_is_open_at_the_days_end_counts_at_its_mark_less_what_leaving_costs(make_block: Market) -> None:
    close = np.full(40, 100.0)
    close[30:] = 100.2
    block = make_block(close)
    session = _session(block, {28: ENTER_FULL_INDEX})
    assert session.trades.num_rows == 0
    base = _rows(_scenarios(session, block))["as_traded"]
    assert base["trades"] == base["winners"] + 1 == 1  # 20 bps of profit, 22 of costs
    assert base["net_usd"] == pytest.approx(2.0 - 1.1 - 1.1 * 1.002, abs=1e-3)
    assert base["break_even_fee_bps"] == pytest.approx((2.0 - 0.2002) / 2_002 * 1e4, abs=0.01)


def test_a_day_goes_on_from_what_was_open_and_doubles_only_what_it_pays_itself(make_block: Market) -> None:
    block = make_block(100.0 + np.sin(np.arange(160) / 9.0) * np.ones((2, 1)), day_bars=80)
    rules = replace(RULES, maximum_holding="60m", stop_floor_bps=900.0, target_floor_bps=900.0)
    before, day = block.slice(0, 79), block.slice(79, 159)
    first = _session(before, {70: ENTER_FULL_INDEX}, rules)
    assert first.open_positions["side"].null_count == 0
    carried = Carried(first.open_positions)
    second = trade_session(day, _policy(day, {5: EXIT_INDEX}), rules, FLAT, MADE_BY, carried)
    opening = opening_of(day, rules, FLAT, MADE_BY, carried)
    played = PlayedDay(second.bars, opening)
    assert second.trades.num_rows == 2
    assert judge_scenario_base(played, rules, FLAT, second.trades, second.open_positions).passed
    rows = _rows(_scenarios(second, day, rules, FLAT, opening))
    assert rows["as_traded"]["net_usd"] == pytest.approx(sum(second.trades["net_usd"].to_pylist()))
    # All is closed, so the day made what its bars say: the entry's costs are the day's before.
    made = sum(second.bars["result_usd"].to_pylist())
    assert rows["as_traded"]["result_usd"] == pytest.approx(made) != rows["as_traded"]["net_usd"]
    table, _ = compare_with_rivals(played, rules, FLAT, np.random.default_rng(1))
    brain = next(row for row in table.to_pylist() if row["rival"] == "brain")
    assert brain["trades"] == 0, "what was carried in is no entry of the day"
    fills = second.fills.to_pylist()
    last = sum(fill["fee_usd"] for fill in fills if fill["kind"] == "POLICY_EXIT")
    assert rows["costs_x2"]["fee_usd"] - rows["as_traded"]["fee_usd"] == pytest.approx(last, rel=1e-3)


def test_no_scenario_doubles_a_rebate(make_block: Market) -> None:
    # A target that rests in the book is paid for: that stays what it is, the taker's side doubles.
    close = np.concatenate([np.full(10, 100.0), np.linspace(100.1, 102.0, 30)])
    rules = replace(RULES, targets_are_maker=True, target_volatilities=0.0, target_floor_bps=50.0)
    costs = replace(FLAT, maker_fee_bps=-2.0)
    block = make_block(close)
    session = _session(block, {8: ENTER_FULL_INDEX}, rules, costs)
    assert session.trades["exit_reason"].to_pylist() == ["TARGET"]
    rows = _rows(_scenarios(session, block, rules, costs))
    rebate = -2e-4 * 1_000.0 * 1.005
    assert rows["as_traded"]["fee_usd"] == pytest.approx(1.0 + rebate, abs=1e-3)
    assert rows["costs_x2"]["fee_usd"] == pytest.approx(2.0 + rebate, abs=1e-3)


def test_one_bar_later_is_one_decision_later(
    make_block: Market, coarser: Callable[[MarketBlock, int], MarketBlock]
) -> None:
    close = 100.0 + np.floor(np.arange(60) / 5)  # a step of 1 at every decision
    block = coarser(make_block(close), 5)
    session = _session(block, {4: ENTER_FULL_INDEX, 5: EXIT_INDEX})
    rows = _rows(_scenarios(session, block))
    # Bought at 104 and sold at 105; a decision later at 105 and 106.
    assert rows["as_traded"]["gross_usd"] == pytest.approx(1_000 / 104)
    assert rows["one_bar_later"]["gross_usd"] == pytest.approx(1_000 / 105)
