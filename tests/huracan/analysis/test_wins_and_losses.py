"""Wins and losses: each reason is reached by a trade made for it, and the sums are the ledger's."""

import json
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.checks import judge_coverage, judge_loss_reasons, judge_neighbours
from huracan.analysis.loss_reasons import REASON_NAMES
from huracan.analysis.losses import LOSSES_SCHEMA, analyse_losses
from huracan.analysis.neighbourhood import no_neighbours
from huracan.analysis.wins import WINS_SCHEMA, analyse_wins
from huracan.candles.schema import Timeframe
from tests.huracan.analysis.conftest import SHORT

DAY = date(2023, 6, 2)
MINUTE = Timeframe("1m")
EARLY = datetime(2023, 6, 2, 0, 1, tzinfo=UTC)

MADE_FOR = {
    "cost_not_covered": {"gross_bps": 5.0, "net_bps": -15.0},
    "volatility_shock": {"exit_volatility_bps": 12.0},
    "regime_change": {"exit_regime": "panic"},
    "adverse_selection": {"max_adverse_time": EARLY, "max_favourable_bps": 1.0},
    "stop_too_tight": {"exit_reason": "STOP", "stop_price": 99.95},
    "held_too_long": {"max_favourable_bps": 55.0},
    "bad_luck": {},
}


@pytest.mark.parametrize("reason", MADE_FOR)
def test_a_trade_made_for_a_reason_gets_that_reason_with_its_numbers(reason, make_trades) -> None:
    losses = analyse_losses(make_trades(MADE_FOR[reason]), no_neighbours(), DAY, MINUTE)
    row = losses.to_pylist()[0]
    assert losses.schema == LOSSES_SCHEMA
    assert row["primary_reason"] == reason
    evidence = json.loads(row["evidence"])
    assert evidence[0]["reason"] == reason and len(evidence[0]) >= 3
    assert row["avoidance_rule"] and "{" not in row["avoidance_rule"]
    assert judge_loss_reasons(losses).passed


def test_poor_history_and_a_weak_pattern_come_from_the_neighbours(make_trades, make_neighbours) -> None:
    neighbours = pa.concat_tables(
        [make_neighbours(0, 20, 3), make_neighbours(1, 3, 2), make_neighbours(2, 8, 3)]
    )
    losses = analyse_losses(make_trades({}, {}, {}, {}), neighbours, DAY, MINUTE)
    reasons = losses.column("primary_reason").to_pylist()
    assert reasons == ["poor_pattern_history", "weak_pattern", "weak_pattern", "bad_luck"]
    assert {*reasons, *MADE_FOR} == set(REASON_NAMES)


def test_a_price_that_came_back_to_the_target_says_the_stop_was_too_tight(make_trades, make_candles) -> None:
    trades = make_trades({"exit_reason": "STOP", "bars_held": 20})
    back = make_candles([100.0] * 60 + [101.5] + [100.0] * 30)
    away = make_candles([100.0] * 90)
    too_late = make_candles([100.0] * 400 + [101.5])
    before_exit = make_candles([101.5] * 20 + [100.0] * 60)
    found = [
        analyse_losses(trades, no_neighbours(), DAY, MINUTE, candles).column("primary_reason")[0].as_py()
        for candles in (back, away, too_late, before_exit)
    ]
    assert found == ["stop_too_tight", "bad_luck", "bad_luck", "bad_luck"]


@pytest.mark.parametrize("reason", MADE_FOR)
def test_the_mirror_image_of_a_loss_has_the_same_reason(reason, make_trades) -> None:
    changes = MADE_FOR[reason]
    mirrored = {"stop_price": 200.0 - changes["stop_price"]} if "stop_price" in changes else {}
    long_row, short_row = (
        analyse_losses(make_trades(trade), no_neighbours(), DAY, MINUTE).to_pylist()[0]
        for trade in (changes, SHORT | changes | mirrored)
    )
    assert short_row["primary_reason"] == long_row["primary_reason"] == reason
    assert short_row["evidence"] == long_row["evidence"]


def test_a_price_that_fell_back_to_the_target_says_the_stop_of_a_short_was_too_tight(
    make_trades, make_candles
) -> None:
    trades = make_trades(SHORT | {"exit_reason": "STOP", "bars_held": 20})
    back = make_candles([100.0] * 60 + [98.5] + [100.0] * 30)
    farther = make_candles([100.0] * 60 + [101.5] + [100.0] * 30)
    found = [
        analyse_losses(trades, no_neighbours(), DAY, MINUTE, candles).column("primary_reason")[0].as_py()
        for candles in (back, farther)
    ]
    assert found == ["stop_too_tight", "bad_luck"]


