"""Every signal is told of: what was traded, what lapsed, what a mask forbade and what the policy declined."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from huracan.market.actions import (
    ENTER_FULL_INDEX,
    ENTER_HALF_INDEX,
    ENTER_ONE_AND_HALF_INDEX,
    ENTER_SHORT_FULL_INDEX,
    HOLD_INDEX,
    WAIT_INDEX,
    action_kinds,
    action_names,
)
from huracan.market.block import MarketBlock
from huracan.market.choice import choose
from huracan.market.costs import CostAssumptions
from huracan.market.ledger import SIGNALS_SCHEMA
from huracan.market.paper.conservation import judge_signals_told
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.session import Session, trade_session
from huracan.market.paper.signals import MASK_REASONS
from huracan.market.paper.watch import Watch
from huracan.market.policy import Decision
from huracan.market.rules import TradingRules

COSTS = CostAssumptions(slippage_coefficient=0)
RULES = TradingRules(maximum_holding="15m")
PROVENANCE = Provenance("model", "data", "config", True)
Market = Callable[..., MarketBlock]


class Eager:
    """Wants to enter at the bars given, by so many logits more than waiting; holds what it has.

    `kinds` are those by which it decides.
    """

    def __init__(self, wishes: dict[int, tuple[int, float]], kinds: tuple[str, ...] = ()) -> None:
        self.wishes, self.kinds, self.bar = wishes, kinds, 0

    def decide(self, observations: NDArray[np.float32], masks: NDArray[np.bool_]) -> Decision:
        logits = np.full(masks.shape, -20.0, np.float32)
        logits[:, WAIT_INDEX] = logits[:, HOLD_INDEX] = 0.0
        if self.bar in self.wishes:
            self._wish(logits, *self.wishes[self.bar])
        self.bar += 1
        powers = np.exp(np.where(masks, logits, -1e9))
        probabilities = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
        nothing = np.zeros_like(logits)
        actions, values = choose(logits, masks, self.kinds), logits[:, 0] + 7
        return Decision(actions, logits, nothing, nothing[:, :0], probabilities, values, self.kinds)

    def _wish(self, logits: NDArray[np.float32], action: int, lead: float) -> None:
        logits[:, action] = lead


class Torn(Eager):
    """Gives probabilities to several entries at bar 5, and to waiting the rest."""

    def __init__(self, chances: dict[int, float], kinds: tuple[str, ...]) -> None:
        super().__init__({5: (WAIT_INDEX, 0.0)}, kinds)
        self.chances = chances | {WAIT_INDEX: 1 - sum(chances.values())}

    def _wish(self, logits: NDArray[np.float32], action: int, lead: float) -> None:
        for each, chance in self.chances.items():
            logits[:, each] = np.log(chance)


def _signals(
    block: MarketBlock, wishes: dict[int, tuple[int, float]], rules: TradingRules = RULES
) -> Session:
    return trade_session(block, Eager(wishes), rules, COSTS, PROVENANCE)


ALL_SIZES = {ENTER_HALF_INDEX: 0.2, ENTER_FULL_INDEX: 0.21, ENTER_ONE_AND_HALF_INDEX: 0.2}
LARGEST = {ENTER_HALF_INDEX: 0.15, ENTER_FULL_INDEX: 0.2, ENTER_ONE_AND_HALF_INDEX: 0.25}
SMALLEST = {ENTER_HALF_INDEX: 0.3, ENTER_FULL_INDEX: 0.15, ENTER_ONE_AND_HALF_INDEX: 0.15}
UNDECIDED = {ENTER_FULL_INDEX: 0.3, ENTER_SHORT_FULL_INDEX: 0.31}
NEITHER = {ENTER_FULL_INDEX: 0.2, ENTER_SHORT_FULL_INDEX: 0.21}
UNREADY = {"is_ready": np.arange(40) != 5}


@pytest.mark.parametrize(
    ("chances", "changes", "lacks", "by_kind", "by_action"),
    [
        (ALL_SIZES, {}, {}, ("traded", "ENTER_FULL", None), ("declined", "ENTER_FULL", "policy_waited")),
        (ALL_SIZES, {}, UNREADY, ("masked", "ENTER_FULL", "features_incomplete"), None),
        # What is left of the entries wins no more: the one wanted most was not legal.
        (LARGEST, {"starting_cash_usd": 1_200.0}, {}, ("masked", "ENTER_ONE_AND_HALF", "cash_short"),
         ("declined", "ENTER_FULL", "policy_waited")),
        # The same, but the one wanted most was legal, and waiting was the more probable.
        (SMALLEST, {"starting_cash_usd": 700.0}, {}, *[("declined", "ENTER_HALF", "policy_waited")] * 2),
        # Of two sides each is held against waiting by itself.
        (UNDECIDED, {"allow_short": True}, {}, *[("declined", "ENTER_SHORT_FULL", "policy_waited")] * 2),
        (NEITHER, {"allow_short": True}, {}, None, None),
    ],
)  # fmt: skip
def test_a_signal_is_what_the_policy_would_have_done_by_its_own_rule(
    make_block: Market, chances: dict, changes: dict, lacks: dict, by_kind: object, by_action: object
) -> None:
    block, rules = make_block([100.0] * 40), replace(RULES, **changes)
    block = replace(block, **{name: getattr(block, name) & values for name, values in lacks.items()})
    for kinds, told in ((action_kinds(action_names(rules.allow_short)), by_kind), ((), by_action)):
        session = trade_session(block, Torn(chances, kinds), rules, COSTS, PROVENANCE)
        found = [(row["status"], row["action"], row["reason"]) for row in session.signals.to_pylist()]
        names = action_names(rules.allow_short)
        for row, decision in zip(
            session.signals.to_pylist(), session.decisions.to_pylist()[5:6], strict=False
        ):
            assert decision["action_mask"][names.index(row["action"])] == (row["status"] != "masked")
        assert found == ([] if told is None else [told])


def test_at_the_handover_each_policy_is_told_of_by_its_own_rule(make_block: Market) -> None:
    block = make_block([100.0] * 60)
    before, now = Torn(ALL_SIZES, ()), Torn(ALL_SIZES, action_kinds(action_names(False)))
    watches = [Watch(before, "before"), Watch(now, "now", int(block.open_time_ms[21]))]
    session = trade_session(block, watches, RULES, COSTS, PROVENANCE)
    told = [(row["status"], row["signal_time"].minute) for row in session.signals.to_pylist()]
    first = int(block.open_time_ms[0]) // 60_000
    assert told == [("declined", (first + 6) % 60), ("traded", (first + 26) % 60)]


def test_each_way_of_a_signal_is_told_with_its_reason(make_block: Market) -> None:
    tradable = np.ones(60, bool)
    tradable[[11, 20]] = False
    block = make_block([100.0] * 60, tradable=tradable)
    ready, volatility = block.is_ready.copy(), block.volatility_bps.copy()
    ready[0, 25], volatility[0, 26] = False, np.nan
    block = replace(block, is_ready=ready, volatility_bps=volatility)
    wishes = dict.fromkeys((1, 10, 20, 25, 26, 58), (ENTER_FULL_INDEX, 2.0)) | {30: (ENTER_HALF_INDEX, -0.5)}
    session = _signals(block, wishes)
    (trade,) = session.trades.to_pylist()
    (open_,) = session.open_positions.to_pylist()
    assert session.signals.schema == SIGNALS_SCHEMA
    told = [(row["status"], row["reason"], row["trade_id"]) for row in session.signals.to_pylist()]
    assert told == [
        ("traded", None, trade["trade_id"]),
        # Bars 10 and 11 lie within the holding of the first trade up to its time-out at 17: no signals.
        ("masked", "bar_not_traded", None),
        ("masked", "features_incomplete", None),
        ("masked", "volatility_unknown", None),
        ("declined", "policy_waited", None),
        ("traded", None, open_["trade_id"]),  # and is held at the day's end
    ]
    first = session.signals.to_pylist()[0]
    assert first["signal_time"] == trade["signal_time"] and first["action"] == "ENTER_FULL"
    assert (first["side"], first["size_multiplier"], first["value_estimate"]) == ("long", 1.0, 7.0)


def test_an_order_that_meets_an_untraded_bar_lapses(make_block: Market) -> None:
    tradable = np.ones(40, bool)
    tradable[11] = False
    session = _signals(make_block([100.0] * 40, tradable=tradable), {10: (ENTER_FULL_INDEX, 2.0)})
    (row,) = session.signals.to_pylist()
    assert (row["status"], row["reason"]) == ("lapsed", "order_not_filled")
    assert session.trades.num_rows == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"starting_cash_usd": 1_200.0}, "cash_short"), ({"minimum_notional_usd": 2_000.0}, "order_too_small")],
)
def test_an_order_that_cannot_be_sent_says_why(make_block: Market, changes: dict, reason: str) -> None:
    session = _signals(
        make_block([100.0] * 40), {5: (ENTER_ONE_AND_HALF_INDEX, 2.0)}, replace(RULES, **changes)
    )
    (row,) = session.signals.to_pylist()
    assert (row["status"], row["reason"], row["size_multiplier"]) == ("masked", reason, 1.5)


def test_the_probabilities_of_a_signal_are_those_worked_out_by_hand(make_block: Market) -> None:
    block = make_block([100.0] * 40)
    block = replace(block, is_ready=block.is_ready & (np.arange(40) != 37))
    session = _signals(block, {5: (ENTER_FULL_INDEX, np.log(3.0)), 37: (2, 1.0)})
    traded, masked = session.signals.to_pylist()
    assert traded["probability"] == pytest.approx(0.75, abs=1e-6)
    assert traded["unmasked_probability"] == pytest.approx(0.75, abs=1e-6)
    assert masked["probability"] == 0.0
    assert masked["unmasked_probability"] == pytest.approx(np.e / (1 + np.e), abs=1e-6)


def test_a_declined_entry_says_what_it_would_have_made(make_block: Market) -> None:
    close = 100.0 * (1 + 1e-4) ** np.arange(60)
    wished = {5: (ENTER_FULL_INDEX, -0.1)}
    (row,) = _signals(make_block(close), wished).signals.to_pylist()
    taken = _signals(make_block(close), {5: (ENTER_FULL_INDEX, 0.1)}).trades.to_pylist()[0]
    assert row["status"] == "declined" and row["probability"] == pytest.approx(1 / (1 + np.exp(0.1)))
    assert row["would_net_bps"] == taken["net_bps"] and row["would_exit_reason"] == taken["exit_reason"]
    assert row["would_bars_held"] == taken["bars_held"] == 15


def test_of_a_declined_entry_that_would_still_be_open_nothing_is_claimed(make_block: Market) -> None:
    close = 100.0 * (1 + 1e-4) ** np.arange(60)
    rows = _signals(make_block(close), dict.fromkeys((43, 44, 57), (ENTER_FULL_INDEX, -0.1))).signals
    # Filled a bar later and left fifteen bars after that: the first at the day's last open.
    assert rows["would_exit_reason"].to_pylist() == ["TIME_OUT", "STILL_OPEN", "STILL_OPEN"]
    assert rows["would_net_bps"].is_valid().to_pylist() == [True, False, False]
    assert rows["would_bars_held"].to_pylist() == [15, None, None]


def test_a_market_that_may_not_be_sold_short_says_so(make_block: Market) -> None:
    block = make_block([100.0] * 40, may_short=np.array([False]))
    (row,) = _signals(block, {5: (11, 2.0)}, replace(RULES, allow_short=True)).signals.to_pylist()
    assert (row["status"], row["reason"], row["side"]) == ("masked", "not_sold_short", "short")


def test_an_entry_of_little_probability_is_no_signal(make_block: Market) -> None:
    assert _signals(make_block([100.0] * 40), {5: (ENTER_FULL_INDEX, -1.2)}).signals.num_rows == 0


@pytest.mark.parametrize("seed", range(6))
def test_a_mask_is_named_exactly_where_the_market_forbids_the_entry(random_market: Market, seed: int) -> None:
    block = random_market(seed, symbols=3, step_size=0.5)
    holes = np.random.default_rng(seed)
    block = replace(
        block,
        is_ready=holes.random(block.close.shape) > 0.2,
        volatility_bps=np.where(holes.random(block.close.shape) > 0.2, 10.0, np.nan),
    )
    rules = TradingRules(maximum_holding="3m", starting_cash_usd=1_300.0)
    every = {bar: (1 + (bar + seed) % 3, 3.0) for bar in range(80)}
    session = trade_session(block, Eager(every), rules, COSTS, PROVENANCE)
    signals = session.signals.to_pylist()
    statuses = Counter(row["status"] for row in signals)
    held = len(session.open_positions) - session.open_positions["side"].null_count
    assert statuses["traded"] == session.trades.num_rows + held > 5 and statuses["masked"] > 50
    assert {row["reason"] for row in signals if row["status"] == "masked"} <= set(MASK_REASONS)
    decisions = {(row["symbol"], row["open_time"]): row for row in session.decisions.to_pylist()}
    names = action_names(False)
    for row in signals:
        decision = decisions[row["symbol"], row["signal_time"]]
        assert decision["action_mask"][names.index(row["action"])] == (row["status"] != "masked")


def test_later_bars_change_no_signal_but_what_it_would_have_made(random_market: Market) -> None:
    block = random_market(5, symbols=2, bars=80)
    every = {bar: (ENTER_FULL_INDEX, (-0.5, 2.0)[bar % 2]) for bar in range(0, 80, 7)}
    cut = 40
    scrambled = {
        name: np.concatenate(
            [
                getattr(block, name)[:, :cut],
                np.random.default_rng(1).permuted(getattr(block, name)[:, cut:], axis=1),
            ],
            axis=1,
        )
        for name in ("is_ready", "is_tradable", "volatility_bps", "traded_value_usd")
    }
    prices = {name: getattr(block, name).copy() for name in ("open", "high", "low", "close")}
    for values in prices.values():
        values[:, cut:] *= 1.5
    known = [
        "symbol", "signal_time", "action", "side", "size_multiplier", "probability", "unmasked_probability",
        "value_estimate", "regime", "entry_volatility_bps",
    ]  # fmt: skip
    end = block.open_time_ms[cut]
    first, second = (
        [
            {name: row[name] for name in known}
            for row in _signals(each, dict(every)).signals.to_pylist()
            if round(row["signal_time"].timestamp() * 1000) < end
        ]
        for each in (block, replace(block, **scrambled, **prices))
    )
    assert len(first) > 6 and first == second


def test_a_short_that_was_declined_is_told_as_a_short(make_block: Market) -> None:
    rules = replace(RULES, allow_short=True)
    close = 100.0 * (1 - 1e-4) ** np.arange(60)
    (row,) = _signals(make_block(close), {5: (11, -0.1)}, rules).signals.to_pylist()
    assert (row["action"], row["side"]) == ("ENTER_SHORT_FULL", "short")
    assert row["would_net_bps"] > -22.0


def test_a_trade_that_no_signal_tells_of_fails_the_check(make_block: Market) -> None:
    session = _signals(make_block([100.0] * 60), dict.fromkeys((1, 20, 58), (ENTER_FULL_INDEX, 2.0)))
    verdict = judge_signals_told(session)
    assert verdict.passed and verdict.numbers == {"signals_traded": 3}
    assert not judge_signals_told(replace(session, signals=session.signals.slice(1))).passed
    assert not judge_signals_told(replace(session, trades=session.trades.slice(1))).passed
    assert judge_signals_told(_signals(make_block([100.0] * 60), {})).passed
