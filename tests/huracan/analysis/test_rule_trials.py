"""Each kind of rule on hand-made days: it changes what it should and nothing else, and never looks ahead."""

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.rules.avoidance import AvoidanceRule
from huracan.analysis.rules.kinds import LEAVES, first_fires
from huracan.analysis.rules.past_session import PastDay, play_again
from huracan.analysis.rules.trials import UnusableDay, try_rules
from huracan.analysis.rules.variants import Difference
from huracan.market.actions import (
    ADD_INDEX,
    ENTER_FULL_INDEX,
    ENTER_SHORT_FULL_INDEX,
    EXIT_INDEX,
    HOLD_INDEX,
    TRAIL_INDEX,
)
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.paper.carrying import Carried
from huracan.market.paper.session import opening_of, trade_session
from huracan.market.policy import ScriptedPolicy
from huracan.market.rules import TradingRules
from tests.huracan.analysis.shadow_days import (
    BARS,
    DAY,
    FREE,
    MADE_BY,
    WIDE,
    day_block,
    days_before,
    flat_closes,
    trade,
)

YESTERDAY = DAY - timedelta(days=1)
ENTRY = {(0, 100): ENTER_FULL_INDEX}
"""Decided at the close of bar 100, bought at the open of 101."""


def rule(kind: str, **numbers: float) -> AvoidanceRule:
    return AvoidanceRule.read(json.dumps({"kind": kind, **numbers}))


def past(block: MarketBlock, script, rules: TradingRules = WIDE, costs=FREE, analysed=None) -> PastDay:
    session = trade(block, script, rules, costs)
    return PastDay(block.days[0], block, session.bars, session.trades, analysed)


def change(a_rule: AvoidanceRule, day: PastDay, rules: TradingRules = WIDE, costs=FREE) -> Difference:
    trials = try_rules([a_rule], [day], DAY, rules, costs)
    assert trials.days == (day.day,) and not trials.unusable
    return trials.differences[0][0]


def falling(start: int = 100, per_bar: float = 0.01, bars: int = 100) -> np.ndarray:
    """At 100 until `start`; the close of each of the next `bars` is `per_bar` lower."""
    close = flat_closes()
    fallen = np.clip(np.arange(BARS) - start, 0, bars) * per_bar
    return close - fallen


def test_no_rule_that_fires_nowhere_changes_anything() -> None:
    day = past(day_block(falling(), YESTERDAY), ENTRY | {(0, 150): EXIT_INDEX})
    for a_rule in (
        rule("skip_costly", cost_volatilities=5), rule("skip_unlikely", win_probability=0.5),
        rule("leave_volatile", volatility_ratio=2), rule("leave_regime"), rule("leave_aged", minutes=70),
        rule("leave_adverse", volatilities=50, first_minutes=3), rule("widen_stop", volatilities=10),
    ):  # fmt: skip
        found = change(a_rule, day)
        assert replace(found, unknown_trades=0) == Difference(0.0, 0, 0.0, 0, 0, 0), a_rule.text


def test_a_struck_entry_gives_back_what_its_trade_lost_and_leaves_the_others() -> None:
    # Two entries: volatility is 10 at the first and 40 at the second; a round trip costs 20 bps.
    costs = CostAssumptions(taker_fee_bps=10, half_spread_bps=0, slippage_coefficient=0)
    volatility = np.where(np.arange(BARS) < 300, 10.0, 40.0)
    script = ENTRY | {(0, 150): EXIT_INDEX, (0, 400): ENTER_FULL_INDEX, (0, 450): EXIT_INDEX}
    block = day_block(falling(), YESTERDAY, volatility_bps=volatility)
    day = past(block, script, costs=costs)
    lost = day.trades["net_usd"].to_pylist()
    # Bought at 100 USD, sold at 99.50 (the open of 151): 50 bps down, and 0.1 % of both values.
    assert lost[0] == pytest.approx(1000 * (-0.005 - 0.001 - 0.000995)) and lost[1] < 0
    found = change(rule("skip_costly", cost_volatilities=1.5), day, costs=costs)
    assert found == Difference(pytest.approx(-lost[0]), 1, pytest.approx(1000.0), 1, 0, 0)
    both = change(rule("skip_costly", cost_volatilities=0.5), day, costs=costs)
    assert both.net_usd == pytest.approx(-sum(lost)) and (both.trades, both.losses_avoided) == (2, 2)


