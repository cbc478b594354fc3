"""The confidence gate: the boosted trees must find the market around a signal good enough."""

from dataclasses import dataclass

from huracan.gates.contract import GateContext, GateKind
from huracan.gates.probability import ProbabilityGate, ProbabilitySettings, fit_probability_gate


@dataclass(frozen=True)
class ConfidenceGateSettings(ProbabilitySettings):
    """As of any gate that asks a model."""


def fit(context: GateContext[ConfidenceGateSettings]) -> ProbabilityGate:
    """Over the confidence model."""
    return fit_probability_gate(context.past, context.confidence, context.settings, "confidence")


GATE = GateKind(
    name="confidence",
    why="The market around the signal looked, in the past, like the ones in which the policy lost.",
    measures="a probability",
    settings=ConfidenceGateSettings,
    fit=fit,
    threshold="margin",
    order=30,
)
