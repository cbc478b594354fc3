"""How hard the gates are examined: markets, the gate made for each harm, and the bars. Nothing is played
here."""

from dataclasses import dataclass, field
from types import MappingProxyType

from huracan.errors import InvalidInput
from huracan.proof.gate_nights import GateNights
from huracan.proof.gate_plants import PLANTS, Plant, PlantedCandlesConfig

GATE_CASES: tuple[Plant, ...] = PLANTS
GATE_OF = MappingProxyType(
    {
        "toxic_flow": "adverse_selection",
        "cost_trap": "cost",
        "false_pattern": "pattern_evidence",
        "broken_feed": "engine_health",
        "losing_regime": "regret",
    }
)
"""The gate that is made for a harm. A regime in which the policy loses is what `regret` asks about: whether
waiting is the better choice, by regime and side."""
NOT_COUNTED = "cost"
"""The gate whose refusals are none of the others' affair on a market without a plant."""


@dataclass(frozen=True)
class GateProofSettings:
    """The defaults are the full proof; a quick one lowers `markets`."""

    markets: int = 20
    """Of each case."""
    first_seed: int = 9_701
    """Markets were made and gates tuned on seeds up to 100, and on what 9,501 to 9,620 had shown."""
    market: PlantedCandlesConfig = field(default_factory=PlantedCandlesConfig)
    """Its plant and seed are those of the case."""
    nights: GateNights = field(default_factory=GateNights)
    minimum_refused: float = 0.8
    """Of the signals that the oracle refuses, by the gate made for them."""
    maximum_winners: float = 0.2
    """Of all winning signals, those that this gate refuses, also where they are planted."""
    maximum_without: float = 0.05
    """Of all signals of a market without a plant, those that any gate but cost refuses."""
    minimum_share: float = 0.9
    """Of the markets of a case, those on which that holds: 18 of 20."""

    def __post_init__(self) -> None:
        if self.markets < 1:
            raise InvalidInput("A proof of gates had no market.", "Give at least one.")
        if self.market.days <= self.nights.nights.lead_days + self.nights.judged_days:
            raise InvalidInput(
                "A proof of gates had no day between the lead days and the judged ones.", "Give more days."
            )
