"""What a gate is: it sees signals, before their outcome, and answers pass, block or abstain with a reason.

One gate per file beside this one. A gate holds what it learnt from the past when it is made; while judging
it looks at one signal at a time and remembers nothing.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PASS, BLOCK, ABSTAIN = "pass", "block", "abstain"
"""Abstain: the gate has no ground to judge this signal. It is never counted as a pass."""


@dataclass(frozen=True)
class GateVerdicts:
    """The answers of one gate about n signals, in their order."""

    verdict: tuple[str, ...]
    value: Floats
    """[n] what was measured; NaN where the gate abstained without measuring."""
    threshold: Floats
    """[n] what it had to exceed."""
    reason: tuple[str, ...]


class Gate(Protocol):
    """One judge of signals. `trades` holds `models.inputs.SIGNAL_COLUMNS` and nothing that came later."""

    @property
    def name(self) -> str:
        """Unique among the gates; a column value of the decisions."""

    @property
    def why(self) -> str:
        """One sentence: what the gate protects from."""

    def judge(self, trades: pa.Table) -> GateVerdicts:
        """One answer per row; row i depends on row i alone."""

    def describe(self) -> dict[str, object]:
        """Thresholds and fitted state as plain JSON values, for the brain's bundle."""


def abstain_from_all(count: int, reason: str) -> GateVerdicts:
    """The same abstention for every signal."""
    unknown = np.full(count, np.nan)
    return GateVerdicts((ABSTAIN,) * count, unknown, unknown.copy(), (reason,) * count)


def require_above(value: Floats, threshold: Floats, words: str, unit: str, places: int) -> GateVerdicts:
    """Pass where `value` exceeds `threshold`, abstain where either is unknown, else block.

    `words` names the value in the reason, `unit` follows the numbers, printed with `places` decimals.
    """
    verdicts, reasons = [], []
    for has, needs in zip(value.tolist(), threshold.tolist(), strict=True):
        if not (np.isfinite(has) and np.isfinite(needs)):
            verdicts.append(ABSTAIN)
            reasons.append(f"The {words} or what it must exceed is not known.")
            continue
        passed = has > needs
        verdicts.append(PASS if passed else BLOCK)
        says = "exceeds" if passed else "does not exceed"
        reasons.append(f"The {words} of {has:.{places}f}{unit} {says} {needs:.{places}f}{unit}.")
    return GateVerdicts(tuple(verdicts), value, threshold, tuple(reasons))
