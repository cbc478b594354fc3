"""The triple-barrier gate: of past signals like it, how many met their target before their stop.

Every trade ends at one of three barriers: target, stop or time (Lopez de Prado 2018, chapter 3.4). Of those
that ended at the first two, by regime and side, the share of targets has a normal posterior (`class_means`).
A signal is refused where the upper end p of that share neither pays for the stops nor is as good as usual; it
pays where p W - (1 - p) L + r O > 0: W is the mean net at a target, L the mean loss at a stop, O the mean net
of the others, which time or the policy ended, and r their number for each that met a barrier of price.
"""

from dataclasses import dataclass, replace

import numpy as np
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
from huracan.gates.evidence.class_means import ClassMeans, days_of, fit_class_means, sides_of_regimes
from huracan.gates.settings import EvidenceSettings
from huracan.market.ledger import LIQUIDATION, STOP, TARGET


@dataclass(frozen=True)
class TripleBarrierGateSettings(EvidenceSettings):
    """As of any gate that refuses a kind for what past ones came to; only trades that ended at target or stop
    count."""


@dataclass(frozen=True)
class TripleBarrierGate:
    """Shares of targets by regime and side, and the share at which targets pay for stops."""

    targets: ClassMeans
    break_even: float | str
    """Why there is none, in a sentence, where the past has no target, no stop, or no loss at a stop."""
    settings: TripleBarrierGateSettings

    def judge(self, signals: pa.Table) -> Answers:
        """Block where the share of targets is surely too small, and smaller than usual."""
        has, needed = self.targets.usual.trades, self.settings.minimum_past_trades
        if has < needed:
            reason = f"{has:.0f} past trades that ended at target or stop say too little ({needed} needed)."
            return abstain_from_all(signals.num_rows, reason)
        if isinstance(self.break_even, str):
            return abstain_from_all(signals.num_rows, self.break_even)
        kinds = sides_of_regimes(signals)
        value = np.minimum(self.targets.upper(kinds, self.settings.certainty), 1.0)
        own = [self.targets.of(kind) for kind in kinds]
        few = np.array([each.trades < self.settings.minimum_kind_trades for each in own])
        notes = [
            f"Of {each.trades:.0f} like it {each.mean:.0%} met the target first; all do in"
            f" {self.targets.usual.mean:.0%}, and {self.break_even:.0%} pay. {note}".rstrip()
            for each, note in zip(own, regime_notes(signals, "no past trade is like it"), strict=True)
        ]
        threshold = np.full(len(kinds), min(self.break_even, self.targets.usual.mean))
        words = f"upper end ({self.settings.certainty:.0%}) of the share of targets"
        given = require_above(np.where(few, np.nan, value), threshold, words, "", 3, notes)
        least = self.settings.minimum_kind_trades
        return replace(
            given,
            reason=tuple(
                f"Too few past trades are like it to judge it by ({least} needed). {note}"
                if lacks
                else reason
                for lacks, note, reason in zip(few, notes, given.reason, strict=True)
            ),
        )

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "rule": "upper end of P(target before stop | regime, side) > min(break_even, P(target) of all)",
            "targets": self.targets.describe(),
            "break_even": None if isinstance(self.break_even, str) else self.break_even,
            "certainty": self.settings.certainty,
            "minimum_past_trades": self.settings.minimum_past_trades,
            "minimum_kind_trades": self.settings.minimum_kind_trades,
        }


def fit(context: GateContext[TripleBarrierGateSettings]) -> TripleBarrierGate:
    """By the past trades that ended at target or stop, whoever would have left earlier; what the others made
    counts for the share that pays."""
    past, settings = context.past, context.settings
    reasons = np.array(past.trades["exit_reason"].to_pylist(), dtype=object)
    at_target, at_stop = reasons == TARGET, np.isin(reasons, (STOP, LIQUIDATION))
    weight = np.where(at_target | at_stop, past.weight, 0.0)
    break_even = _break_even(past.trades, past.weight, at_target, at_stop)
    targets = fit_class_means(
        at_target.astype(np.float64),
        weight,
        sides_of_regimes(past.trades),
        settings.shrinkage_trades,
        days_of(past),
    )
    return TripleBarrierGate(targets, break_even, settings)


def _break_even(
    trades: pa.Table,
    weight: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    at_target: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    at_stop: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
) -> float | str:
    net = floats(trades, "net_bps")
    for ends, what in ((at_target, "met its target"), (at_stop, "met its stop")):
        if not ends.any():
            return f"No past trade {what}: nobody knows what share of targets pays for the stops."
    win = float(np.average(net[at_target], weights=weight[at_target]))
    loss = -float(np.average(net[at_stop], weights=weight[at_stop]))
    others = ~(at_target | at_stop)
    by_time = float(weight[others] @ net[others]) / float(weight[~others].sum())
    if loss <= 0.0:
        return "Past trades lost nothing at their stops in the mean: any share of targets pays for them."
    # Where not even a target pays, no share of targets does.
    return min(max((loss - by_time) / (win + loss), 0.0), 1.0) if win > 0.0 else 1.0


GATE = GateKind(
    name="triple_barrier",
    why="Where stops are met before targets more often than targets pay for, every entry loses in the mean.",
    measures="the upper end of the share of past signals like it that met the target before the stop",
    settings=TripleBarrierGateSettings,
    fit=fit,
    order=95,
)
