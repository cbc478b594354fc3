"""What holds whatever the market and the actions are."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.candles.schema import TIME
from huracan.market.block import MarketBlock
from huracan.market.conservation import judge_ledger
from huracan.market.costs import CostAssumptions
from huracan.market.environment import MarketEnvironment
from huracan.market.fills import BPS
from huracan.market.policy import ScriptedPolicy
from huracan.market.rules import TradingRules
from huracan.market.session import Session, trade_session
from huracan.market.trade_log import Provenance, TradeLog, net_parts

COSTS = CostAssumptions()
RULES = TradingRules(maximum_holding_bars=15, entry_margin_bars=3)
PROVENANCE = Provenance("model", "data", "config", True)
SEEDS = st.integers(0, 10_000)
FEW = settings(max_examples=12, deadline=None)

Market = Callable[..., MarketBlock]


def _script(seed: int, bars: int, lanes: int) -> np.ndarray:
    generator = np.random.default_rng([seed, 1])
    return generator.choice(5, (bars, lanes), p=[0.7, 0.08, 0.07, 0.07, 0.08])


def _trade(block: MarketBlock, seed: int, costs: CostAssumptions = COSTS) -> Session:
    lanes = block.symbol_count * len(block.days)
    policy = ScriptedPolicy(_script(seed, block.bar_count, lanes), is_lenient=True)
    return trade_session(block, policy, RULES, costs, PROVENANCE)


@FEW
@given(SEEDS)
def test_money_is_conserved_to_the_cent(random_market: Market, seed: int) -> None:
    session = _trade(random_market(seed), seed)
    assert session.trades.num_rows > 0
    verdict = judge_ledger(session, RULES)
    assert verdict.passed, verdict.reason


@FEW
@given(SEEDS)
def test_nothing_fills_on_a_bar_that_was_not_traded(random_market: Market, seed: int) -> None:
    block = random_market(seed)
    trades = _trade(block, seed).trades
    place = {int(time): bar for bar, time in enumerate(block.open_time_ms)}
    for side in ("entry", "exit"):
        times = trades[f"{side}_time"].cast("int64").to_pylist()
        for symbol, time in zip(trades["symbol"].to_pylist(), times, strict=True):
            assert block.is_tradable[block.symbols.index(symbol), place[time]]


@FEW
@given(SEEDS)
def test_the_rewards_of_a_trade_sum_to_its_net_result(random_market: Market, seed: int) -> None:
    block = random_market(seed, symbols=1, bars=80)
    environment, log = MarketEnvironment(block, RULES, COSTS, 1), TradeLog()
    log.attach(environment)
    environment.begin(np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1, np.int64))
    script, usd, scaled = _script(seed, 80, 1), 0.0, 0.0
    while not environment.has_ended[0]:
        action = script[environment.bar[0]]
        legal = environment.masks()[0, action[0]]
        step = environment.advance(np.where(legal, action, 0))
        usd += float(step.rewards_usd[0])
        scaled += float(step.rewards[0] * RULES.notional_usd * environment.accounts.unit_bps[0] * BPS)
    rows = log.columns()
    total = float(net_parts(rows)["net_usd"].sum()) if rows else 0.0
    assert usd == pytest.approx(total, abs=1e-9)
    assert scaled == pytest.approx(total, abs=1e-9)


@FEW
@given(SEEDS)
def test_a_lane_does_not_depend_on_the_other_lanes(random_market: Market, seed: int) -> None:
    block = random_market(seed)
    bars, script = 80, _script(seed, 80, 4)
    symbols, starts = np.array([0, 1, 0, 1]), np.array([0, 0, 80, 80])

    def run(chosen: np.ndarray) -> np.ndarray:
        environment = MarketEnvironment(block, RULES, COSTS, chosen.size)
        environment.begin(np.arange(chosen.size), symbols[chosen], starts[chosen])
        seen = []
        for bar in range(bars - 1):
            wanted = script[bar][chosen]
            legal = environment.masks()[np.arange(chosen.size), wanted]
            rewards = environment.advance(np.where(legal, wanted, 0)).rewards
            seen.append(np.concatenate([environment.observe().astype(float), rewards[:, None]], axis=1))
        return np.stack(seen)

    together = run(np.array([2, 0, 3, 1]))
    for lane in range(4):
        alone = run(np.array([lane]))
        assert np.array_equal(alone[:, 0], together[:, [2, 0, 3, 1].index(lane)])


@FEW
@given(SEEDS, st.floats(0, 40), st.floats(0.1, 40))
def test_a_higher_fee_never_helps_the_same_actions(
    random_market: Market, seed: int, fee: float, more: float
) -> None:
    block = random_market(seed)
    low = _trade(block, seed, replace(COSTS, taker_fee_bps=fee)).trades["net_usd"].to_numpy()
    high = _trade(block, seed, replace(COSTS, taker_fee_bps=fee + more)).trades["net_usd"].to_numpy()
    assert low.shape == high.shape
    assert (high < low).all()


@FEW
@given(SEEDS, st.integers(5, 74))
def test_bars_after_a_decision_change_nothing_at_or_before_it(
    random_market: Market, seed: int, cut: int
) -> None:
    block = random_market(seed, symbols=2, bars=80)
    noise = np.random.default_rng([seed, 2]).uniform(0.8, 1.25, (2, 79 - cut))
    changed = {}
    for name in ("open", "high", "low", "close"):
        values = getattr(block, name).copy()
        values[:, cut + 1 :] *= noise
        changed[name] = values
    features = block.features.copy()
    features[:, cut + 1 :] = 9.0
    scrambled = replace(block, features=features, **changed)
    before, after = _trade(block, seed), _trade(scrambled, seed)
    shown = np.tile(np.arange(80) <= cut, 2)
    assert before.bars.filter(shown).equals(after.bars.filter(shown))
    limit = int(block.open_time_ms[cut])

    def settled(session: Session) -> list[dict[str, object]]:
        known = np.array(session.trades["exit_time"].cast("int64").to_pylist()) <= limit
        # Only what happens at the very last bar may look back to an earlier candle.
        rows = session.trades.filter(known).to_pylist()
        return [row for row in rows if row["exit_reason"] != "END_OF_SESSION"]

    assert settled(before) == settled(after)


def test_the_same_actions_give_the_same_tables(random_market: Market) -> None:
    block = random_market(5)
    first, second = _trade(block, 5), _trade(block, 5)
    assert first.trades.equals(second.trades)
    assert first.bars.equals(second.bars)
    assert len(set(first.trades["trade_id"].to_pylist())) == first.trades.num_rows


def test_a_ledger_that_was_tampered_with_fails_its_audit(random_market: Market) -> None:
    session = _trade(random_market(5), 5)
    place = session.trades.schema.get_field_index("net_usd")
    altered = session.trades["net_usd"].to_numpy().copy()
    altered[0] += 0.02
    forged = session.trades.set_column(place, "net_usd", [altered])
    assert not judge_ledger(Session(forged, session.bars), RULES).passed


def test_a_fill_beside_the_candles_fails_the_audit(random_market: Market) -> None:
    block = random_market(5)
    session = _trade(block, 5)
    symbols = np.repeat(block.symbols, block.bar_count)
    candles = pa.table(
        {
            "symbol": symbols,
            "open_time": pa.array(np.tile(block.open_time_ms, block.symbol_count)).cast(TIME),
            "low": block.low.reshape(-1),
            "high": block.high.reshape(-1),
            "status": np.where(block.is_tradable, "traded", "flat").reshape(-1),
        }
    )
    assert judge_ledger(session, RULES, candles).passed
    flat = candles.set_column(4, "status", pa.array(["flat"] * candles.num_rows))
    assert "not traded" in judge_ledger(session, RULES, flat).reason
    lower = candles.set_column(3, "high", pa.array(block.high.reshape(-1) * 0.5))
    assert "outside the candle" in judge_ledger(session, RULES, lower).reason
