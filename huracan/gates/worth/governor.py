"""How many signals a gate should pass: within bounds, and fewer where those that it passes win too seldom."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huracan.evaluation.jackknife import effective_count
from huracan.evaluation.wilson import wilson_interval
from huracan.gates.worth.config import GateWorthConfig

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PassedRecord:
    """What became of the signals that a gate passed."""

    pass_rate: float
    """Of passed and blocked."""
    win_rate: float | None
    """None where nothing passed."""
    break_even: float | None
    """The win rate at which they would have earned nothing: their mean loss over mean win plus mean loss;
    None without a winner or a loser."""
    effective_trades: float


@dataclass(frozen=True)
class Governed:
    """What the governor proposes."""

    pass_rate: float
    factor: float | None
    """Of the pass rate as it is: below 1 tightens. None where nothing passed."""
    reason: str


def passed_record(pass_rate: float, net_bps: Floats, weight: Floats) -> PassedRecord:
    """Of the passed signals' results `net_bps` [n] and what each counts for."""
    total, wins = float(weight.sum()), net_bps > 0.0
    if total <= 0.0:
        return PassedRecord(pass_rate, None, None, 0.0)
    won, lost = float(weight[wins].sum()), float(weight[~wins].sum())
    break_even = None
    if won > 0.0 and lost > 0.0:
        gain = float(net_bps[wins] @ weight[wins]) / won
        loss = -float(net_bps[~wins] @ weight[~wins]) / lost
        break_even = loss / (gain + loss)
    return PassedRecord(pass_rate, won / total, break_even, effective_count(weight))


def govern(record: PassedRecord, config: GateWorthConfig) -> Governed:
    """A pass rate within the bounds: as it is, times exp(gain * (win rate - break-even)) where the two surely
    differ. Only what Wilson's interval of the win rate leaves beyond the break-even counts, so chance moves
    nothing; a lower win rate never passes more."""
    excess, told = _excess(record)
    wanted = record.pass_rate * float(np.exp(config.win_rate_gain * excess))
    kept = min(max(wanted, config.lowest_pass_rate), config.highest_pass_rate)
    factor = kept / record.pass_rate if record.pass_rate > 0.0 else None
    if kept != wanted:
        bound = "lowest" if kept > wanted else "highest"
        told = f"{told} The {bound} pass rate that the settings allow is {kept:.3f}."
    return Governed(kept, factor, told)


def _excess(record: PassedRecord) -> tuple[float, str]:
    """By how much the win rate surely exceeds its break-even, and that in a sentence."""
    if record.win_rate is None:
        return 0.0, "It passed nothing."
    if record.break_even is None:
        only = "only winners" if record.win_rate > 0.0 else "no winner"
        return 0.0, f"It passed {only}: there is no win rate that breaks even."
    low, high = wilson_interval(record.win_rate * record.effective_trades, record.effective_trades) or (
        0.0,
        1.0,
    )
    excess = min(high - record.break_even, 0.0) + max(low - record.break_even, 0.0)
    how = "surely below" if excess < 0.0 else "surely above" if excess > 0.0 else "not surely other than"
    return (
        excess,
        f"Its passed signals win {record.win_rate:.3f}, {how} the {record.break_even:.3f} that breaks even.",
    )
