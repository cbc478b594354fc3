"""Whether distance in memory means something: do near trades agree in regime and outcome more often than any
others do? Measured with its uncertainty. The search itself is in `nearest`."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.memory.nearest import NearestTrades
from huracan.analysis.outcome import Floats, Integers, milliseconds
from huracan.verdict import Verdict

_DAY_MS = 86_400_000
_NEIGHBOURS = 10
_MINIMUM_CHOICE = 50
"""Earlier trades that a trade must have to choose from: of fewer, the nearest are nearly all of them."""
_MINIMUM_TRADES, _MINIMUM_DAYS = 30, 5
_MOST_ASKED, _BLOCK = 2_000, 4_096
"""Neighbours of so many trades are looked for at most, among so many at once: memory stays bounded."""


@dataclass(frozen=True)
class Lift:
    """By how much the nearest agree more often than random ones do, as a difference of shares.

    `low` is the lower end of a one-sided 95% interval by Student's t over days: the trades of one day are not
    independent of each other (Liang and Zeger 1986, cluster-robust variance). NaN where it cannot be told.
    """

    near: float
    random: float
    mean: float
    low: float


def agreement_lift(
    memory: pa.Table, attribute: npt.NDArray[np.generic], asked: "Asked | None" = None
) -> tuple[Lift, int, int]:
    """The lift of `attribute` [trades], and the trades and days that it was measured on.

    `memory`: day, trade_id, symbol, side, regime, closed_at, net_bps, is_winner, embedding of one version.
    Neighbours and random trades are of earlier days alone and of the same side, so that neither what was open
    at the time nor the hour they share counts as likeness. `asked`: the neighbours, where they are known.
    """
    if not len(memory):
        return Lift(np.nan, np.nan, np.nan, np.nan), 0, 0
    asked = asked or Asked.of(memory)
    near, chance, choice = _shares(memory, attribute, asked)
    usable, starts = choice >= _MINIMUM_CHOICE, asked.starts_ms[asked.rows]
    trades, days = int(usable.sum()), len(np.unique(starts[usable]))
    if trades < _MINIMUM_TRADES or days < _MINIMUM_DAYS:
        return Lift(np.nan, np.nan, np.nan, np.nan), trades, days
    gain = near[usable] - chance[usable]
    return (
        Lift(
            float(near[usable].mean()),
            float(chance[usable].mean()),
            float(gain.mean()),
            _lower_end(gain, starts[usable]),
        ),
        trades,
        days,
    )


def judge_agreement(memory: pa.Table, version: str) -> Verdict:
    """Check `memory_agreement` on the trades of `memory` with vectors of `version`; it never stops a night.

    It fails where the nearest do not agree in regime and in outcome more often than random ones, beyond
    doubt. Where all trades are of one regime, or all of one outcome, that attribute says nothing.
    """
    known = memory.filter(pc.equal(memory["embedding_version"], version))
    regimes = known["regime"].combine_chunks().dictionary_encode()
    codes = np.asarray(pc.fill_null(regimes.indices, -1).to_numpy(zero_copy_only=False), dtype=np.int64)
    wins = np.asarray(known["is_winner"].to_numpy(), dtype=np.int64)
    attributes = {"regime": codes, "outcome": wins}
    asked = Asked.of(known) if len(known) else None
    lifts = {name: agreement_lift(known, values, asked) for name, values in attributes.items()}
    _, trades, days = lifts["regime"]
    numbers: dict[str, float | int | str | bool] = {"trades": trades, "days": days}
    if np.isnan(lifts["regime"][0].mean):
        reason = f"{trades} trades of {days} days have enough of a past: too few to tell."
        return Verdict("memory_agreement", True, reason, numbers, blocking=False)
    words, passed = [], True
    for name, (lift, _, _) in lifts.items():
        numbers |= {
            f"{name}_near": lift.near,
            f"{name}_random": lift.random,
            f"{name}_lift": lift.mean,
            f"{name}_lift_low": lift.low,
        }
        if lift.random == 1.0:
            words.append(f"{name}: the same for every trade, so that it cannot tell")
            continue
        passed = passed and lift.low > 0
        words.append(
            f"{name}: {lift.near:.1%} of the nearest agree, {lift.random:.1%} of random ones "
            f"(difference {lift.mean:+.1%}, at least {lift.low:+.1%})"
        )
    reason = f"{trades} trades of {days} days; {'; '.join(words)}."
    return Verdict("memory_agreement", passed, reason, numbers, blocking=False)


@dataclass(frozen=True, eq=False)
class Asked:
    """Whose neighbours were looked for, and which they are: of many trades some, at even distances."""

    rows: Integers
    """[asked] of the memory."""
    starts_ms: Integers
    """[trades] beginning of the day of each."""
    query: Integers
    """[pairs] which of those asked."""
    other: Integers
    """[pairs] row of its neighbour."""

    @staticmethod
    def of(memory: pa.Table) -> "Asked":
        """By exact search, block by block."""
        count = len(memory)
        starts = np.asarray(memory["day"].cast(pa.int32()).to_numpy(), dtype=np.int64) * _DAY_MS
        rows = np.unique(np.linspace(0, count - 1, min(count, _MOST_ASKED)).astype(np.int64))
        vectors = pc.list_flatten(memory["embedding"].combine_chunks()).to_numpy(zero_copy_only=False)
        vectors = np.asarray(vectors, dtype=np.float32).reshape(count, -1)
        sides = memory["side"].to_pylist()
        found = NearestTrades(vectors[rows], starts[rows], [sides[row] for row in rows], _NEIGHBOURS)
        identity = pa.array(np.arange(count).astype(str).tolist(), pa.string())
        named = memory.set_column(memory.column_names.index("trade_id"), "trade_id", identity)
        for first in range(0, count, _BLOCK):
            found.add(named.slice(first, _BLOCK), vectors[first : first + _BLOCK])
        table = found.neighbours()
        other = np.asarray(table["trade_id"].cast(pa.int64()).to_numpy())
        return Asked(rows, starts, table["query"].to_numpy(), other)


def _shares(
    memory: pa.Table, attribute: npt.NDArray[np.generic], asked: Asked
) -> tuple[Floats, Floats, Integers]:
    """[asked] the share of its nearest and of all its choice that has its attribute, and the choice."""
    rows, query, count = asked.rows, asked.query, asked.rows.size
    found = np.bincount(query, minlength=count)
    same = np.bincount(query, attribute[rows][query] == attribute[asked.other], minlength=count)
    closed, side = milliseconds(memory, "closed_at"), np.array(memory["side"].to_pylist())
    choice, alike = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for number, row in enumerate(rows.tolist()):
        before = (closed < asked.starts_ms[row]) & (side == side[row])
        choice[number], alike[number] = before.sum(), (before & (attribute == attribute[row])).sum()
    return same / np.maximum(found, 1), alike / np.maximum(choice, 1), choice


def _lower_end(gain: Floats, days: Integers) -> float:
    from scipy.stats import t

    _, cluster = np.unique(days, return_inverse=True)
    clusters = int(cluster.max()) + 1
    sums = np.bincount(cluster, gain - gain.mean())
    error = np.sqrt(np.sum(sums**2) * clusters / (clusters - 1)) / len(gain)
    return float(gain.mean() - t.ppf(0.95, clusters - 1) * error)