def test_a_stop_that_followed_is_judged_by_what_came_after_it(make_trades, make_candles) -> None:
    # Its stop had come near to the entry; that alone is no fault of a trailing stop.
    trailed = {"exit_reason": "TRAILING_STOP", "stop_price": 99.95, "bars_held": 20}
    away, back = make_candles([100.0] * 90), make_candles([100.0] * 60 + [101.5] + [100.0] * 30)
    found = [
        analyse_losses(make_trades(trailed), no_neighbours(), DAY, MINUTE, candles).to_pylist()[0]
        for candles in (away, back)
    ]
    assert [row["primary_reason"] for row in found] == ["bad_luck", "stop_too_tight"]
    assert found[0]["exit_reason"] == "TRAILING_STOP"
    held = trailed | {"max_favourable_bps": 55.0}
    row = analyse_losses(make_trades(held), no_neighbours(), DAY, MINUTE, away).to_pylist()[0]
    assert row["primary_reason"] != "held_too_long"


def test_funding_is_a_cost_that_a_win_must_cover(make_trades) -> None:
    paid = {"gross_bps": 25.0, "funding_bps": 12.0, "net_bps": -7.0}
    row = analyse_losses(make_trades(paid), no_neighbours(), DAY, MINUTE).to_pylist()[0]
    assert row["primary_reason"] == "cost_not_covered"
    assert json.loads(row["evidence"])[0]["cost_bps"] == pytest.approx(32.0)
    before = make_trades(paid).drop_columns(["funding_bps"])
    row = analyse_losses(before, no_neighbours(), DAY, MINUTE).to_pylist()[0]
    assert json.loads(row["evidence"])[0]["cost_bps"] == pytest.approx(20.0)


def test_a_scratched_trade_is_a_small_loss_with_a_reason(make_trades) -> None:
    scratched = {"exit_reason": "SCRATCH", "bars_held": 4, "gross_bps": -2.0, "net_bps": -22.0}
    early = {"max_adverse_time": EARLY, "max_favourable_bps": 1.0}
    rows = analyse_losses(make_trades(scratched, scratched | early), no_neighbours(), DAY, MINUTE).to_pylist()
    assert [row["primary_reason"] for row in rows] == ["bad_luck", "adverse_selection"]
    assert {row["exit_reason"] for row in rows} == {"SCRATCH"}


def test_candles_after_the_day_change_no_loss(make_trades, make_candles) -> None:
    late = {"exit_reason": "STOP", "exit_time": datetime(2023, 6, 2, 23, 50, tzinfo=UTC)}
    day = make_candles([100.0] * 1440)
    tomorrow = make_candles([105.0] * 60, datetime(2023, 6, 3, tzinfo=UTC))
    plain = analyse_losses(make_trades(late), no_neighbours(), DAY, MINUTE, day)
    assert plain.equals(
        analyse_losses(make_trades(late), no_neighbours(), DAY, MINUTE, pa.concat_tables([day, tomorrow]))
    )


def test_further_reasons_are_named_with_their_evidence_and_luck_is_never_among_them(make_trades) -> None:
    losses = analyse_losses(
        make_trades(MADE_FOR["cost_not_covered"] | MADE_FOR["regime_change"]), no_neighbours(), DAY, MINUTE
    )
    row = losses.to_pylist()[0]
    assert row["primary_reason"] == "cost_not_covered" and row["is_preventable"]
    assert json.loads(row["further_reasons"]) == ["regime_change"]
    assert [entry["reason"] for entry in json.loads(row["evidence"])] == ["cost_not_covered", "regime_change"]


def test_every_trade_is_analysed_once_and_zero_counts_as_a_loss(make_trades, statistics, winning) -> None:
    trades = make_trades(winning, {}, {"net_bps": 0.0, "gross_bps": 20.0}, winning)
    wins = analyse_wins(trades, no_neighbours(), statistics, DAY)
    losses = analyse_losses(trades, no_neighbours(), DAY, MINUTE)
    assert (len(wins), len(losses)) == (2, 2)
    assert judge_coverage(trades, wins, losses).passed
    assert not judge_coverage(trades, wins, losses.slice(1)).passed
    assert not judge_coverage(trades, pa.concat_tables([wins, wins.slice(1)]), losses).passed
    assert not judge_coverage(trades.slice(1), wins, losses).passed


