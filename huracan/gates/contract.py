"""What a gate is: fitted on the past, it judges a day's signals before their outcome.

One gate per file beside this one, or in another package's: a settings class, what is fitted, and a `GateKind`
that names both. The roster finds it; how its answers are stored belongs in `judging`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from math import isfinite
from typing import Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.errors import InvalidInput
from huracan.market.facts.marks_columns import MARKS_SCHEMA
from huracan.models.confidence import ConfidenceModel
from huracan.models.config import Unfit
from huracan.models.conformal import ConformalModel
from huracan.models.meta_label import MetaLabelModel
from huracan.models.past import PastTrades

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Own = TypeVar("Own")

COMBINED = "combined"
"""What all gates together say of a signal, where a gate's name would stand. No gate may have it."""


class OrderType(StrEnum):
    """How a passed signal is to be sent."""

    MARKET = "market"
    LIMIT = "limit"


@dataclass(frozen=True)
class Answer:
    """What a gate says of one signal: `PASS`, `BLOCK`, `ABSTAIN`, `resize(factor)`, `order(order_type)` or
    `close(moment_ms)`.

    The last three let it pass on a condition. Raises InvalidInput for anything else.
    """

    verdict: Literal["pass", "block", "abstain"]
    size_factor: float = 1.0
    """By which the signal's size is multiplied."""
    order_type: OrderType | None = None
    """None: the gate does not mind."""
    closes_ms: int | None = None
    """The close, UTC since 1970, at which the position is ordered to be left; None: the gate leaves it be."""

    def __post_init__(self) -> None:
        is_plain = self.size_factor == 1 and self.order_type is None and self.closes_ms is None
        if self.verdict not in ("pass", "block", "abstain") or not (self.verdict == "pass" or is_plain):
            raise InvalidInput(f"A gate answers {self}.", "Use PASS, BLOCK, ABSTAIN, resize, order or close.")
        if not (isfinite(self.size_factor) and self.size_factor > 0):
            raise InvalidInput(
                f"A gate multiplies a size by {self.size_factor}.", "Use a number above 0, or BLOCK."
            )

    @property
    def text(self) -> str:
        """The column `verdict` of the decisions: the verdict, then each condition after a comma."""
        resized = "" if self.size_factor == 1 else f", resize {float(self.size_factor)!r}"
        ordered = f", order {self.order_type}" if self.order_type else ""
        closed = "" if self.closes_ms is None else f", close {as_text(self.closes_ms)}"
        return f"{self.verdict}{resized}{ordered}{closed}"


PASS, BLOCK = Answer("pass"), Answer("block")
ABSTAIN = Answer("abstain")
"""The gate has no ground to judge this signal. It is never counted as a pass."""


def resize(factor: float) -> Answer:
    """Pass the signal at `factor` times its size."""
    return Answer("pass", size_factor=factor)


def order(order_type: OrderType) -> Answer:
    """Pass the signal if it is sent as `order_type`."""
    return Answer("pass", order_type=order_type)


def close(moment_ms: int) -> Answer:
    """Pass the signal, and leave its position at the open of the bar that follows that close."""
    return Answer("pass", closes_ms=moment_ms)


def as_text(moment_ms: int) -> str:
    """A moment as an answer writes it, such as 2024-05-01T12:15Z."""
    return f"{np.datetime_as_string(np.datetime64(moment_ms, 'ms'), unit='m')}Z"


def verdict_in(text: str) -> str:
    """`pass`, `block` or `abstain`: what `Answer.text` begins with."""
    return text.partition(",")[0]


def size_factor_in(text: str) -> float:
    """The size factor of an answer, from its `Answer.text`."""
    resized = [part for part in text.split(", ") if part.startswith("resize ")]
    return float(resized[0].removeprefix("resize ")) if resized else 1.0


def closing_ms_in(text: str) -> int | None:
    """The close at which a position is left, from an `Answer.text`; None where it is not."""
    closes = [part for part in text.split(", ") if part.startswith("close ")]
    if not closes:
        return None
    return int(np.datetime64(closes[0].removeprefix("close ").removesuffix("Z"), "ms").astype(np.int64))


@dataclass(frozen=True)
class Answers:
    """The answers of one gate about n signals, in their order."""

    answer: tuple[Answer, ...]
    value: Floats
    """[n] what was measured; NaN where the gate abstained without measuring."""
    threshold: Floats
    """[n] what it had to exceed; NaN where there is no such number."""
    reason: tuple[str, ...]
    """A sentence with its numbers, of abstentions too."""


class Gate(Protocol):
    """A fitted gate. It holds what it learnt when it was made, and remembers nothing of what it judged.

    One that judges open positions is a `PositionGate` beside, or instead, of `judge`.
    """

    def describe(self) -> dict[str, object]:
        """Thresholds and fitted state as plain JSON values, for people and the brain's bundle."""


@runtime_checkable
class SignalGate(Gate, Protocol):
    """A gate that judges signals."""

    def judge(self, signals: pa.Table) -> Answers:
        """One answer per row of `told.SIGNALS_SHOWN`; nothing in them came after the signal.

        All signals of a moment come at once, those of other moments beside them or not: a signal may be
        ranked against others of its own `signal_time`, and its answer depends on no others. How many
        positions of the book were open then is `positions_held`.
        """


