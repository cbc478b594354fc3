"""The action masks: how large an entry may be in the signal's regime, and where nobody is sure of that.

How unsure is the entropy of the regime's probabilities over that of four equal ones, 0 to 1 (Shannon 1948).
An entry that is too large is made as large as is allowed; where nothing is allowed it is refused. A position
is not added to where no entry of whole size is allowed, nor, losing, where nobody is sure of the regime. It
learns nothing, so that it holds from the first night on.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.analysis.outcome import floats
from huracan.gates.contract import BLOCK, PASS, Answers, GateContext, GateKind, Tended, regime_notes, resize
from huracan.gates.settings import GateSettings
from huracan.market.actions import ACTIONS, ADD_INDEX
from huracan.models.inputs import REGIME_COLUMNS
from huracan.setting_ranges import FROM_0, SHARE, Range

_ADD = (ACTIONS[ADD_INDEX].name,)


@dataclass(frozen=True)
class RegimeSizes:
    """The largest size of an entry by regime, in sizes of 1; 0: none."""

    trend: float = 1.5
    range: float = 1.5
    high_volatility: float = 1.0
    panic: float = 0.5

    def of(self, regime: str | None) -> float:
        """That of the regime; the smallest of all where it is not known."""
        sizes = asdict(self)
        return float(sizes.get(regime or "", min(sizes.values())))


@dataclass(frozen=True)
class ActionMasksGateSettings(GateSettings):
    """What is allowed where."""

    largest_size: RegimeSizes = field(default_factory=RegimeSizes)
    """By regime of the signal bar."""
    maximum_uncertainty: float = 0.7
    """Uncertainty of the regime, 0 to 1, from which on `unsure_size` is the largest, whatever the regime."""
    unsure_size: float = 1.0
    """The largest size of an entry in a regime that nobody is sure of; 0: none."""

    RANGES: ClassVar[Mapping[str, Range]] = {
        "largest_size": FROM_0,
        "maximum_uncertainty": SHARE,
        "unsure_size": FROM_0,
    }


@dataclass(frozen=True)
class ActionMasksGate:
    """Nothing but its settings."""

    settings: ActionMasksGateSettings

    def judge(self, signals: pa.Table) -> Answers:
        """Pass what is no larger than allowed, resize what is, block where nothing is allowed."""
        size, unsure = floats(signals, "size_multiplier"), regime_uncertainty(signals)
        notes = regime_notes(signals, "the smallest of the regimes' sizes is the largest")
        answers, allowed, reasons = [], [], []
        for row, regime in enumerate(signals["regime"].to_pylist()):
            largest = self.settings.largest_size.of(regime)
            is_unsure = unsure[row] >= self.settings.maximum_uncertainty
            largest = min(largest, self.settings.unsure_size) if is_unsure else largest
            passes = size[row] <= largest
            answers.append(PASS if passes else resize(largest / size[row]) if largest > 0.0 else BLOCK)
            allowed.append(largest)
            says = "is allowed" if passes else "is too large"
            turn = f"it would be too large above {largest:g}" if passes else f"{largest:g} would pass whole"
            reasons.append(
                f"A size of {size[row]:g} {says} in {regime or 'an unknown regime'} at an uncertainty of"
                f" {unsure[row]:.2f} ({self.settings.maximum_uncertainty:g} counts as unsure); {turn}."
                f" {notes[row]}".rstrip()
            )
        return Answers(tuple(answers), np.array(allowed, dtype=np.float64), size, tuple(reasons))

    def tend(self, positions: pa.Table) -> Tended:
        """Leaves every position be, and forbids to add to some."""
        count, unsure = positions.num_rows, regime_uncertainty(positions)
        allowed = np.array([self.settings.largest_size.of(each) for each in positions["regime"].to_pylist()])
        is_losing = floats(positions, "gain") < 0.0
        is_unsure = unsure >= self.settings.maximum_uncertainty
        forbidden = (allowed < 1.0) | (is_unsure & is_losing)
        reasons = [
            f"{most:g} is allowed in {regime or 'an unknown regime'} at an uncertainty of {each:.2f}."
            for most, regime, each in zip(allowed, positions["regime"].to_pylist(), unsure, strict=True)
        ]
        return Tended(
            closes=np.zeros(count, np.bool_),
            speaks=np.ones(count, np.bool_),
            value=unsure,
            threshold=np.full(count, self.settings.maximum_uncertainty),
            reason=tuple(reasons),
            forbids=tuple(_ADD if each else () for each in forbidden.tolist()),
        )

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "rule": "size_multiplier <= largest_size[regime], and <= unsure_size from maximum_uncertainty on",
            "largest_size": asdict(self.settings.largest_size),
            "maximum_uncertainty": self.settings.maximum_uncertainty,
            "unsure_size": self.settings.unsure_size,
        }


def regime_uncertainty(signals: pa.Table) -> NDArray[np.float64]:
    """[n] entropy of the regime's probabilities over the largest possible, 0 to 1; 1 where they are not
    known."""
    chances = np.column_stack([floats(signals, name) for name in REGIME_COLUMNS])
    logs = np.log(np.where(chances > 0.0, chances, 1.0))
    entropy = np.abs((chances * logs).sum(axis=1)) / np.log(len(REGIME_COLUMNS))
    return np.asarray(np.where(np.isfinite(entropy), np.clip(entropy, 0.0, 1.0), 1.0), dtype=np.float64)


def fit(context: GateContext[ActionMasksGateSettings]) -> ActionMasksGate:
    """Nothing is learnt."""
    return ActionMasksGate(context.settings)


GATE = GateKind(
    name="action_masks",
    why="A size that a calm market bears ruins in a panic, and in one that nobody can name.",
    measures="the largest size that is allowed, against the entry's own, which may be as large",
    settings=ActionMasksGateSettings,
    fit=fit,
    below="made smaller below {}",
    order=90,
)
