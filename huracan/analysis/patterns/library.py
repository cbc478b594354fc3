"""The pattern library of a night: recurring entry contexts, who they are, and what came of them since.

The parts are in modules of their own: clusters, identity, numbers, evidence, states and trials. The numbers
of the whole window are in sample: they say what a pattern was. What is to be relied on is judged by trades
after the night that named it.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from huracan.analysis.memory.embedding import EmbeddingStatistics, entry_features
from huracan.analysis.outcome import Integers, as_milliseconds, floats, milliseconds
from huracan.analysis.patterns.config import PatternConfig
from huracan.analysis.patterns.evidence import Look, nothing_forward, resembled, with_new_trades
from huracan.analysis.patterns.finding import find_patterns
from huracan.analysis.patterns.identity import previous_centroids
from huracan.analysis.patterns.nights import night_rows
from huracan.analysis.patterns.states import evidence_needed, with_state
from huracan.analysis.patterns.table import CANDIDATE, PATTERNS_SCHEMA, RELIABLE, RETIRED, current_library
from huracan.analysis.patterns.trials import SETTINGS, SettingTrials, no_trials, with_trials
from huracan.candles.schema import day_end
from huracan.durations import minutes_of
from huracan.errors import InvalidInput
from huracan.market.rules import TradingRules

Row = dict[str, Any]
EPOCH_TIME = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class NightsJudgement:
    """What a night judges patterns by."""

    config: PatternConfig = field(default_factory=PatternConfig)
    trials: SettingTrials | None = None
    """Of the night's new trades, under `rules`."""
    rules: TradingRules = field(default_factory=TradingRules)
    remade_days: frozenset[date] = frozenset()
    """Days whose trades were made after their night: they judge nothing."""


@dataclass(frozen=True)
class PatternLibrary:
    """The library (PATTERNS_SCHEMA), what the night said (NIGHTS_SCHEMA), the new trades it was judged by
    (rows of the memory), and one sentence, also when there is no pattern."""

    table: pa.Table
    nights: pa.Table
    new_trades: pa.Table
    note: str


def pattern_library(
    memory: pa.Table,
    statistics: EmbeddingStatistics,
    day: date,
    previous: pa.Table | None = None,
    judgement: NightsJudgement | None = None,
) -> PatternLibrary:
    """The library of `day` from the memory's rows (MEMORY_SCHEMA) that were known at `day` 24:00: closed by
    then, and signalled the longest holding before it, so that none is there because it lost soon
    (`known_trades`).

    Later rows are not looked at. Entry features are embedded with `statistics`, whatever version the rows
    were stored with, so that all vectors are comparable. `previous`: the library of an earlier night, as a
    rule of the one before; the trades known since then judge its patterns. InvalidInput where `previous` is
    not of an earlier day.
    """
    by = judgement or NightsJudgement()
    config = by.config
    earlier = [] if previous is None else known_patterns(previous)
    known, new, look = known_trades(memory, day, earlier, by)
    judged, nearest = _judge(earlier, new, look, statistics, day, by)
    found = find_patterns(known, statistics, day, judged, config)
    seen = {row["pattern_id"] for row in found}
    unseen = [row | {"match_cosine": None} for row in judged if row["pattern_id"] not in seen]
    oldest, last = (
        day - timedelta(days=config.retired_days),
        max([row["number"] for row in judged], default=0),
    )
    # The last number stays, so that none is given twice.
    found += [row for row in unseen if row["last_seen_day"] >= oldest or row["number"] == last]
    until = EPOCH_TIME + timedelta(milliseconds=look.until_ms)
    rows = [
        _finished(row, day, config) | {"judged_until": until}
        for row in sorted(found, key=lambda row: row["pattern_id"])
    ]
    return PatternLibrary(
        pa.Table.from_pylist(rows, schema=PATTERNS_SCHEMA),
        night_rows(new, nearest, earlier, rows, day),
        new,
        _note(known.num_rows, rows, config),
    )


