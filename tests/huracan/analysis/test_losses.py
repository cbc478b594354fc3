"""Losses: each reason is reached by a trade made for it, with its evidence and the rule that it suggests."""

import json
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.trades.checks import judge_loss_reasons
from huracan.analysis.trades.config import LossLimits
from huracan.analysis.trades.loss_reasons import LOSS_REASONS, REASON_NAMES
from huracan.analysis.trades.losses import LOSSES_SCHEMA
from huracan.market.actions import ENTER_FULL_INDEX, EXIT_INDEX
from huracan.market.rules import TradingRules
from tests.huracan.analysis.conftest import SHORT, make_luck
from tests.huracan.analysis.shadow_days import BARS, day_block, trade

EARLY = datetime(2023, 6, 2, 0, 1, tzinfo=UTC)

MADE_FOR = {
    "cost_not_covered": {"gross_bps": 5.0, "net_bps": -15.0},
    "liquidation": {"exit_reason": "LIQUIDATION"},
    "market_ended": {"exit_reason": "DELISTED"},
    "volatility_shock": {"exit_volatility_bps": 12.0},
    "regime_change": {"exit_regime": "panic"},
    "adverse_selection": {"max_adverse_time": EARLY, "max_favourable_bps": 1.0},
    "stop_too_tight": {"exit_reason": "STOP", "stop_price": 99.95},
    "held_too_long": {"max_favourable_bps": 55.0},
    "bad_luck": {},
}
RULES = {
    # 20 bps of costs at a volatility of 5.
    "cost_not_covered": {"kind": "skip_costly", "cost_volatilities": 3},
    "liquidation": None,
    "market_ended": None,
    "volatility_shock": {"kind": "leave_volatile", "volatility_ratio": 2},
    "regime_change": {"kind": "leave_regime"},
    # 25 bps against it, five volatilities.
    "adverse_selection": {"kind": "leave_adverse", "volatilities": 5, "first_minutes": 3},
    # Two volatilities are out of the noise; the stop was one away.
    "stop_too_tight": {"kind": "widen_stop", "volatilities": 2},
    # Best in the bar that opened ten minutes after the entry.
    "held_too_long": {"kind": "leave_aged", "minutes": 15},
    "bad_luck": None,
}


def _primary(losses: pa.Table) -> list[str]:
    return losses["primary_reason"].to_pylist()


@pytest.mark.parametrize("reason", MADE_FOR)
def test_a_trade_made_for_a_reason_gets_that_reason_with_its_numbers_and_rule(
    reason, make_trades, lose
) -> None:
    losses = lose(make_trades(MADE_FOR[reason]))
    row = losses.to_pylist()[0]
    assert losses.schema == LOSSES_SCHEMA
    assert row["primary_reason"] == reason
    evidence = json.loads(row["evidence"])
    assert evidence[0]["reason"] == reason and len(evidence[0]) >= 3
    assert row["avoidance_rule"] and "{" not in row["avoidance_rule"] and "?" not in row["avoidance_rule"]
    assert (row["rule"] and json.loads(row["rule"])) == RULES[reason]
    assert row["rule_verdict"] == ("no rule" if RULES[reason] is None else "no past")
    assert judge_loss_reasons(losses).passed


@pytest.mark.parametrize(("decided_on", "first_minutes"), [("1m", 3), ("15m", 15), ("1h", 60)])
def test_a_rule_of_the_first_minutes_says_those_until_the_first_decision_that_can_leave(
    make_trades, lose, decided_on, first_minutes
) -> None:
    row = lose(make_trades(MADE_FOR["adverse_selection"]), decided_on=decided_on).to_pylist()[0]
    assert json.loads(row["rule"]) == RULES["adverse_selection"] | {"first_minutes": first_minutes}
    assert row["avoidance_rule"].endswith(f"within the first {first_minutes} minutes.")


@pytest.mark.parametrize(
    ("reason", "limits"),
    [
        ("volatility_shock", LossLimits(shock_ratio=3.0)),
        ("adverse_selection", LossLimits(early_volatilities=6.0)),
        ("stop_too_tight", LossLimits(tight_stop_volatilities=0.5)),
        ("held_too_long", LossLimits(minimum_held_minutes=1_000)),
    ],
)
def test_the_settings_decide_where_a_reason_holds(reason, limits, make_trades, lose) -> None:
    assert _primary(lose(make_trades(MADE_FOR[reason]), limits=limits)) == ["bad_luck"]


