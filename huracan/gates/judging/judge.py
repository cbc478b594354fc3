"""Asks every gate about every signal that was traded and writes the answers down, with one combined answer.

Gates are shown what was known at the signal only, so that none can look at an outcome.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from types import MappingProxyType

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.errors import InvalidInput
from huracan.gates.contract import (
    ABSTAIN,
    BLOCK,
    COMBINED,
    Answer,
    Answers,
    Floats,
    Gate,
    SignalGate,
    abstain_from_all,
)
from huracan.gates.judging.position_answers import answers_of_positions, left_first
from huracan.gates.judging.tending import rows_by_night
from huracan.gates.judging.told import Told, signals_shown
from huracan.gates.settings import Mode
from huracan.market.ledger import POLICY, TRADED, TRADES_COLUMNS
from huracan.tables import FLOAT, INTEGER, TEXT, Column, arrow_schema, chosen

_ADVISORY: Mapping[str, Mode] = MappingProxyType({})


def decisions_columns(measures: Mapping[str, str]) -> tuple[Column, ...]:
    """The columns of DECISIONS_SCHEMA, described for the gates of these names and `GateKind.measures`."""
    told = "".join(f"{gate} {what}, " for gate, what in measures.items())
    return (
        replace(*chosen(TRADES_COLUMNS, "trade_id"), meaning="of the trade; null of a signal without one"),
        *chosen(TRADES_COLUMNS, "symbol", "signal_time"),
        Column("status", TEXT, "of the signal: traded, lapsed, masked or declined, as in shadow_signals"),
        Column("book", TEXT, "policy, or explored: entries drawn by chance"),
        Column("gate", TEXT, "name of the gate, or combined: one answer of all"),
        Column("mode", TEXT, "of the gate: advisory, nobody obeys it, or binding; of combined advisory"),
        Column(
            "verdict",
            TEXT,
            "pass, block or abstain; with its condition: pass, resize 0.5; pass, order limit; pass, close"
            " 2024-05-01T12:15Z",
        ),
        Column(
            "value",
            FLOAT,
            f"what was measured: {told}combined the number of gates that block; null where it abstained "
            "without measuring",
        ),
        Column("threshold", FLOAT, "what value had to exceed, in its unit; of combined 0; null likewise"),
        Column("margin", FLOAT, "value less threshold; null where either is"),
        Column("abstained", INTEGER, "gates without an opinion: 0 or 1 of a gate, any number of combined"),
        Column("reason", TEXT, "the answer in a sentence with its numbers"),
        Column(
            "left_net_bps",
            FLOAT,
            "net of the trade where the gate has its position left, by the cost estimated at the signal; "
            "null where it leaves it be",
            "bps",
        ),
    )


DECISIONS_SCHEMA = arrow_schema(decisions_columns({}))
"""One row per signal and gate, then one with the gate `combined`. `margin` = value - threshold, null where
either is. `abstained` counts the gates without an opinion: 0 or 1 of a gate, any number of `combined`."""


def judge_signals(
    trades: pa.Table,
    gates: Mapping[str, Gate],
    book: str = POLICY,
    modes: Mapping[str, Mode] = _ADVISORY,
    told: Told | None = None,
) -> pa.Table:
    """DECISIONS_SCHEMA in the order of `trades`, then of `gates`, the combined row last.

    `trades` are of one `book`; `modes` by gate, advisory where it says nothing. Without what is `told` of
    them nothing is known of the market, no other position was open, and gates that judge positions abstain.

    Combined: block if any gate blocks, pass if none blocks and at least one passes, abstain if all abstain.
    What several gates resize is resized by the product; of several order types, and of several that leave the
    position, the first gate's holds, of the latter by time. Raises InvalidInput where a gate does not give
    one answer per signal.
    """
    count = trades.num_rows
    known = Told() if told is None else told
    signals = signals_shown(trades, book, known)
    answers, left = dict[str, Answers](), dict[str, Floats]()
    for name, gate in gates.items():
        given, left[name] = _asked(name, gate, signals, known)
        answers[name] = checked_answers(given, name, count)
    blocks = [
        _rows(signals, (name, modes.get(name, "advisory")), given, _is_silent(given), left[name])
        for name, given in answers.items()
    ]
    silent = sum((_is_silent(given) for given in answers.values()), np.zeros(count, np.int64))
    combined = combine(answers, count)
    blocks.append(
        _rows(signals, (COMBINED, "advisory"), combined, silent, left_first(answers, left, combined))
    )
    order = np.arange(len(blocks) * count).reshape(len(blocks), -1).T.ravel()
    return pa.concat_tables(blocks).take(pa.array(order)).combine_chunks()


def _asked(name: str, gate: Gate, signals: pa.Table, told: Told) -> tuple[Answers, Floats]:
    """Its answers, and where it has positions left what they come to."""
    count, nothing = signals.num_rows, np.full(signals.num_rows, np.nan)
    if isinstance(gate, SignalGate):
        return gate.judge(signals), nothing
    if told.stood is not None and name in told.tended:
        return answers_of_positions(told.tended[name], told.stood, count)
    return abstain_from_all(count, "Nothing is told of how its position stood."), nothing


def judge_by_night(
    trades: pa.Table,
    nights: NDArray[np.int64],
    gates: Mapping[int, Mapping[str, Gate]],
    book: str = POLICY,
    modes: Mapping[str, Mode] = _ADVISORY,
    told: Told | None = None,
) -> pa.Table:
    """The same, each signal by the `gates` of the night in `nights` [trades] that was in force at it.

    The signals of a night are shown to its gates at once, and to no others. InvalidInput where the gates of
    a night are not given.
    """
    if not trades.num_rows:
        return DECISIONS_SCHEMA.empty_table()
    groups, known = rows_by_night(nights, gates), Told() if told is None else told
    judged = [
        judge_signals(trades.take(pa.array(rows)), gates[night], book, modes, known.take(rows))
        for night, rows in groups
    ]
    back = np.argsort(np.concatenate([rows for _, rows in groups]), kind="stable")
    decisions = pa.concat_tables(judged)
    rows_of_one = decisions.num_rows // trades.num_rows
    order = (back[:, None] * rows_of_one + np.arange(rows_of_one)).ravel()
    return decisions.take(pa.array(order)).combine_chunks()


def checked_answers(given: Answers, name: str, count: int) -> Answers:
    """The answers of the gate `name`; InvalidInput where they are not one for each of `count` signals."""
    lengths = {len(given.answer), len(given.value), len(given.threshold), len(given.reason)}
    if lengths != {count} or not all(isinstance(answer, Answer) for answer in given.answer):
        raise InvalidInput(f"The gate {name} did not answer {count} signals properly.", "Correct the gate.")
    return given


def combine(answers: Mapping[str, Answers], count: int) -> Answers:
    """One answer of all `answers` (by gate) about each of `count` signals; the value is the number that block
    it, and the reason names them."""
    combined, reasons, blocking = [], [], np.zeros(count)
    for row in range(count):
        by = {name: given.answer[row] for name, given in answers.items()}
        blocked = [name for name, answer in by.items() if answer == BLOCK]
        silent = [name for name, answer in by.items() if answer == ABSTAIN]
        blocking[row] = len(blocked)
        if blocked:
            combined.append(BLOCK)
            text = f"Blocked by {', '.join(blocked)}"
        elif len(silent) == len(by):
            combined.append(ABSTAIN)
            text = "No gate had an opinion"
        else:
            factor = prod(answer.size_factor for answer in by.values())
            order_type = next((answer.order_type for answer in by.values() if answer.order_type), None)
            closes = [answer.closes_ms for answer in by.values() if answer.closes_ms is not None]
            combined.append(Answer("pass", factor, order_type, min(closes, default=None)))
            text = "No gate blocked it"
        reasons.append(f"{text}; abstained: {', '.join(silent)}." if silent else f"{text}.")
    return Answers(tuple(combined), blocking, np.zeros(count), tuple(reasons))


def _is_silent(given: Answers) -> NDArray[np.int64]:
    return np.array([answer == ABSTAIN for answer in given.answer], dtype=np.int64)


def _rows(
    signals: pa.Table,
    gate: tuple[str, Mode],
    given: Answers,
    abstained: NDArray[np.int64],
    left_net_bps: Floats,
) -> pa.Table:
    """The rows of one `gate`, (name, mode)."""
    name, mode = gate
    columns = {
        **{key: signals[key] for key in ("trade_id", "symbol", "signal_time", "book")},
        "status": pa.array([TRADED] * signals.num_rows, pa.string()),
        "gate": pa.array([name] * signals.num_rows, pa.string()),
        "mode": pa.array([mode] * signals.num_rows, pa.string()),
        "verdict": pa.array([answer.text for answer in given.answer], pa.string()),
        "value": pa.array(given.value, pa.float64(), from_pandas=True),
        "threshold": pa.array(given.threshold, pa.float64(), from_pandas=True),
        "margin": pa.array(given.value - given.threshold, pa.float64(), from_pandas=True),
        "abstained": pa.array(abstained, pa.int64()),
        "reason": pa.array(given.reason, pa.string()),
        "left_net_bps": pa.array(left_net_bps, pa.float64(), from_pandas=True),
    }
    return pa.table(columns, schema=DECISIONS_SCHEMA)
