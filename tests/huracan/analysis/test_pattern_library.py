"""The pattern library: planted patterns are found, keep their identity, and know nothing of the future."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.memory.embedding import EmbeddingStatistics, fit_embedding
from huracan.analysis.memory.rows import memory_rows
from huracan.analysis.patterns.checks import judge_patterns
from huracan.analysis.patterns.config import PatternConfig
from huracan.analysis.patterns.library import (
    NightsJudgement,
    PatternLibrary,
    known_trades,
    pattern_library,
)
from huracan.analysis.patterns.table import NO_PATTERN, PATTERNS_SCHEMA
from huracan.analysis.patterns.trials import SETTINGS, SettingTrials
from huracan.candles.schema import Timeframe
from huracan.market.rules import TradingRules

DAY = date(2023, 6, 2)
TWO = PatternConfig(maximum_patterns=2)


def _memory(
    make_trades,
    statistics: EmbeddingStatistics,
    count: int,
    edge_bps: float,
    seed: int,
    day: date = DAY,
    side: str = "long",
) -> pa.Table:
    """Half of `day`'s trades have high momentum and make `edge_bps`, the rest, of high volume, lose 30."""
    generator = np.random.default_rng(seed)
    changes, midnight = [], datetime(day.year, day.month, day.day, tzinfo=UTC)
    for number in range(count):
        is_planted = number % 2 == 0
        z = generator.normal(0, 0.3, 4)
        z[0 if is_planted else 3] += 3.0
        net = generator.normal(edge_bps if is_planted else -30.0, 20.0)
        changes.append(
            {
                "net_bps": net,
                "gross_bps": net + 20,
                "entry_features": (statistics.mean + statistics.scale * z).tolist(),
                "side": side,
                "signal_time": midnight + timedelta(minutes=15 * number),
                "entry_time": midnight + timedelta(minutes=15 * number),
                "exit_time": midnight + timedelta(minutes=15 * number + 60),
                "bars_held": 60,
            }
        )
    trades = make_trades(*changes)
    vectors = statistics.embed(np.array([change["entry_features"] for change in changes]))
    rows = memory_rows(trades, vectors, statistics.version, day, Timeframe("1m"))
    names = [f"{day} {seed} {name}" for name in rows["trade_id"].to_pylist()]
    return rows.set_column(rows.column_names.index("trade_id"), "trade_id", pa.array(names))


def _nights(
    make_trades, statistics: EmbeddingStatistics, edges: list[float], count: int = 80
) -> list[PatternLibrary]:
    """A library each night of a memory that grows by `count` trades a night, with the edge of the night."""
    memory, previous, made = [], None, []
    for night, edge in enumerate(edges):
        day = DAY + timedelta(days=night)
        memory.append(_memory(make_trades, statistics, count, edge, night, day))
        library = pattern_library(pa.concat_tables(memory), statistics, day, previous, NightsJudgement(TWO))
        previous = library.table
        made.append(library)
    return made


def _planted(library: pa.Table) -> dict:
    (row,) = (row for row in library.to_pylist() if "high momentum" in row["name"])
    return row


def test_a_planted_pattern_is_found_and_named_but_not_believed_for_what_it_was_found_in(
    make_trades, statistics
) -> None:
    library = pattern_library(_memory(make_trades, statistics, 80, 25.0, 1), statistics, DAY)
    assert library.table.schema == PATTERNS_SCHEMA and "0 reliable" in library.note
    assert sum(library.table.column("trades").to_pylist()) == 80
    planted = _planted(library.table)
    assert planted["trades"] == 40 and planted["name"].startswith("long: ")
    assert planted["state"] == "candidate" and planted["forward_trades"] == 0
    assert planted["mean_net_bps"] == pytest.approx(25, abs=10) and planted["win_rate_low"] > 0.5
    assert planted["mean_net_low_bps"] < planted["mean_net_bps"] < planted["mean_net_high_bps"]
    assert planted["mean_holding_minutes"] == 60 and planted["main_regime"] == "range"


def test_later_nights_make_a_planted_pattern_reliable_and_only_that_one(make_trades, statistics) -> None:
    last = _nights(make_trades, statistics, [25.0] * 5)[-1].table
    assert [row["name"] for row in last.to_pylist() if row["state"] == "reliable"] == [_planted(last)["name"]]
    planted = _planted(last)
    assert planted["forward_nights"] == 4 and planted["forward_trades"] == 160
    assert planted["forward_net_low_bps"] > 0 and planted["evidence"] > planted["evidence_needed"]
    assert planted["first_reliable_day"] <= DAY + timedelta(days=4)


def test_an_edge_that_is_lost_degrades_the_pattern_under_its_identity(make_trades, statistics) -> None:
    nights = _nights(make_trades, statistics, [25.0] * 5 + [-25.0] * 4)
    before, after = _planted(nights[4].table), _planted(nights[-1].table)
    assert (before["state"], after["state"]) == ("reliable", "degraded")
    assert before["pattern_id"] == after["pattern_id"] and after["first_seen_day"] == DAY
    assert after["drift_bps"] < -5 and after["match_cosine"] > 0.9
    assert after["times_degraded"] == 1 and after["evidence_needed"] == 2 * before["evidence_needed"]


