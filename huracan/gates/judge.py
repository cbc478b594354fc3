"""Asks every gate about every signal and writes the answers down, with one combined answer per signal.

Gates are shown signal columns only, so that none can look at an outcome.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.candles.schema import TIME
from huracan.errors import InvalidInput
from huracan.gates.gate import ABSTAIN, BLOCK, PASS, Gate, GateVerdicts
from huracan.models.inputs import SIGNAL_COLUMNS
from huracan.verdict import Verdict

COMBINED = "combined"

DECISIONS_SCHEMA = pa.schema(
    [
        ("trade_id", pa.string()),
        ("symbol", pa.string()),
        ("signal_time", TIME),
        ("gate", pa.string()),
        ("verdict", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
        ("margin", pa.float64()),
        ("abstained", pa.int64()),
        ("reason", pa.string()),
    ]
)
"""One row per trade and gate, then one with the gate `combined`. `margin` = value - threshold, null where
either is. `abstained` counts the gates without an opinion: 0 or 1 of a gate, any number of `combined`."""


def judge_signals(trades: pa.Table, gates: Sequence[Gate]) -> pa.Table:
    """DECISIONS_SCHEMA in the order of `trades`, then of `gates`, the combined row last.

    Combined: block if any gate blocks, pass if none blocks and at least one passes, abstain if all abstain.
    Raises InvalidInput where names repeat or a gate answers what it may not.
    """
    names = [gate.name for gate in gates]
    if len(set(names)) != len(names) or COMBINED in names:
        raise InvalidInput(f"The gates are named {names}.", f"Use unique names other than {COMBINED!r}.")
    signals = trades.select(SIGNAL_COLUMNS)
    answers = {gate.name: _checked(gate.judge(signals), gate.name, trades.num_rows) for gate in gates}
    blocks = [_rows(signals, name, answer, _is_silent(answer)) for name, answer in answers.items()]
    silent = sum((_is_silent(answer) for answer in answers.values()), np.zeros(trades.num_rows, np.int64))
    blocks.append(_rows(signals, COMBINED, _combine(answers, trades.num_rows), silent))
    order = np.arange(len(blocks) * trades.num_rows).reshape(len(blocks), -1).T.ravel()
    return pa.concat_tables(blocks).take(pa.array(order)).combine_chunks()


def judge_gate_coverage(decisions: pa.Table, trades: pa.Table, gates: Sequence[Gate]) -> Verdict:
    """Rule `gate_coverage`: every trade has exactly one answer of every gate, and one combined."""
    names = [*(gate.name for gate in gates), COMBINED]
    wanted = {(trade, name) for trade in trades["trade_id"].to_pylist() for name in names}
    given = list(zip(decisions["trade_id"].to_pylist(), decisions["gate"].to_pylist(), strict=True))
    missing, extra = wanted - set(given), set(given) - wanted
    repeated = len(given) - len(set(given))
    invalid = sum(verdict not in (PASS, BLOCK, ABSTAIN) for verdict in decisions["verdict"].to_pylist())
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


def _checked(answer: GateVerdicts, name: str, count: int) -> GateVerdicts:
    lengths = {len(answer.verdict), len(answer.value), len(answer.threshold), len(answer.reason)}
    if lengths != {count} or not set(answer.verdict) <= {PASS, BLOCK, ABSTAIN}:
        raise InvalidInput(f"The gate {name} did not answer {count} signals properly.", "Correct the gate.")
    return answer


def _combine(answers: dict[str, GateVerdicts], count: int) -> GateVerdicts:
    verdicts, reasons, blocking = [], [], np.zeros(count)
    for row in range(count):
        by = {name: answer.verdict[row] for name, answer in answers.items()}
        blocked = [name for name, verdict in by.items() if verdict == BLOCK]
        silent = [name for name, verdict in by.items() if verdict == ABSTAIN]
        blocking[row] = len(blocked)
        verdicts.append(BLOCK if blocked else ABSTAIN if len(silent) == len(by) else PASS)
        says = {BLOCK: f"Blocked by {', '.join(blocked)}", PASS: "No gate blocked it"}
        text = says.get(verdicts[-1], "No gate had an opinion")
        reasons.append(f"{text}; abstained: {', '.join(silent)}." if silent else f"{text}.")
    return GateVerdicts(tuple(verdicts), blocking, np.zeros(count), tuple(reasons))


def _is_silent(answer: GateVerdicts) -> NDArray[np.int64]:
    return np.array([verdict == ABSTAIN for verdict in answer.verdict], dtype=np.int64)


def _rows(signals: pa.Table, name: str, answer: GateVerdicts, abstained: NDArray[np.int64]) -> pa.Table:
    columns = {
        **{key: signals[key] for key in ("trade_id", "symbol", "signal_time")},
        "gate": pa.array([name] * signals.num_rows, pa.string()),
        "verdict": pa.array(answer.verdict, pa.string()),
        "value": pa.array(answer.value, pa.float64(), from_pandas=True),
        "threshold": pa.array(answer.threshold, pa.float64(), from_pandas=True),
        "margin": pa.array(answer.value - answer.threshold, pa.float64(), from_pandas=True),
        "abstained": pa.array(abstained, pa.int64()),
        "reason": pa.array(answer.reason, pa.string()),
    }
    return pa.table(columns, schema=DECISIONS_SCHEMA)
