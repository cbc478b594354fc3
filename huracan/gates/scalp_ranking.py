"""The scalp ranking: of signals that want the same few places, those that earn fastest get them.

A position lasts as long as past ones of its regime and side did in the mean; what it earns is their gross
result less its own cost, over those seconds (edge per second). The signals of one moment are ranked, and as
many pass as places are left by the positions that are open then. While there is room for all, the ranking
refuses none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.analysis.outcome import Integers, floats, milliseconds
from huracan.gates.contract import (
    ABSTAIN,
    BLOCK,
    PASS,
    Answers,
    GateContext,
    GateKind,
    abstain_from_all,
    regime_notes,
)
from huracan.gates.evidence.class_means import ClassMeans, fit_class_means, sides_of_regimes
from huracan.gates.settings import ByProfile, LearningSettings, Profile
from huracan.market.ledger import POLICY
from huracan.setting_ranges import COUNT, Range

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MaximumPositions(ByProfile):
    """Positions that may be open at once."""

    scalp: float = 8
    runner: float = 5


@dataclass(frozen=True)
class ScalpRankingGateSettings(LearningSettings):
    """How many positions there may be."""

    profile: Profile = "scalp"
    """By which of the numbers below is judged."""
    maximum_positions: MaximumPositions = field(default_factory=MaximumPositions)
    """Positions that may be open at once, over all symbols."""

    RANGES: ClassVar[Mapping[str, Range]] = {"maximum_positions": COUNT}


@dataclass(frozen=True)
class ScalpRankingGate:
    """Gross results in bps and holding times in seconds, by regime and side."""

    gross: ClassMeans
    seconds: ClassMeans
    settings: ScalpRankingGateSettings

    def judge(self, signals: pa.Table) -> Answers:
        """Of the signals of one moment pass the fastest, as many as places are free."""
        count, has, needed = signals.num_rows, self.gross.usual.trades, self.settings.minimum_past_trades
        if has < needed:
            return abstain_from_all(
                count, f"{has:.0f} past trades give no edge to rank by ({needed} needed)."
            )
        if count and signals["book"][0].as_py() != POLICY:
            return abstain_from_all(count, "Explored entries have an account each: none is in another's way.")
        kinds = sides_of_regimes(signals)
        lasts = np.maximum(self.seconds.arrays(kinds)[0], 1.0)
        speed = (self.gross.arrays(kinds)[0] - floats(signals, "estimated_cost_bps")) / lasts
        # Of equals the first by name: the order that they come in may be that of their ends.
        by_name = np.argsort(np.array(signals["symbol"].to_pylist(), dtype=np.str_), kind="stable")
        order = by_name[np.argsort(-np.nan_to_num(speed, nan=-np.inf)[by_name], kind="stable")]
        moments = milliseconds(signals, "signal_time")
        places = int(self.settings.maximum_positions.of(self.settings.profile))
        free = np.maximum(places - signals["positions_held"].to_numpy(), 0)
        given = self._rank(order[np.argsort(moments[order], kind="stable")], moments, speed, free)
        notes = regime_notes(signals, "edge and holding time of all are taken")
        told = (f"{reason} {note}".rstrip() for reason, note in zip(given.reason, notes, strict=True))
        return replace(given, reason=tuple(told))

    def _rank(self, order: Integers, moments: Integers, speed: Floats, places: Integers) -> Answers:
        """Rows in `order`: by moment, and within it the fastest first; `places` are free at each row's."""
        answers, threshold, reasons = [ABSTAIN] * len(speed), np.full(len(speed), np.nan), [""] * len(speed)
        for _, rows in groupby(order.tolist(), key=lambda row: int(moments[row])):
            ranked = list(rows)
            free = int(places[ranked[0]])
            known = [row for row in ranked if np.isfinite(speed[row])]
            for rank, row in enumerate(known):
                passes = rank < free
                # It competes with the first that found no place, or with the last that found one.
                rival = free if passes else free - 1
                answers[row] = PASS if passes else BLOCK
                threshold[row] = speed[known[rival]] if 0 <= rival < len(known) else np.nan
                reasons[row] = _told(rank + 1, len(known), free, speed[row], threshold[row])
            for row in set(ranked) - set(known):
                reasons[row] = "What the signal costs is not known, so it has no rank."
        return Answers(tuple(answers), speed, threshold, tuple(reasons))

    def describe(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "rule": "rank of (gross_bps[regime, side] - cost) / seconds[regime, side] within the free places",
            "gross_bps": self.gross.describe(),
            "seconds": self.seconds.describe(),
            "maximum_positions": self.settings.maximum_positions.of(self.settings.profile),
            "minimum_past_trades": self.settings.minimum_past_trades,
        }


def _told(rank: int, of: int, free: int, speed: float, rival: float) -> str:
    begins = (
        f"Number {rank} of {of} at its moment, by {1000 * speed:.3f} bps in 1,000 s, and {free} places free"
    )
    if rank <= free:
        turn = "room for all of them" if np.isnan(rival) else f"refused below {1000 * rival:.3f}"
    else:
        turn = (
            "positions that are open hold them all"
            if np.isnan(rival)
            else f"it would pass above {1000 * rival:.3f}"
        )
    return f"{begins}: {turn}."


def fit(context: GateContext[ScalpRankingGateSettings]) -> ScalpRankingGate:
    """By the past trades, from the fill of the entry to that of the exit."""
    past = context.past
    kinds, shrinkage = sides_of_regimes(past.trades), context.settings.shrinkage_trades
    held = milliseconds(past.trades, "exit_time") - milliseconds(past.trades, "entry_time")
    return ScalpRankingGate(
        fit_class_means(floats(past.trades, "gross_bps"), past.weight, kinds, shrinkage),
        fit_class_means(held / 1000.0, past.weight, kinds, shrinkage),
        context.settings,
    )


GATE = GateKind(
    name="scalp_ranking",
    why="Money in a slow position is not there for the fast one that comes at the same moment.",
    measures="the expected edge in bps per second, against that of the signal it competes with",
    settings=ScalpRankingGateSettings,
    fit=fit,
    order=80,
)
