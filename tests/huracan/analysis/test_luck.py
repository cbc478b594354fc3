"""A trade's percentile among the entries of its hour and regime, worked out by hand and by brute force."""

from dataclasses import replace

import numpy as np
import pytest

from huracan.analysis.trades.luck import MOST_ENTRIES, SCOPES, measure_luck
from huracan.market.actions import ENTER_FULL_INDEX, ENTER_SHORT_FULL_INDEX, EXIT_INDEX
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from tests.huracan.analysis.shadow_days import BARS, FREE, WIDE, day_block, flat_closes, trade

SYMBOL_HOUR, ALL_SYMBOLS, NEIGHBOURS, WHOLE_DAY = range(len(SCOPES))


def _walk(seed: int = 1, symbols: int = 1) -> np.ndarray:
    steps = np.random.default_rng(seed).standard_normal((symbols, BARS)) * 5e-4
    return 100 * np.exp(np.cumsum(steps, axis=1))


def _held(block, first: int, bars: int, action: int = ENTER_FULL_INDEX, rules=WIDE, costs=FREE):
    """The trade that is decided at the close of bar `first` of S0 and held for so many bars."""
    return trade(block, {(0, first): action, (0, first + bars): EXIT_INDEX}, rules, costs).trades


def _returns(close: np.ndarray, bars: range, held: int) -> np.ndarray:
    """Decided at the close of t, bought at the open of t + 1, sold at the open of t + 1 + held."""
    at = np.array(bars)
    return close[at + held] / close[at] - 1.0


@pytest.mark.parametrize(("first", "held"), [(60, 20), (119, 5), (600, 90)])
def test_the_percentile_is_the_share_of_the_hours_bars_that_did_worse(first: int, held: int) -> None:
    close = _walk()
    trades = _held(day_block(close), first, held)
    luck = measure_luck(trades, day_block(close), WIDE, FREE)
    hour = first // 60 * 60
    others = _returns(close[0], range(hour, hour + 60), held)
    mine = others[first - hour]
    assert luck.percentile[0] == pytest.approx(100 * ((others < mine).sum() + 0.5) / 60)
    assert luck.entries.tolist() == [60] and luck.scope.tolist() == [SYMBOL_HOUR]
    assert luck.scope_names().to_pylist() == ["symbol_hour"]


def test_a_short_is_set_against_shorts() -> None:
    close = _walk()
    long, short = (
        measure_luck(_held(day_block(close), 70, 20, action), day_block(close), WIDE, FREE).percentile[0]
        for action in (ENTER_FULL_INDEX, ENTER_SHORT_FULL_INDEX)
    )
    assert long + short == pytest.approx(100.0)


def test_ties_count_half() -> None:
    block = day_block(flat_closes())
    trades = _held(block, 70, 20, costs=CostAssumptions())
    luck = measure_luck(trades, block, WIDE, CostAssumptions())
    assert luck.percentile.tolist() == luck.percentile_by_rules.tolist() == [50.0]


def test_only_the_trades_own_regime_counts() -> None:
    # Prices rise in the second half of the hour, in which another regime reigns.
    close = flat_closes()
    close[0, 90:] = 100 + 0.01 * np.arange(BARS - 90)
    regime = (np.arange(BARS) % 60 >= 30).astype(np.int8)
    trades = _held(day_block(close, regime=regime), 70, 5)
    luck = measure_luck(trades, day_block(close, regime=regime), WIDE, FREE)
    # Of the 30 bars of its regime those from 86 on, bought at 100 and sold in the rise, did better.
    better = int((_returns(close[0], range(60, 90), 5) > 0).sum())
    assert luck.entries.tolist() == [30] and better == 4
    assert luck.percentile[0] == pytest.approx(100 * 0.5 * 26 / 30)


