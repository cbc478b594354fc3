"""The quality of exits over time: sums worked out by hand, and nothing from later days."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.outcome import nearest_pattern
from huracan.analysis.trades.exit_quality import EXIT_QUALITY_SCHEMA, judge_exits, summarise_exits
from huracan.analysis.trades.post_exit import POST_EXIT_SCHEMA, track_post_exit
from huracan.candles.schema import Timeframe
from tests.huracan.analysis.conftest import last_fills

NEXT = date(2023, 6, 3)


def _tracked(day: date, *rows: tuple[str, str | None, float | None], first: int = 0) -> pa.Table:
    """Exits as (reason, pattern, quality); what was missed is 100 bps x (1 - quality)."""
    found = []
    for number, (reason, pattern, quality) in enumerate(rows):
        missed = None if quality is None else 100.0 * (1 - quality)
        found.append(
            {
                **dict.fromkeys(POST_EXIT_SCHEMA.names),
                "day": day,
                "trade_id": f"{day}-{first + number}",
                "exit_reason": reason,
                "pattern_id": pattern,
                "exit_quality": quality,
                "missed_profit_bps": missed,
                "return_after_240_minutes_bps": missed,
                "should_have_held": None if quality is None else quality < 0.5,
                "should_have_exited_earlier": None if quality is None else False,
            }
        )
    return pa.Table.from_pylist(found, schema=POST_EXIT_SCHEMA)


def _rows(table: pa.Table) -> dict[tuple[int, str, str], dict]:
    return {(row["window_days"], row["scope"], row["value"]): row for row in table.to_pylist()}


def test_exits_are_summed_by_reason_and_pattern_of_the_day_and_of_the_window() -> None:
    today = _tracked(NEXT, ("STOP", "a", 0.2), ("STOP", None, 0.6), ("TARGET", "a", None))
    before = _tracked(NEXT - timedelta(days=3), ("STOP", "a", 1.0), ("TIME_OUT", "b", 0.5))
    table = summarise_exits(today, before, NEXT)
    assert table.schema == EXIT_QUALITY_SCHEMA
    rows = _rows(table)
    stop = rows[1, "exit_reason", "STOP"]
    assert (stop["exits"], stop["judged"], stop["should_have_held"]) == (2, 2, 1)
    assert stop["exit_quality"] == pytest.approx(0.4)
    assert stop["exit_quality_standard_error"] == pytest.approx(np.std([0.2, 0.6], ddof=1) / np.sqrt(2))
    assert stop["mean_missed_profit_bps"] == stop["mean_return_after_240_minutes_bps"] == pytest.approx(60.0)
    assert rows[1, "exit_reason", "TARGET"]["judged"] == 0
    assert rows[1, "exit_reason", "TARGET"]["exit_quality"] is None
    assert rows[30, "exit_reason", "STOP"]["exit_quality"] == pytest.approx(0.6)
    assert rows[30, "pattern", "a"]["exits"] == 3 and rows[1, "pattern", "a"]["exits"] == 2
    assert (1, "exit_reason", "TIME_OUT") not in rows and rows[30, "all", "all"]["exits"] == 5


def test_days_outside_the_window_and_later_days_change_nothing() -> None:
    today = _tracked(NEXT, ("STOP", "a", 0.2))
    inside = _tracked(NEXT - timedelta(days=29), ("STOP", "a", 0.4))
    outside = [
        _tracked(NEXT + timedelta(days=offset), ("STOP", "a", 1.0), ("TARGET", "z", 1.0))
        for offset in (-30, 0, 1)
    ]
    plain = summarise_exits(today, inside, NEXT)
    assert summarise_exits(today, pa.concat_tables([*outside, inside]), NEXT).equals(plain)
    assert _rows(plain)[30, "all", "all"]["exit_quality"] == pytest.approx(0.3)


def test_the_first_day_and_a_day_without_exits_have_sums_of_nothing() -> None:
    rows = _rows(summarise_exits(POST_EXIT_SCHEMA.empty_table(), None, NEXT))
    assert set(rows) == {(1, "all", "all"), (30, "all", "all")}
    assert rows[30, "all", "all"]["exits"] == 0 and rows[30, "all", "all"]["exit_quality"] is None


def test_days_that_were_tracked_before_there_was_a_quality_count_as_exits_and_are_not_judged() -> None:
    older = _tracked(NEXT - timedelta(days=1), ("STOP", None, None)).drop_columns(
        ["pattern_id", "exit_quality"]
    )
    rows = _rows(summarise_exits(_tracked(NEXT, ("STOP", "a", 0.2)), older, NEXT))
    assert (rows[30, "all", "all"]["exits"], rows[30, "all", "all"]["judged"]) == (2, 1)


def test_a_trade_that_is_not_tracked_or_twice_fails_the_check(make_trades, make_candles) -> None:
    trades = make_trades({}, {"exit_reason": "STOP"})
    tracked = track_post_exit(trades, last_fills(trades), make_candles([100.0] * 2880), NEXT, Timeframe("1m"))
    summary = summarise_exits(tracked, None, NEXT)
    assert judge_exits(trades, tracked, summary).passed
    assert not judge_exits(trades, tracked.slice(1), summary).passed
    assert not judge_exits(trades, pa.concat_tables([tracked, tracked]), summary).passed
    assert not judge_exits(trades, tracked, summary.slice(1)).passed
    empty = trades.slice(0, 0)
    nothing = tracked.slice(0, 0)
    assert judge_exits(empty, nothing, summarise_exits(nothing, None, NEXT)).passed


def test_the_nearest_pattern_of_a_trade_is_its_first_and_none_is_null(make_trades) -> None:
    trades = make_trades({"nearest_patterns": ["p2", "p1"]}, {"nearest_patterns": []}, {})
    assert nearest_pattern(trades).to_pylist() == ["p2", None, None]
    assert nearest_pattern(trades.drop_columns(["nearest_patterns"])).to_pylist() == [None] * 3
    assert nearest_pattern(trades.slice(0, 0)).to_pylist() == []