def test_a_shock_within_the_bar_that_stopped_the_trade_is_one_though_nothing_foretold_it(
    make_candles, lose
) -> None:
    # Volatility was 5 bps a bar until the price fell by 1.5 % in the bar 110, through a stop 1 % away.
    rules = TradingRules(stop_floor_bps=100, target_floor_bps=5_000, maximum_holding="600m")
    for last, reason in ((98.5, "volatility_shock"), (98.99, "volatility_shock"), (99.8, "bad_luck")):
        closes = np.where(np.arange(BARS) < 110, 100.0, last)
        block = day_block(closes[None, :], volatility_bps=5.0)
        script = {(0, 100): ENTER_FULL_INDEX, (0, 200): EXIT_INDEX}
        ledger = trade(block, script, rules).trades
        features = pa.array([[0.1, -0.2, 0.3, 0.4]], ledger.schema.field("entry_features").type)
        trades = ledger.set_column(1, "symbol", pa.array(["BTCUSDT"]))
        trades = trades.set_column(ledger.column_names.index("entry_features"), "entry_features", features)
        opened = np.concatenate([closes[:1], closes[:-1]])
        candles = make_candles(closes.tolist()).set_column(3, "open", pa.array(opened))
        row = lose(trades, candles=candles).to_pylist()[0]
        assert row["primary_reason"] == reason, row
        if reason == "volatility_shock":
            assert row["exit_reason"] == "STOP" and row["rule"] is None
            assert json.loads(row["evidence"])[0]["exit_volatility_bps"] == 5.0
            assert json.loads(row["evidence"])[0]["stop_range_bps"] == pytest.approx(1e4 - last * 100)
            assert row["avoidance_rule"].startswith("None: the shock was over in the bar that stopped it")


def test_poor_history_and_a_weak_pattern_come_from_the_neighbours(make_trades, make_neighbours, lose) -> None:
    neighbours = pa.concat_tables(
        [make_neighbours(0, 20, 3), make_neighbours(1, 3, 2), make_neighbours(2, 8, 3)]
    )
    luck = make_luck(50, 50, 50, 50, 1)
    losses = lose(make_trades({}, {}, {}, {}, {}), neighbours, luck=luck)
    assert _primary(losses) == [
        "poor_pattern_history", "weak_pattern", "weak_pattern", "bad_luck", "unexplained",
    ]  # fmt: skip
    assert {*_primary(losses), *MADE_FOR} == set(REASON_NAMES)
    rules = [rule and json.loads(rule) for rule in losses["rule"].to_pylist()]
    # Three of twenty won: -14 bps on average. Of eight three: a posterior of 4 / 10.
    assert rules == [
        {"kind": "skip_unprofitable", "mean_net_bps": -10},
        {"kind": "skip_unprecedented", "similar_trades": 5},
        {"kind": "skip_unlikely", "win_probability": 0.4},
        None,
        None,
    ]


def test_a_loss_is_bad_luck_only_within_what_entries_by_chance_made(make_trades, lose) -> None:
    # The second way of ending them may make it ordinary; with few entries the noise decides.
    luck = make_luck(6, (1, 30), (1, 4))
    losses = lose(make_trades({}, {}, {}), luck=luck)
    assert _primary(losses) == ["bad_luck", "bad_luck", "unexplained"]
    evidence = [json.loads(text)[0] for text in losses["evidence"].to_pylist()]
    assert [each["luck_percentile"] for each in evidence] == [6, 30, 4]
    assert [each["is_within_expected_band"] for each in evidence] == [True, True, False]
    assert losses["avoidance_rule"][0].as_py().startswith("None: 6 % of 60 entries by chance did worse")
    mild, wild = {"net_bps": -40.0}, {"net_bps": -90.0}
    few = lose(make_trades(mild, wild), luck=make_luck(1, 50, entries=5))
    assert _primary(few) == ["bad_luck", "unexplained"]


def test_the_price_of_the_first_minutes_decides_over_adverse_selection(
    make_trades, make_candles, lose
) -> None:
    # Worst at the end, but already three volatilities down in the second bar, or in the fourth.
    trades = make_trades({"max_favourable_bps": 1.0, "max_adverse_bps": -25.0})
    soon = make_candles([100.0, 99.85, 99.9] + [99.75] * 80)
    later = make_candles([100.0, 99.98, 99.98, 99.85] + [99.75] * 80)
    assert [_primary(lose(trades, candles=c))[0] for c in (soon, later)] == ["adverse_selection", "bad_luck"]
    row = json.loads(lose(trades, candles=soon)["evidence"][0].as_py())[0]
    assert row["early_adverse_bps"] == pytest.approx(-15.0)
    # What came after an exit in the first bars was not met by the trade.
    short_lived = make_trades(
        {"bars_held": 1, "max_favourable_bps": 1.0, "max_adverse_bps": -4.0, "max_adverse_time": EARLY}
    )
    assert _primary(lose(short_lived, candles=soon)) == ["bad_luck"]