@pytest.mark.parametrize(
    ("own", "beside", "expected", "entries"),
    [
        (20, 0, SYMBOL_HOUR, 20),
        (19, 0, ALL_SYMBOLS, 38),
        (9, 3, NEIGHBOURS, 2 * (9 + 6)),
        (5, 1, WHOLE_DAY, 320),
    ],
)
def test_too_few_entries_widen_the_scope_step_by_step(
    own: int, beside: int, expected: int, entries: int
) -> None:
    # Panic in `own` bars of hour 10, in `beside` of the hours next to it, and for long in the evening.
    panic = np.zeros(BARS, np.int8)
    panic[600 : 600 + own], panic[540 : 540 + beside], panic[660 : 660 + beside] = 3, 3, 3
    panic[1200:1353] = 3
    block = day_block(_walk(symbols=2), regime=panic)
    luck = measure_luck(_held(block, 602, 10), block, WIDE, FREE)
    assert luck.scope.tolist() == [expected]
    assert luck.entries.tolist() == [entries]


def test_of_very_many_entries_an_even_share_is_taken() -> None:
    panic = np.zeros(BARS, np.int8)
    panic[[602, *range(900, 1300)]] = 3
    block = day_block(_walk(symbols=3), regime=panic)
    luck = measure_luck(_held(block, 602, 10), block, WIDE, FREE)
    assert luck.scope.tolist() == [WHOLE_DAY] and luck.entries.tolist() == [MOST_ENTRIES]


def test_where_no_entry_was_legal_nothing_is_claimed() -> None:
    block = day_block(_walk())
    trades = _held(block, 602, 10)
    unready = replace(block, is_ready=np.zeros((1, BARS), bool))
    luck = measure_luck(trades, unready, WIDE, FREE)
    assert np.isnan(luck.percentile).all() and luck.entries.tolist() == [0]
    assert luck.scope_names().to_pylist() == [None]


def test_a_target_that_was_met_early_is_rare_among_entries_cut_off_as_early_and_common_by_the_rules() -> None:
    # The price climbs by 3 bps a bar for two hours: whoever waits is paid the target of 60 bps.
    close = flat_closes()
    close[0, 600:] = np.minimum(100 * (1 + 3e-4 * np.arange(BARS - 600)), 104.0)
    jump = close.copy()
    jump[0, 603:] *= 1.004
    rules = TradingRules(target_volatilities=0.1, target_floor_bps=60.0, stop_floor_bps=500, allow_short=True)
    block = day_block(jump)
    trades = trade(block, {(0, 601): ENTER_FULL_INDEX}, rules, FREE).trades
    assert trades["exit_reason"].to_pylist() == ["TARGET"] and trades["bars_held"].to_pylist() == [6]
    luck = measure_luck(trades, block, rules, FREE)
    assert luck.percentile[0] > 95
    assert luck.percentile_by_rules[0] == pytest.approx(50.0)


def test_bars_that_no_entry_could_reach_change_nothing() -> None:
    close = _walk()
    trades = _held(day_block(close), 70, 20)
    rules = replace(WIDE, maximum_holding="30m")
    plain = measure_luck(trades, day_block(close), rules, FREE)
    other = close.copy()
    other[0, 152:] = _walk(9)[0, 152:]
    changed = measure_luck(trades, day_block(other), rules, FREE)
    assert changed.percentile.tolist() == plain.percentile.tolist()
    assert changed.percentile_by_rules.tolist() == plain.percentile_by_rules.tolist()


def test_trades_keep_their_order_and_do_not_depend_on_each_other() -> None:
    block = day_block(_walk(symbols=2))
    script = {(0, 30): ENTER_FULL_INDEX, (0, 40): EXIT_INDEX, (0, 700): ENTER_SHORT_FULL_INDEX}
    script |= {(0, 730): EXIT_INDEX, (1, 30): ENTER_FULL_INDEX, (1, 90): EXIT_INDEX}
    trades = trade(block, script).trades
    luck = measure_luck(trades, block, WIDE, FREE)
    alone = [measure_luck(trades.slice(row, 1), block, WIDE, FREE) for row in range(3)]
    assert luck.percentile.tolist() == [each.percentile[0] for each in alone]
    assert measure_luck(trades.slice(0, 0), block, WIDE, FREE).percentile.size == 0


