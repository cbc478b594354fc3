"""Holding more than one has, and being sold out by the exchange: by hand, and against a search by halves."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from huracan.errors import InvalidInput
from huracan.market.actions import (
    ADD_INDEX,
    ENTER_FULL_INDEX,
    ENTER_ONE_AND_HALF_INDEX,
    ENTER_SHORT_FULL_INDEX,
)
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.kernel_numbers import TIER_NUMBERS, rule_numbers
from huracan.market.ledger import EXIT_REASONS
from huracan.market.rules import MOST_TIERS, MaintenanceTier, TradingRules

FREE = CostAssumptions(taker_fee_bps=0, maker_fee_bps=0, half_spread_bps=0, slippage_coefficient=0)
TIERS = (MaintenanceTier(600, 0.1), MaintenanceTier(900, 0.2), MaintenanceTier(1e5, 0.4))
# The stop is 90 % away, the target far.
WIDE = TradingRules(
    allow_short=True, stop_volatilities=0, stop_floor_bps=9_000, target_volatilities=0,
    target_floor_bps=8_000, starting_cash_usd=300,
)  # fmt: skip
FIVE = replace(WIDE, maximum_leverage=5.0, maintenance_tiers=TIERS[:1])

Maker = Callable[..., MarketBlock]
Player = Callable[..., Any]


def _reason(played: Any) -> str:
    return EXIT_REASONS[played.only()["reason"]]


def _falling(make_block: Maker, low: float, open_: float = 100.0) -> MarketBlock:
    """A price of 100; bar 3 opens at `open_` and falls to `low`."""
    opens, lows = np.full(6, 100.0), np.full(6, 100.0)
    opens[3], lows[3] = open_, low
    return make_block([100.0] * 6, open_=opens, low=lows)


def _rising(make_block: Maker, high: float, open_: float = 100.0) -> MarketBlock:
    opens, highs = np.full(6, 100.0), np.full(6, 100.0)
    opens[3], highs[3] = open_, high
    return make_block([100.0] * 6, open_=opens, high=highs)


def test_a_spot_market_lends_nothing_and_liquidates_nobody(make_block: Maker, play: Player) -> None:
    spot = np.zeros((1, 1), bool)
    with pytest.raises(InvalidInput, match="ENTER_FULL"):
        play(make_block([100.0] * 6, is_perpetual=spot), {0: ENTER_FULL_INDEX}, FIVE, FREE)
    rich = replace(FIVE, starting_cash_usd=2_200, maintenance_tiers=(MaintenanceTier(1e9, 0.99),))
    risen = _rising(make_block, 170.0)
    for block, reason in ((risen, "LIQUIDATION"), (replace(risen, is_perpetual=spot), "WINDOW_END")):
        assert _reason(play(block, {0: ENTER_SHORT_FULL_INDEX}, rich, FREE)) == reason


def test_without_leverage_nothing_is_liquidated(make_block: Maker, play: Player) -> None:
    rules = replace(WIDE, starting_cash_usd=1_100)
    for tiers in ((), TIERS):
        played = play(
            _falling(make_block, 15.0), {0: ENTER_FULL_INDEX}, replace(rules, maintenance_tiers=tiers), FREE
        )
        assert _reason(played) == "WINDOW_END"


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_tiers_change_nothing_for_a_long_account_without_leverage(
    rough_market: Maker, play_randomly: Player, seed: int
) -> None:
    rules = TradingRules(maximum_holding="30m", starting_cash_usd=1_700)
    block = rough_market(seed)
    plain, tiered = (
        play_randomly(block, seed, replace(rules, maintenance_tiers=tiers), CostAssumptions())
        for tiers in ((), TIERS)
    )
    assert np.array_equal(plain.fills, tiered.fills)
    assert np.array_equal(plain.cash, tiered.cash)


@pytest.mark.parametrize(
    ("low", "reason"), [(77.8, "WINDOW_END"), (77.7, "LIQUIDATION"), (50, "LIQUIDATION")]
)
def test_a_long_is_liquidated_where_equity_is_what_maintenance_wants(
    make_block: Maker, play: Player, low: float, reason: str
) -> None:
    # 300 and 700 that are lent buy ten; 10 p - 700 is a tenth of 10 p at 77.78.
    played = play(_falling(make_block, low), {0: ENTER_FULL_INDEX}, FIVE, FREE)
    assert _reason(played) == reason
    if reason == "LIQUIDATION":
        assert played.only()["exit_reference"] == pytest.approx(700 / 9)
        assert played.cash[-1, 0] == pytest.approx(7_000 / 9 - 700)
        assert played.masks[-1, 0, : ENTER_ONE_AND_HALF_INDEX + 1].tolist() == [True, False, False, False]


@pytest.mark.parametrize(("high", "reason"), [(118.1, "WINDOW_END"), (118.2, "LIQUIDATION")])
def test_a_short_is_liquidated_where_equity_is_what_maintenance_wants(
    make_block: Maker, play: Player, high: float, reason: str
) -> None:
    # 300 and the 1,000 of the sale; 1,300 - 10 p is a tenth of 10 p at 118.18.
    played = play(_rising(make_block, high), {0: ENTER_SHORT_FULL_INDEX}, FIVE, FREE)
    assert _reason(played) == reason
    if reason == "LIQUIDATION":
        assert played.only()["exit_reference"] == pytest.approx(1_300 / 11)


def test_a_gap_beyond_liquidation_is_booked_in_full(make_block: Maker, play: Player) -> None:
    for open_, left in ((75.0, 50.0), (60.0, -100.0)):
        played = play(_falling(make_block, open_, open_), {0: ENTER_FULL_INDEX}, FIVE, FREE)
        assert (_reason(played), played.only()["exit_reference"]) == ("LIQUIDATION", open_)
        assert played.cash[-1, 0] == pytest.approx(left)
    played = play(_rising(make_block, 140.0, 140.0), {0: ENTER_SHORT_FULL_INDEX}, FIVE, FREE)
    assert (_reason(played), played.cash[-1, 0]) == ("LIQUIDATION", pytest.approx(-100))
    assert played.masks[-1, 0].nonzero()[0].tolist() == [0]


@pytest.mark.parametrize(
    ("stop_bps", "reason", "price"), [(2_000, "STOP", 80), (2_300, "LIQUIDATION", 700 / 9)]
)
def test_the_nearer_of_stop_and_liquidation_is_met(
    make_block: Maker, play: Player, stop_bps: float, reason: str, price: float
) -> None:
    rules = replace(FIVE, stop_floor_bps=stop_bps)
    played = play(_falling(make_block, 20.0), {0: ENTER_FULL_INDEX}, rules, FREE)
    assert (_reason(played), played.only()["exit_reference"]) == (reason, pytest.approx(price))


def test_a_liquidation_pays_what_a_stop_pays(make_block: Maker, play: Player) -> None:
    costs = replace(FREE, slippage_coefficient=1.0, maximum_slippage_bps=5_000)
    rules = replace(FIVE, starting_cash_usd=500)
    played = play(_falling(make_block, 50.0), {0: ENTER_FULL_INDEX}, rules, costs)
    assert _reason(played) == "LIQUIDATION"
    fill = played.fills[1]
    notional = fill["quantity"] * fill["reference"]
    assert fill["slippage_usd"] == pytest.approx(notional * (1e4 / 1.67) * np.sqrt(notional / 1e6) * 1e-4)


def test_funding_that_leverage_pays_brings_liquidation_nearer(make_block: Maker, play: Player) -> None:
    block = _falling(make_block, 80.0)
    assert _reason(play(block, {0: ENTER_FULL_INDEX}, FIVE, FREE)) == "WINDOW_END"
    rates = np.zeros((1, 6))
    rates[0, 2] = 0.05
    played = play(replace(block, funding_rate=rates), {0: ENTER_FULL_INDEX}, FIVE, FREE)
    # 50 USD are paid: -750.
    assert (_reason(played), played.only()["exit_reference"]) == ("LIQUIDATION", pytest.approx(750 / 9))


def test_equity_is_lent_on_as_often_as_the_rules_say(make_block: Maker, play: Player) -> None:
    # An order wants 1.05 USD for every USD: largest slippage and the reserve.
    for cash, legal in (
        (1_060, [True, True, False]),
        (209, [False, False, False]),
        (211, [True, False, False]),
    ):
        rules = replace(FIVE, starting_cash_usd=cash, maximum_leverage=1.0 if cash > 1_000 else 5.0)
        masks = play(
            make_block([100.0] * 5), {}, replace(rules, size_multipliers=(1.0, 1.005, 1.5)), FREE
        ).masks
        assert masks[0, 0, 1:4].tolist() == legal
    for cash, legal in ((304, False), (306, True)):
        rules = replace(FIVE, starting_cash_usd=cash)
        masks = play(make_block([100.0] * 5), {0: ENTER_FULL_INDEX}, rules, FREE).masks
        assert masks[2, 0, ADD_INDEX] == legal
        masks = play(make_block([100.0] * 5), {0: ENTER_SHORT_FULL_INDEX}, rules, FREE).masks
        assert masks[2, 0, ADD_INDEX] == legal


def test_an_entry_that_rounding_makes_dearer_than_what_is_lent_lapses(
    make_block: Maker, play: Player
) -> None:
    # Up to a tick of 110, 1000 / 101 of a price of 101 cost 1,089 USD; 800 are lent.
    for cash, fills in ((280, 0), (295, 2)):
        rules = replace(FIVE, starting_cash_usd=cash)
        played = play(make_block([101.0] * 6, tick_size=10.0), {0: ENTER_FULL_INDEX}, rules, FREE)
        assert played.masks[0, 0, ENTER_FULL_INDEX]
        assert played.fills.size == fills


def _wanted(tiers: tuple[MaintenanceTier, ...], value: float) -> float:
    """Maintenance of a position of that value, part by part."""
    wanted, below, rate = 0.0, 0.0, 0.0
    for tier in tiers:
        rate = tier.rate
        part = min(value, tier.up_to_usd) - below
        wanted += part * rate
        below = tier.up_to_usd
        if value <= tier.up_to_usd:
            return wanted
    return wanted + (value - below) * rate


TIER_LISTS = st.lists(st.tuples(st.floats(50, 400), st.floats(0.005, 0.1)), min_size=1, max_size=MOST_TIERS)


def _tiers(steps: list[tuple[float, float]]) -> tuple[MaintenanceTier, ...]:
    ends, rates = np.cumsum(steps, axis=0).T
    return tuple(MaintenanceTier(float(end), float(rate)) for end, rate in zip(ends, rates, strict=True))


@given(TIER_LISTS, st.floats(0.1, 5_000))
def test_amounts_make_the_tiers_meet(steps: list[tuple[float, float]], value: float) -> None:
    tiers = _tiers(steps)
    numbers = rule_numbers(replace(FIVE, maintenance_tiers=tiers), 1.0).maintenance
    rows = np.array(numbers).reshape(MOST_TIERS, TIER_NUMBERS)
    known = rows[: len(tiers)]
    assert not rows[len(tiers) :].any()
    assert known[:-1, 0].tolist() == [tier.up_to_usd for tier in tiers[:-1]]
    assert known[-1, 0] == np.inf
    # At each end both tiers want the same, and everywhere what their parts add up to.
    ends = known[:-1, 0]
    before, after = known[:-1, 1:], known[1:, 1:]
    assert ends * before[:, 0] - before[:, 1] == pytest.approx(ends * after[:, 0] - after[:, 1])
    _, rate, amount = known[np.searchsorted(known[:, 0], value)]
    assert value * rate - amount == pytest.approx(_wanted(tiers, value))


@settings(max_examples=40, deadline=None)
@given(TIER_LISTS, st.floats(220, 900), st.sampled_from([1, -1]), st.booleans())
@example([(50.0, 0.0625), (50.0, 0.09375), (50.0, 0.09375)], 220.0, 1, False)
def test_liquidation_comes_at_the_first_price_at_which_equity_does_not_do(
    make_block: Maker, play: Player, steps: list[tuple[float, float]], cash: float, side: int, adds: bool
) -> None:
    tiers = _tiers(steps)
    # Nobody adds to what was sold at its entry's own open.
    assume(not adds or cash > _wanted(tiers, 10.0 * 100.0))
    rules = replace(FIVE, starting_cash_usd=cash, maintenance_tiers=tiers, maximum_leverage=10.0)
    block = _falling(make_block, 10.5) if side > 0 else _rising(make_block, 179.0)
    actions = {0: ENTER_FULL_INDEX if side > 0 else ENTER_SHORT_FULL_INDEX} | ({1: ADD_INDEX} if adds else {})
    played = play(block, actions, rules, FREE)
    quantity = 15.0 if adds else 10.0
    assert played.only()["quantity"] == pytest.approx(quantity)

    def is_content(price: float) -> bool:
        equity = cash + side * quantity * (price - 100.0)
        return equity > _wanted(tiers, quantity * price)

    content, forced = 100.0, 10.5 if side > 0 else 179.0
    if not is_content(content):
        # What is wanted at the entry itself is not there: sold at that very open.
        assert (_reason(played), played.only()["exit_reference"]) == ("LIQUIDATION", 100)
        return
    if is_content(forced):
        assert _reason(played) == "WINDOW_END"
        return
    for _ in range(80):
        middle = (content + forced) / 2
        content, forced = (middle, forced) if is_content(middle) else (content, middle)
    assert _reason(played) == "LIQUIDATION"
    assert played.only()["exit_reference"] == pytest.approx(forced)
