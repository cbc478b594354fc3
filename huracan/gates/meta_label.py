"""The meta-label gate: a signal of which the policy is this sure must have paid, in the past."""

from dataclasses import dataclass, field

from huracan.gates.contract import GateContext, GateKind
from huracan.gates.evidence.break_even import RegimeMargins
from huracan.gates.probability import ProbabilityGate, ProbabilitySettings, fit_probability_gate


@dataclass(frozen=True)
class MetaLabelGateSettings(ProbabilitySettings):
    """As of any gate that asks a model, with smaller margins."""

    margin: RegimeMargins = field(default_factory=lambda: RegimeMargins(0.0, 0.0, 0.02, 0.05))


def fit(context: GateContext[MetaLabelGateSettings]) -> ProbabilityGate:
    """Over the meta-label model."""
    return fit_probability_gate(context.past, context.meta_label, context.settings, "meta-label probability")


GATE = GateKind(
    name="meta_label",
    why="A policy is often wrong about the same kind of its own signals; acting on those is a choice.",
    measures="a probability",
    settings=MetaLabelGateSettings,
    fit=fit,
    threshold="margin",
    order=20,
)