def test_identities_survive_new_embedding_statistics(make_trades, statistics, feature_rows) -> None:
    memory = _memory(make_trades, statistics, 80, 25.0, 1)
    first = pattern_library(memory, statistics, DAY).table
    names = statistics.feature_names
    refitted = fit_embedding(feature_rows(4, 1), names, DAY)
    assert refitted.version != statistics.version
    second = pattern_library(memory, refitted, DAY + timedelta(days=1), first).table
    assert set(first.column("pattern_id").to_pylist()) == set(second.column("pattern_id").to_pylist())


def test_long_and_short_entries_of_one_context_are_two_patterns(make_trades, statistics) -> None:
    both = [
        _memory(make_trades, statistics, 80, 25.0, n, side=side) for n, side in enumerate(("long", "short"))
    ]
    table = pattern_library(pa.concat_tables(both), statistics, DAY).table
    assert sorted(table.column("side").to_pylist()) == ["long", "long", "short", "short"]
    assert len(set(table.column("pattern_id").to_pylist())) == 4


def test_trades_closed_after_the_day_change_nothing(make_trades, statistics) -> None:
    memory = _memory(make_trades, statistics, 80, 25.0, 1)
    today = _memory(make_trades, statistics, 60, 20.0, 2, DAY + timedelta(days=1))
    future = _memory(make_trades, statistics, 60, 500.0, 3, DAY + timedelta(days=2))
    first = pattern_library(memory, statistics, DAY).table
    assert first.equals(pattern_library(pa.concat_tables([future, memory]), statistics, DAY).table)
    tonight = DAY + timedelta(days=1)
    alone = pattern_library(pa.concat_tables([memory, today]), statistics, tonight, first)
    late = pattern_library(pa.concat_tables([future, today, memory]), statistics, tonight, first)
    assert alone.table.equals(late.table) and alone.nights.equals(late.nights)


def test_signals_whose_winners_may_still_be_open_wait_and_are_counted_once(make_trades, statistics) -> None:
    """Of 80 trades a day, a quarter of an hour apart from midnight on and an hour long, those of the last
    eighteen hours wait for a night, and a longer holding than before forgets and repeats none."""
    memory, previous, counted = [], None, []
    for night, holding in enumerate(["18h", "18h", "1d", "2h", "2h"]):
        day = DAY + timedelta(days=night)
        memory.append(_memory(make_trades, statistics, 80, 25.0, night, day))
        by = NightsJudgement(PatternConfig(minimum_trades=10), rules=TradingRules(maximum_holding=holding))
        library = pattern_library(pa.concat_tables(memory), statistics, day, previous, by)
        previous = library.table
        counted += library.new_trades["trade_id"].to_pylist()
        until = previous["judged_until"][0].as_py()
        assert max(library.new_trades["signal_time"].to_pylist(), default=until) <= until
        assert judge_patterns(library).passed
    waited = memory[0]["signal_time"].to_pylist()
    first = sum(moment.hour >= 6 and (moment.hour, moment.minute) != (6, 0) for moment in waited)
    assert first == 55 and len(counted) == len(set(counted)) == 55 + 4 * 80
    forward = sum(previous["forward_trades"].to_pylist())
    assert forward == 55 + 4 * 80


def test_what_only_lost_quickly_so_far_names_and_judges_no_pattern(make_trades, statistics) -> None:
    # Winners take a day, losers an hour: at night's end only the losers are closed.
    tonight = _memory(make_trades, statistics, 80, 25.0, 1)
    losers = tonight.filter(pa.array(np.asarray(tonight["net_bps"]) < 0))
    for holding, count in (("1d", 0), ("1h", losers.num_rows)):
        by = NightsJudgement(PatternConfig(minimum_trades=10), rules=TradingRules(maximum_holding=holding))
        assert known_trades(losers, DAY, [], by)[0].num_rows == count
        assert pattern_library(losers, statistics, DAY, None, by).table.num_rows == (count > 0)


def test_every_new_trade_is_in_one_row_and_the_sums_are_the_memorys(make_trades, statistics) -> None:
    library = _nights(make_trades, statistics, [25.0, 25.0])[-1]
    assert sum(library.nights.column("trades").to_pylist()) == 80
    assert judge_patterns(library).passed
    lost = PatternLibrary(library.table, library.nights.slice(1), library.new_trades, library.note)
    assert not judge_patterns(lost).passed


def test_trades_that_resemble_nothing_count_for_no_pattern(make_trades, statistics) -> None:
    first = pattern_library(_memory(make_trades, statistics, 80, 25.0, 1), statistics, DAY).table
    tonight = DAY + timedelta(days=1)
    shorts = _memory(make_trades, statistics, 70, 25.0, 2, tonight, side="short")
    library = pattern_library(shorts, statistics, tonight, first)
    assert library.nights.column("pattern_id").to_pylist() == [NO_PATTERN]
    assert judge_patterns(library).passed


