"""A day of the ensemble: signals are combined and endings learnt in the order in which they became known."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.analysis.outcome import milliseconds
from huracan.ensemble.columns import COMBINED, SIGNALS_SCHEMA, WEIGHTS_SCHEMA
from huracan.ensemble.hedge import Forecast, Forecaster, Hedge, Tally
from huracan.market.block import MS_PER_MINUTE
from huracan.models.canonical import canonical_json
from huracan.models.window import order_trades, won
from huracan.verdict import Verdict

Floats = NDArray[np.float64]

_TOLERANCE = 1e-6
"""Of a sum of losses, for rounding."""


@dataclass(frozen=True, eq=False)
class DaySignals:
    """The signals [n] of a day that became trades, and what members say of them."""

    signals: pa.Table
    """The columns `trade_id`, `symbol`, `signal_time`, `book`, `night` and `signal_weight` of SIGNALS_SCHEMA,
    in any order."""
    said: Mapping[str, Floats]
    """By seed, [n]; NaN where it said nothing."""
    chances: Mapping[str, Floats]
    """By member, [n] probabilities of winning; NaN where it sleeps."""


@dataclass(frozen=True, eq=False)
class CombinedDay:
    """SIGNALS_SCHEMA of the day, and what became of earlier signals."""

    table: pa.Table
    learnt: int
    """Signals that ended and of which something had been said."""
    unasked: int
    """Those of which nothing had been said."""
    vanished: int
    """Signals that were waited for and are in no book any more, because their day was made again."""


def combine_day(
    hedge: Hedge, day: DaySignals, ended: pa.Table, held: Collection[str], bar_minutes: int
) -> CombinedDay:
    """Moves `hedge` on by a day.

    `ended` holds the trades of both books that closed on the day (`trade_id`, `symbol`, `signal_time`,
    `exit_time`, `net_bps`), `held` the identities of those open at its end. How a trade ended is known at
    the close of the bar it was left in, `bar_minutes` after its exit time; a signal of that moment is
    combined by what was learnt from it, one of an earlier moment is not.
    """
    signals = order_trades(day.signals.append_column("row", pa.array(np.arange(day.signals.num_rows))))
    known = milliseconds(ended, "exit_time") + bar_minutes * MS_PER_MINUTE
    identities, wins = ended["trade_id"].to_pylist(), won(ended).tolist()
    waiting = sorted(zip(known.tolist(), identities, wins, strict=True), reverse=True)
    rows: list[dict[str, Any]] = []
    learnt = 0
    for moment, signal in zip(
        milliseconds(signals, "signal_time").tolist(), signals.to_pylist(), strict=True
    ):
        while waiting and waiting[-1][0] <= moment:
            learnt += hedge.learn(*waiting.pop()[1:])
        row = signal.pop("row")
        chances = {name: float(values[row]) for name, values in day.chances.items()}
        awake = {name: chance for name, chance in sorted(chances.items()) if np.isfinite(chance)}
        told = hedge.forecast(signal["trade_id"], awake, signal["signal_weight"])
        said = {name: float(values[row]) for name, values in day.said.items()}
        rows += _rows(signal, chances, said, told)
    while waiting:
        learnt += hedge.learn(*waiting.pop()[1:])
    vanished = sorted(set(hedge.waiting) - set(held))
    for trade_id in vanished:
        hedge.forget(trade_id)
    table = pa.Table.from_pylist(rows, schema=SIGNALS_SCHEMA)
    return CombinedDay(table, learnt, ended.num_rows - learnt, len(vanished))


def _rows(
    signal: Mapping[str, Any], chances: Mapping[str, float], said: Mapping[str, float], told: Forecast | None
) -> list[dict[str, Any]]:
    """One of each member and one of all together."""
    common = {**signal, "forecaster": None if told is None else told.forecaster}
    rows = [
        {
            **common,
            "member": name,
            "said": _known(said.get(name)),
            "probability": _known(chance),
            "weight": None if told is None else told.shares.get(name),
        }
        for name, chance in sorted(chances.items())
    ]
    together: dict[str, float | None] = {"probability": None, "disagreement": None}
    if told is not None:
        together = {"probability": told.probability, "disagreement": told.disagreement}
    return [*rows, {**common, "member": COMBINED, **together}]


def _known(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None


def weights_table(hedge: Hedge) -> pa.Table:
    """WEIGHTS_SCHEMA of what was learnt so far."""
    weights, best = hedge.weights(), hedge.best()
    rows = [
        {
            "member": name,
            "weight": weights[name],
            "signals": tally.signals,
            "signals_weight": tally.weight,
            "loss": tally.loss,
            "ensemble_loss": tally.ensemble_loss,
            "regret": tally.regret,
            "bound": hedge.bound(name),
            "best_member": best,
            "forecasters": len(hedge.forecasters),
        }
        for name, tally in sorted(hedge.tallies.items())
    ]
    return pa.Table.from_pylist(rows, schema=WEIGHTS_SCHEMA)


def judge_bound(weights: pa.Table) -> Verdict:
    """Check `ensemble_within_bound` of WEIGHTS_SCHEMA, blocking: no member was better by more than its bound.
    It holds by proof, so where it fails the code is wrong."""
    rows = weights.to_pylist()
    if not rows:
        return Verdict("ensemble_within_bound", True, "No signal has ended yet of which members spoke.")
    best = next(row for row in rows if row["member"] == row["best_member"])
    beyond = [row for row in rows if row["regret"] > row["bound"] + _TOLERANCE]
    said = (
        f"{best['member']} is ahead most: the ensemble lost {best['regret']:+.3f} against it over"
        f" {best['signals']} signals, and cannot lose more than {best['bound']:.3f}."
    )
    if beyond:
        names = ", ".join(row["member"] for row in beyond)
        said = f"The ensemble is behind {names} by more than can be: report it with the partition. {said}"
    numbers = {"regret": best["regret"], "bound": best["bound"], "signals": best["signals"]}
    return Verdict("ensemble_within_bound", not beyond, said, numbers)


def write_hedge(hedge: Hedge) -> bytes:
    """Canonical JSON, of which `read_hedge` is the inverse to the bit."""
    return canonical_json(asdict(hedge))


def read_hedge(content: bytes | None) -> Hedge:
    """What a night left; a beginning where there was none."""
    plain = json.loads(content or b"{}")
    return Hedge(
        [Forecaster(**each) for each in plain.get("forecasters", [])],
        {name: Forecast(**each) for name, each in plain.get("waiting", {}).items()},
        {name: Tally(**each) for name, each in plain.get("tallies", {}).items()},
    )
