"""The hard cost gate: a signal must be expected to earn more than its round trip costs, plus a buffer.

The expected gross edge is what past signals of the same regime really made before costs, pulled towards the
mean of all of them; no model's opinion enters.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.gates.config import GateConfig
from huracan.gates.gate import GateVerdicts, abstain_from_all, require_above


@dataclass(frozen=True)
class CostGate:
    """Expected gross edge by regime, learnt from trades closed before the day that is judged."""

    edge_bps: tuple[tuple[str, float], ...]
    """(regime, expected gross bps), by name; other regimes take `overall_edge_bps`."""
    overall_edge_bps: float
    past_trades: int
    buffer_bps: float
    minimum_past_trades: int
    name: str = "cost"
    why: str = "Trades whose edge does not pay for fee, spread and slippage lose money surely and slowly."

    def judge(self, trades: pa.Table) -> GateVerdicts:
        """Block unless expected gross edge > estimated cost + buffer, all in bps of the notional."""
        if self.past_trades < self.minimum_past_trades:
            reason = f"{self.past_trades} past trades say too little ({self.minimum_past_trades} needed)."
            return abstain_from_all(trades.num_rows, reason)
        known = dict(self.edge_bps)
        edge = [known.get(regime, self.overall_edge_bps) for regime in trades["regime"].to_pylist()]
        cost = trades["estimated_cost_bps"].to_numpy(zero_copy_only=False).astype(np.float64)
        return require_above(
            np.array(edge, dtype=np.float64), cost + self.buffer_bps, "expected gross edge", " bps", 1
        )

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "why": self.why,
            "rule": "edge_bps[regime] > estimated_cost_bps + buffer_bps",
            "edge_bps": dict(self.edge_bps),
            "overall_edge_bps": self.overall_edge_bps,
            "past_trades": self.past_trades,
            "buffer_bps": self.buffer_bps,
            "minimum_past_trades": self.minimum_past_trades,
        }


def fit_cost_gate(past_trades: pa.Table, config: GateConfig) -> CostGate:
    """Learn from `past_trades`: every one closed before the day that the gate will judge.

    Edge of a regime: (n mean + k overall) / (n + k) with k = `shrinkage_trades`.
    """
    count = past_trades.num_rows
    gross = past_trades["gross_bps"].to_numpy(zero_copy_only=False).astype(np.float64)
    overall = float(gross.mean()) if count else 0.0
    edges = []
    for regime in sorted(pc.unique(past_trades["regime"]).drop_null().to_pylist()):
        own = gross[pc.equal(past_trades["regime"], regime).to_numpy(zero_copy_only=False).astype(bool)]
        edge = (own.sum() + config.shrinkage_trades * overall) / (len(own) + config.shrinkage_trades)
        edges.append((regime, float(edge)))
    return CostGate(tuple(edges), overall, count, config.cost_buffer_bps, config.minimum_past_trades)
