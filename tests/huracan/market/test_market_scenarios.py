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
from huracan.market.paper.session import Session, trade_session
from huracan.market.paper.provenance import Provenance
from huracan.market.policy import ScriptedPolicy
from huracan.market.rules import TradingRules
from huracan.market.what_if.baselines import DRAWS
from huracan.market.what_if.rivals import compare_with_rivals
from huracan.market.what_if.scenario_tables import RIVALS_SCHEMA, SCENARIOS_SCHEMA
from huracan.market.what_if.scenarios import judge_scenario_base, run_scenarios

RULES = TradingRules(maximum_holding="15m")
FLAT = CostAssumptions(taker_fee_bps=10, half_spread_bps=1, slippage_coefficient=0)
NAMES = ["as_traded", "costs_x1.5", "costs_x2", "one_bar_later", "volatility_x1.5"]
Market = Callable[..., MarketBlock]


def _session(
    block: MarketBlock, script: dict[int, int], rules: TradingRules = RULES, costs: CostAssumptions = FLAT
) -> Session:
    actions = np.full((int(block.session_last[0]) + 1, block.symbol_count * len(block.days)), WAIT_INDEX)
    for bar, action in script.items():
        actions[bar] = action
    policy = ScriptedPolicy(actions, is_lenient=True)
    return trade_session(block, policy, rules, costs, Provenance("m", "d", "c", True))


def _rows(table: pa.Table, symbol: str = "all") -> dict[str, dict]:
    return {row["scenario"]: row for row in table.to_pylist() if row["symbol"] == symbol}


def test_dearer_and_later_are_what_they_are_by_hand(make_block: Market) -> None:
    close = np.full(60, 100.0)
    close[10:] = 101.0  # bar 10 opens at 100 and closes at 101
    session = _session(make_block(close), {8: ENTER_FULL_INDEX, 12: EXIT_INDEX})
    table = run_scenarios(session.bars, make_block(close), RULES, FLAT)
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
    late = _rows(run_scenarios(moved.bars, make_block(close), RULES, FLAT))["one_bar_later"]
    assert late["gross_usd"] == pytest.approx(0.0) and late["change_usd"] == pytest.approx(-10.0, abs=2e-2)


def test_a_wider_range_reaches_a_stop_that_the_bar_had_missed(make_block: Market) -> None:
    rules = replace(RULES, stop_volatilities=0.0, stop_floor_bps=50.0)
    high, low = np.full(40, 100.2), np.full(40, 99.6)
    block = make_block([100.0] * 40, high=high, low=low)
    session = _session(block, {5: ENTER_FULL_INDEX, 20: EXIT_INDEX}, rules)
    rows = _rows(run_scenarios(session.bars, block, rules, FLAT))
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
    base = _rows(run_scenarios(session.bars, block, RULES, costs))["as_traded"]
    fee = base["break_even_fee_bps"]
    assert base["trades"] == session.trades.num_rows > 0
    if fee >= 0:
        again = run_scenarios(session.bars, block, RULES, replace(costs, taker_fee_bps=fee))
        assert _rows(again)["as_traded"]["net_usd"] == pytest.approx(0.0, abs=0.005)
    else:
        free = run_scenarios(session.bars, block, RULES, replace(costs, taker_fee_bps=0.0))
        assert _rows(free)["as_traded"]["net_usd"] < 0.0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_what_was_traded_is_the_ledger_and_dearer_is_never_better(random_market: Market, seed: int) -> None:
    block = random_market(seed, symbols=3)
    script = dict.fromkeys(range(0, 70, 9), ENTER_FULL_INDEX)
    session = _session(block, script)
    table = run_scenarios(session.bars, block, RULES, FLAT)
    for symbol in ("all", *block.symbols):
        rows = _rows(table, symbol)
        own = [row for row in session.trades.to_pylist() if symbol in ("all", row["symbol"])]
        assert rows["as_traded"]["trades"] == len(own)
        assert rows["as_traded"]["net_usd"] == pytest.approx(sum(row["net_usd"] for row in own), abs=1e-9)
        assert rows["as_traded"]["net_usd"] >= rows["costs_x1.5"]["net_usd"] >= rows["costs_x2"]["net_usd"]
        assert rows["as_traded"]["change_usd"] == 0.0