def known_patterns(library: pa.Table) -> list[Row]:
    """The rows of a stored library. One of a night that did not number patterns is numbered in its order, and
    nobody had judged its patterns by later trades: all that were not retired are candidates."""
    rows: list[Row] = current_library(library).to_pylist()
    if all(row["number"] is not None for row in rows):
        return rows
    states = [RETIRED if row["state"] == RETIRED else CANDIDATE for row in rows]
    return [
        {**row, **nothing_forward(), **no_trials(), "number": index + 1, "state": state}
        for index, (row, state) in enumerate(zip(rows, states, strict=True))
    ]


def _day_of(earlier: list[Row], day: date) -> date:
    before: date = earlier[0]["day"]
    if before >= day:
        raise InvalidInput(
            f"The library of {before} was given as an earlier one of {day}.", "Give that of a night before."
        )
    return before


def known_trades(
    memory: pa.Table, day: date, earlier: list[Row], by: NightsJudgement
) -> tuple[pa.Table, pa.Table, Look]:
    """The rows of the memory that `day` knows, in the order of their closing; of them those that no library
    in `earlier` was judged by; and up to when.

    A signal counts once it is older than the longest holding of the rules: of younger ones only those are
    closed that ended fast. Where the rules allow a longer holding than before, none is forgotten or counted
    twice: what was judged stays so.
    """
    end = as_milliseconds(day_end(day))
    until = end - minutes_of(by.rules.maximum_holding) * 60_000
    last_end = judged_until = until
    if earlier:
        last_end = as_milliseconds(day_end(_day_of(earlier, day)))
        stored: datetime | None = earlier[0]["judged_until"]
        judged_until = last_end if stored is None else as_milliseconds(stored)
        until = max(until, judged_until)
    signalled, closed = milliseconds(memory, "signal_time"), milliseconds(memory, "closed_at")
    is_known = (closed <= end) & (signalled <= until)
    is_new = is_known & ((signalled > judged_until) | (closed > last_end)) & bool(earlier)
    is_new &= ~np.isin(memory["day"].to_numpy(), np.array(sorted(by.remade_days), "datetime64[D]"))
    order = [("closed_at", "ascending"), ("trade_id", "ascending")]
    known, new = (memory.filter(pa.array(rows)).sort_by(order) for rows in (is_known, is_new))
    return known, new, Look(last_end, until)


def _judge(
    earlier: list[Row],
    new: pa.Table,
    look: Look,
    statistics: EmbeddingStatistics,
    day: date,
    by: NightsJudgement,
) -> tuple[list[Row], Integers]:
    """The earlier rows after the new trades, and for each of those the row that it counted for (or -1)."""
    if not earlier:
        return [], np.full(len(new), -1)
    active = [index for index, row in enumerate(earlier) if row["state"] != RETIRED]
    centroids = previous_centroids(pa.Table.from_pylist(earlier, schema=PATTERNS_SCHEMA), statistics)
    vectors = statistics.embed(entry_features(new, statistics.feature_names)).astype(np.float64)
    sides = [earlier[index]["side"] for index in active]
    nearest = resembled(vectors, new["side"].to_pylist(), centroids[active], sides)
    # The last index stands for the -1 of no pattern.
    owner = np.append(np.array(active, dtype=np.int64), -1)[nearest]
    tried = np.full((len(new), len(SETTINGS)), np.nan) if by.trials is None else by.trials.of(new)
    made, judged = floats(new, "net_bps"), []
    for index, row in enumerate(earlier):
        own = owner == index
        after = with_new_trades(row, new.filter(pa.array(own)), look)
        judged.append(with_trials(after, tried[own], made[own], day, by.rules, by.config))
    return judged, owner


def _finished(row: Row, day: date, config: PatternConfig) -> Row:
    """The row of tonight with its state."""
    row = with_state({**row, "day": day}, day, config)
    return row | {"evidence_needed": evidence_needed(row["number"], row["times_degraded"], config)}


def _note(trades: int, rows: list[Row], config: PatternConfig) -> str:
    if trades < config.minimum_trades:
        return f"{trades} closed trades; patterns are looked for from {config.minimum_trades} on."
    named = sum(row["state"] != RETIRED for row in rows)
    reliable = sum(row["state"] == RELIABLE for row in rows)
    return f"{named} patterns in {trades} closed trades, {reliable} reliable."
