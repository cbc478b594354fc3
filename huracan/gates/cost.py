"""The hard cost gate: a signal must be expected to earn more than its round trip costs, plus a buffer.

The expected gross edge is what past signals of the same regime really made before costs, pulled towards the
mean of all of them; no model's opinion enters.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from huracan.analysis.outcome import floats
from huracan.gates.contract import (
    Answers,
    GateContext,
    GateKind,
    abstain_from_all,
    regime_notes,
    require_above,
)
from huracan.gates.evidence.class_means import ClassMeans, gross_by_regime
from huracan.gates.settings import LearningSettings
from huracan.setting_ranges import FINITE, Range


@dataclass(frozen=True)
class CostGateSettings(LearningSettings):
    """How much edge is enough, and how much past is."""

    buffer_bps: float = 5.0
    """The expected gross edge must exceed the estimated cost by this much."""

    RANGES: ClassVar[Mapping[str, Range]] = {"buffer_bps": FINITE}


@dataclass(frozen=True)
class CostGate:
    """Expected gross edge by regime, learnt from trades closed before the day that is judged."""

    edge: ClassMeans
    """In bps, by regime; other regimes take that of all."""
    settings: CostGateSettings

    def judge(self, signals: pa.Table) -> Answers:
        """Block unless expected gross edge > estimated cost + buffer, all in bps of the notional."""
        needed, has = self.settings.minimum_past_trades, self.edge.usual.trades
        if has < needed:
            reason = f"{has:.0f} past trades say too little ({needed} needed)."
            return abstain_from_all(signals.num_rows, reason)
        edge, _ = self.edge.arrays(signals["regime"].to_pylist())
        threshold = floats(signals, "estimated_cost_bps") + self.settings.buffer_bps
        notes = regime_notes(signals, "the edge of all regimes is taken")
        return require_above(edge, threshold, "expected gross edge", " bps", 1, notes)

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "rule": "edge_bps[regime] > estimated_cost_bps + buffer_bps",
            "edge_bps": {name: kind.mean for name, kind in self.edge.by_class},
            "overall_edge_bps": self.edge.usual.mean,
            "past_trades": self.edge.usual.trades,
            "buffer_bps": self.settings.buffer_bps,
            "minimum_past_trades": self.settings.minimum_past_trades,
        }


def fit(context: GateContext[CostGateSettings]) -> CostGate:
    """Edge of a regime: (n mean + k overall) / (n + k) with k = `shrinkage_trades`."""
    edge = gross_by_regime(context.past, context.settings.shrinkage_trades)
    return CostGate(edge, context.settings)


GATE = GateKind(
    name="cost",
    why="Trades whose edge does not pay for fee, spread and slippage lose money surely and slowly.",
    measures="the expected gross edge in bps",
    settings=CostGateSettings,
    fit=fit,
    threshold="buffer_bps",
    order=10,
)