def test_a_price_that_came_back_to_the_target_says_the_stop_was_too_tight(
    make_trades, make_candles, lose
) -> None:
    trades = make_trades({"exit_reason": "STOP", "bars_held": 20})
    back = make_candles([100.0] * 60 + [101.5] + [100.0] * 30)
    away = make_candles([100.0] * 90)
    too_late = make_candles([100.0] * 400 + [101.5])
    before_exit = make_candles([101.5] * 19 + [100.0] * 61)
    found = [_primary(lose(trades, candles=each))[0] for each in (back, away, too_late, before_exit)]
    assert found == ["stop_too_tight", "bad_luck", "bad_luck", "bad_luck"]


def test_the_stop_to_place_is_as_far_as_the_price_went_before_it_came_back(
    make_trades, make_candles, lose
) -> None:
    # The stop stood 100 bps away, 20 volatilities; before the target came the price was 210 bps down.
    trades = make_trades({"exit_reason": "STOP", "bars_held": 20})
    deep = make_candles([100.0] * 30 + [97.9] * 10 + [101.5] + [97.0] * 30)
    shallow = make_candles([100.0] * 60 + [101.5] + [97.0] * 30)
    rules = [json.loads(lose(trades, candles=c)["rule"][0].as_py()) for c in (deep, shallow)]
    assert rules == [
        {"kind": "widen_stop", "volatilities": 50},
        {"kind": "widen_stop", "volatilities": 30},  # 1.2 times as far as it was, on the next step
    ]
    evidence = json.loads(lose(trades, candles=deep)["evidence"][0].as_py())[0]
    assert evidence["adverse_before_target_bps"] == pytest.approx(210.0)


@pytest.mark.parametrize("reason", MADE_FOR)
def test_the_mirror_image_of_a_loss_has_the_same_reason_and_rule(reason, make_trades, lose) -> None:
    changes = MADE_FOR[reason]
    mirrored = {"stop_price": 200.0 - changes["stop_price"]} if "stop_price" in changes else {}
    long_row, short_row = (
        lose(make_trades(trade)).to_pylist()[0] for trade in (changes, SHORT | changes | mirrored)
    )
    assert short_row["primary_reason"] == long_row["primary_reason"] == reason
    for column in ("evidence", "rule", "severity"):
        assert short_row[column] == long_row[column]


def test_a_price_that_fell_back_to_the_target_says_the_stop_of_a_short_was_too_tight(
    make_trades, make_candles, lose
) -> None:
    trades = make_trades(SHORT | {"exit_reason": "STOP", "bars_held": 20})
    back = make_candles([100.0] * 30 + [101.4] * 10 + [98.5] + [100.0] * 30)
    farther = make_candles([100.0] * 60 + [101.5] + [100.0] * 30)
    assert [_primary(lose(trades, candles=c))[0] for c in (back, farther)] == ["stop_too_tight", "bad_luck"]
    evidence = json.loads(lose(trades, candles=back)["evidence"][0].as_py())[0]
    assert evidence["adverse_before_target_bps"] == pytest.approx(140.0)


def test_a_stop_that_followed_is_judged_by_what_came_after_it(make_trades, make_candles, lose) -> None:
    # Its stop had come near to the entry; that alone is no fault of a trailing stop.
    trailed = {"exit_reason": "TRAILING_STOP", "stop_price": 99.95, "bars_held": 20}
    away, back = make_candles([100.0] * 90), make_candles([100.0] * 60 + [101.5] + [100.0] * 30)
    found = [lose(make_trades(trailed), candles=candles).to_pylist()[0] for candles in (away, back)]
    assert [row["primary_reason"] for row in found] == ["bad_luck", "stop_too_tight"]
    assert found[0]["exit_reason"] == "TRAILING_STOP"
    # It was 5 bps below the entry and 15 below the best price; 18 are 3.6 volatilities.
    assert json.loads(found[1]["rule"]) == {"kind": "widen_trail", "volatilities": 5}
    held = trailed | {"max_favourable_bps": 55.0}
    row = lose(make_trades(held), candles=away).to_pylist()[0]
    assert row["primary_reason"] != "held_too_long"


def test_what_the_sessions_end_closed_was_not_held_too_long(make_trades, lose) -> None:
    held = MADE_FOR["held_too_long"]
    losses = lose(make_trades(held, held | {"exit_reason": "END_OF_SESSION"}))
    assert _primary(losses) == ["held_too_long", "bad_luck"]
    assert losses["is_end_of_session"].to_pylist() == [False, True]