def test_a_struck_entry_takes_its_adds_with_it() -> None:
    script = ENTRY | {(0, 110): ADD_INDEX, (0, 120): TRAIL_INDEX, (0, 150): EXIT_INDEX}
    day = past(day_block(falling(), YESTERDAY), script)
    found = change(rule("skip_costly", cost_volatilities=0), day)
    assert found.net_usd == pytest.approx(-day.trades["net_usd"][0].as_py()) and found.trades == 1


@pytest.mark.parametrize(
    ("a_rule", "struck"),
    [
        (rule("skip_unlikely", win_probability=0.4), [0]),
        (rule("skip_unprofitable", mean_net_bps=-5), [0]),
        (rule("skip_unprecedented", similar_trades=5), [1]),
    ],
)
def test_what_similar_trades_had_made_is_known_of_analysed_trades_alone(a_rule, struck) -> None:
    script = ENTRY | {(0, 120): EXIT_INDEX, (0, 130): ENTER_FULL_INDEX, (0, 150): EXIT_INDEX}
    script |= {(0, 160): ENTER_FULL_INDEX, (0, 190): EXIT_INDEX}
    block = day_block(falling(), YESTERDAY)
    trades = trade(block, script).trades
    analysed = pa.table(
        {
            "trade_id": trades["trade_id"].to_pylist()[1::-1],
            "similar_trades": [2, 20],
            "pattern_win_probability": [0.41, 0.4],
            "pattern_mean_net_bps": [None, -5.0],
        }
    )
    found = change(a_rule, past(block, script, analysed=analysed))
    lost = trades["net_usd"].to_numpy()
    assert found.net_usd == pytest.approx(-lost[struck].sum()) and found.trades == len(struck)
    # The third trade is not analysed, nor is the mean of one that is.
    assert found.unknown_trades == (2 if a_rule.kind == "skip_unprofitable" else 1)
    unknown = change(a_rule, past(block, script))
    assert unknown == Difference(0.0, 0, 0.0, 0, 0, 3)


def _left_at(close: np.ndarray, bar: int) -> float:
    """Bought for 1,000 USD at the open of 101, sold at the open of the bar after `bar`."""
    return 1000 * (close[0, bar] / close[0, 100] - 1.0)


@pytest.mark.parametrize(
    ("a_rule", "fires"),
    [
        (rule("leave_aged", minutes=7), 107),  # the seventh close, that of the entry bar being the first
        (rule("leave_volatile", volatility_ratio=2), 120),
        (rule("leave_regime"), 130),
        (rule("leave_adverse", volatilities=0.15, first_minutes=3), 102),  # 1.5 bps are two closes down
    ],
)
def test_a_rule_that_leaves_early_leaves_at_the_open_after_it_fires(a_rule, fires) -> None:
    close = falling()
    bar = np.arange(BARS)
    block = day_block(
        close,
        YESTERDAY,
        volatility_bps=np.where(bar < 120, 10.0, 20.0),
        regime=np.where(bar < 130, 1, 2),
    )
    day = past(block, ENTRY | {(0, 150): EXIT_INDEX})
    found = change(a_rule, day)
    without, with_rule = _left_at(close, 150), _left_at(close, fires)
    assert day.trades["net_usd"][0].as_py() == pytest.approx(without)
    assert found.net_usd == pytest.approx(with_rule - without)
    assert (found.trades, found.notional_usd) == (1, pytest.approx(1000.0))
    # A smaller loss is still a loss.
    assert (found.losses_avoided, found.wins_lost) == (0, 0)


def test_leaving_early_may_lose_a_win() -> None:
    close = falling(bars=30) + np.clip(np.arange(BARS) - 140, 0, 60) * 0.02
    day = past(day_block(close, YESTERDAY), ENTRY | {(0, 250): EXIT_INDEX})
    assert day.trades["net_usd"][0].as_py() == pytest.approx(1000 * 0.009)
    found = change(rule("leave_adverse", volatilities=0.15, first_minutes=3), day)
    assert found.net_usd == pytest.approx(1000 * (-0.0002 - 0.009)) and found.wins_lost == 1


def test_a_short_is_left_when_the_price_rises() -> None:
    rising = 200 - falling()
    day = past(day_block(rising, YESTERDAY), {(0, 100): ENTER_SHORT_FULL_INDEX, (0, 150): EXIT_INDEX})
    found = change(rule("leave_adverse", volatilities=0.15, first_minutes=3), day)
    assert found.net_usd == pytest.approx(1000 * (0.005 - 0.0002)) and found.trades == 1
    assert change(rule("leave_adverse", volatilities=0.15, first_minutes=1), day).trades == 0


