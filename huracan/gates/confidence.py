"""The confidence gate: the boosted trees must find the market around a signal good enough.

The probability must exceed the regime's break-even plus a margin. Without a model worth asking it abstains.
"""

from dataclasses import dataclass

import pyarrow as pa

from huracan.gates.break_even import BreakEven, fit_break_even
from huracan.gates.config import GateConfig
from huracan.gates.gate import GateVerdicts
from huracan.gates.probability import describe_probability, judge_probability
from huracan.models.confidence import ConfidenceModel
from huracan.models.config import Unfit


@dataclass(frozen=True)
class ConfidenceGate:
    """The model and break-even of the day before the one that is judged."""

    model: ConfidenceModel | Unfit
    break_even: BreakEven
    config: GateConfig
    name: str = "confidence"
    why: str = "The market around the signal looked, in the past, like the ones in which the policy lost."

    def judge(self, trades: pa.Table) -> GateVerdicts:
        """Block unless the probability exceeds its threshold; abstain where there is none."""
        return judge_probability(
            self.model, self.break_even, self.config, self.config.confidence_margin, trades, "confidence"
        )

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        margins = self.config.confidence_margin
        return {"why": self.why, **describe_probability(self.model, self.break_even, margins)}


def fit_confidence_gate(
    past_trades: pa.Table, model: ConfidenceModel | Unfit, config: GateConfig
) -> ConfidenceGate:
    """Learn the break-even from `past_trades`, all closed before the day that the gate will judge."""
    return ConfidenceGate(model, fit_break_even(past_trades, config), config)
