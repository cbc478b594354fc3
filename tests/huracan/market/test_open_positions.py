"""What is open at midnight goes on the next day as if there had been none, to the bit."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from huracan.errors import InputRefused
from huracan.market.actions import ENTER_FULL_INDEX, EXIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.engine.lane import LANE
from huracan.market.paper.carrying import Carried, carried_in
from huracan.market.paper.conservation import judge_ledger
from huracan.market.paper.open_positions import OF_ACCOUNT
from huracan.market.paper.replay_audit import judge_replay
from huracan.market.paper.session import Session, trade_session
from huracan.market.rules import MaintenanceTier
from tests.huracan.market.paper_days import (
    COSTS,
    FLAT,
    MADE_BY,
    RULES,
    ByFeatures,
    Market,
    audited,
    candles,
    coarser,
    day_by_day,
    milliseconds_of,
    scripted,
    two_days,
)

TIERS = (MaintenanceTier(1e9, 0.05),)


def _sorted(sessions: list[Session], name: str) -> pa.Table:
    """All trades by their entries, or all fills by trade and time."""
    table = pa.concat_tables([getattr(each, name) for each in sessions])
    last = "entry_time" if name == "trades" else "time"
    return table.sort_by([("symbol", "ascending"), (last, "ascending"), ("trade_id", "ascending")])


def _demanding(block: MarketBlock, seed: int) -> MarketBlock:
    """The same market with bars that take little, steps, fees of each day, borrowing, and a long gap."""
    generator, shape = np.random.default_rng([seed, 2]), block.close.shape
    by_day = (block.symbol_count, block.day_count)
    begins = int(generator.integers(60, 200))
    is_there = block.is_tradable.copy()
    is_there[0, begins : begins + 90] = False
    return replace(
        block,
        is_tradable=is_there,
        value_usd=10.0 ** generator.uniform(3.5, 5.0, shape),
        step_size=np.full(by_day, 0.01),
        taker_fee_bps=generator.uniform(1.0, 10.0, by_day),
        half_spread_bps=generator.uniform(0.0, 5.0, by_day),
        borrow_pct_per_year=np.full(by_day, 500.0),
    )


@pytest.mark.parametrize("decision_bars", [1, 4])
@given(seed=st.integers(0, 10_000), is_demanding=st.booleans())
@settings(max_examples=20, deadline=None)
def test_days_one_by_one_make_what_they_make_in_one_block(
    random_market: Market, decision_bars: int, seed: int, is_demanding: bool
) -> None:
    market = random_market(seed, bars=320, day_bars=80, tick_size=0.01)
    block = coarser(_demanding(market, seed) if is_demanding else market, decision_bars)
    rules = replace(RULES, maximum_leverage=3.0, maintenance_tiers=TIERS) if is_demanding else RULES
    whole = trade_session(block, ByFeatures(), rules, COSTS, MADE_BY)
    days = day_by_day(block, rules)
    # Of the seeds at which no position meets midnight nothing is learned.
    assume(any(each.open_positions["side"].null_count < 2 for each in days[:-1]))
    for name in ("trades", "fills"):
        assert _sorted(days, name).equals(_sorted([whole], name))
    assert days[-1].open_positions.equals(whole.open_positions)
    written = replace(whole, bars=pa.concat_tables([each.bars for each in days]))
    again = judge_replay(written, block, rules, COSTS, MADE_BY)
    assert again.passed, again.reason
    for name in ("signals", "decisions"):
        time = "signal_time" if name == "signals" else "open_time"
        parts = pa.concat_tables([getattr(each, name) for each in days])
        keys = [("symbol", "ascending"), (time, "ascending")]
        known = [each for each in parts.column_names if not each.startswith("would_")]
        assert parts.sort_by(keys).select(known).equals(getattr(whole, name).sort_by(keys).select(known))
    results = [pc.sum(each.bars["result_usd"]).as_py() for each in days]
    assert sum(results) == pytest.approx(pc.sum(whole.bars["result_usd"]).as_py(), abs=1e-6)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_lanes_that_are_written_down_and_read_again_are_the_same_to_the_bit(
    random_market: Market, seed: int
) -> None:
    block = random_market(seed, symbols=4, bars=160, day_bars=80, tick_size=0.01)
    environment = MarketEnvironment(block, RULES, COSTS, 4)
    environment.begin(np.arange(4), np.arange(4), np.zeros(4, np.int64))
    policy = ByFeatures()
    for _ in range(79):
        environment.advance(policy.decide(environment.observe(), environment.masks()).actions)
    day = block.slice(79, 159)
    accounts = trade_session(block.slice(0, 79), policy, RULES, COSTS, MADE_BY).open_positions
    opening = carried_in(Carried(accounts), day, RULES, COSTS, MADE_BY)
    held = environment.state["quantity"] > 0.0
    for name in LANE.names:
        ours, theirs = opening.state[name], environment.state[name]
        if name in ("bar", "end_bar", "signal_bar") or name.endswith("_bar"):
            ours = ours + 79
        if name not in (*OF_ACCOUNT, "symbol", "bar", "end_bar"):
            # Of a flat account the position of before is nobody's any more.
            ours, theirs = ours[held], theirs[held]
        if name != "peak_usd":  # that of the ledger is of decision bars, whoever was rewarded for it
            assert ours.tobytes() == theirs.astype(ours.dtype).tobytes(), name
    assert opening.entries.table.num_rows == held.sum()


def test_a_stop_that_is_met_the_day_after_makes_one_trade_of_two_days(make_block: Market) -> None:
    close = np.where(np.arange(120) < 70, 100.0, 95.0)
    block = make_block(close, open_=np.where(np.arange(120) < 71, 100.0, 95.0), day_bars=60)
    first, second = two_days(block, {50: ENTER_FULL_INDEX})
    assert first.trades.num_rows == first.fills.num_rows == 0
    (held,) = first.open_positions.to_pylist()
    # 10 units at 100: half a spread of 1 bp, a fee of 10 bps of what was paid.
    fee = 10 * 100.01 * 1e-3
    assert held["equity_usd"] == pytest.approx(10_000 - 10 * 0.01 - fee, abs=1e-9)
    assert held["result_usd"] == pytest.approx(-0.1 - fee, abs=1e-9)
    assert held["cash_usd"] == pytest.approx(10_000 - 1_000.1 - fee, abs=1e-9)
    (trade,) = second.trades.to_pylist()
    stop = 100 * (1 - 1.5 * 10 * np.sqrt(60) * 1e-4)
    sold = stop * (1 - 1e-4)
    net = 10 * (sold - 100.01) - fee - 10 * sold * 1e-3
    assert (trade["exit_reason"], trade["exit_reference_price"]) == ("STOP", pytest.approx(stop, abs=1e-9))
    assert trade["net_usd"] == pytest.approx(net, abs=1e-9)
    assert milliseconds_of(trade["entry_time"]) == block.open_time_ms[51]
    assert milliseconds_of(trade["exit_time"]) == block.open_time_ms[70]
    assert [milliseconds_of(each) for each in second.fills["time"].to_pylist()] == block.open_time_ms[
        [51, 70]
    ].tolist()
    results = [pc.sum(each.bars["result_usd"]).as_py() for each in (first, second)]
    assert results == pytest.approx([-0.1 - fee, net + 0.1 + fee], abs=1e-9)
    assert second.open_positions["equity_usd"][0].as_py() == pytest.approx(10_000 + net, abs=1e-9)
    (signal,) = first.signals.to_pylist()
    assert (signal["status"], signal["trade_id"]) == ("traded", trade["trade_id"])
    assert second.signals.num_rows == 0


def test_funding_is_paid_on_the_day_at_whose_open_it_is_settled(make_block: Market) -> None:
    rate = np.where(np.isin(np.arange(120), (60, 62)), 1e-3, 0.0)
    block = make_block([100.0] * 120, funding_rate=rate, day_bars=60)
    first, second = two_days(block, {50: ENTER_FULL_INDEX, 70: EXIT_INDEX})
    (trade,) = second.trades.to_pylist()
    assert first.open_positions["funding_usd"].to_pylist() == [0.0]
    assert trade["funding_usd"] == pytest.approx(2.0) and trade["exit_reason"] == "POLICY_EXIT"
    assert second.bars["result_usd"][0].as_py() == pytest.approx(-1.0)


def test_an_exit_that_one_bar_cannot_take_goes_on_after_midnight(make_block: Market) -> None:
    value = np.where(np.arange(120) < 55, 1e9, 8_000.0)
    block = make_block([100.0] * 120, value_usd=value[None, :], day_bars=60)
    first, second = two_days(block, {50: ENTER_FULL_INDEX, 58: EXIT_INDEX})
    (held,) = first.open_positions.to_pylist()
    # 5 % of 8,000 USD are 4 units of 10.
    assert (held["quantity"], held["pending"], held["exit_parts"]) == (6.0, "POLICY_EXIT", 1)
    assert held["exit_model_id"] == "model"
    assert [fill["quantity"] for fill in held["fills"]] == [10.0, 4.0]
    (trade,) = second.trades.to_pylist()
    assert (trade["exit_reason"], trade["exit_model_id"]) == ("POLICY_EXIT", "model")
    assert second.fills["quantity"].to_pylist() == [10.0, 4.0, 4.0, 2.0]
    assert second.fills["ordered_quantity"].to_pylist() == [10.0, 10.0, 6.0, 2.0]
    assert milliseconds_of(trade["exit_time"]) == block.open_time_ms[61]


def test_entry_features_of_another_recipe_are_no_numbers_under_the_new_names(make_block: Market) -> None:
    block = make_block([100.0] * 120, day_bars=60)
    first, second = two_days(block, {50: ENTER_FULL_INDEX})
    assert second.trades["entry_features"].to_pylist() == [[0.0, 0.0]]
    day = replace(
        block.slice(59, 119), feature_names=("a", "b", "c"), features=np.zeros((1, 61, 3), np.float32)
    )
    other = audited(day, scripted({}), Carried(first.open_positions))
    (features,) = other.trades["entry_features"].to_pylist()
    assert len(features) == 3 and np.isnan(features).all()


def test_a_last_candle_that_was_corrected_after_the_night_moves_no_account(make_block: Market) -> None:
    block = make_block([100.0] * 120, day_bars=60)
    first, _ = two_days(block, {50: ENTER_FULL_INDEX})
    day = block.slice(59, 119)
    corrected = np.where(np.arange(61) == 0, 102.0, day.close)
    second = audited(replace(day, close=corrected), scripted({}), Carried(first.open_positions))
    assert second.bars["result_usd"][0].as_py() == pytest.approx(0.0, abs=1e-9)
    assert second.open_positions["peak_usd"].equals(first.open_positions["peak_usd"])


def test_what_was_lent_is_not_called_in_by_rules_that_lend_no_more(make_block: Market) -> None:
    rate = np.where(np.arange(120) == 70, 0.001, 0.0)
    block = make_block([100.0] * 120, day_bars=60, funding_rate=rate)
    poor = replace(RULES, starting_cash_usd=600.0)
    lending = replace(poor, maximum_leverage=3.0, maintenance_tiers=TIERS)
    first = trade_session(block.slice(0, 59), scripted({50: ENTER_FULL_INDEX}), lending, FLAT, MADE_BY)
    assert first.open_positions["cash_usd"][0].as_py() < 0.0
    day, carried = block.slice(59, 119), Carried(first.open_positions)
    second = trade_session(day, scripted({}), poor, FLAT, MADE_BY, carried)
    judged = judge_ledger(second, poor, candles(day), carried.accounts)
    assert judged.passed, judged.reason
    (trade,) = second.trades.select(["exit_reason", "funding_usd"]).to_pylist()
    assert trade == {"exit_reason": "TIME_OUT", "funding_usd": pytest.approx(1.0)}


def test_accounts_of_another_midnight_are_refused(make_block: Market) -> None:
    block = make_block([100.0] * 180, day_bars=60)
    first = trade_session(block.slice(0, 59), scripted({50: ENTER_FULL_INDEX}), RULES, FLAT, MADE_BY)
    with pytest.raises(InputRefused, match="a position cannot skip the time between"):
        trade_session(
            block.slice(119, 179), scripted({}), RULES, FLAT, MADE_BY, Carried(first.open_positions)
        )
    with pytest.raises(InputRefused, match="stand at"):
        trade_session(block.slice(60, 119), scripted({}), RULES, FLAT, MADE_BY, Carried(first.open_positions))


@pytest.mark.parametrize("decision_bars", [1, 4])
def test_later_bars_change_nothing_that_was_done_before_them(
    random_market: Market, decision_bars: int
) -> None:
    block = coarser(random_market(7, bars=320, day_bars=160), decision_bars)
    first = trade_session(block.slice(0, 159), ByFeatures(), RULES, COSTS, MADE_BY)
    day, cut = block.slice(160 - decision_bars, 319), 80
    generator = np.random.default_rng(3)
    changed = {}
    for name in ("open", "high", "low", "close", "value_usd", "traded_value_usd", "volatility_bps"):
        changed[name] = getattr(day, name).copy()
        changed[name][:, cut:] *= 1.5
    features = day.features.copy()
    features[:, cut // decision_bars :] = generator.standard_normal(features[:, cut // decision_bars :].shape)
    end = int(day.open_time_ms[cut])
    carried = Carried(first.open_positions)
    known = [
        trade_session(each, ByFeatures(), RULES, COSTS, MADE_BY, carried)
        for each in (day, replace(day, features=features, **changed))
    ]
    for name, time in (("bars", "open_time"), ("decisions", "open_time"), ("trades", "exit_time")):
        before, after = (getattr(each, name) for each in known)
        early = [each.filter(pc.less(each[time].cast(pa.int64()), end)) for each in (before, after)]
        # The row of a decision that meets the first changed bars is there already.
        assert early[0].num_rows > 0 and early[0].equals(early[1]), name
    assert not known[0].bars.equals(known[1].bars)
