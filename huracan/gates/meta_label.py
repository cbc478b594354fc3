"""The meta-label gate: a signal of which the policy is this sure must have paid, in the past.

The probability must exceed the regime's break-even plus a margin. Without a model worth asking it abstains.
"""

from dataclasses import dataclass

import pyarrow as pa

from huracan.gates.break_even import BreakEven, fit_break_even
from huracan.gates.config import GateConfig
from huracan.gates.gate import GateVerdicts
from huracan.gates.probability import describe_probability, judge_probability
from huracan.models.config import Unfit
from huracan.models.meta_label import MetaLabelModel


@dataclass(frozen=True)
class MetaLabelGate:
    """The model and break-even of the day before the one that is judged."""

    model: MetaLabelModel | Unfit
    break_even: BreakEven
    config: GateConfig
    name: str = "meta_label"
    why: str = "A policy is often wrong about the same kind of its own signals; acting on those is a choice."

    def judge(self, trades: pa.Table) -> GateVerdicts:
        """Block unless the probability exceeds its threshold; abstain where there is none."""
        return judge_probability(
            self.model,
            self.break_even,
            self.config,
            self.config.meta_label_margin,
            trades,
            "meta-label probability",
        )

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        margins = self.config.meta_label_margin
        return {"why": self.why, **describe_probability(self.model, self.break_even, margins)}


def fit_meta_label_gate(
    past_trades: pa.Table, model: MetaLabelModel | Unfit, config: GateConfig
) -> MetaLabelGate:
    """Learn the break-even from `past_trades`, all closed before the day that the gate will judge."""
    return MetaLabelGate(model, fit_break_even(past_trades, config), config)
