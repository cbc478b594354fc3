"""The fill gate: whether an entry rests in the book or takes, by what each is expected to make.

A resting order is cheaper, is filled only where the price comes through it, and is filled most surely where
the price then goes on against it. With p the chance that it is filled in time, e the expected gross edge, d
what being filled says of the price, m what a resting side costs and c the whole round trip by taking:

    resting   p (e + d - c / 2 - m)        taking   e - c

No rebate is taken for granted, and an order that is never filled earns nothing. p and d are measured on the
last bars before the signal: h, the share of bars that traded through their open, gives 1 - (1 - h)^n within n
bars, and 1 / h bars to wait in the mean.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.analysis.outcome import directions, floats
from huracan.errors import InvalidInput
from huracan.gates.contract import (
    ABSTAIN,
    Answers,
    GateContext,
    GateKind,
    OrderType,
    abstain_from_all,
    order,
    regime_notes,
)
from huracan.gates.evidence.class_means import ClassMeans, gross_by_regime
from huracan.gates.settings import BINDING, ByProfile, LearningSettings, Profile
from huracan.market.facts.columns import LONG_BARS, fact
from huracan.setting_ranges import COUNT, FINITE, Range

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PatienceBars(ByProfile):
    """Stored bars that a resting entry waits for."""

    scalp: float = 1
    runner: float = 3


@dataclass(frozen=True)
class FillProbabilityGateSettings(LearningSettings):
    """How long an order may rest, and what it costs then."""

    profile: Profile = "scalp"
    """By which of the numbers below is judged."""
    patience_bars: PatienceBars = field(default_factory=PatienceBars)
    """Stored bars after which a resting entry that was not filled is given up."""
    resting_cost_bps: float = 10.0
    """Fee of a side that rested in the book; by default that of an exchange that charges all alike. Below 0
    only where a rebate is sure."""

    RANGES: ClassVar[Mapping[str, Range]] = {"patience_bars": COUNT, "resting_cost_bps": FINITE}

    def __post_init__(self) -> None:
        super().__post_init__()
        patience = self.patience_bars.of(self.profile)
        if self.mode == BINDING and patience != 1:
            raise InvalidInput(
                f"gates.fill_probability is binding, and its patience_bars.{self.profile} is {patience:g}:"
                " an order that rests in the market does so for one bar.",
                f"Set gates.fill_probability.patience_bars.{self.profile} to 1, or its mode to advisory.",
            )


@dataclass(frozen=True)
class FillProbabilityGate:
    """Expected gross edge by regime, learnt from past trades."""

    edge: ClassMeans
    settings: FillProbabilityGateSettings

    def judge(self, signals: pa.Table) -> Answers:
        """Order LIMIT where resting is expected to make more than taking, else MARKET; blocks nothing."""
        count, needed, has = signals.num_rows, self.settings.minimum_past_trades, self.edge.usual.trades
        if has < needed:
            reason = f"{has:.0f} past trades give no expected edge ({needed} needed)."
            return abstain_from_all(count, reason)
        edge, _ = self.edge.arrays(signals["regime"].to_pylist())
        cost = floats(signals, "estimated_cost_bps")
        hazard, drift = resting_fills(signals)
        chance = 1.0 - (1.0 - hazard) ** self.settings.patience_bars.of(self.settings.profile)
        rests = chance * (edge + drift - cost / 2.0 - self.settings.resting_cost_bps)
        takes = edge - cost
        notes = regime_notes(signals, "the edge of all regimes is taken")
        answers, reasons = [], []
        for row in range(count):
            if not (np.isfinite(rests[row]) and np.isfinite(takes[row])):
                answers.append(ABSTAIN)
                reasons.append("The market at the signal is not known, nor how often an order would fill.")
                continue
            better = rests[row] > takes[row]
            answers.append(order(OrderType.LIMIT if better else OrderType.MARKET))
            reasons.append(
                f"Filled in time with {chance[row]:.0%}, after {1.0 / hazard[row]:.1f} bars in the mean, a"
                f" resting order is expected to make {rests[row]:.1f} bps, a taking one {takes[row]:.1f} bps;"
                f" {abs(rests[row] - takes[row]):.1f} bps {'less' if better else 'more'} by resting would"
                f" turn it. {notes[row]}".rstrip()
            )
        return Answers(tuple(answers), rests, takes, tuple(reasons))

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "rule": "limit if p (edge + drift - cost / 2 - resting_cost) > edge - cost, else market",
            "edge_bps": self.edge.describe(),
            "patience_bars": self.settings.patience_bars.of(self.settings.profile),
            "resting_cost_bps": self.settings.resting_cost_bps,
            "minimum_past_trades": self.settings.minimum_past_trades,
        }


def resting_fills(signals: pa.Table) -> tuple[Floats, Floats]:
    """[n] chance that a bar fills an order of the signal's side that rests at its open, and [n] what the
    price does in its favour then, in bps, below 0 in its disfavour.

    The chance is that of Jeffreys' prior, (k + 1/2) / (n + 1): no number of bars makes a fill sure.
    """
    is_long = directions(signals) > 0.0
    share = np.where(is_long, fact(signals, "buy_fill_chance"), fact(signals, "sell_fill_chance"))
    drift = np.where(is_long, fact(signals, "buy_fill_drift_bps"), fact(signals, "sell_fill_drift_bps"))
    hazard = (share * LONG_BARS + 0.5) / (LONG_BARS + 1.0)
    # Where no bar filled it, nothing is known of the price after a fill, and little hangs on it.
    return hazard, np.where(share == 0.0, 0.0, drift)


def fit(context: GateContext[FillProbabilityGateSettings]) -> FillProbabilityGate:
    """The edge of a regime as the cost gate has it."""
    edge = gross_by_regime(context.past, context.settings.shrinkage_trades)
    return FillProbabilityGate(edge, context.settings)


GATE = GateKind(
    name="fill_probability",
    why="An order that rests where nobody comes misses the trade; one that takes without need pays for it.",
    measures="in bps what a resting order is expected to make, against what a taking one is",
    settings=FillProbabilityGateSettings,
    fit=fit,
    below="sent as a market order at {} or below",
    order=12,
)
