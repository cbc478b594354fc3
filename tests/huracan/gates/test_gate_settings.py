"""Settings of gates that cannot be are refused in a sentence that names them."""

import pytest

from huracan.errors import InvalidInput
from huracan.gates.action_masks import ActionMasksGateSettings, RegimeSizes
from huracan.gates.adverse_selection import AdverseSelectionGateSettings
from huracan.gates.confidence import ConfidenceGateSettings
from huracan.gates.cost import CostGateSettings
from huracan.gates.engine_health import EngineHealthGateSettings
from huracan.gates.evidence.break_even import RegimeMargins
from huracan.gates.fill_probability import FillProbabilityGateSettings, PatienceBars
from huracan.gates.meta_label import MetaLabelGateSettings
from huracan.gates.pattern_evidence import PatternEvidenceGateSettings
from huracan.gates.regret import MaximumRegret, RegretGateSettings
from huracan.gates.roster import gate_kinds
from huracan.gates.scalp_ranking import MaximumPositions, ScalpRankingGateSettings
from huracan.gates.settings import GateSettings
from huracan.gates.setup_trigger import SetupTriggerGateSettings
from huracan.gates.triple_barrier import TripleBarrierGateSettings
from huracan.gates.uncertainty import UncertaintyGateSettings

NAN = float("nan")


@pytest.mark.parametrize(
    ("settings", "wrong", "words"),
    [
        (CostGateSettings, {"buffer_bps": NAN}, "gates.cost.buffer_bps was nan"),
        (CostGateSettings, {"minimum_past_trades": 0}, "gates.cost.minimum_past_trades was 0"),
        (MetaLabelGateSettings, {"shrinkage_trades": 0.0}, "gates.meta_label.shrinkage_trades was 0.0"),
        (
            ConfidenceGateSettings,
            {"margin": RegimeMargins(panic=1.5)},
            "confidence.margin.panic was 1.5",
        ),
        (
            FillProbabilityGateSettings,
            {"patience_bars": PatienceBars(0, 3)},
            "gates.fill_probability.patience_bars.scalp was 0",
        ),
        (AdverseSelectionGateSettings, {"ranks": 1}, "gates.adverse_selection.ranks was 1"),
        (
            RegretGateSettings,
            {"maximum_regret": MaximumRegret(0.9, 1.1)},
            "maximum_regret.runner was 1.1",
        ),
        (RegretGateSettings, {"doubtful_size": 0.0}, "gates.regret.doubtful_size was 0.0"),
        (
            PatternEvidenceGateSettings,
            {"minimum_cosine": -0.1},
            "minimum_cosine was -0.1",
        ),
        (SetupTriggerGateSettings, {"certainty": 1.0}, "gates.setup_trigger.certainty was 1.0"),
        (
            ScalpRankingGateSettings,
            {"maximum_positions": MaximumPositions(8, 0)},
            "maximum_positions.runner was 0",
        ),
        (ActionMasksGateSettings, {"largest_size": RegimeSizes(panic=-1)}, "largest_size.panic was -1"),
        (
            TripleBarrierGateSettings,
            {"minimum_kind_trades": 0},
            "minimum_kind_trades was 0",
        ),
        (UncertaintyGateSettings, {"price": 0.0}, "gates.uncertainty.price was 0.0"),
        (EngineHealthGateSettings, {"recent_days": 0}, "gates.engine_health.recent_days was 0"),
    ],
)
def test_a_setting_out_of_range_is_named(
    settings: type[GateSettings], wrong: dict[str, object], words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        settings(**wrong)


def test_every_gate_has_a_mode_and_is_advisory_by_default() -> None:
    assert {kind.settings().mode for kind in gate_kinds().values()} == {"advisory"}
