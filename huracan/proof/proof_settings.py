"""How hard the learner is examined: markets, days, seeds and bars of each case. Nothing is trained here."""

from dataclasses import dataclass, field
from typing import Literal

from huracan.agent.config import PPOConfig, TrainingConfig
from huracan.candles.schema import Timeframe
from huracan.decision_defaults import defaults_of
from huracan.durations import Duration, minutes_of
from huracan.errors import InvalidInput
from huracan.market.rules import TradingRules
from huracan.proof.planted_market import PlantedMarketConfig
from huracan.proof.stopping_program import Grid

Case = Literal[
    "planted", "weak", "none", "switch", "costs", "slow_1m", "slow_15m", "slow_1h", "none_15m", "none_1h"
]
CASES: tuple[Case, ...] = (
    *("planted", "weak", "none", "switch", "costs"),
    *("slow_1m", "slow_15m", "slow_1h", "none_15m", "none_1h"),
)
"""An edge that pays its costs; one that does not; none; one that changes; one under rising fees. Then edges
that pay in hours, by decisions of a minute, of 15 and of an hour, and none at the longer ones."""


@dataclass(frozen=True)
class Horizon:
    """A market of bars as long as a decision timeframe, learned by the defaults of that timeframe."""

    decisions: str
    pays_in: Duration
    """Half-life of the edge: half of what it pays has been paid by then."""
    edge_bps: float
    """Drift of the next bar where the latent imbalance is 1."""
    symbols: int
    exam_days: int
    training: TrainingConfig

    @property
    def bar_minutes(self) -> int:
        return Timeframe(self.decisions).minutes

    @property
    def rules(self) -> TradingRules:
        """The default limits of positions at that timeframe."""
        return TradingRules(**defaults_of("market.rules", self.decisions))

    def market(self, seed: int, *, has_edge: bool) -> PlantedMarketConfig:
        """Window and exam days; a bar has the volatility and the traded value of the minutes in it."""
        minute = PlantedMarketConfig()
        return PlantedMarketConfig(
            bar_minutes=self.bar_minutes,
            edge_bps=self.edge_bps if has_edge else 0.0,
            half_life_bars=minutes_of(self.pays_in) / self.bar_minutes,
            volatility_bps=minute.volatility_bps * self.bar_minutes**0.5,
            traded_value_usd=minute.traded_value_usd * self.bar_minutes,
            symbols=self.symbols,
            days=self.training.window_days + self.exam_days,
            seed=seed,
        )


def training_at(decisions: str) -> TrainingConfig:
    """A night's training by the defaults of a decision timeframe."""
    ppo = PPOConfig(**defaults_of("training.ppo", decisions))
    return TrainingConfig(**defaults_of("training", decisions), ppo=ppo)


HORIZONS: tuple[Horizon, ...] = (
    Horizon("1m", "2h", 0.25, 4, 20, training_at("1m")),
    Horizon("15m", "8h", 1.6, 6, 120, training_at("15m")),
    Horizon("1h", "1d", 4.5, 7, 360, training_at("1h")),
)


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
    horizons: tuple[Horizon, ...] = HORIZONS
    """Of the cases `slow_` and `none_` of a decision timeframe; the first of that timeframe counts."""
    slow_grid: Grid = field(default_factory=lambda: Grid(signals=41, places=21, bars=300))
    """Their estimate moves in smaller steps."""
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

    def horizon(self, decisions: str) -> Horizon:
        """That of a decision timeframe."""
        return next(each for each in self.horizons if each.decisions == decisions)