def test_a_trade_whose_signal_or_symbol_the_market_lacks_has_no_entry() -> None:
    # Opened under a longer holding than today's, or of a symbol that has left the universe.
    block = day_block(_walk())
    trades = _held(block, 70, 20)
    for other in (day_block(_walk(), block.days[0].replace(day=3)), replace(block, symbols=("S7",))):
        luck = measure_luck(trades, other, WIDE, FREE)
        assert luck.entries.tolist() == [0] and np.isnan(luck.percentile).all()


def test_a_signal_between_two_bars_of_a_changed_timeframe_has_no_entry() -> None:
    block = day_block(_walk())
    moved = replace(block, open_time_ms=block.open_time_ms + 20_000)
    assert measure_luck(_held(block, 70, 20), moved, WIDE, FREE).entries.tolist() == [0]


def test_a_short_that_was_carried_until_shorts_were_no_longer_allowed_has_no_entry() -> None:
    block, rules = day_block(_walk()), replace(WIDE, allow_short=True)
    trades = _held(block, 70, 20, ENTER_SHORT_FULL_INDEX, rules)
    assert measure_luck(trades, block, rules, FREE).entries[0] > 0
    assert measure_luck(trades, block, replace(WIDE, allow_short=False), FREE).entries.tolist() == [0]


def test_entries_run_on_over_midnight_and_the_day_of_the_signal_is_searched() -> None:
    # Two days; a trade signalled in the last hour of the first and left in the second.
    close = np.concatenate([_walk(1), _walk(2)], axis=1)
    block = day_block(close)
    held, first = 50, BARS - 30
    trades = _held(block, first, held)
    luck = measure_luck(trades, block, WIDE, FREE)
    others = _returns(close[0], range(BARS - 60, BARS), held)
    assert luck.entries.tolist() == [60] and luck.scope.tolist() == [SYMBOL_HOUR]
    assert luck.percentile[0] == pytest.approx(100 * ((others < others[30]).sum() + 0.5) / 60)


def test_entries_that_the_blocks_end_cuts_off_count_at_their_liquidation_value() -> None:
    # A fee of 10 bps a side, prices that stand still: all pay 20 bps, also those cut off.
    costs = CostAssumptions(taker_fee_bps=10.0, half_spread_bps=0.0, slippage_coefficient=0.0)
    block = day_block(flat_closes())
    trades = _held(block, BARS - 50, 40, costs=costs)
    luck = measure_luck(trades, block, WIDE, costs)
    assert luck.entries.tolist() == [59]  # every decision of the last hour but the block's last
    assert luck.percentile.tolist() == [50.0]


def test_on_decision_bars_the_entries_are_decisions(coarser) -> None:
    close = _walk(symbols=3)
    block = coarser(day_block(close), 15)
    trades = trade(block, {(0, 41): ENTER_FULL_INDEX, (0, 47): EXIT_INDEX}, WIDE, FREE).trades
    luck = measure_luck(trades, block, WIDE, FREE)
    # Four decisions an hour: with the hours beside it and all symbols twelve each.
    assert luck.scope.tolist() == [NEIGHBOURS] and luck.entries.tolist() == [36]


def test_of_a_policy_without_any_skill_few_trades_are_beyond_luck() -> None:
    # Entries and exits at random on a random walk: 5 % of them may look like skill, and 5 % like bad luck.
    rules, found = TradingRules(allow_short=True), []
    for seed in range(4):
        generator = np.random.default_rng(seed)
        block = day_block(_walk(seed, symbols=8), volatility_bps=5.0)
        script = {(s, b): EXIT_INDEX for s in range(8) for b in np.flatnonzero(generator.random(1400) < 0.02)}
        for symbol in range(8):
            for bar in np.flatnonzero(generator.random(1400) < 0.03):
                script[symbol, bar] = int(generator.choice([ENTER_FULL_INDEX, ENTER_SHORT_FULL_INDEX]))
        trades = trade(block, script, rules, CostAssumptions()).trades
        found.append(measure_luck(trades, block, rules, CostAssumptions()))
    same = np.concatenate([each.percentile for each in found])
    ruled = np.concatenate([each.percentile_by_rules for each in found])
    assert same.size > 500
    assert np.mean(np.minimum(same, ruled) >= 95) < 0.05
    assert np.mean(np.maximum(same, ruled) < 5) < 0.05
