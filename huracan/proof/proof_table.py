"""What a proof found: rows, bars, and both as JSON; the rows of the learner's. Nothing is trained here."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Generic, TypeVar

import numpy as np

Row = TypeVar("Row")


@dataclass(frozen=True)
class ProofRow:
    """One trained policy on days that its training did not see. Results are means per day and symbol."""

    case: str
    variant: str
    """What differs within a case: the fee of a sweep, the night of a switch; else empty."""
    seed: int
    net_bps: float
    """In bps of the notional of size 1."""
    best_net_bps: float
    """The best causal policy's on the same days."""
    expected_net_bps: float
    """`net_bps` with the luck of the days taken out; see `exam`."""
    best_expected_net_bps: float
    latent_net_bps: float
    """The same of one that knows the latent imbalance: an upper bound."""
    trades: float
    best_trades: float
    steps: int
    """Environment steps of the training, of one seed of the night."""
    model_id: str

    @property
    def share(self) -> float | None:
        """Of the best causal policy's profit; None where there is nothing to earn."""
        return _share(self.net_bps, self.best_net_bps)

    @property
    def expected_share(self) -> float | None:
        """The same, both without luck."""
        return _share(self.expected_net_bps, self.best_expected_net_bps)


def _share(net_bps: float, best_net_bps: float) -> float | None:
    return net_bps / best_net_bps if best_net_bps > 0 else None


@dataclass(frozen=True)
class Bar:
    """One requirement and whether it was met."""

    case: str
    what: str
    value: float
    limit: float
    is_met: bool


@dataclass(frozen=True)
class Proof(Generic[Row]):
    """The whole result of a proof."""

    rows: tuple[Row, ...]
    """Dataclasses."""
    bars: tuple[Bar, ...]

    @property
    def is_met(self) -> bool:
        return all(bar.is_met for bar in self.bars)

    def to_json(self) -> dict[str, Any]:
        """JSON-able: `rows`, `bars`, `is_met`."""
        rows: list[Any] = list(self.rows)
        return {
            "is_met": self.is_met,
            "bars": [asdict(bar) for bar in self.bars],
            "rows": [asdict(row) for row in rows],
        }


class LearnerProof(Proof[ProofRow]):
    """That of the learner."""

    def to_json(self) -> dict[str, Any]:
        """The same, each row with its shares."""
        told = super().to_json()
        shares = [{"share": row.share, "expected_share": row.expected_share} for row in self.rows]
        return told | {"rows": [row | own for row, own in zip(told["rows"], shares, strict=True)]}


def share_of_best(rows: Sequence[ProofRow]) -> float:
    """Mean profit over the rows / the best causal policy's mean profit; NaN where that is none."""
    best = sum(row.best_net_bps for row in rows)
    return sum(row.net_bps for row in rows) / best if best > 0 else float("nan")


def expected_share_of_best(rows: Sequence[ProofRow]) -> float:
    """The same, both without luck."""
    best = sum(row.best_expected_net_bps for row in rows)
    return sum(row.expected_net_bps for row in rows) / best if best > 0 else float("nan")


def at_least(case: str, what: str, value: float, limit: float) -> Bar:
    """A bar that `value` must reach; NaN does not."""
    return Bar(case, what, value, limit, bool(value >= limit))


def falling_trades(case: str, rows: Sequence[ProofRow]) -> Bar:
    """Trades, mean over the seeds of each variant in the order of the rows, never rise from one to the next.

    The bar's value is the greatest rise between two neighbours. An agent that never trades, or trades as
    often at the last as at the first, does not meet it.
    """
    variants = list(dict.fromkeys(row.variant for row in rows))
    means = [float(np.mean([row.trades for row in rows if row.variant == each])) for each in variants]
    rise = max((after - before for before, after in pairwise(means)), default=0.0)
    falls = bool(means) and means[-1] < means[0]
    return Bar(case, "trades a day fall with the fee: greatest rise", rise, 0.0, falls and rise <= 0.0)
