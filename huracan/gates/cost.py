"""The hard cost gate: a signal must be expected to earn more than its round trip costs, plus a buffer.

The expected gross edge is what past signals of the same regime really made before costs, pulled towards the
mean of all of them; no model's opinion enters.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.gates.contract import Answers, GateContext, GateKind, abstain_from_all, require_above


@dataclass(frozen=True)
class CostGateSettings:
    """How much edge is enough, and how much past is."""

    buffer_bps: float = 5.0
    """The expected gross edge must exceed the estimated cost by this much."""
    minimum_past_trades: int = 30
    """Closed trades below which the gate abstains."""
    shrinkage_trades: float = 20.0
    """Weight, in trades, of the overall mean when a regime's own mean is estimated."""


@dataclass(frozen=True)
class CostGate:
    """Expected gross edge by regime, learnt from trades closed before the day that is judged."""

    edge_bps: tuple[tuple[str, float], ...]
    """(regime, expected gross bps), by name; other regimes take `overall_edge_bps`."""
    overall_edge_bps: float
    past_trades: int
    settings: CostGateSettings

    def judge(self, signals: pa.Table) -> Answers:
        """Block unless expected gross edge > estimated cost + buffer, all in bps of the notional."""
        needed = self.settings.minimum_past_trades
        if self.past_trades < needed:
            reason = f"{self.past_trades} past trades say too little ({needed} needed)."
            return abstain_from_all(signals.num_rows, reason)
        known = dict(self.edge_bps)
        edge = [known.get(regime, self.overall_edge_bps) for regime in signals["regime"].to_pylist()]
        cost = signals["estimated_cost_bps"].to_numpy(zero_copy_only=False).astype(np.float64)
        threshold = cost + self.settings.buffer_bps
        return require_above(np.array(edge, dtype=np.float64), threshold, "expected gross edge", " bps", 1)

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "rule": "edge_bps[regime] > estimated_cost_bps + buffer_bps",
            "edge_bps": dict(self.edge_bps),
            "overall_edge_bps": self.overall_edge_bps,
            "past_trades": self.past_trades,
            "buffer_bps": self.settings.buffer_bps,
            "minimum_past_trades": self.settings.minimum_past_trades,
        }


def fit(context: GateContext[CostGateSettings]) -> CostGate:
    """Edge of a regime: (n mean + k overall) / (n + k) with k = `shrinkage_trades`."""
    past, weight = context.past_trades, context.settings.shrinkage_trades
    gross = past["gross_bps"].to_numpy(zero_copy_only=False).astype(np.float64)
    overall = float(gross.mean()) if past.num_rows else 0.0
    edges = []
    for regime in sorted(pc.unique(past["regime"]).drop_null().to_pylist()):
        own = gross[pc.equal(past["regime"], regime).to_numpy(zero_copy_only=False).astype(bool)]
        edges.append((regime, float((own.sum() + weight * overall) / (len(own) + weight))))
    return CostGate(tuple(edges), overall, past.num_rows, context.settings)


GATE = GateKind(
    name="cost",
    why="Trades whose edge does not pay for fee, spread and slippage lose money surely and slowly.",
    measures="the expected gross edge in bps",
    settings=CostGateSettings,
    fit=fit,
    order=10,
)
