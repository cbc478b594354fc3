"""Which gates judge, in which order. To add a gate: write its file, then name it here."""

import pyarrow as pa

from huracan.gates.confidence import fit_confidence_gate
from huracan.gates.config import GateConfig
from huracan.gates.cost import fit_cost_gate
from huracan.gates.gate import Gate
from huracan.gates.meta_label import fit_meta_label_gate
from huracan.models.confidence import ConfidenceModel
from huracan.models.config import Unfit
from huracan.models.meta_label import MetaLabelModel


def fit_gates(
    past_trades: pa.Table,
    confidence: ConfidenceModel | Unfit,
    meta_label: MetaLabelModel | Unfit,
    config: GateConfig,
) -> tuple[Gate, ...]:
    """All gates for the day after `past_trades` (see `models.window.trailing_trades`) and the models."""
    return (
        fit_cost_gate(past_trades, config),
        fit_meta_label_gate(past_trades, meta_label, config),
        fit_confidence_gate(past_trades, confidence, config),
    )


def describe_gates(gates: tuple[Gate, ...]) -> dict[str, object]:
    """What the bundle keeps about the gates, in order, as plain JSON values."""
    return {"order": [gate.name for gate in gates], "gates": {gate.name: gate.describe() for gate in gates}}
