"""How many signals a gate should pass: within bounds, and fewer where those that it passes lose."""

from dataclasses import dataclass

import numpy as np

from huracan.gates.worth.bootstrap import mean_interval
from huracan.gates.worth.config import GateWorthConfig
from huracan.gates.worth.judged import JudgedBook


@dataclass(frozen=True)
class PassedRecord:
    """What became of the signals that a gate passed, each at the size of the whole trade."""

    pass_rate: float
    """Of passed and blocked."""
    win_rate: float | None
    """None where nothing passed."""
    break_even: float | None
    """The win rate at which they would have earned nothing: their mean loss over mean win plus mean loss;
    None without a winner or a loser."""
    low_bps: float
    """Lower end of the interval of 95 % of their mean net, by days; NaN with too few."""
    high_bps: float
    swing_bps: float
    """Mean win plus mean loss: the mean net for each 1 by which the win rate exceeds its break-even."""


@dataclass(frozen=True)
class Governed:
    """What the governor proposes."""

    pass_rate: float
    factor: float | None
    """Of the pass rate as it is: below 1 tightens. None where nothing passed."""
    reason: str
    excess: float = 0.0
    """By how much the win rate differs from its break-even, beyond what the interval leaves open; below 0:
    what passes surely loses."""


def passed_record(pass_rate: float, passed: JudgedBook, generator: np.random.Generator) -> PassedRecord:
    """Of the signals `passed`."""
    net_bps, weight, wins = passed.net_bps, passed.weight, passed.net_bps > 0.0
    nan = float("nan")
    if not weight.sum() > 0.0:
        return PassedRecord(pass_rate, None, None, nan, nan, nan)
    won, lost = float(weight[wins].sum()), float(weight[~wins].sum())
    break_even, swing = None, nan
    if won > 0.0 and lost > 0.0:
        gain = float(net_bps[wins] @ weight[wins]) / won
        loss = -float(net_bps[~wins] @ weight[~wins]) / lost
        break_even, swing = loss / (gain + loss), gain + loss
    _, low, high = mean_interval(passed.night, net_bps[:, None], weight[:, None], generator)
    return PassedRecord(pass_rate, won / (won + lost), break_even, float(low[0]), float(high[0]), swing)


def govern(record: PassedRecord, config: GateWorthConfig) -> Governed:
    """A pass rate within the bounds: as it is, times exp(gain * (win rate - break-even)).

    Of that difference only what the interval of the mean net leaves beyond 0 counts, over mean win plus mean
    loss: an interval that holds 0 moves nothing, and a lower result never passes more. Once in twenty nights
    chance alone puts 0 outside.
    """
    excess, told = _excess(record)
    wanted = record.pass_rate * float(np.exp(config.win_rate_gain * excess))
    kept = min(max(wanted, config.lowest_pass_rate), config.highest_pass_rate)
    factor = kept / record.pass_rate if record.pass_rate > 0.0 else None
    if kept != wanted:
        bound = "lowest" if kept > wanted else "highest"
        told = f"{told} The {bound} pass rate that the settings allow is {kept:.3f}."
    return Governed(kept, factor, told, excess)


def _excess(record: PassedRecord) -> tuple[float, str]:
    """By how much the win rate exceeds its break-even beyond the interval, and that in a sentence."""
    if record.win_rate is None:
        return 0.0, "It passed nothing."
    if record.break_even is None:
        only = "only winners" if record.win_rate > 0.0 else "no winner"
        return 0.0, f"It passed {only}: there is no win rate that breaks even."
    rates = f"Its passed signals win {record.win_rate:.3f}, and {record.break_even:.3f} breaks even"
    if not np.isfinite(record.low_bps):
        return 0.0, f"{rates}; too few nights tell how sure that is."
    beyond = min(record.high_bps, 0.0) + max(record.low_bps, 0.0)
    how = "below 0" if beyond < 0.0 else "above 0" if beyond > 0.0 else "around 0"
    interval = f"an interval of {record.low_bps:+.2f} to {record.high_bps:+.2f} bps, {how}"
    # No win rate lies further off than 1, which an interval may.
    return min(max(beyond / record.swing_bps, -1.0), 1.0), f"{rates}; their mean net has {interval}."
