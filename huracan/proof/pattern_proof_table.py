"""What a proof of the pattern library found: a row per market, and the bars."""

from collections.abc import Sequence
from dataclasses import dataclass

from huracan.proof.pattern_proof_settings import PatternProofSettings
from huracan.proof.proof_table import Bar, Proof


@dataclass(frozen=True)
class MarketRow:
    """The nights of one market."""

    case: str
    seed: int
    trades: int
    mean_net_bps: float
    patterns: int
    """In the library of the last night."""
    found_night: int | None
    """The first on which the planted context was reliable, counted from 1."""
    false_night: int | None
    """The first on which something else was."""
    name: str
    """Of the pattern with the most evidence, on the last night."""
    evidence: float
    forward_trades: int
    forward_mean_net_bps: float | None
    outcome_lift: float | None
    """By how much more often near trades of earlier nights end alike than random ones, as a share."""
    outcome_lift_low: float | None
    """Lower end of its one-sided 95% interval. Both are None where there were too few trades."""


PatternProof = Proof[MarketRow]


def bars_of(case: str, rows: Sequence[MarketRow], settings: PatternProofSettings) -> tuple[Bar, ...]:
    """Of a planted market: the pattern was found in every one, and near trades end alike. Of the others:
    something was reliable in few."""
    if case == "planted":
        share = sum(row.found_night is not None for row in rows) / len(rows)
        what = f"share of markets in which the pattern is reliable within {settings.nights} nights"
        near = sum((row.outcome_lift_low or 0.0) > 0 for row in rows) / len(rows)
        alike = "share of markets in which near trades end alike more often than random ones, beyond doubt"
        return Bar(case, what, share, 1.0, share >= 1.0), Bar(case, alike, near, 1.0, near >= 1.0)
    share = sum(row.found_night is not None or row.false_night is not None for row in rows) / len(rows)
    what = f"share of markets in which anything is reliable on any of {settings.nights} nights"
    limit = settings.maximum_false_share
    return (Bar(case, what, share, limit, share <= limit),)