def test_funding_is_a_cost_that_a_win_must_cover(make_trades, lose) -> None:
    paid = {"gross_bps": 25.0, "funding_bps": 12.0, "net_bps": -7.0}
    row = lose(make_trades(paid)).to_pylist()[0]
    assert row["primary_reason"] == "cost_not_covered"
    assert json.loads(row["evidence"])[0]["cost_bps"] == pytest.approx(32.0)
    before = make_trades(paid).drop_columns(["funding_bps"])
    row = lose(before).to_pylist()[0]
    assert json.loads(row["evidence"])[0]["cost_bps"] == pytest.approx(20.0)


def test_a_scratched_trade_is_a_small_loss_with_a_reason(make_trades, lose) -> None:
    scratched = {"exit_reason": "SCRATCH", "bars_held": 4, "gross_bps": -2.0, "net_bps": -22.0}
    early = {"max_adverse_time": EARLY, "max_favourable_bps": 1.0}
    rows = lose(make_trades(scratched, scratched | early)).to_pylist()
    assert [row["primary_reason"] for row in rows] == ["bad_luck", "adverse_selection"]
    assert {row["exit_reason"] for row in rows} == {"SCRATCH"}


def test_a_frozen_price_makes_no_shock_and_no_endless_numbers(make_trades, lose) -> None:
    frozen = {"entry_volatility_bps": 0.0, "exit_volatility_bps": 0.9}
    losses = lose(
        make_trades(frozen, frozen | {"entry_volatility_bps": None}, frozen | MADE_FOR["cost_not_covered"])
    )
    assert _primary(losses)[:2] == ["bad_luck", "bad_luck"]
    assert json.loads(losses["rule"][2].as_py()) == {"kind": "skip_costly", "cost_volatilities": 30}


def test_a_rule_whose_numbers_are_not_known_is_not_made_up(make_trades, lose) -> None:
    row = lose(make_trades(MADE_FOR["cost_not_covered"] | {"estimated_cost_bps": None})).to_pylist()[0]
    assert row["primary_reason"] == "cost_not_covered"
    assert (row["rule"], row["rule_verdict"]) == (None, "no rule")
    assert row["avoidance_rule"] == "None: a number that its rule needs is not known."


def test_candles_after_the_day_change_no_loss(make_trades, make_candles, lose) -> None:
    late = {"exit_reason": "STOP", "exit_time": datetime(2023, 6, 2, 23, 50, tzinfo=UTC)}
    day = make_candles([100.0] * 1440)
    tomorrow = make_candles([105.0] * 60, datetime(2023, 6, 3, tzinfo=UTC))
    plain = lose(make_trades(late), candles=day)
    assert plain.equals(lose(make_trades(late), candles=pa.concat_tables([day, tomorrow])))


def test_further_reasons_are_named_with_their_evidence_and_luck_is_never_among_them(
    make_trades, lose
) -> None:
    losses = lose(make_trades(MADE_FOR["cost_not_covered"] | MADE_FOR["regime_change"]))
    row = losses.to_pylist()[0]
    assert row["primary_reason"] == "cost_not_covered" and row["is_preventable"]
    assert json.loads(row["further_reasons"]) == ["regime_change"]
    assert [entry["reason"] for entry in json.loads(row["evidence"])] == ["cost_not_covered", "regime_change"]
    assert json.loads(row["rule"])["kind"] == "skip_costly"


def test_similar_losses_suggest_one_rule(make_trades, lose) -> None:
    shocks = [{"exit_volatility_bps": ratio * 5.0} for ratio in (2.0, 2.4, 2.9, 3.1)]
    rules = lose(make_trades(*shocks))["rule"].to_pylist()
    assert [json.loads(rule)["volatility_ratio"] for rule in rules] == [2, 2, 2, 3]
    assert len(set(rules[:3])) == 1


def test_severity_grows_with_the_distance_from_noise(make_trades, lose) -> None:
    # The unit is 5 bps times the square root of 60 bars: 38.7 bps.
    losses = lose(make_trades({"net_bps": -30.0}, {"net_bps": -40.0}, {"net_bps": -80.0}))
    assert losses["severity"].to_pylist() == ["minor", "moderate", "severe"]
    assert losses["net_score"].to_numpy() == pytest.approx(np.array([-30, -40, -80]) / (5 * np.sqrt(60)))


def test_a_loss_without_a_reason_fails_the_check(make_trades, lose) -> None:
    losses = lose(make_trades({}))
    column = losses.column_names.index("primary_reason")
    assert not judge_loss_reasons(losses.set_column(column, "primary_reason", [["unheard_of"]])).passed


def test_the_reasons_of_last_resort_stand_last() -> None:
    is_last = [reason.is_last_resort for reason in LOSS_REASONS]
    assert is_last == sorted(is_last) and sum(is_last) == 2
    assert all(reason.suggest is not None or "{" in reason.unruled for reason in LOSS_REASONS)