def test_a_trade_that_leaves_anyway_is_not_touched() -> None:
    day = past(day_block(falling(), YESTERDAY), ENTRY | {(0, 107): EXIT_INDEX})
    assert change(rule("leave_aged", minutes=7), day).trades == 0
    assert change(rule("leave_aged", minutes=6), day).trades == 1


def test_a_rule_for_one_trade_leaves_the_next_one_of_the_symbol_alone() -> None:
    # Ten bars, and five bars later a hundred more: only the second one gets as old as 30.
    script = ENTRY | {(0, 110): EXIT_INDEX, (0, 115): ENTER_FULL_INDEX, (0, 215): EXIT_INDEX}
    close = falling(bars=200)
    day = past(day_block(close, YESTERDAY), script)
    found = change(rule("leave_aged", minutes=30), day)
    # Bought at the open of 116, left at that of 146.
    expected = 1000 * (close[0, 145] - close[0, 215]) / close[0, 115]
    assert (found.net_usd, found.trades) == (pytest.approx(expected), 1)


def test_an_entry_decided_where_the_trade_before_it_ended_is_not_struck_out() -> None:
    # The regime of the first trade ends in the bar at whose open it is left, and the next one is entered.
    script = ENTRY | {(0, 150): EXIT_INDEX, (0, 151): ENTER_FULL_INDEX, (0, 250): EXIT_INDEX}
    regime = np.where(np.arange(BARS) < 151, 1, 2)
    day = past(day_block(falling(bars=200), YESTERDAY, regime=regime), script)
    left, signalled = day.trades["exit_time"][0].as_py(), day.trades["signal_time"][1].as_py()
    assert signalled == left + timedelta(minutes=1)  # the close of that bar
    assert change(rule("leave_regime"), day) == Difference(0.0, 0, 0.0, 0, 0, 0)


def test_a_trade_that_ends_at_another_bar_is_touched_even_at_the_same_price() -> None:
    day = past(day_block(flat_closes(), YESTERDAY), ENTRY | {(0, 150): EXIT_INDEX})
    assert change(rule("leave_aged", minutes=7), day) == Difference(0.0, 1, pytest.approx(1000.0), 0, 0, 0)


def test_a_stop_that_is_farther_away_survives_the_dip_and_holds_until_the_stored_exit() -> None:
    # One-bar volatility 10, so the stop of 1.5 units is 1.5 x 10 x sqrt(60) = 116 bps away.
    close = flat_closes()
    close[0, 110:115] = 98.5
    close[0, 115:] = 101.0
    rules = TradingRules(target_volatilities=20, maximum_holding="600m")
    script = ENTRY | {
        (0, 112): ENTER_FULL_INDEX,
        (0, 200): EXIT_INDEX,
        (0, 300): ENTER_FULL_INDEX,
        (0, 310): EXIT_INDEX,
    }
    day = past(day_block(close, YESTERDAY), script, rules)
    stopped, again, last = day.trades["net_usd"].to_pylist()
    assert day.trades["exit_reason"].to_pylist()[0] == "STOP" and again > 0 and last == 0
    found = change(rule("widen_stop", volatilities=20), day, rules)
    # 155 bps hold; the first trade is sold at 101 at bar 201, and the second entry finds it open.
    assert found.net_usd == pytest.approx(10.0 - stopped - again)
    assert (found.trades, found.losses_avoided, found.wins_lost) == (2, 1, 1)
    near = change(rule("widen_stop", volatilities=5), day, rules)
    assert near == Difference(0.0, 0, 0.0, 0, 0, 0)  # it is farther away already


def test_a_trailing_stop_that_follows_from_farther_holds_on() -> None:
    # It follows 10 x sqrt(60) = 77 bps behind the best price, or 155.
    close = flat_closes()
    close[0, 105:110], close[0, 110:115], close[0, 115:] = 100.2, 99.2, 101.0
    rules = TradingRules(target_volatilities=20, maximum_holding="600m")
    day = past(day_block(close, YESTERDAY), ENTRY | {(0, 102): TRAIL_INDEX, (0, 200): EXIT_INDEX}, rules)
    assert day.trades["exit_reason"].to_pylist() == ["TRAILING_STOP"]
    found = change(rule("widen_trail", volatilities=20), day, rules)
    assert found.net_usd == pytest.approx(10.0 - day.trades["net_usd"][0].as_py())
    assert found.losses_avoided == 1


