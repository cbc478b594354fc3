"""What is open at midnight goes on the next day as if there had been none, to the bit."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from huracan.candles.redenominations import Redenomination
from huracan.errors import InputRefused
from huracan.market.actions import ENTER_FULL_INDEX, EXIT_INDEX, WAIT_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.engine.lane import LANE
from huracan.market.paper.carrying import Carried, carried_in
from huracan.market.paper.conservation import judge_ledger, judge_signals_told
from huracan.market.paper.open_positions import OF_ACCOUNT
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.replay_audit import judge_replay
from huracan.market.paper.session import Session, trade_session
from huracan.market.paper.session_arrays import begin_everywhere
from huracan.market.paper.turnover import turnover_usd
from huracan.market.paper.watch import Watch
from huracan.market.policy import Decision, ScriptedPolicy
from huracan.market.rules import TradingRules

COSTS = CostAssumptions()
FLAT = CostAssumptions(slippage_coefficient=0.0)
RULES = TradingRules(maximum_holding="30m", allow_short=True)
MADE_BY = Provenance("model", "data", "config", True)

Market = Callable[..., MarketBlock]


class ByFeatures:
    """Decides by the bar's features alone, so that a day by itself meets the decisions of the whole."""

    def __init__(self, actions: int = 13, seed: int = 0) -> None:
        self.weights = np.random.default_rng(seed).standard_normal((3, actions)).astype(np.float32)

    def decide(self, observations: NDArray[np.float32], masks: NDArray[np.bool_]) -> Decision:
        logits = (observations[:, :3] @ self.weights * np.float32(1.5)).astype(np.float32)
        logits[:, [0, 5]] += np.float32(1.0)
        powers = np.exp(np.where(masks, logits, -1e9))
        probabilities = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
        nothing = np.zeros_like(logits)
        return Decision(
            probabilities.argmax(axis=1), logits, nothing, nothing[:, :2], probabilities, logits[:, 0]
        )


def day_by_day(
    block: MarketBlock,
    rules: TradingRules = RULES,
    made_by: Provenance = MADE_BY,
    costs: CostAssumptions = COSTS,
) -> list[Session]:
    """The days of the block, each from the last decision bar of the one before and what that handed on."""
    sessions: list[Session] = []
    ends = np.append(block.day_first[1:], block.bar_count) - 1
    for number, (first, last) in enumerate(zip(block.day_first, ends, strict=True)):
        lead = block.decision_bars if number else 0
        day = block.slice(int(first) - lead, int(last))
        carried = Carried(sessions[-1].open_positions) if sessions else None
        session = trade_session(day, ByFeatures(), rules, costs, made_by, carried)
        assert judge_replay(session, day, rules, costs, made_by, carried).reason.startswith("The stored")
        ledger = judge_ledger(session, rules, candles(day), carried and carried.accounts)
        assert ledger.passed, ledger.reason
        told = judge_signals_told(session)
        assert told.passed, told.reason
        sessions.append(session)
    return sessions


def coarser(block: MarketBlock, decision_bars: int) -> MarketBlock:
    """The same market, decided on at every so many bars."""
    rows = slice(decision_bars - 1, None, decision_bars)
    names = ("features", "is_ready", "regime", "regime_probabilities", "pattern_context")
    seen = {name: np.ascontiguousarray(getattr(block, name)[:, rows]) for name in names}
    return replace(block, decision_bars=decision_bars, **seen)


def candles(block: MarketBlock) -> pa.Table:
    names = [name for name in block.symbols for _ in range(block.bar_count)]
    return pa.table(
        {
            "symbol": names,
            "open_time": pa.array(np.tile(block.open_time_ms, block.symbol_count)).cast(
                pa.timestamp("ms", tz="UTC")
            ),
            **{name: getattr(block, name).reshape(-1) for name in ("open", "high", "low", "close")},
            "status": np.where(block.is_tradable, "traded", "flat").reshape(-1),
        }
    )


def scripted(orders: dict[int, int], first: int = 0, symbols: int = 1) -> ScriptedPolicy:
    """Gives orders at the closes of bars, of all symbols alike; its first decision is at that of `first`."""
    script = np.full((400, symbols), WAIT_INDEX)
    for bar, action in orders.items():
        if bar >= first:
            script[bar - first] = action
    return ScriptedPolicy(script, is_lenient=True)


