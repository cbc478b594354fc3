"""How hard the pattern library is examined: markets, nights, entries and bars. Nothing is played here."""

from dataclasses import dataclass, field
from typing import Literal

from huracan.analysis.patterns.config import PatternConfig
from huracan.errors import InvalidInput

PatternCase = Literal["planted", "none", "fair"]
PATTERN_CASES: tuple[PatternCase, ...] = ("planted", "none", "fair")
"""An edge in some contexts; none, under the usual costs; none and no costs, where everybody breaks even."""


@dataclass(frozen=True)
class PatternProofSettings:
    """The defaults are the full proof; a quick one lowers `markets`."""

    markets: int = 20
    """Of each case."""
    first_seed: int = 9_301
    """The edge, the symbols and the settings were chosen on markets of other seeds."""
    nights: int = 10
    lead_days: int = 2
    """Days before the first night, which only the embedding is fitted on."""
    symbols: int = 12
    edge_bps: float = 2.5
    """Of the planted market: drift of the next minute where the latent imbalance is 1."""
    entry_chance: float = 0.05
    """Of a long entry at any bar at which the market would take one, whatever the context."""
    config: PatternConfig = field(default_factory=PatternConfig)
    truly_planted: float = 0.5
    """Mean flow of a pattern's entries over 15 minutes from which on it is the planted context; the latent
    imbalance has a variance of 1."""
    maximum_false_share: float = 0.05
    """Of the markets without an edge: where anything was reliable on any night."""

    def __post_init__(self) -> None:
        if min(self.markets, self.nights, self.lead_days, self.symbols) < 1:
            raise InvalidInput(
                "A proof of patterns had no market, night, lead day or symbol.", "Give at least one of each."
            )
        if not 0.0 < self.entry_chance <= 1.0:
            raise InvalidInput(f"The entry chance was {self.entry_chance}.", "Give one above 0, up to 1.")