def test_a_day_without_a_trade_has_scenarios_of_nothing(make_block: Market) -> None:
    block = make_block([100.0] * 30)
    rows = _rows(run_scenarios(_session(block, {}).bars, block, RULES, FLAT))
    assert {row["net_usd"] for row in rows.values()} == {0.0}
    assert {row["break_even_fee_bps"] for row in rows.values()} == {None}


def test_the_rivals_of_a_rising_day_are_those_worked_out_by_hand(make_block: Market) -> None:
    block = make_block(100.0 * (1 + 1e-4) ** np.arange(200))
    # So far from the end of the session that no guess is cut short by it.
    rules = replace(RULES)
    session = _session(block, {20: ENTER_FULL_INDEX, 29: EXIT_INDEX}, rules)
    table, draws = compare_with_rivals(session.trades, block, rules, FLAT, np.random.default_rng(1))
    assert table.schema == RIVALS_SCHEMA and len(draws) == DRAWS
    rows = {(row["rival"], row["symbol"]): row for row in table.to_pylist()}
    brain, guess = rows["brain", "all"], rows["random_entries", "all"]
    assert brain["net_bps"] == session.trades["net_bps"][0].as_py() and brain["trades"] == 1
    # Every guess holds nine bars of the same rise, as the brain did: nobody is better.
    assert guess["net_bps"] == pytest.approx(brain["net_bps"], abs=0.05)
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
    table, draws = compare_with_rivals(session.trades, block, RULES, FLAT, np.random.default_rng(1))
    percentile = table.to_pylist()[-1]["brain_percentile"]
    assert percentile == pytest.approx(100 * ((draws < session.trades["net_bps"][0].as_py()).mean()), abs=1.0)
    assert percentile > 97


def test_without_a_trade_there_is_nothing_to_guess(make_block: Market) -> None:
    block = make_block([100.0] * 60)
    table, draws = compare_with_rivals(
        _session(block, {}).trades, block, RULES, FLAT, np.random.default_rng(1)
    )
    row = table.to_pylist()[-1]
    assert draws.size == row["draws"] == row["trades"] == 0 and row["brain_percentile"] is None


@pytest.mark.parametrize("price", [100.0, 97.3, 31.7, 0.123])
@pytest.mark.parametrize("entry", [ENTER_HALF_INDEX, ENTER_FULL_INDEX, ENTER_ONE_AND_HALF_INDEX])
def test_who_makes_what_all_make_stands_in_their_middle_at_any_size(
    make_block: Market, price: float, entry: int
) -> None:
    block = make_block(np.full(200, price))
    session = _session(block, {20: entry, 29: EXIT_INDEX}, replace(RULES))
    table, _ = compare_with_rivals(session.trades, block, RULES, FLAT, np.random.default_rng(1))
    assert table.to_pylist()[-1]["brain_percentile"] == 50.0


def test_rivals_repeat_by_their_generator(random_market: Market) -> None:
    block = random_market(3)
    trades = _session(block, dict.fromkeys(range(0, 70, 9), ENTER_FULL_INDEX)).trades
    first, again = (
        compare_with_rivals(trades, block, RULES, FLAT, np.random.default_rng(5))[0] for _ in range(2)
    )
    assert first.equals(again)


def test_a_replay_that_makes_another_sum_than_the_ledger_fails_the_check(random_market: Market) -> None:
    block = random_market(3)
    session = _session(block, dict.fromkeys(range(0, 70, 9), ENTER_FULL_INDEX))
    table = run_scenarios(session.bars, block, RULES, FLAT)
    assert judge_scenario_base(table, session.trades).passed
    dearer = run_scenarios(session.bars, block, RULES, replace(FLAT, taker_fee_bps=11))
    verdict = judge_scenario_base(dearer, session.trades)
    assert not verdict.passed and verdict.numbers["largest_difference_usd"] > 0.1
    assert not judge_scenario_base(table, session.trades.slice(1)).passed
