"""The uncertainty gate: how wide the range of a signal's results is beside what is usual, and what it pays.

The conformal model of the day before tells of each signal an interval that holds its net result nine times of
ten, and the mean. Uncertainty of half a width h beyond k times the usual one, H, must be paid for by the
expected net e, at a price r for each bps:

    max(e, 0) + r (k H - h) > 0

What is wider than usual and still passes is made smaller, so that no entry risks much more than another. A
result that nothing is expected of is the cost gate's affair: as narrow as usual it passes here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pyarrow as pa

from huracan.gates.contract import (
    PASS,
    Answer,
    Answers,
    GateContext,
    GateKind,
    abstain_from_all,
    regime_notes,
    require_above,
    resize,
)
from huracan.gates.settings import ByProfile, GateSettings, Profile
from huracan.models.config import Unfit
from huracan.models.conformal import ConformalModel
from huracan.setting_ranges import ABOVE_0, Range

_AT_LEAST_USUAL = Range(1.0, 100.0, "Give a multiple of the usual width, from 1 to 100.")


@dataclass(frozen=True)
class MaximumWidth(ByProfile):
    """Widths of an interval, in usual ones."""

    scalp: float = 2.0
    runner: float = 3.0


@dataclass(frozen=True)
class UncertaintyGateSettings(GateSettings):
    """How wide is too wide, and what may pay for it."""

    profile: Profile = "scalp"
    """By which of the numbers below is judged."""
    require_skill: bool = True
    """A model whose intervals did not hold what they promised, or are no narrower than one interval for all,
    is not asked: the gate abstains."""
    maximum_width: MaximumWidth = field(default_factory=MaximumWidth)
    """Width of the interval, in usual ones, from which on the expected net must pay."""
    price: float = 0.25
    """Expected net in bps that pays for one bps of half a width beyond that."""
    whole_width: float = 1.25
    """Width, in usual ones, up to which a signal keeps its size; beyond it the size falls as width grows."""
    smallest_size: float = 0.5
    """Factor below which no size is made."""

    RANGES: ClassVar[Mapping[str, Range]] = {
        "maximum_width": _AT_LEAST_USUAL,
        "price": ABOVE_0,
        "whole_width": _AT_LEAST_USUAL,
        "smallest_size": Range(0.01, 1.0, "Give a factor from 0.01 to 1."),
    }


@dataclass(frozen=True)
class UncertaintyGate:
    """The conformal model of the day before."""

    model: ConformalModel | Unfit
    settings: UncertaintyGateSettings

    def judge(self, signals: pa.Table) -> Answers:
        """Block what is too wide for what it is expected to make, resize what is wider than usual."""
        model, settings, count = self.model, self.settings, signals.num_rows
        if isinstance(model, Unfit):
            return abstain_from_all(count, f"There is no model: {model.reason}")
        usual_bps = model.tail.width_bps
        if usual_bps is None or (settings.require_skill and not model.has_skill):
            held = "was not measurable" if model.tail.coverage is None else f"was {model.tail.coverage:.0%}"
            told = f"The share of later results within its intervals {held}, or they are no narrower than one"
            return abstain_from_all(count, f"{told} for all ({model.coverage:.0%} promised).")
        low, high = model.interval(signals)
        expected, half = model.expected(signals), (high - low) / 2.0
        widest = settings.maximum_width.of(settings.profile) * usual_bps / 2.0
        value = np.maximum(expected, 0.0) + settings.price * (widest - half)
        notes = [
            f"It is expected to make {mean:.1f} bps, between {least:.1f} and {most:.1f}, which is"
            f" {(most - least) / usual_bps:.2f} times as wide as usual. {note}".rstrip()
            for mean, least, most, note in zip(
                expected, low, high, regime_notes(signals, "the model is asked without one"), strict=True
            )
        ]
        words = "expected net, less the price of uncertainty,"
        given = require_above(value, np.zeros(count), words, " bps", 1, notes)
        answers = tuple(
            self._sized(2.0 * width / usual_bps) if answer == PASS else answer
            for answer, width in zip(given.answer, half.tolist(), strict=True)
        )
        return Answers(answers, given.value, given.threshold, given.reason)

    def _sized(self, width: float) -> Answer:
        """Of a signal that passes, by its width in usual ones."""
        if width <= self.settings.whole_width:
            return PASS
        return resize(max(self.settings.whole_width / width, self.settings.smallest_size))

    def describe(self) -> dict[str, object]:
        """Plain JSON values; the model itself is a file of its own."""
        model = self.model
        told: dict[str, object] = {"model": "fitted", "has_skill": False, "usual_width_bps": None}
        if isinstance(model, Unfit):
            told["model"] = model.reason
        else:
            told |= {"has_skill": model.has_skill, "usual_width_bps": model.tail.width_bps}
        return told | {
            "rule": "max(expected, 0) + price (maximum_width usual_width - width) / 2 > 0",
            "maximum_width": self.settings.maximum_width.of(self.settings.profile),
            "price": self.settings.price,
            "whole_width": self.settings.whole_width,
            "smallest_size": self.settings.smallest_size,
        }


def fit(context: GateContext[UncertaintyGateSettings]) -> UncertaintyGate:
    """Over the conformal model."""
    return UncertaintyGate(context.conformal, context.settings)


GATE = GateKind(
    name="uncertainty",
    why="Where anything may come of a signal, its mean says little, and a usual size risks an unusual loss.",
    measures="in bps the expected net, if above 0, less the price of an interval wider than allowed",
    settings=UncertaintyGateSettings,
    fit=fit,
    order=60,
)
