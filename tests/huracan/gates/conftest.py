"""The gates, fitted on a made-up past."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pytest

from huracan.analysis.outcome import milliseconds
from huracan.analysis.patterns.table import PATTERNS_SCHEMA
from huracan.gates.contract import Gate, GateContext
from huracan.gates.roster import fit_gates, gate_kinds
from huracan.gates.settings import GateSettings
from huracan.market.block import EPOCH, MS_PER_DAY
from huracan.market.facts.columns import facts_of
from huracan.models.confidence import ConfidenceModel, fit_confidence_model
from huracan.models.config import ModelConfig, Unfit
from huracan.models.conformal import ConformalModel
from huracan.models.meta_label import MetaLabelModel, fit_meta_label_model
from huracan.models.past import PastTrades, past_trades
from tests.huracan.gates.columns import facts as calm_facts

NAMES = ("signal", "noise_b", "noise_c", "noise_d")
UNFIT = Unfit("5 closed trades, 60 are needed.", 5)

Maker = Callable[..., pa.Table]
Fitter = Callable[..., dict[str, Gate]]


def context(
    past: pa.Table | PastTrades,
    confidence: ConfidenceModel | Unfit = UNFIT,
    meta_label: MetaLabelModel | Unfit = UNFIT,
    settings: Mapping[str, GateSettings] = MappingProxyType({}),
    facts: pa.Table | None = None,
    patterns: pa.Table | None = None,
    *,
    conformal: ConformalModel | Unfit = UNFIT,
) -> GateContext[Mapping[str, GateSettings]]:
    """Without facts a calm market was at every past signal."""
    known = past if isinstance(past, PastTrades) else past_trades(past)
    stored = calm_facts(known.trades) if facts is None else facts
    times = milliseconds(known.trades, "signal_time")
    return GateContext(
        day=EPOCH + timedelta(days=int(times.max(initial=0)) // MS_PER_DAY),
        past=known,
        facts=facts_of(stored, known.trades["trade_id"]),
        patterns=PATTERNS_SCHEMA.empty_table() if patterns is None else patterns,
        confidence=confidence,
        meta_label=meta_label,
        conformal=conformal,
        settings={name: kind.settings() for name, kind in gate_kinds().items()} | dict(settings),
    )


def one(name: str, *words: object, **named: object) -> Any:
    """The gate `name`, fitted on the `context` of these."""
    whole = context(*words, **named)
    return gate_kinds()[name].fit(replace(whole, settings=whole.settings[name]))


@pytest.fixture
def fit_all() -> Fitter:
    """(past, confidence, meta_label, settings by gate, facts, patterns) -> every gate by name."""
    return lambda *words, **named: fit_gates(context(*words, **named))


@pytest.fixture
def learned_gates(make_ledger: Maker, fit_all: Fitter) -> dict[str, Gate]:
    """With models that have skill."""
    past = make_ledger(600)
    confidence = fit_confidence_model(past_trades(past), NAMES, ModelConfig(), "2h")
    return fit_all(past, confidence, fit_meta_label_model(past_trades(past), ModelConfig(), "2h"))