def test_many_rules_at_once_change_what_each_alone_would() -> None:
    generator = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(generator.standard_normal((3, BARS)) * 5e-4, axis=1))
    block = day_block(close, YESTERDAY, volatility_bps=5 * np.exp(generator.standard_normal((3, BARS)) / 3))
    script = {(s, b): int(generator.choice([1, 2, 10, 11])) for s in range(3) for b in range(20, 1380, 35)}
    script |= {(s, b + int(generator.integers(3, 34))): EXIT_INDEX for s, b in script if s < 2}
    rules = TradingRules(allow_short=True, stop_floor_bps=20)
    day = past(block, script, rules, CostAssumptions())
    several = [
        rule("skip_costly", cost_volatilities=5), rule("leave_aged", minutes=20), rule("leave_regime"),
        rule("leave_volatile", volatility_ratio=2), rule("widen_stop", volatilities=20),
        rule("leave_adverse", volatilities=3, first_minutes=3), rule("widen_trail", volatilities=30),
    ]  # fmt: skip
    trials = try_rules(several, [day], DAY, rules, CostAssumptions())
    alone = [change(each, day, rules, CostAssumptions()) for each in several]
    assert list(trials.differences[0]) == alone
    assert trials.of("trades").T.tolist() == [[each.trades for each in alone]]
    assert sum(each.trades > 0 for each in alone) >= 5
    assert trials.otherwise_traded == ()


