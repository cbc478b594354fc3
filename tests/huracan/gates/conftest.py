"""The gates, fitted on a made-up past."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import pyarrow as pa
import pytest

from huracan.gates.contract import Gate, GateContext
from huracan.gates.roster import fit_gates, gate_kinds
from huracan.models.confidence import ConfidenceModel, fit_confidence_model
from huracan.models.config import ModelConfig, Unfit
from huracan.models.meta_label import MetaLabelModel, fit_meta_label_model
from huracan.models.past import past_trades

NAMES = ("signal", "noise_b", "noise_c", "noise_d")
UNFIT = Unfit("5 closed trades, 60 are needed.", 5)

Maker = Callable[..., pa.Table]
Fitter = Callable[..., dict[str, Gate]]


@pytest.fixture
def fit_all() -> Fitter:
    """(past, confidence, meta_label, settings by gate) -> every gate by name."""

    def fit(
        past: pa.Table,
        confidence: ConfidenceModel | Unfit = UNFIT,
        meta_label: MetaLabelModel | Unfit = UNFIT,
        settings: Mapping[str, object] = MappingProxyType({}),
    ) -> dict[str, Gate]:
        own = {name: kind.settings() for name, kind in gate_kinds().items()} | dict(settings)
        context = GateContext(past_trades=past, confidence=confidence, meta_label=meta_label, settings=own)
        return fit_gates(context)

    return fit


@pytest.fixture
def learned_gates(make_ledger: Maker, fit_all: Fitter) -> dict[str, Gate]:
    """With models that have skill."""
    past = make_ledger(600)
    confidence = fit_confidence_model(past_trades(past), NAMES, ModelConfig(), "2h")
    return fit_all(past, confidence, fit_meta_label_model(past_trades(past), ModelConfig(), "2h"))
