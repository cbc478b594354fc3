"""Asks every gate about every signal that was traded and writes the answers down, with one combined answer.

Gates are shown what was known at the signal only, so that none can look at an outcome.
"""

from collections.abc import Collection, Mapping
from math import prod
from types import MappingProxyType

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.errors import InvalidInput
from huracan.gates.contract import ABSTAIN, BLOCK, COMBINED, PASS, Answer, Answers, Gate, verdict_in
from huracan.gates.settings import Mode
from huracan.market.facts.columns import FACT_NAMES, FACTS_SCHEMA, facts_of
from huracan.market.ledger import POLICY, TRADES_COLUMNS
from huracan.models.inputs import SIGNAL_COLUMNS
from huracan.tables import FLOAT, INTEGER, TEXT, Column, arrow_schema, chosen
from huracan.verdict import Verdict

SIGNALS_SHOWN = (*SIGNAL_COLUMNS, *FACT_NAMES, "book")
"""What gates see of a signal."""
_ADVISORY: Mapping[str, Mode] = MappingProxyType({})


def decisions_columns(measures: Mapping[str, str]) -> tuple[Column, ...]:
    """The columns of DECISIONS_SCHEMA, described for the gates of these names and `GateKind.measures`."""
    told = "".join(f"{gate} {what}, " for gate, what in measures.items())
    return (
        *chosen(TRADES_COLUMNS, "trade_id", "symbol", "signal_time"),
        Column("book", TEXT, "policy, or explored: entries drawn by chance"),
        Column("gate", TEXT, "name of the gate, or combined: one answer of all"),
        Column("mode", TEXT, "of the gate: advisory, nobody obeys it; of combined likewise"),
        Column(
            "verdict", TEXT, "pass, block or abstain; with its condition: pass, resize 0.5; pass, order limit"
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
    )


DECISIONS_SCHEMA = arrow_schema(decisions_columns({}))
"""One row per trade and gate, then one with the gate `combined`. `margin` = value - threshold, null where
either is. `abstained` counts the gates without an opinion: 0 or 1 of a gate, any number of `combined`."""


def judge_signals(
    trades: pa.Table,
    gates: Mapping[str, Gate],
    facts: pa.Table | None = None,
    book: str = POLICY,
    modes: Mapping[str, Mode] = _ADVISORY,
) -> pa.Table:
    """DECISIONS_SCHEMA in the order of `trades`, then of `gates`, the combined row last.

    `trades` are of one `book`, and `facts` (FACTS_SCHEMA) theirs, row by row; None: nothing is known of the
    market. `modes` by gate, advisory where it says nothing.

    Combined: block if any gate blocks, pass if none blocks and at least one passes, abstain if all abstain.
    What several gates resize is resized by the product; of several order types the first gate's holds. Raises
    InvalidInput where a gate does not give one answer per signal.
    """
    signals = signals_shown(trades, facts, book)
    answers = {name: _checked(gate.judge(signals), name, trades.num_rows) for name, gate in gates.items()}
    blocks = [
        _rows(signals, (name, modes.get(name, "advisory")), given, _is_silent(given))
        for name, given in answers.items()
    ]
    silent = sum((_is_silent(given) for given in answers.values()), np.zeros(trades.num_rows, np.int64))
    blocks.append(_rows(signals, (COMBINED, "advisory"), _combine(answers, trades.num_rows), silent))
    order = np.arange(len(blocks) * trades.num_rows).reshape(len(blocks), -1).T.ravel()
    return pa.concat_tables(blocks).take(pa.array(order)).combine_chunks()


def signals_shown(trades: pa.Table, facts: pa.Table | None, book: str) -> pa.Table:
    """SIGNALS_SHOWN of `trades`: what `judge_signals` shows to the gates."""
    if facts is None:
        facts = facts_of(FACTS_SCHEMA.empty_table(), trades["trade_id"])
    if not facts["trade_id"].equals(trades["trade_id"]):
        raise InvalidInput(
            "The facts of the market are of other signals than those that are judged.",
            "Measure them with `signal_facts` of these trades.",
        )
    said = pa.array([book] * trades.num_rows, pa.string())
    columns = [*trades.select(SIGNAL_COLUMNS).columns, *facts.select(FACT_NAMES).columns, said]
    return pa.table(columns, names=SIGNALS_SHOWN)


def judge_by_night(
    trades: pa.Table,
    nights: NDArray[np.int64],
    gates: Mapping[int, Mapping[str, Gate]],
    facts: pa.Table | None = None,
    book: str = POLICY,
    modes: Mapping[str, Mode] = _ADVISORY,
) -> pa.Table:
    """The same, each signal by the `gates` of the night in `nights` [trades] that was in force at it.

    The signals of a night are shown to its gates at once, and to no others.
    """
    if not trades.num_rows:
        return DECISIONS_SCHEMA.empty_table()
    groups = [np.flatnonzero(nights == night) for night in gates]
    judged = [
        judge_signals(
            trades.take(pa.array(rows)),
            own,
            None if facts is None else facts.take(pa.array(rows)),
            book,
            modes,
        )
        for rows, own in zip(groups, gates.values(), strict=True)
    ]
    back = np.argsort(np.concatenate(groups), kind="stable")
    decisions = pa.concat_tables(judged)
    rows_of_one = decisions.num_rows // trades.num_rows
    order = (back[:, None] * rows_of_one + np.arange(rows_of_one)).ravel()
    return decisions.take(pa.array(order)).combine_chunks()


def judge_gate_coverage(decisions: pa.Table, trades: pa.Table, gates: Collection[str]) -> Verdict:
    """Check `gate_coverage`: every trade has just one answer of every gate in `gates`, and one combined."""
    names = [*gates, COMBINED]
    wanted = {(trade, name) for trade in trades["trade_id"].to_pylist() for name in names}
    given = list(zip(decisions["trade_id"].to_pylist(), decisions["gate"].to_pylist(), strict=True))
    missing, extra = wanted - set(given), set(given) - wanted
    repeated = len(given) - len(set(given))
    known = {PASS.text, BLOCK.text, ABSTAIN.text}
    invalid = sum(verdict_in(text) not in known for text in decisions["verdict"].to_pylist())
    passed = not missing and not extra and repeated == 0 and invalid == 0
    reason = f"Each of {trades.num_rows} trades was judged once by each of {len(names) - 1} gates."
    if not passed:
        example = min(missing or extra or {("", "")})
        reason = (
            f"Gate answers missing: {len(missing)}, unasked: {len(extra)}, repeated: {repeated},"
            f" invalid: {invalid} (for instance trade {example[0]!r}, gate {example[1]!r})."
            " Judge the day again."
        )
    numbers = {"trades": trades.num_rows, "gates": len(names) - 1, "missing": len(missing)}
    return Verdict("gate_coverage", passed, reason, {**numbers, "extra": len(extra), "repeated": repeated})


def _checked(given: Answers, name: str, count: int) -> Answers:
    lengths = {len(given.answer), len(given.value), len(given.threshold), len(given.reason)}
    if lengths != {count} or not all(isinstance(answer, Answer) for answer in given.answer):
        raise InvalidInput(f"The gate {name} did not answer {count} signals properly.", "Correct the gate.")
    return given


def _combine(answers: Mapping[str, Answers], count: int) -> Answers:
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
            combined.append(Answer("pass", factor, order_type))
            text = "No gate blocked it"
        reasons.append(f"{text}; abstained: {', '.join(silent)}." if silent else f"{text}.")
    return Answers(tuple(combined), blocking, np.zeros(count), tuple(reasons))


def _is_silent(given: Answers) -> NDArray[np.int64]:
    return np.array([answer == ABSTAIN for answer in given.answer], dtype=np.int64)


def _rows(
    signals: pa.Table, gate: tuple[str, Mode], given: Answers, abstained: NDArray[np.int64]
) -> pa.Table:
    """The rows of one `gate`, (name, mode)."""
    name, mode = gate
    columns = {
        **{key: signals[key] for key in ("trade_id", "symbol", "signal_time", "book")},
        "gate": pa.array([name] * signals.num_rows, pa.string()),
        "mode": pa.array([mode] * signals.num_rows, pa.string()),
        "verdict": pa.array([answer.text for answer in given.answer], pa.string()),
        "value": pa.array(given.value, pa.float64(), from_pandas=True),
        "threshold": pa.array(given.threshold, pa.float64(), from_pandas=True),
        "margin": pa.array(given.value - given.threshold, pa.float64(), from_pandas=True),
        "abstained": pa.array(abstained, pa.int64()),
        "reason": pa.array(given.reason, pa.string()),
    }
    return pa.table(columns, schema=DECISIONS_SCHEMA)