@pytest.mark.parametrize("kind", LEAVES)
def test_bars_after_a_rule_fires_do_not_move_it(kind: str) -> None:
    numbers = {
        "leave_aged": {"minutes": 9}, "leave_volatile": {"volatility_ratio": 1.2}, "leave_regime": {},
        "leave_adverse": {"volatilities": 3, "first_minutes": 30},
    }  # fmt: skip
    generator = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(generator.standard_normal((1, BARS)) * 5e-4, axis=1))
    volatility = 5 * np.exp(np.cumsum(generator.standard_normal((1, BARS)) / 30, axis=1))
    regime = np.repeat(generator.integers(0, 4, (1, BARS // 20)), 20, axis=1)
    script = {
        (0, bar): action for start in range(20, 1300, 60) for bar, action in ((start, 2), (start + 55, 4))
    }
    block = day_block(close, YESTERDAY, volatility_bps=volatility, regime=regime)
    session = play_again(past(block, script), WIDE, FREE)
    fires = first_fires(rule(kind, **numbers[kind]), session)
    assert (fires >= 0).sum() >= 5
    for number in np.flatnonzero(fires >= 0):
        # Everything after that close is another market, in which the trade may even end sooner.
        at = int(session.trades["entry_bar"][number] + fires[number])
        scrambled = [values.copy() for values in (close, volatility, regime)]
        for values in scrambled:
            values[0, at + 1 :] = generator.permutation(values[0, at + 1 :])
        other = day_block(scrambled[0], YESTERDAY, volatility_bps=scrambled[1], regime=scrambled[2])
        again = play_again(past(other, script), WIDE, FREE)
        same = again.trades["entry_bar"] == session.trades["entry_bar"][number]
        assert first_fires(rule(kind, **numbers[kind]), again)[same].tolist() == [fires[number]]


def test_the_day_itself_and_later_days_change_nothing() -> None:
    a_rule = rule("leave_aged", minutes=7)
    days = [past(day_block(falling(), day), ENTRY | {(0, 150): EXIT_INDEX}) for day in days_before(2)]
    later = [
        past(day_block(falling(), DAY + timedelta(days=n)), ENTRY | {(0, 160): EXIT_INDEX}) for n in (0, 1)
    ]
    plain = try_rules([a_rule], days, DAY, WIDE, FREE)
    assert plain.days == tuple(days_before(2))
    more = try_rules([a_rule], [*days, *later, UnusableDay(DAY, "It is today.")], DAY, WIDE, FREE)
    assert (more.days, more.differences, more.unusable) == (plain.days, plain.differences, ())


def test_a_day_that_cannot_be_played_is_named_and_so_is_one_that_was_traded_otherwise() -> None:
    first, second, third, fourth = days_before(4)
    script = ENTRY | {(0, 150): EXIT_INDEX}
    short_only = {(0, 100): ENTER_SHORT_FULL_INDEX, (0, 150): EXIT_INDEX}
    good = past(day_block(falling(), first), script)
    dearer = past(day_block(falling(), second), script, costs=CostAssumptions())
    other_market = past(day_block(falling(), third), short_only)
    whole = past(day_block(falling(), fourth), script)
    torn = replace(whole, bars=whole.bars.slice(3))
    unread = UnusableDay(fourth - timedelta(days=9), "There are no candles.")
    long_only = replace(WIDE, allow_short=False)
    trials = try_rules(
        [rule("leave_aged", minutes=7)], [unread, good, dearer, other_market, torn], DAY, long_only, FREE
    )
    assert trials.days == (first,) and trials.otherwise_traded == (second,)
    assert len(trials.differences) == 1
    assert [each.day for each in trials.unusable] == [unread.day, third, fourth]
    assert "does not know" in trials.unusable[1].why and "every decision" in trials.unusable[2].why


def _two_days(script: dict[tuple[int, int], int]) -> tuple[PastDay, pa.Table]:
    """The second of two days that fall for hours around midnight, led by the first one's last bar, and the
    first one's trades; `script` counts the bars of both."""
    close = 100.0 - np.clip(np.arange(2 * BARS) - 1_300, 0, 300) * 0.01
    whole = day_block(close[None], YESTERDAY - timedelta(days=1))
    first, second = whole.slice(0, BARS - 1), whole.slice(BARS - 1, 2 * BARS - 1)
    before = trade(first, {key: action for key, action in script.items() if key[1] < BARS - 1})
    carried = Carried(before.open_positions)
    opening = opening_of(second, WIDE, FREE, MADE_BY, carried)
    actions = np.full((second.decision_count, 1), HOLD_INDEX)
    for (symbol, bar), action in script.items():
        if bar >= BARS - 1:
            actions[bar - (BARS - 1), symbol] = action
    policy = ScriptedPolicy(actions, is_lenient=True)
    session = trade_session(second, policy, WIDE, FREE, MADE_BY, carried)
    return PastDay(YESTERDAY, second, session.bars, session.trades, None, opening.state), before.trades


def test_a_day_is_played_on_from_what_was_open_and_rules_act_on_its_own_entries_alone() -> None:
    opened, own = (0, 1_400), (0, BARS + 99)
    script = {opened: ENTER_FULL_INDEX, (0, BARS + 19): EXIT_INDEX}
    script |= {own: ENTER_FULL_INDEX, (0, BARS + 149): EXIT_INDEX}
    day, before = _two_days(script)
    assert before.num_rows == 0 and day.trades.num_rows == 2
    found = change(rule("leave_aged", minutes=20), day)
    # The carried position is older than that at midnight and stays; the day's own is left 30 bars earlier.
    assert found.trades == 1 and found.net_usd == pytest.approx(1000 * 0.3 / day.block.open[0, 101])
    struck = change(rule("skip_costly", cost_volatilities=0), day)
    assert struck.trades == 1 and struck.unknown_trades == 0


def test_what_is_open_at_the_days_end_counts_at_liquidation_value_with_the_rule_and_without() -> None:
    close = falling(start=1_400)
    day = past(day_block(close, YESTERDAY), {(0, 1_400): ENTER_FULL_INDEX})
    assert day.trades.num_rows == 0
    found = change(rule("leave_aged", minutes=10), day)
    assert found.trades == 1 and found.losses_avoided == 0
    # Bought at 100, worth 99.61 at the end; left at the open of the bar after the tenth close.
    assert found.net_usd == pytest.approx(_left_at(close, 1_410) - _left_at(close, BARS - 1))


def test_on_decision_bars_a_rule_says_leave_at_decisions_alone(coarser) -> None:
    close = falling(bars=400)
    block = coarser(day_block(close, YESTERDAY), 15)
    day = past(block, {(0, 9): ENTER_FULL_INDEX, (0, 25): EXIT_INDEX})
    # Bought at the open of bar 150; of age 20 minutes the first decision is that of 30.
    found = change(rule("leave_aged", minutes=20), day)
    price = block.open[0, [150, 180, 390]]
    assert found.net_usd == pytest.approx(1000 * (price[1] - price[2]) / price[0])
    assert change(rule("leave_adverse", volatilities=1, first_minutes=14), day).trades == 0
    early = change(rule("leave_adverse", volatilities=1, first_minutes=15), day)
    assert early.net_usd == pytest.approx(1000 * (block.open[0, 165] - price[2]) / price[0])


def test_without_a_past_there_are_no_differences() -> None:
    trials = try_rules([rule("leave_regime")], [], DAY, WIDE, FREE)
    assert trials.of("net_usd").shape == (1, 0) and trials.days == ()
    assert try_rules([], [past(day_block(falling(), YESTERDAY), ENTRY)], DAY, WIDE, FREE).of(
        "trades"
    ).shape == (0, 1)
