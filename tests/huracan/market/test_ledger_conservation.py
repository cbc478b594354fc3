"""The audits of a ledger: what the market made passes, and whatever was changed afterwards fails."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.candles.schema import TIME
from huracan.market.actions import (
    ENTER_FULL_INDEX,
    ENTER_SHORT_FULL_INDEX,
    WAIT_INDEX,
    action_names,
)
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.paper.carrying import Carried
from huracan.market.paper.conservation import judge_ledger
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.replay_audit import judge_replay
from huracan.market.paper.session import Session, trade_session
from huracan.market.policy import ScriptedPolicy
from huracan.market.rules import MaintenanceTier, TradingRules

COSTS = CostAssumptions()
RULES = TradingRules(maximum_holding="15m")
SHORT_RULES = replace(RULES, allow_short=True)
PROVENANCE = Provenance("model", "data", "config", True)
SEEDS = st.integers(0, 10_000)
FEW = settings(max_examples=10, deadline=None)

Market = Callable[..., MarketBlock]


def _trade(block: MarketBlock, seed: int, rules: TradingRules = SHORT_RULES) -> Session:
    actions = len(action_names(rules.allow_short))
    script = np.random.default_rng([seed, 1]).integers(0, actions, (block.bar_count, block.symbol_count))
    return trade_session(block, ScriptedPolicy(script, is_lenient=True), rules, COSTS, PROVENANCE)


def _in_place(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def _candles(block: MarketBlock) -> pa.Table:
    return pa.table(
        {
            "symbol": np.repeat(block.symbols, block.bar_count),
            "open_time": pa.array(np.tile(block.open_time_ms, block.symbol_count)).cast(TIME),
            "open": block.open.reshape(-1),
            "low": block.low.reshape(-1),
            "high": block.high.reshape(-1),
            "status": np.where(block.is_tradable, "traded", "flat").reshape(-1),
        }
    )


def _with(table: pa.Table, name: str, row: int, value: Any) -> pa.Table:
    values = table[name].to_pylist()
    values[row] = value
    index = table.schema.get_field_index(name)
    return table.set_column(index, table.schema.field(name), pa.array(values, table.schema.field(name).type))


@pytest.fixture(scope="module")
def block(random_market: Market) -> MarketBlock:
    return random_market(5)


@pytest.fixture(scope="module")
def session(block: MarketBlock) -> Session:
    return _trade(block, 5)


def _demanding(block: MarketBlock, seed: int) -> MarketBlock:
    """The same market with steps of price and quantity, a least order, and funding every twenty bars."""
    symbols, generator = block.symbol_count, np.random.default_rng([seed, 2])
    rate = np.where(np.arange(block.bar_count) % 20 == 7, generator.normal(0.0, 1e-3, block.bar_count), 0.0)
    return replace(
        block,
        tick_size=np.full(symbols, 0.05),
        step_size=np.full(symbols, 0.1),
        minimum_notional_usd=np.full(symbols, 300.0),
        funding_rate=np.tile(rate, (symbols, 1)),
    )


@FEW
@given(SEEDS, st.booleans(), st.booleans(), st.booleans())
def test_money_is_conserved_every_fill_was_possible_and_a_replay_gives_it_again(
    random_market: Market, seed: int, short: bool, maker: bool, demanding: bool
) -> None:
    block = random_market(seed)
    block = _demanding(block, seed) if demanding else block
    rules = replace(RULES, allow_short=short, entries_are_maker=maker, targets_are_maker=maker)
    session = _trade(block, seed, rules)
    assert session.trades.num_rows > 0
    ledger = judge_ledger(session, rules, _candles(block))
    assert ledger.passed, ledger.reason
    again = judge_replay(session, block, rules, COSTS, PROVENANCE)
    assert again.passed, again.reason
    assert (ledger.check, again.check) == ("ledger_conservation", "replay_equals_ledger")
    assert ledger.blocking and again.blocking
    if demanding:
        assert pc.any(pc.not_equal(session.trades["funding_usd"], 0.0)).as_py()


def test_a_short_may_lose_more_than_its_account_and_nothing_else_may(make_block: Market) -> None:
    rules = replace(SHORT_RULES, starting_cash_usd=2_000.0, notional_usd=1_000.0)
    close = np.where(np.arange(60) < 20, 100.0, 350.0)
    block = make_block(close, open_=close)
    script = np.full((60, 1), WAIT_INDEX)
    script[8] = ENTER_SHORT_FULL_INDEX
    session = trade_session(block, ScriptedPolicy(script, is_lenient=True), rules, COSTS, PROVENANCE)
    assert session.bars["cash_usd"].to_numpy().min() < 0.0
    assert judge_ledger(session, rules).passed
    assert "Cash was negative" in judge_ledger(session, replace(rules, allow_short=False)).reason
    held = np.flatnonzero(session.bars["position_value_usd"].to_numpy() != 0.0)[0]
    worth = session.bars["position_value_usd"][int(held)].as_py()
    owing = _with(_with(session.bars, "cash_usd", int(held), -1.0), "equity_usd", int(held), worth - 1.0)
    assert "Cash was negative" in judge_ledger(replace(session, bars=owing), rules).reason


def test_an_account_that_owes_since_a_short_of_the_day_before_owes_on_without_shorts(
    make_block: Market,
) -> None:
    rules = replace(SHORT_RULES, starting_cash_usd=2_000.0, maximum_holding="1h")
    close = np.where(np.arange(120) < 70, 100.0, 350.0)
    block = make_block(close, open_=close, day_bars=60)
    script = np.full((60, 1), WAIT_INDEX)
    script[50] = ENTER_SHORT_FULL_INDEX
    policy = ScriptedPolicy(script, is_lenient=True)
    accounts = trade_session(block.slice(0, 59), policy, rules, COSTS, PROVENANCE).open_positions
    none_any_more = replace(rules, allow_short=False)
    idle = ScriptedPolicy(np.full((120, 1), WAIT_INDEX), is_lenient=True)
    for day in (block.slice(59, 119), make_block(np.full(180, 350.0), day_bars=60).slice(119, 179)):
        session = trade_session(day, idle, none_any_more, COSTS, PROVENANCE, Carried(accounts))
        assert session.bars["cash_usd"][59].as_py() < 0.0
        verdict = judge_ledger(session, none_any_more, accounts=accounts)
        assert verdict.passed, verdict.reason
        accounts = session.open_positions
    assert "Cash was negative" in judge_ledger(session, none_any_more).reason


def test_by_leverage_an_account_of_a_perpetual_may_owe_and_one_of_a_spot_market_may_not(
    make_block: Market,
) -> None:
    rules = replace(
        RULES, starting_cash_usd=600.0, maximum_leverage=3.0, maintenance_tiers=(MaintenanceTier(1e6, 0.01),)
    )
    block = make_block([100.0] * 60)
    script = np.full((60, 1), WAIT_INDEX)
    script[8] = ENTER_FULL_INDEX
    session = trade_session(block, ScriptedPolicy(script, is_lenient=True), rules, COSTS, PROVENANCE)
    assert session.bars["cash_usd"].to_numpy().min() < -400.0
    assert not block.spot_symbols and judge_ledger(session, rules, spot=block.spot_symbols).passed
    spot = replace(block, is_perpetual=np.zeros((1, 1), bool)).spot_symbols
    assert "Cash was negative" in judge_ledger(session, rules, spot=spot).reason


@pytest.mark.parametrize("column", ["net_usd", "gross_usd", "fee_usd", "funding_usd", "net_bps"])
def test_a_trade_that_was_tampered_with_fails(session: Session, column: str) -> None:
    forged = _with(session.trades, column, 0, session.trades[column][0].as_py() + 0.02)
    assert not judge_ledger(replace(session, trades=forged), SHORT_RULES).passed


@pytest.mark.parametrize("column", ["quantity", "reference_price", "price", "fee_usd", "slippage_usd"])
def test_fills_that_do_not_add_up_to_their_trade_fail(session: Session, column: str) -> None:
    forged = _with(session.fills, column, 2, session.fills[column][2].as_py() * 1.01 + 0.02)
    verdict = judge_ledger(replace(session, fills=forged), SHORT_RULES)
    assert not verdict.passed and "add up" in verdict.reason


def test_a_fill_of_more_than_was_ordered_fails(session: Session) -> None:
    forged = _with(session.fills, "ordered_quantity", 2, session.fills["quantity"][2].as_py() / 2)
    verdict = judge_ledger(replace(session, fills=forged), SHORT_RULES)
    assert not verdict.passed and "larger than its order" in verdict.reason


def test_a_fill_too_many_or_too_few_fails(session: Session) -> None:
    for fills in (session.fills.slice(1), pa.concat_tables([session.fills, session.fills.slice(0, 1)])):
        assert not judge_ledger(replace(session, fills=fills), SHORT_RULES).passed
    stranger = _with(session.fills, "trade_id", 0, "nobody's")
    assert "belong to no trade" in judge_ledger(replace(session, fills=stranger), SHORT_RULES).reason


def test_a_fill_that_says_another_side_kind_or_time_fails(session: Session) -> None:
    first, second = (session.fills[name] for name in ("side", "time"))
    other = "sell" if first[0].as_py() == "buy" else "buy"
    for forged in (
        _with(session.fills, "side", 0, other),
        _with(session.fills, "kind", 0, "ADD"),
        _with(session.fills, "time", 0, second[len(second) - 1].as_py()),
    ):
        assert not judge_ledger(replace(session, fills=forged), SHORT_RULES).passed


def test_a_fill_beside_the_candles_fails(block: MarketBlock, session: Session) -> None:
    candles = _candles(block)
    assert judge_ledger(session, SHORT_RULES, candles).passed
    flat = _in_place(candles, "status", pa.array(["flat"] * candles.num_rows))
    assert "not traded" in judge_ledger(session, SHORT_RULES, flat).reason
    unknown = _in_place(candles, "status", pa.nulls(candles.num_rows, pa.string()))
    assert "not traded" in judge_ledger(session, SHORT_RULES, unknown).reason
    assert "not traded" in judge_ledger(session, SHORT_RULES, candles.slice(0, 5)).reason
    lower = _in_place(candles, "high", pa.array(block.high.reshape(-1) * 0.5))
    assert "outside the candle" in judge_ledger(session, SHORT_RULES, lower).reason


def test_an_entry_at_another_price_than_the_open_fails_though_the_candle_holds_it(
    block: MarketBlock, session: Session
) -> None:
    candles = _candles(block)
    within = 0.5 * (candles["low"].to_numpy() + candles["high"].to_numpy())
    assert not np.allclose(within, candles["open"].to_numpy())
    opened_elsewhere = _in_place(candles, "open", pa.array(within))
    assert "is not at the candle's open" in judge_ledger(session, SHORT_RULES, opened_elsewhere).reason


def test_an_entry_in_the_bar_that_decided_it_fails(session: Session) -> None:
    later = session.trades["signal_time"][0].as_py() + timedelta(minutes=1)
    forged = replace(session, trades=_with(session.trades, "signal_time", 0, later))
    assert "filled in the bar that it was decided by" in judge_ledger(forged, SHORT_RULES).reason


@pytest.mark.parametrize(
    "column", ["cash_usd", "equity_usd", "result_usd", "costs_usd", "position_value_usd"]
)
def test_an_account_that_was_tampered_with_fails(session: Session, column: str) -> None:
    last = session.bars.num_rows - 1
    forged = _with(session.bars, column, last, session.bars[column][last].as_py() + 0.02)
    assert not judge_ledger(replace(session, bars=forged), SHORT_RULES).passed


@pytest.mark.parametrize("column", ["equity_usd", "result_usd", "costs_usd", "peak_usd", "fee_usd"])
def test_an_account_that_hands_on_other_money_than_it_has_fails(session: Session, column: str) -> None:
    held = session.open_positions["side"].is_valid().to_pylist().index(True)
    told = session.open_positions[column][held].as_py() + 0.02
    forged = replace(session, open_positions=_with(session.open_positions, column, held, told))
    assert not judge_ledger(forged, SHORT_RULES).passed


def test_a_day_that_opens_with_other_money_than_the_day_before_left_fails(session: Session) -> None:
    accounts = session.open_positions
    flat = accounts["side"].is_valid().to_pylist().index(True)
    other = _with(accounts, "equity_usd", flat, accounts["equity_usd"][flat].as_py())
    verdict = judge_ledger(session, SHORT_RULES, accounts=other)
    assert not verdict.passed and "since the bar or day before" in verdict.reason


def test_a_replay_to_another_account_or_open_fill_fails(block: MarketBlock, session: Session) -> None:
    accounts = session.open_positions
    held = accounts["side"].is_valid().to_pylist().index(True)
    nudged = np.nextafter(accounts["stop"][held].as_py(), np.inf)
    fills = accounts["fills"].to_pylist()
    fills[held][0]["price"] = np.nextafter(fills[held][0]["price"], np.inf)
    place = accounts.column_names.index("fills")
    other_fills = accounts.set_column(
        place, accounts.schema.field(place), pa.array(fills, accounts.schema.field(place).type)
    )
    for forged in (_with(accounts, "stop", held, nudged), other_fills, accounts.slice(1)):
        verdict = judge_replay(replace(session, open_positions=forged), block, SHORT_RULES, COSTS, PROVENANCE)
        assert not verdict.passed, verdict.reason


def test_the_audit_does_not_depend_on_the_order_of_the_accounts(session: Session) -> None:
    half = session.bars.num_rows // 2
    turned = pa.concat_tables([session.bars.slice(half), session.bars.slice(0, half)])
    assert judge_ledger(replace(session, bars=turned), SHORT_RULES).passed
    assert "no bars" in judge_ledger(replace(session, bars=session.bars.slice(half)), SHORT_RULES).reason


def test_a_ledger_that_its_actions_did_not_make_fails_the_replay(
    block: MarketBlock, session: Session
) -> None:
    with_less = replace(session, trades=session.trades.slice(1))
    nudged = np.nextafter(session.trades["net_usd"][0].as_py(), np.inf)
    by_a_bit = replace(session, trades=_with(session.trades, "net_usd", 0, nudged))
    without_fill = replace(session, fills=session.fills.slice(0, session.fills.num_rows - 1))
    for forged in (with_less, by_a_bit, without_fill):
        verdict = judge_replay(forged, block, SHORT_RULES, COSTS, PROVENANCE)
        assert not verdict.passed and "ledger" in verdict.reason
    entered = [action.startswith("ENTER") for action in session.bars["action"].to_pylist()]
    waits = pa.array(np.where(entered, "WAIT", session.bars["action"].to_numpy(zero_copy_only=False)))
    idle = replace(session, bars=session.bars.set_column(2, "action", waits))
    verdict = judge_replay(idle, block, SHORT_RULES, COSTS, PROVENANCE)
    assert not verdict.passed and "cannot have been taken" in verdict.reason


def test_a_day_without_a_trade_passes_both_audits(block: MarketBlock) -> None:
    idle = np.zeros((block.bar_count, block.symbol_count), np.int64)
    session = trade_session(block, ScriptedPolicy(idle), RULES, COSTS, PROVENANCE)
    assert session.trades.num_rows == session.fills.num_rows == 0
    assert judge_ledger(session, RULES, _candles(block)).passed
    assert judge_replay(session, block, RULES, COSTS, PROVENANCE).passed