@dataclass(frozen=True)
class Tended:
    """What a gate says of n open positions at their closes."""

    closes: Bools
    """[n] the position is to be left at the next open; it counts only where the gate speaks."""
    speaks: Bools
    """[n] False where the gate has no ground to judge the position."""
    value: Floats
    """[n] what was measured; NaN where nothing was."""
    threshold: Floats
    """[n] what it had to exceed for the position to go on."""
    reason: tuple[str, ...]
    forbids: tuple[tuple[str, ...], ...] = ()
    """[n] names of actions that may not be taken now; none at all: nothing is forbidden of any."""


@runtime_checkable
class PositionGate(Gate, Protocol):
    """A gate that judges open positions, bar by bar. One that judges signals too may forbid actions, and have
    no position left."""

    def tend(self, positions: pa.Table) -> Tended:
        """About each row of POSITIONS_SCHEMA by itself; nothing in them came after their closes."""


@dataclass(frozen=True, kw_only=True)
class GateContext(Generic[Own]):
    """What a gate may learn from. All of it was known before the day that the gate will judge."""

    day: date
    """The night's day: everything here was known by its end."""
    past: PastTrades
    """Of the trailing days, closed by the end of that day."""
    facts: pa.Table
    """FACTS_SCHEMA: the market at the signal of each past trade, row by row; null where none were kept."""
    patterns: pa.Table
    """PATTERNS_SCHEMA: the library of the day before, without rows where there is none."""
    confidence: ConfidenceModel | Unfit
    """Of the day before, or why there is none."""
    meta_label: MetaLabelModel | Unfit
    conformal: ConformalModel | Unfit
    marks: pa.Table = field(default_factory=MARKS_SCHEMA.empty_table)
    """MARKS_SCHEMA: how the past trades' positions stood at closes, and what going on from there made."""
    settings: Own
    """The gate's own; `fit_gates` is given those of all gates, by name."""


@dataclass(frozen=True, kw_only=True)
class GateKind(Generic[Own]):
    """The declaration of a gate, in the file of its name."""

    name: str
    """The section of its settings below `gates`, and its value in the column `gate` of the decisions."""
    why: str
    """One sentence: what the gate protects from."""
    measures: str
    """What the `value` of its answers is, with its unit: completes the description of that column."""
    settings: type[Own]
    """A frozen dataclass derived from `GateSettings`; every setting has a default, and a docstring that
    explains it."""
    fit: Callable[[GateContext[Own]], Gate]
    threshold: str | None = None
    """The setting of its own by which its threshold moves, one unit of `value` for each of the setting's.
    Only of a gate that has one another threshold is proposed, and the pass rate governed."""
    threshold_sign: Literal[1, -1] = 1
    """-1 where a larger setting asks for less: the threshold goes down as the setting goes up."""
    below: str = "refused at {} or below"
    """What becomes of a signal whose value is not large enough: completes "It would have been", with the
    threshold for `{}`."""
    order: int = 100
    """Gates judge in this order, then in that of their names."""


class SettingsByName(Protocol):
    """The settings of every gate."""

    def __getitem__(self, name: str, /) -> Any:
        """Those of the gate `name`."""


def abstain_from_all(count: int, reason: str) -> Answers:
    """The same abstention for every signal."""
    unknown = np.full(count, np.nan)
    return Answers((ABSTAIN,) * count, unknown, unknown.copy(), (reason,) * count)


def require_above(
    value: Floats, threshold: Floats, words: str, unit: str, places: int, notes: Sequence[str] = ()
) -> Answers:
    """Pass where `value` exceeds `threshold`, abstain where either is unknown, else block.

    `words` names the value in the reason, `unit` follows the numbers, printed with `places` decimals; a note
    of the signal, where there is one, ends it.
    """
    answers, reasons = [], []
    for row, (has, needs) in enumerate(zip(value.tolist(), threshold.tolist(), strict=True)):
        note = f" {notes[row]}" if notes and notes[row] else ""
        if not (np.isfinite(has) and np.isfinite(needs)):
            answers.append(ABSTAIN)
            reasons.append(f"The {words} or what it must exceed is not known.{note}")
            continue
        answers.append(PASS if has > needs else BLOCK)
        reasons.append(told(words, (has, needs), unit, places) + note)
    return Answers(tuple(answers), value, threshold, tuple(reasons))


def told(words: str, numbers: tuple[float, float], unit: str, places: int) -> str:
    """The sentence of a value and its threshold: which is larger, and how much it would take to turn it."""
    has, needs = numbers
    says = "exceeds" if has > needs else "does not exceed"
    turns = "would not pass with {} less" if has > needs else "would pass with more than {} more"
    turn = turns.format(f"{abs(has - needs):.{places}f}{unit}")
    return f"The {words} of {has:.{places}f}{unit} {says} {needs:.{places}f}{unit}; it {turn}."


def regime_notes(signals: pa.Table, instead: str) -> list[str]:
    """For each signal without a regime, in a sentence, what is taken `instead`; else nothing."""
    known = signals["regime"].to_pylist()
    return ["" if regime else f"The signal has no regime: {instead}." for regime in known]
