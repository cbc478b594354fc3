"""How hard the learner is examined: markets, days, seeds and bars of each case. Nothing is trained here."""

from dataclasses import dataclass, field
from typing import Literal

from huracan.agent.config import TrainingConfig
from huracan.errors import InvalidInput
from huracan.proof.stopping_program import Grid

Case = Literal["planted", "weak", "none", "switch", "costs"]
CASES: tuple[Case, ...] = ("planted", "weak", "none", "switch", "costs")
"""An edge that pays its costs; one that does not; none; one that changes; one under rising fees."""


@dataclass(frozen=True)
class ProofSettings:
    """The defaults are the full proof; a quick one lowers `seeds`, `days` and `training.total_steps`."""

    training: TrainingConfig = field(
        default_factory=lambda: TrainingConfig(window_days=60, held_out_days=7, embargo_days=1)
    )
    """What the night uses, on a shorter window."""
    seeds: int = 5
    """Markets per case; each is trained on with a seed of its own."""
    first_seed: int = 7_001
    """The learner's settings were chosen on markets of other seeds, whose exams were looked at. Nobody had
    looked at these when settings and bars were fixed; whoever tunes on them takes new ones."""
    symbols: int = 4
    exam_days: int = 20
    """Days after the window that neither the training nor its held-out tail has seen."""
    edge_bps: float = 0.6
    """Of the planted market, at `taker_fee_bps`."""
    weak_edge_bps: float = 0.15
    """The same edge, so weak that even the best policy earns next to nothing after costs."""
    taker_fee_bps: float = 10.0
    sweep_fees_bps: tuple[float, ...] = (2.0, 6.0, 10.0, 16.0)
    sweep_seeds: int = 3
    """Of the sweep and of the switch, at most `seeds`; their nights train one seed."""
    switch_symbols: int = 20
    """A day of twenty symbols holds enough to learn an edge from nothing."""
    switch_window_days: int = 30
    """A night's whole window; its last day is the first of the new regime."""
    switch_half_life_days: float = 0.3
    """`recency_half_life_days` of the night that must recover."""
    grid: Grid = field(default_factory=Grid)
    """Of the dynamic program behind the best causal policy."""
    minimum_share: float = 0.8
    """Of the best causal policy's profit."""
    minimum_net_bps: float = -0.5
    """Per day and symbol where there is nothing to earn."""
    minimum_recovered_share: float = 0.6
    """Of the best causal policy's profit on the exam days of the new regime."""

    def __post_init__(self) -> None:
        counts = (self.seeds, self.sweep_seeds, self.symbols, self.exam_days, self.switch_symbols)
        if min(*counts, len(self.sweep_fees_bps)) < 1:
            raise InvalidInput(
                "A proof had no seed, no symbol, no exam day or no fee.", "Give at least one of each."
            )

    @property
    def window_days(self) -> int:
        return self.training.window_days