def test_a_loss_without_a_reason_fails_the_check(make_trades) -> None:
    losses = analyse_losses(make_trades({}), no_neighbours(), DAY, MINUTE)
    column = losses.column_names.index("primary_reason")
    assert not judge_loss_reasons(losses.set_column(column, "primary_reason", [["unheard_of"]])).passed


def test_a_day_without_trades_has_empty_tables_that_pass(make_trades, statistics) -> None:
    trades = make_trades()
    wins = analyse_wins(trades, no_neighbours(), statistics, DAY)
    losses = analyse_losses(trades, no_neighbours(), DAY, MINUTE)
    assert wins.num_rows == losses.num_rows == 0
    assert judge_coverage(trades, wins, losses).passed and judge_loss_reasons(losses).passed


def test_the_numbers_of_a_win_are_those_worked_out_by_hand(make_trades, statistics, winning) -> None:
    row = analyse_wins(make_trades(winning), no_neighbours(), statistics, DAY).to_pylist()[0]
    assert row["net_score"] == pytest.approx(30 / (5 * np.sqrt(60)))
    assert row["entry_quality"] == pytest.approx(60 / 85) and row["entry_label"] == "good"
    assert row["exit_quality"] == pytest.approx(0.5) and row["missed_bps"] == pytest.approx(10)
    assert not row["is_beyond_luck"] and row["pattern_strength"] == "unknown"
    assert "BTCUSDT made 30 bps" in row["explanation"]


def test_drivers_are_the_largest_standardised_features_weighed_by_importance(
    make_trades, statistics, winning
) -> None:
    rows = statistics.mean + statistics.scale * np.array([0.5, -3.0, 2.0, 1.0])
    trades = make_trades(winning | {"entry_features": rows.tolist()})
    wins = analyse_wins(trades, no_neighbours(), statistics, DAY)
    drivers = json.loads(wins.column("drivers")[0].as_py())
    assert [driver["feature"] for driver in drivers] == ["volatility", "range", "volume", "momentum"]
    assert drivers[0]["contribution"] == pytest.approx(-3.0, abs=1e-3)
    importance = pa.table(
        {"feature": ["momentum"], "gain": [1.0], "permutation_importance": [0.02], "rank": [1]}
    )
    weighed = analyse_wins(trades, no_neighbours(), statistics, DAY, importance)
    assert json.loads(weighed.column("drivers")[0].as_py())[0]["feature"] == "momentum"


def test_the_session_end_says_nothing_about_the_exit(make_trades, statistics, winning) -> None:
    ended = winning | {"exit_reason": "END_OF_SESSION"}
    wins = analyse_wins(make_trades(ended), no_neighbours(), statistics, DAY)
    assert wins.schema == WINS_SCHEMA
    assert wins.column("is_end_of_session")[0].as_py() and wins.column("exit_quality")[0].as_py() is None


def test_a_strong_pattern_needs_an_interval_above_one_half(
    make_trades, make_neighbours, statistics, winning
) -> None:
    neighbours = pa.concat_tables([make_neighbours(0, 20, 18), make_neighbours(1, 3, 2)])
    wins = analyse_wins(make_trades(winning, winning), neighbours, statistics, DAY)
    assert wins.column("pattern_strength").to_pylist() == ["strong", "plausible"]


def test_a_neighbour_closed_at_the_signal_fails_the_check(make_trades, make_neighbours) -> None:
    trades = make_trades({})
    neighbours = make_neighbours(0, 2, 1)
    assert judge_neighbours(trades, neighbours).passed
    at_signal = pa.array(
        [
            trades.column("signal_time")[0].as_py() - timedelta(hours=1),
            trades.column("signal_time")[0].as_py(),
        ],
        neighbours.schema.field("closed_at").type,
    )
    place = neighbours.column_names.index("closed_at")
    assert not judge_neighbours(trades, neighbours.set_column(place, "closed_at", at_signal)).passed


def test_analyses_are_the_same_to_the_byte_twice(make_trades, statistics, winning) -> None:
    trades = make_trades(winning, *MADE_FOR.values())

    def both() -> list[pa.Table]:
        return [
            analyse_wins(trades, no_neighbours(), statistics, DAY),
            analyse_losses(trades, no_neighbours(), DAY, MINUTE),
        ]

    assert [table.to_pylist() for table in both()] == [table.to_pylist() for table in both()]
