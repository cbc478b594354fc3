"""Shares of a bar: an order gets so much of what was traded in it, by hand and by property."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.market.actions import (
    ADD_INDEX,
    ENTER_FULL_INDEX,
    EXIT_INDEX,
    HOLD_INDEX,
    SCALE_OUT_INDEX,
    SCRATCH_INDEX,
    action_names,
)
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.ledger import ADD, ENTRY, EXIT_REASONS, FILL_KINDS, SCALE_OUT
from huracan.market.rules import MaintenanceTier, TradingRules

COSTS = CostAssumptions(taker_fee_bps=10, half_spread_bps=1, slippage_coefficient=1)
FREE = CostAssumptions(taker_fee_bps=0, maker_fee_bps=0, half_spread_bps=0, slippage_coefficient=0)
# 100 bps below, 200 bps above.
WIDTHS = {"stop_volatilities": 0, "stop_floor_bps": 100, "target_volatilities": 0, "target_floor_bps": 200}
RULES = TradingRules(allow_short=True, **WIDTHS)
SHORT = action_names(True).index("ENTER_SHORT_FULL")
LARGE = 1e6

Maker = Callable[..., MarketBlock]
Player = Callable[..., Any]


def _market(make_block: Maker, value_usd: list[float], close: Any = None, **more: Any) -> MarketBlock:
    block = make_block([100.0] * len(value_usd) if close is None else close, **more)
    return replace(block, value_usd=np.atleast_2d(np.array(value_usd, float)))


def _reasons(played: Any) -> list[str]:
    return [FILL_KINDS[kind] for kind in played.fills["kind"]]


def test_an_entry_gets_its_share_of_the_bar_and_the_rest_lapses(make_block: Maker, play: Player) -> None:
    # 5 % of 8,000 USD are 400: four of the ten that were ordered.
    block = _market(make_block, [LARGE, 8_000, *[LARGE] * 6])
    played = play(block, {0: ENTER_FULL_INDEX, 3: EXIT_INDEX}, RULES, COSTS)
    entry, leave = played.fills
    assert (entry["ordered_quantity"], entry["quantity"]) == (10, pytest.approx(4))
    assert (leave["ordered_quantity"], leave["quantity"]) == (pytest.approx(4), pytest.approx(4))
    assert played.only()["quantity"] == pytest.approx(4)
    assert played.only()["size_multiplier"] == 1.0
    # Slippage is of what was filled: 10 x sqrt(400 / 1e6) bps of 400 USD.
    assert entry["slippage_usd"] == pytest.approx(400 * 10 * np.sqrt(400 / 1e6) * 1e-4)
    assert played.closed["net_usd"][0] == pytest.approx(played.rewards_usd.sum())


def test_a_share_is_floored_to_the_step(make_block: Maker, play: Player) -> None:
    block = _market(make_block, [LARGE, 9_500, *[LARGE] * 4], step_size=0.5)
    entry = play(block, {0: ENTER_FULL_INDEX}, RULES, FREE).fills[0]
    assert (entry["ordered_quantity"], entry["quantity"]) == (10, 4.5)


@pytest.mark.parametrize(("value_usd", "fills"), [(2_000.0, 2), (1_990.0, 0), (0.0, 0)])
def test_a_share_below_the_least_order_lapses_whole(
    make_block: Maker, play: Player, value_usd: float, fills: int
) -> None:
    rules = replace(RULES, minimum_notional_usd=100)
    played = play(_market(make_block, [LARGE, value_usd, *[LARGE] * 4]), {0: ENTER_FULL_INDEX}, rules, FREE)
    assert played.fills.size == fills
    assert played.environment.state["trades"][0] == fills // 2
    assert played.cash[-1, 0] == 10_000


def test_a_larger_share_is_what_the_rules_say(make_block: Maker, play: Player) -> None:
    block = _market(make_block, [LARGE, 8_000, *[LARGE] * 4])
    for share, quantity in ((0.01, 0.8), (0.1, 8.0), (1.0, 10.0)):
        rules = replace(RULES, maximum_participation=share)
        assert play(block, {0: ENTER_FULL_INDEX}, rules, FREE).fills[0]["quantity"] == pytest.approx(quantity)


def test_adds_and_scale_outs_get_their_share_too(make_block: Maker, play: Player) -> None:
    block = _market(make_block, [LARGE, LARGE, 4_000, 2_000, *[LARGE] * 4])
    actions = {0: ENTER_FULL_INDEX, 1: ADD_INDEX, 2: SCALE_OUT_INDEX}
    played = play(block, actions, RULES, FREE)
    assert _reasons(played) == ["ENTRY", "ADD", "SCALE_OUT", "WINDOW_END"]
    assert played.fills["ordered_quantity"].tolist() == pytest.approx([10, 5, 6, 11])
    assert played.fills["quantity"].tolist() == pytest.approx([10, 2, 1, 11])
    assert (played.only()["adds"], played.only()["scale_outs"]) == (1, 1)


def test_an_exit_goes_on_at_the_next_traded_opens_with_the_same_reason(
    make_block: Maker, play: Player
) -> None:
    # Ordered at the close of bar 2: four at 101, none in the untraded bar, three at 103, the rest at 104.
    prices = [100, 100, 100, 101, 101, 103, 104, 104.0]
    value = [LARGE, LARGE, LARGE, 4 * 101 * 20, 0, 3 * 103 * 20, LARGE, LARGE]
    block = _market(make_block, value, prices, open_=prices, tradable=[1, 1, 1, 1, 0, 1, 1, 1])
    wide = replace(RULES, target_floor_bps=900)
    played = play(block, {0: ENTER_FULL_INDEX, 2: EXIT_INDEX}, wide, COSTS)
    trade, parts = played.only(), played.fills[1:]
    assert _reasons(played) == ["ENTRY", *["POLICY_EXIT"] * 3]
    assert parts["bar"].tolist() == [3, 5, 6]
    assert parts["quantity"].tolist() == pytest.approx([4, 3, 3])
    assert parts["ordered_quantity"].tolist() == pytest.approx([10, 6, 3])
    assert parts["reference"].tolist() == [101, 103, 104]
    assert (trade["exit_bar"], EXIT_REASONS[trade["reason"]]) == (6, "POLICY_EXIT")
    assert trade["exit_reference"] == pytest.approx((4 * 101 + 3 * 103 + 3 * 104) / 10)
    assert trade["exit_price"] == pytest.approx((parts["quantity"] * parts["price"]).sum() / 10)
    assert trade["gross_usd"] == pytest.approx(4 + 9 + 12)
    for name in ("fee_usd", "spread_usd", "slippage_usd"):
        assert trade[name] == pytest.approx(played.fills[name].sum())
    # Of each part, its own value and what was known at the close before it.
    notional = parts["quantity"] * parts["reference"]
    assert parts["slippage_usd"] == pytest.approx(notional * 10 * np.sqrt(notional / LARGE) * 1e-4)
    # Until all is sold one can only hold.
    assert [played.masks[bar, 0].nonzero()[0].tolist() for bar in (3, 4, 5)] == [[HOLD_INDEX]] * 3
    assert played.masks[6, 0, 0]


@pytest.mark.parametrize(
    ("side", "prices", "actions", "reason", "reference"),
    [
        (1, [100, 100, 98.0, 98.5, 99.5, 99.5], {}, "STOP", 99.0),
        (1, [100, 100, 103.0, 102.5, 104, 104.0], {}, "TARGET", 102.0),
        (1, [100, 100, 100, 100.1, 99.9, 99.9], {}, "TIME_OUT", 100.0),
        (1, [100, 99.9, 99.9, 100.1, 99.8, 99.8], {1: SCRATCH_INDEX}, "SCRATCH", 99.9),
        (-1, [100, 100, 102.0, 101.5, 99.5, 99.5], {}, "STOP", 101.0),
        (-1, [100, 100, 97.0, 97.5, 99.5, 99.5], {}, "TARGET", 98.0),
    ],
)
def test_what_a_bar_does_not_take_of_any_exit_is_sold_at_the_next_opens(
    make_block: Maker, play: Player, side: int, prices: list[float], actions: dict[int, int], reason: str,
    reference: float,
) -> None:  # fmt: skip
    # A fifth of the position in bar 2, two fifths at the open of bar 3, the rest at that of bar 4.
    value = [LARGE, LARGE, 2 * reference * 20, 4 * prices[2] * 20, LARGE, LARGE]
    block = _market(make_block, value, prices)
    rules = replace(RULES, maximum_holding="1m") if reason == "TIME_OUT" else RULES
    played = play(block, {0: ENTER_FULL_INDEX if side > 0 else SHORT, **actions}, rules, FREE)
    trade, parts = played.only(), played.fills[1:]
    assert _reasons(played)[1:] == [reason] * 3
    assert parts["reference"].tolist() == pytest.approx([reference, prices[2], prices[3]])
    assert parts["quantity"].tolist() == pytest.approx([2, 4, 4])
    assert (trade["exit_bar"], trade["side"]) == (4, side)
    mean = (2 * reference + 4 * prices[2] + 4 * prices[3]) / 10
    assert trade["exit_reference"] == trade["exit_price"] == pytest.approx(mean)
    assert trade["net_usd"] == pytest.approx(side * 10 * (mean - 100))


def test_the_rest_of_a_stop_and_of_a_makers_target_is_an_order_like_any_other(
    make_block: Maker, play: Player
) -> None:
    rules = replace(RULES, targets_are_maker=True)
    costs = CostAssumptions(taker_fee_bps=10, maker_fee_bps=2, half_spread_bps=1, slippage_coefficient=1)
    value = [LARGE, LARGE, 4_000, LARGE, LARGE]
    _, first, rest = play(
        _market(make_block, value, [100, 100, 103, 103, 103.0]), {0: ENTER_FULL_INDEX}, rules, costs
    ).fills
    assert (bool(first["is_maker"]), bool(rest["is_maker"])) == (True, False)
    assert first["spread_usd"] == first["slippage_usd"] == 0 < rest["spread_usd"]
    assert rest["fee_usd"] == pytest.approx(rest["quantity"] * rest["price"] * 1e-3)
    # The bar that stops falls by 300 bps, and is far from calm; what is left meets a calm one.
    _, first, rest = play(
        _market(make_block, value, [100, 100, 97, 97, 97.0]), {0: ENTER_FULL_INDEX}, rules, costs
    ).fills
    notional = rest["quantity"] * rest["reference"]
    assert rest["slippage_usd"] == pytest.approx(notional * 10 * np.sqrt(notional / LARGE) * 1e-4)
    notional = first["quantity"] * first["reference"]
    range_bps = (100 / 97 - 1) * 1e4
    expected = notional * range_bps / 1.67 * np.sqrt(notional / LARGE) * 1e-4
    assert first["slippage_usd"] == pytest.approx(expected)


def test_what_is_closed_where_its_lane_ends_knows_no_share(make_block: Maker, play: Player) -> None:
    # Liquidation value is what it would come to, not what this one bar would take; neither is an exit that
    # its last bar would not finish.
    block = _market(make_block, [LARGE, LARGE, LARGE, LARGE, 0.0])
    assert play(block, {0: ENTER_FULL_INDEX}, RULES, FREE).fills["quantity"].tolist() == [10, 10]
    cut = _market(make_block, [LARGE, LARGE, LARGE, LARGE, 2_000.0])
    played = play(cut, {0: ENTER_FULL_INDEX, 3: EXIT_INDEX}, RULES, FREE)
    assert played.fills["quantity"].tolist() == [10, 10]
    assert _reasons(played) == ["ENTRY", "POLICY_EXIT"]


PLAIN = TradingRules(maximum_holding="30m", allow_short=True, trail_volatilities=0.5)
STYLES = [
    PLAIN,
    replace(PLAIN, entries_are_maker=True, targets_are_maker=True, target_floor_bps=15),
    replace(
        PLAIN,
        starting_cash_usd=600,
        maximum_leverage=5.0,
        maintenance_tiers=(MaintenanceTier(1_000, 0.1), MaintenanceTier(1e5, 0.3)),
        stop_volatilities=20,
    ),
]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(STYLES))
def test_money_is_conserved_and_no_fill_is_more_than_its_share(
    rough_market: Maker, play_randomly: Player, seed: int, rules: TradingRules
) -> None:
    block = rough_market(seed)
    played = play_randomly(block, seed, rules, CostAssumptions())
    fills, closed, lanes = played.fills, played.closed, played.actions.shape[1]
    symbol = played.environment.symbol[fills["lane"]]
    usd = fills["quantity"] * fills["reference"]
    is_entry = np.isin(fills["kind"], [FILL_KINDS.index(kind) for kind in (ENTRY, ADD, SCALE_OUT)])
    ends = np.isin(fills["kind"], [EXIT_REASONS.index(reason) for reason in ("WINDOW_END", "DATA_GAP")])
    ends |= fills["bar"] == played.environment.state["end_bar"][fills["lane"]]
    share = rules.maximum_participation * block.value_usd[symbol, fills["bar"]]
    assert (usd <= share * (1 + 1e-6) + 1e-9)[is_entry | ~ends].all()
    assert (fills["quantity"] > 0).all()
    assert (fills["quantity"] <= fills["ordered_quantity"]).all()
    assert (fills["quantity"] < fills["ordered_quantity"]).any()
    # The parts of an exit are of one reason, each ordered for what the one before left over.
    exits = fills[~is_entry]
    for trade in closed:
        own = exits[(exits["lane"] == trade["lane"]) & (exits["trade"] == trade["trade"])]
        assert own["quantity"][-1] == own["ordered_quantity"][-1]
        assert own["ordered_quantity"][1:] == pytest.approx(
            own["ordered_quantity"][:-1] - own["quantity"][:-1]
        )
        assert own["bar"][-1] == trade["exit_bar"]
        # A lane's end is dated at the last traded bar, which may have taken a part already.
        apart = np.diff(own["bar"])
        assert (apart[: -1 if EXIT_REASONS[trade["reason"]] == "WINDOW_END" else None] > 0).all()
        if EXIT_REASONS[trade["reason"]] not in ("WINDOW_END", "DATA_GAP"):
            assert (own["kind"] == trade["reason"]).all()
    net = np.bincount(closed["lane"], closed["net_usd"], lanes)
    assert played.cash[-1] == pytest.approx(rules.starting_cash_usd + net, abs=1e-6)
    signed = np.where(fills["is_buy"], 1.0, -1.0) * fills["quantity"]
    paid = np.bincount(fills["lane"], signed * fills["price"] + fills["fee_usd"], lanes)
    funding = np.bincount(closed["lane"], closed["funding_usd"], lanes)
    assert played.cash[-1] == pytest.approx(rules.starting_cash_usd - paid - funding, abs=1e-6)
    assert np.bincount(fills["lane"], signed, lanes) == pytest.approx(0, abs=1e-9)
    costs = sum(closed[f"{name}_usd"] for name in ("fee", "spread", "slippage", "funding"))
    assert played.environment.state["costs_usd"] == pytest.approx(
        np.bincount(closed["lane"], costs, lanes), abs=1e-6
    )
    assert played.rewards_usd.sum(axis=0) == pytest.approx(net, abs=1e-6)


def test_a_rough_market_has_all_that_these_tests_are_about(
    rough_market: Maker, play_randomly: Player
) -> None:
    reasons, parts = set(), 0
    for seed in range(8):
        for rules in STYLES:
            played = play_randomly(rough_market(seed), seed, rules, CostAssumptions())
            reasons |= {EXIT_REASONS[code] for code in played.closed["reason"]}
            parts += played.fills.size - 2 * played.closed.size
    assert reasons == {
        "STOP", "TARGET", "TIME_OUT", "POLICY_EXIT", "WINDOW_END", "TRAILING_STOP", "SCRATCH", "LIQUIDATION",
        "DATA_GAP",
    }  # fmt: skip
    assert parts > 1_000