def audited(
    day: MarketBlock,
    policy: ScriptedPolicy | None,
    carried: Carried,
    made_by: Provenance = MADE_BY,
) -> Session:
    """A day at flat costs that passes every audit."""
    watches = [Watch(policy, "model" if policy else None)]
    session = trade_session(day, watches, RULES, FLAT, made_by, carried)
    for verdict in (
        judge_ledger(session, RULES, candles(day), carried.accounts),
        judge_replay(session, day, RULES, FLAT, made_by, carried),
        judge_signals_told(session),
    ):
        assert verdict.passed, verdict.reason
    return session


def two_days(
    block: MarketBlock, orders: dict[int, int], policy_of_second: object = "the same"
) -> tuple[Session, Session]:
    """Sixty bars each, at flat costs, the orders given at the closes of bars."""
    first = trade_session(block.slice(0, 59), scripted(orders), RULES, FLAT, MADE_BY)
    policy = None if policy_of_second is None else scripted(orders, 59)
    return first, audited(block.slice(59, 119), policy, Carried(first.open_positions))


def milliseconds_of(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


class Knows:
    """Finds one pattern in every entry."""

    def __init__(self, name: str) -> None:
        self.name = name

    def nearest(self, rows: NDArray[np.float32], sides: NDArray[np.object_]) -> tuple[pa.Array, pa.Array]:
        return pa.array([[self.name]] * len(rows)), pa.array([[0.5]] * len(rows))


def _sorted(sessions: list[Session], name: str) -> pa.Table:
    """All trades by their entries, or all fills by trade and time."""
    table = pa.concat_tables([getattr(each, name) for each in sessions])
    last = "entry_time" if name == "trades" else "time"
    return table.sort_by([("symbol", "ascending"), (last, "ascending"), ("trade_id", "ascending")])


@pytest.mark.parametrize("decision_bars", [1, 4])
@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_days_one_by_one_make_what_they_make_in_one_block(
    random_market: Market, decision_bars: int, seed: int
) -> None:
    block = coarser(random_market(seed, bars=320, day_bars=80, tick_size=0.01), decision_bars)
    whole = trade_session(block, ByFeatures(), RULES, COSTS, MADE_BY)
    days = day_by_day(block)
    for name in ("trades", "fills"):
        assert _sorted(days, name).equals(_sorted([whole], name))
    assert days[-1].open_positions.equals(whole.open_positions)
    for name in ("signals", "decisions"):
        time = "signal_time" if name == "signals" else "open_time"
        parts = pa.concat_tables([getattr(each, name) for each in days])
        keys = [("symbol", "ascending"), (time, "ascending")]
        known = [each for each in parts.column_names if not each.startswith("would_")]
        assert parts.sort_by(keys).select(known).equals(getattr(whole, name).sort_by(keys).select(known))
    results = [pc.sum(each.bars["result_usd"]).as_py() for each in days]
    assert sum(results) == pytest.approx(pc.sum(whole.bars["result_usd"]).as_py(), abs=1e-6)
    assert any(each.open_positions["side"].null_count < 2 for each in days[:-1]), "some position met midnight"


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_lanes_that_are_written_down_and_read_again_are_the_same_to_the_bit(
    random_market: Market, seed: int
) -> None:
    block = random_market(seed, symbols=4, bars=160, day_bars=80, tick_size=0.01)
    environment = MarketEnvironment(block, RULES, COSTS, 4)
    begin_everywhere(environment, closes_at_end=False)
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


def test_who_decides_follows_the_clock_and_a_trade_names_both(make_block: Market) -> None:
    untraded = ~np.isin(np.arange(120), (79, 80, 81))
    block = make_block([100.0] * 120, tradable=untraded, day_bars=60)
    day = block.slice(59, 119)
    handover = int(block.open_time_ms[80])
    orders = {
        "early": {60: ENTER_FULL_INDEX, 70: EXIT_INDEX, 72: ENTER_FULL_INDEX, 78: EXIT_INDEX, 95: EXIT_INDEX},
        "late": {84: ENTER_FULL_INDEX, 90: EXIT_INDEX, 75: ENTER_FULL_INDEX},
    }
    watches = [
        Watch(scripted(orders["early"], 59), "early", patterns=Knows("p-early")),
        Watch(scripted(orders["late"], 79), "late", handover, Knows("p-late")),
    ]
    session = trade_session(day, watches, RULES, FLAT, MADE_BY)
    names = ("model_id", "exit_model_id", "nearest_patterns")
    told = [tuple(row[name] for name in names) for row in session.trades.to_pylist()]
    early = ("early", "early", ["p-early"])
    # The second exit was decided at the last close before the handover and met no traded bar till after it.
    assert told == [early, early, ("late", "late", ["p-late"])]
    models = session.decisions["model_id"].to_pylist()
    times = [milliseconds_of(each) for each in session.decisions["open_time"].to_pylist()]
    assert [time < handover for time in times] == [model == "early" for model in models]
    assert turnover_usd(session, handover, 60) == pytest.approx(3_000.0), "an exit, an entry and its exit"


def test_a_stop_names_who_was_in_charge_when_it_was_met(make_block: Market) -> None:
    close = np.where(np.arange(120) < 90, 100.0, 95.0)
    block = make_block(close, day_bars=60).slice(59, 119)
    watches = [
        Watch(scripted({60: ENTER_FULL_INDEX}, 59), "early"),
        Watch(scripted({}, 79), "late", int(block.open_time_ms[80 - 59])),
    ]
    (trade,) = trade_session(block, watches, RULES, FLAT, MADE_BY).trades.to_pylist()
    assert (trade["model_id"], trade["exit_model_id"], trade["exit_reason"]) == ("early", "late", "STOP")


def test_without_a_policy_what_is_held_runs_out_and_nothing_is_entered(make_block: Market) -> None:
    block = make_block([100.0] * 120, day_bars=60)
    first, second = two_days(block, {50: ENTER_FULL_INDEX}, policy_of_second=None)
    (trade,) = second.trades.to_pylist()
    assert (trade["exit_reason"], trade["model_id"], trade["exit_model_id"]) == ("TIME_OUT", "model", None)
    assert trade["bars_held"] == 30
    assert second.decisions.num_rows == second.signals.num_rows == 0
    assert set(second.bars["action"].to_pylist()) == {"WAIT", "HOLD"}
    assert first.open_positions["side"].to_pylist() == ["long"]


def test_candles_that_stay_away_close_a_position_at_the_last_price(make_block: Market) -> None:
    tradable = np.arange(180) < 58
    block = make_block([100.0] * 180, tradable=tradable, day_bars=60)
    first = trade_session(block.slice(0, 59), scripted({50: ENTER_FULL_INDEX}), RULES, FLAT, MADE_BY)
    day = block.slice(59, 119)
    # As a lake has it: nothing of the day before is in the block but its last bar, which was not traded.
    blind = replace(day, **{name: np.full((1, 61), np.nan) for name in ("open", "high", "low", "close")})
    for each in (day, blind):
        second = audited(each, None, Carried(first.open_positions))
        (trade,) = second.trades.to_pylist()
        assert (trade["exit_reason"], trade["exit_reference_price"]) == ("DATA_GAP", 100.0)
        assert milliseconds_of(trade["exit_time"]) > block.open_time_ms[59]
        assert second.bars["equity_usd"][0].as_py() == pytest.approx(
            first.open_positions["equity_usd"][0].as_py()
        )


def test_a_symbol_that_left_the_universe_is_closed_and_its_account_ends(
    make_block: Market,
) -> None:
    closes = np.stack([np.full(120, 100.0), np.full(120, 50.0)])
    block = make_block(closes, day_bars=60)
    first = trade_session(
        block.slice(0, 59), scripted({50: ENTER_FULL_INDEX}, symbols=2), RULES, FLAT, MADE_BY
    )
    day = make_block(closes[:1], day_bars=60).slice(59, 119)
    second = audited(day, scripted({}), Carried(first.open_positions))
    # The other one runs into its time-out; what was closed before the first decision stands first.
    trade, _ = second.trades.to_pylist()
    before = first.open_positions.to_pylist()[1]
    sold = 50.0 * (1 - 1e-4)
    costs = 20 * (50.0 - sold) + 20 * sold * 1e-3
    assert (trade["symbol"], trade["exit_reason"], trade["exit_model_id"]) == ("S1", "LEFT_UNIVERSE", None)
    assert trade["exit_price"] == pytest.approx(sold) and trade["net_usd"] == pytest.approx(
        before["result_usd"] - costs
    )
    assert milliseconds_of(trade["exit_time"]) == block.open_time_ms[60]
    assert second.open_positions["symbol"].to_pylist() == ["S0"]
    (row,) = [each for each in second.bars.to_pylist() if each["symbol"] == "S1"]
    assert row["result_usd"] == pytest.approx(-costs) and row["action"] is None
    assert row["equity_usd"] == row["cash_usd"] == pytest.approx(before["equity_usd"] - costs)


def test_a_symbol_that_joins_begins_with_an_account_of_its_own(make_block: Market) -> None:
    block = make_block(np.full((2, 120), 100.0), day_bars=60)
    alone = make_block(np.full(120, 100.0), day_bars=60)
    first = trade_session(alone.slice(0, 59), scripted({50: ENTER_FULL_INDEX}), RULES, FLAT, MADE_BY)
    second = audited(block.slice(59, 119), scripted({}, symbols=2), Carried(first.open_positions))
    assert second.bars["equity_usd"][60].as_py() == RULES.starting_cash_usd
    assert second.trades["symbol"].to_pylist() == ["S0"] and second.open_positions.num_rows == 2


@pytest.mark.parametrize("reason", ["DELISTED", "TIMEFRAME_CHANGED"])
def test_an_account_without_its_market_is_closed_and_goes_on_flat(make_block: Market, reason: str) -> None:
    block = make_block([100.0] * 120, day_bars=60)
    first = trade_session(block.slice(0, 59), scripted({50: ENTER_FULL_INDEX}), RULES, FLAT, MADE_BY)
    day, outside = block.slice(59, 119), frozenset({"S0"})
    if reason == "TIMEFRAME_CHANGED":
        begins = int(day.open_time_ms[1])
        times = begins + (np.arange(61) - 1) * 2 * 60_000
        day, outside = replace(day, open_time_ms=times), frozenset()
    second = audited(day, scripted({}), Carried(first.open_positions, outside))
    (trade,) = second.trades.to_pylist()
    assert trade["exit_reason"] == second.fills["kind"].to_pylist()[1] == reason
    assert milliseconds_of(trade["entry_time"]) == block.open_time_ms[51]
    assert milliseconds_of(trade["exit_time"]) == block.open_time_ms[60]
    (account,) = second.open_positions.to_pylist()
    assert account["side"] is None and account["trades"] == 1
    assert account["equity_usd"] == pytest.approx(10_000 + trade["net_usd"])
    assert second.bars["result_usd"][0].as_py() == pytest.approx(
        trade["net_usd"] - first.open_positions["result_usd"][0].as_py()
    )


def test_a_redenomination_that_is_declared_afterwards_brings_the_position_into_its_units(
    make_block: Market,
) -> None:
    close = np.where(np.arange(120) < 80, 100.0, 95.0)
    first = trade_session(
        make_block(close, day_bars=60).slice(0, 59), scripted({50: ENTER_FULL_INDEX}), RULES, FLAT, MADE_BY
    )
    plain = audited(
        make_block(close, day_bars=60).slice(59, 119), scripted({}), Carried(first.open_positions)
    )
    # Declared since: prices after a moment of long ago are eight times what they were, stored ones over it.
    long_ago = Redenomination("S0", datetime(2020, 1, 1, tzinfo=UTC), 8.0)
    declared = replace(MADE_BY, declared=(long_ago,))
    scaled = make_block(close / 8.0, day_bars=60).slice(59, 119)
    second = audited(scaled, scripted({}), Carried(first.open_positions), made_by=declared)
    (trade,), (usual,) = second.trades.to_pylist(), plain.trades.to_pylist()
    assert trade["quantity"] == 8.0 * usual["quantity"]
    for name in ("entry_price", "exit_price", "stop_price", "target_price"):
        assert trade[name] == usual[name] / 8.0
    assert trade["net_usd"] == usual["net_usd"] and trade["exit_reason"] == usual["exit_reason"] == "STOP"
    assert [fill["price"] * 8.0 for fill in second.fills.to_pylist()] == plain.fills["price"].to_pylist()
    assert second.open_positions["units_factor"].to_pylist() == [8.0]


def test_a_redenomination_on_the_day_itself_leaves_the_position_as_it_is(make_block: Market) -> None:
    block = make_block([100.0] * 120, day_bars=60)
    today = Redenomination("S0", datetime.fromtimestamp(block.open_time_ms[60] / 1000, UTC), 8.0)
    declared = replace(MADE_BY, declared=(today,))
    first = trade_session(block.slice(0, 59), scripted({50: ENTER_FULL_INDEX}), RULES, FLAT, MADE_BY)
    second = audited(block.slice(59, 119), scripted({}), Carried(first.open_positions), made_by=declared)
    assert second.trades["quantity"].to_pylist() == [10.0]
    assert second.open_positions["units_factor"].to_pylist() == [8.0]


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
