"""Wins: their numbers worked out by hand, and what may be repeated of them."""

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.trades.wins import WINS_SCHEMA
from tests.huracan.analysis.conftest import make_luck


def test_the_numbers_of_a_win_are_those_worked_out_by_hand(make_trades, win, winning) -> None:
    wins = win(make_trades(winning), luck=make_luck((80.0, 60.0)))
    row = wins.to_pylist()[0]
    assert wins.schema == WINS_SCHEMA
    assert row["net_score"] == pytest.approx(30 / (5 * np.sqrt(60)))
    assert row["entry_quality"] == pytest.approx(60 / 85) and row["entry_label"] == "good"
    assert row["exit_quality"] == pytest.approx(0.5) and row["missed_bps"] == pytest.approx(10)
    assert (row["luck_percentile"], row["luck_percentile_by_rules"]) == (80.0, 60.0)
    assert (row["luck_entries"], row["luck_scope"]) == (60, "symbol_hour")
    assert not row["is_beyond_luck"] and row["pattern_strength"] == "unknown"
    assert "BTCUSDT made 30 bps" in row["explanation"]
    assert "better than 60 % of 60 entries by chance" in row["explanation"]


def test_only_what_beats_chance_by_either_way_of_ending_is_beyond_luck(make_trades, win, winning) -> None:
    luck = make_luck(95.0, (99.0, 94.0), (94.0, 99.0), 94.9)
    wins = win(make_trades(*[winning] * 4), luck=luck)
    assert wins["is_beyond_luck"].to_pylist() == [True, False, False, False]
    few = win(make_trades(winning), luck=make_luck(99.0, entries=19))
    assert few["is_beyond_luck"].to_pylist() == [False]
    assert few["luck_percentile"].to_pylist() == [99.0]
    nobody = win(make_trades(winning), luck=make_luck(np.nan, entries=0))
    assert nobody["is_beyond_luck"].to_pylist() == [False]
    assert nobody["luck_percentile"].to_pylist() == nobody["luck_scope"].to_pylist() == [None]


def test_only_what_was_beyond_luck_in_a_strong_pattern_is_to_be_repeated(
    make_trades, make_neighbours, win, winning
) -> None:
    # Strong, plausible, poor and no history; beyond luck, short of it, and no better than half of chance.
    histories = [(20, 18), (3, 2), (20, 2), (0, 0)]
    expected = {
        99.0: ["yes", "unproven", "no", "unproven"],
        80.0: ["unproven", "unproven", "no", "unproven"],
        50.0: ["no", "no", "no", "no"],
    }
    neighbours = pa.concat_tables(
        [make_neighbours(query, count, wins) for query, (count, wins) in enumerate(histories)]
    )
    trades = make_trades(*[winning] * 4)
    for percentile, verdicts in expected.items():
        wins = win(trades, neighbours, make_luck(*[percentile] * 4))
        assert wins["repeat"].to_pylist() == verdicts, percentile
    assert wins["pattern_strength"].to_pylist() == ["strong", "plausible", "unproven", "unknown"]


def test_the_sentence_names_regime_drivers_pattern_entry_and_exit(
    make_trades, make_neighbours, win, winning
) -> None:
    ended = winning | {"exit_reason": "END_OF_SESSION"}
    neighbours = pa.concat_tables([make_neighbours(0, 20, 18), make_neighbours(1, 20, 2)])
    first, second = win(make_trades(winning, ended), neighbours, make_luck(99, 99))[
        "what_to_repeat"
    ].to_pylist()
    assert first.startswith("Repeat: long BTCUSDT in regime range (")
    for part in (
        "momentum -",
        "20 similar trades, win probability 86 %, 16 bps",
        "better than 99 % of the entries",
    ):
        assert part in first
    assert first.endswith("entry good, exit kept 50 % of the best excursion.")
    assert second.startswith("Do not repeat it for this win: ") and second.endswith(
        "closed by the session's end."
    )
    assert "?" not in first + second


def test_the_session_end_says_nothing_about_the_exit(make_trades, win, winning) -> None:
    wins = win(make_trades(winning | {"exit_reason": "END_OF_SESSION"}))
    assert wins["is_end_of_session"].to_pylist() == [True] and wins["exit_quality"].to_pylist() == [None]


def test_a_strong_pattern_needs_an_interval_above_one_half(
    make_trades, make_neighbours, win, winning
) -> None:
    neighbours = pa.concat_tables([make_neighbours(0, 20, 18), make_neighbours(1, 3, 2)])
    assert win(make_trades(winning, winning), neighbours)["pattern_strength"].to_pylist() == [
        "strong",
        "plausible",
    ]