def test_too_few_trades_make_an_empty_library_that_says_why(make_trades, statistics) -> None:
    library = pattern_library(_memory(make_trades, statistics, 10, 25.0, 1), statistics, DAY)
    assert library.table.num_rows == 0 and library.table.schema == PATTERNS_SCHEMA
    assert library.note.startswith("10 closed trades")


def test_a_pattern_that_is_not_found_is_retired_returns_under_its_name_or_is_dropped(
    make_trades, statistics
) -> None:
    nights = _nights(make_trades, statistics, [25.0] * 5)
    last, few = nights[-1].table, _memory(make_trades, statistics, 10, 25.0, 1)
    day = DAY + timedelta(days=4)
    unseen = pattern_library(few, statistics, day + timedelta(days=7), last).table
    assert _planted(unseen)["state"] == "reliable" and _planted(unseen)["match_cosine"] is None
    retired = pattern_library(few, statistics, day + timedelta(days=8), last).table
    assert set(retired.column("state").to_pylist()) == {"retired"}
    again = day + timedelta(days=9)
    returned = _memory(make_trades, statistics, 80, 25.0, 30, again)
    back = _planted(pattern_library(returned, statistics, again, retired).table)
    assert back["pattern_id"] == _planted(last)["pattern_id"]
    assert back["state"] == "degraded" and back["evidence"] == 1.0
    late = pattern_library(few, statistics, day + timedelta(days=181), retired).table
    assert late.num_rows == 1, "only the last number stays"


def test_without_an_edge_nothing_is_reliable(make_trades, statistics) -> None:
    last = _nights(make_trades, statistics, [0.0] * 10, count=60)
    assert all("reliable" not in night.table.column("state").to_pylist() for night in last)


def test_identical_trades_are_one_pattern(make_trades, statistics) -> None:
    memory = _memory(make_trades, statistics, 70, 25.0, 1)
    index = memory.column_names.index("entry_features")
    same = pa.array([[1.0, 2.0, 3.0, 4.0]] * 70, memory.schema.field("entry_features").type)
    assert (
        pattern_library(memory.set_column(index, "entry_features", same), statistics, DAY).table.num_rows == 1
    )


def test_a_library_without_forward_records_starts_them_and_its_reliable_ones_are_candidates(
    make_trades, statistics
) -> None:
    memory = _memory(make_trades, statistics, 80, 25.0, 1)
    first = pattern_library(memory, statistics, DAY).table
    known_then = PATTERNS_SCHEMA.names[: PATTERNS_SCHEMA.names.index("side")]
    old = first.select(
        [name for name in known_then if not name.startswith("mean_net_") or name == "mean_net_bps"]
    )
    old = old.set_column(old.column_names.index("state"), "state", pa.array(["reliable"] * old.num_rows))
    tonight = DAY + timedelta(days=1)
    both = pa.concat_tables([memory, _memory(make_trades, statistics, 60, 25.0, 2, tonight)])
    second = pattern_library(both, statistics, tonight, old, NightsJudgement(TWO)).table
    assert set(second.column("pattern_id").to_pylist()) == set(first.column("pattern_id").to_pylist())
    assert set(second.column("state").to_pylist()) == {"candidate"}
    assert sum(second.column("forward_trades").to_pylist()) == 60


def test_the_best_setting_is_found_on_the_past_and_judged_on_later_nights(make_trades, statistics) -> None:
    memory, previous, best = [], None, SETTINGS.index((2.5, 1.5))
    for night in range(4):
        day = DAY + timedelta(days=night)
        tonight = _memory(make_trades, statistics, 80, 25.0, night, day)
        memory.append(tonight)
        made = tonight.column("net_bps").to_numpy()
        # One setting makes 10 bps more than was made, but from the last night on 5 less.
        tried = np.tile(made[:, None] - 1.0, (1, len(SETTINGS)))
        tried[:, best] = made + (10.0 if night < 3 else -5.0)
        trials = SettingTrials(tuple(tonight.column("trade_id").to_pylist()), tried)
        library = pattern_library(
            pa.concat_tables(memory), statistics, day, previous, NightsJudgement(TWO, trials)
        ).table
        previous = library
        if night == 1:
            first = _planted(library)
    assert (first["best_stop_volatilities"], first["best_target_volatilities"]) == (2.5, 1.5)
    assert first["best_size"] == 1.5 and first["judged_trades"] == 0
    last = _planted(library)
    assert last["judged_trades"] == 80 and last["best_found_day"] == DAY + timedelta(days=1)
    assert last["judged_gain_bps"] == pytest.approx((40 * 10 - 40 * 5) / 80)
    assert last["judged_gain_low_bps"] < last["judged_gain_bps"] < last["judged_gain_high_bps"]
