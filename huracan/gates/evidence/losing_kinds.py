"""Refuses signals of a kind that surely made less than nothing, and less than signals usually do.

What the gates have in common that sort signals into kinds and ask how past ones of the same kind ended. A
kind is refused where the upper end of its mean net lies below 0 and below the mean of all: where everything
loses, a kind that is no worse than the rest is the affair of the cost gate.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from huracan.analysis.outcome import floats
from huracan.gates.contract import Answers, abstain_from_all, require_above
from huracan.gates.evidence.class_means import ClassMeans, days_of, fit_class_means
from huracan.gates.settings import EvidenceSettings
from huracan.models.past import PastTrades

Kinds = Sequence[str | None]


@dataclass(frozen=True)
class LosingKinds:
    """Net results of past trades by kind, in bps, or what else was made by them."""

    net: ClassMeans
    settings: EvidenceSettings
    measured: str = "net"
    """What is told to have a mean."""

    @property
    def threshold_bps(self) -> float:
        """What the upper end of a kind's mean must exceed."""
        return min(0.0, self.net.usual.mean)

    def judge(self, kinds: Kinds, named: Callable[[str], str], unknown: str) -> Answers:
        """One answer for each signal's kind; abstains where there is none (`unknown` says why) or where the
        past knows too few of it. `named` tells a kind in words."""
        needed, has = self.settings.minimum_past_trades, self.net.usual.trades
        if has < needed:
            reason = f"{has:.0f} past trades with what is asked about say too little ({needed} needed)."
            return abstain_from_all(len(kinds), reason)
        value = self.net.upper(kinds, self.settings.certainty)
        notes = []
        for row, kind in enumerate(kinds):
            own = self.net.of(kind)
            if kind is None or own.trades < self.settings.minimum_kind_trades:
                value[row] = np.nan
                few = f"Of {named(kind or '')}: {own.trades:.0f} past trades say too little."
                notes.append(unknown if kind is None else few)
            else:
                notes.append(f"Of {named(kind)}: mean {own.mean:.1f} bps of {own.trades:.0f} past trades.")
        threshold = np.full(len(kinds), self.threshold_bps)
        words = f"upper end ({self.settings.certainty:.0%}) of the mean {self.measured}"
        return require_above(value, threshold, words, " bps", 1, notes)

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "rule": f"upper end of {self.measured}[kind] in bps > min(0, {self.measured}[all])",
            "net_bps": self.net.describe(),
            "certainty": self.settings.certainty,
            "minimum_past_trades": self.settings.minimum_past_trades,
            "minimum_kind_trades": self.settings.minimum_kind_trades,
        }


def fit_losing_kinds(past: PastTrades, kinds: Kinds, settings: EvidenceSettings) -> LosingKinds:
    """Of past trades of these `kinds`; those of None are left out."""
    weight = np.where([kind is not None for kind in kinds], past.weight, 0.0)
    net = fit_class_means(
        floats(past.trades, "net_bps"), weight, kinds, settings.shrinkage_trades, days_of(past)
    )
    return LosingKinds(net, settings)
