"""The gates, fitted on a made-up past."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import pyarrow as pa
import pytest

from huracan.analysis.patterns.table import PATTERNS_SCHEMA
from huracan.gates.contract import Gate, GateContext
from huracan.gates.roster import fit_gates, gate_kinds
from huracan.gates.settings import GateSettings
from huracan.market.facts.columns import FACTS_SCHEMA, facts_of
from huracan.models.confidence import ConfidenceModel, fit_confidence_model
from huracan.models.config import ModelConfig, Unfit
from huracan.models.meta_label import MetaLabelModel, fit_meta_label_model
from huracan.models.past import PastTrades, past_trades

NAMES = ("signal", "noise_b", "noise_c", "noise_d")
UNFIT = Unfit("5 closed trades, 60 are needed.", 5)

Maker = Callable[..., pa.Table]
Fitter = Callable[..., dict[str, Gate]]


@pytest.fixture
def fit_all() -> Fitter:
    """(past, confidence, meta_label, settings by gate, facts, patterns) -> every gate by name."""

    def fit(
        past: pa.Table | PastTrades,
        confidence: ConfidenceModel | Unfit = UNFIT,
        meta_label: MetaLabelModel | Unfit = UNFIT,
        settings: Mapping[str, GateSettings] = MappingProxyType({}),
        facts: pa.Table | None = None,
        patterns: pa.Table | None = None,
    ) -> dict[str, Gate]:
        own = {name: kind.settings() for name, kind in gate_kinds().items()} | dict(settings)
        known = past if isinstance(past, PastTrades) else past_trades(past)
        ids = known.trades["trade_id"]
        return fit_gates(
            GateContext(
                past=known,
                facts=facts_of(FACTS_SCHEMA.empty_table() if facts is None else facts, ids),
                patterns=PATTERNS_SCHEMA.empty_table() if patterns is None else patterns,
                confidence=confidence,
                meta_label=meta_label,
                settings=own,
            )
        )

    return fit


@pytest.fixture
def learned_gates(make_ledger: Maker, fit_all: Fitter) -> dict[str, Gate]:
    """With models that have skill."""
    past = make_ledger(600)
    confidence = fit_confidence_model(past, NAMES, ModelConfig(), "2h")
    return fit_all(past, confidence, fit_meta_label_model(past, ModelConfig(), "2h"))
