"""When to enter, hold, add and leave with a known signal: dynamic programming back from an end.

Values are in bps of the notional of size 1, costs paid, summed to the end, at which what is open is sold, and
not discounted. Far from the end, where the rules are the same at every bar, they are those of a market
without one.
The state is (signal, place between stop and target, age) while holding and (signal) while flat. How a policy
made of it fares in the market is in `best_policy`.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from huracan.compiled import compiled
from huracan.errors import InvalidInput
from huracan.proof.planted_market import Floats
from huracan.proof.signal_filter import SignalModel

Singles = NDArray[np.float32]


@dataclass(frozen=True)
class StoppingProblem:
    """A market with one signal and the rules of a position in it."""

    signal: SignalModel
    volatility_bps: float
    """Of one bar's path around its drift: what decides whether a stop or target inside it is met."""
    cost_bps: float
    """Of one side."""
    stop_bps: float
    target_bps: float
    maximum_holding_bars: int


@dataclass(frozen=True)
class Grid:
    """How finely the problem is cut. `bars` before the end are solved; earlier bars are alike."""

    signals: int = 31
    places: int = 31
    bars: int = 360
    nodes: int = 5
    """Of the Gauss-Hermite rule over one bar's return."""


@dataclass(frozen=True, eq=False)
class StoppingRules:
    """The solution as thresholds of the signal. First axis: bars left to the end, 0 to Grid.bars."""

    problem: StoppingProblem
    entry: Floats
    """[bars left] enter above this."""
    leave: Singles
    """[bars left, place between stop and target, age] leave below this."""
    add: Singles
    """The same: buy more above this."""
    gain_bps_per_bar: float
    """What one more bar is worth, far from the end."""
    flat_value_bps: Floats
    """[signals] value of a flat account with `Grid.bars` left, on `signals`."""
    signals: Floats


@dataclass(frozen=True, eq=False)
class _Transition:
    weights: Floats
    """[K] of the nodes."""
    moves: Floats
    """[K, M, M] from a signal to the next one, given the node."""
    returns: Floats
    """[K, M] return of the next bar, given signal and node."""


@lru_cache(maxsize=16)
def solve(problem: StoppingProblem, grid: Grid | None = None) -> StoppingRules:
    """Backward induction from the end.

    Order of a bar as in the market: what is decided at a close fills at the next open; then the stop may be
    met inside the bar, then the target (crossing probabilities of a Brownian bridge), then the close. The
    solution is kept: the seeds of a proof share their problem. InvalidInput where the grid of signals is
    coarser than what a bar moves them.
    """
    cut = grid or Grid()
    signals = np.linspace(-4.0, 4.0, cut.signals) * problem.signal.signal_std
    places = np.linspace(-problem.stop_bps, problem.target_bps, cut.places)
    moved = _transition(problem.signal, signals, cut.nodes)
    # Age 0 is the open that fills the entry: a position is 1 bar old at that bar's close.
    ages = problem.maximum_holding_bars + 1
    entry = np.full(cut.bars + 1, np.inf)
    leave = np.full((cut.bars + 1, cut.places, ages), np.inf, np.float32)
    add, gained = leave.copy(), 0.0
    held = np.full((cut.signals, cut.places, ages), -problem.cost_bps)
    after = _Values(np.zeros(cut.signals), held, held)
    for left in range(1, cut.bars + 1):
        before, gains = _one_bar(after, problem, places, moved)
        entry[left] = _threshold(signals, gains.entering)
        leave[left] = _threshold(signals, gains.holding)
        add[left] = _threshold(signals, gains.adding)
        gained = float(np.mean(before.flat - after.flat))
        after = before
    return StoppingRules(problem, entry, leave, add, gained, after.flat, signals)


@dataclass(frozen=True, eq=False)
class _Values:
    flat: Floats
    """[M]"""
    held: Floats
    """[M, U, A] of a position and all that comes after it."""
    unit: Floats
    """[M, U, A] of a position alone, left when the whole one is: what an add is worth."""


@dataclass(frozen=True, eq=False)
class _Gains:
    """Of doing over not doing."""

    entering: Floats
    holding: Floats
    adding: Floats


def _one_bar(
    after: _Values, problem: StoppingProblem, places: Floats, moved: _Transition
) -> tuple[_Values, _Gains]:
    """The values a bar earlier, and what decides there."""
    stay = _expected(after.held, after.flat, problem, places, moved)
    stay_unit = _expected(after.unit, np.zeros_like(after.flat), problem, places, moved)
    waiting = np.einsum("k,kmn,n->m", moved.weights, moved.moves, after.flat)
    going = (waiting - problem.cost_bps)[:, None, None]
    entering = np.array([np.interp(0.0, places, row) for row in stay[:, :, 0]]) - problem.cost_bps
    stay[:, :, -1] = -np.inf  # the time-out
    holds = stay >= going
    values = _Values(
        flat=np.maximum(waiting, entering),
        held=np.where(holds, stay, going),
        unit=np.where(holds, stay_unit, -problem.cost_bps),
    )
    adding = np.where(holds, stay_unit - problem.cost_bps, -1.0)
    return values, _Gains(entering - waiting, stay - going, adding)


def _transition(signal: SignalModel, signals: Floats, nodes: int) -> _Transition:
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    means = signal.persistence * signals[None, :] + signal.return_gain * points[:, None]
    step = signals[1] - signals[0]
    edges = np.concatenate([[-np.inf], signals[:-1] + 0.5 * step, [np.inf]])
    if 0.0 < signal.noise_std < 0.4 * step:
        raise InvalidInput(
            f"A grid of {signals.size} signals is too coarse for steps of {signal.noise_std:.3g}.",
            "Give it more signals.",
        )
    # Rounding to the grid adds a variance of step^2 / 12, which is taken off the noise.
    spread = np.sqrt(max(signal.noise_std**2 - step**2 / 12.0, 1e-18))
    below = _normal_cdf((edges - means[:, :, None]) / spread)
    returns = signal.edge_bps * signals + signal.return_std_bps * points[:, None]
    return _Transition(weights / weights.sum(), np.diff(below, axis=2), returns)


def _normal_cdf(values: Floats) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(values), dtype=np.float64)


def _expected(
    held: Floats, flat: Floats, problem: StoppingProblem, places: Floats, moved: _Transition
) -> Floats:
    """[M, U, A] value of staying in for the next bar: its return and what follows; age + 1 from age."""
    ahead = np.roll(held, -1, axis=2)
    shape = (moved.weights.size, *held.shape)
    following = (moved.moves @ ahead.reshape(held.shape[0], -1)).reshape(shape)
    out = moved.moves @ flat - problem.cost_bps
    return _staying(following, out, moved.weights, moved.returns, places, problem.volatility_bps)


@compiled
def _staying(
    following: Floats, out: Floats, weights: Floats, returns: Floats, places: Floats, volatility: float
) -> Floats:
    nodes, signals, cuts, ages = following.shape
    stop, target, step = places[0], places[-1], places[1] - places[0]
    variance = max(volatility * volatility, 1e-12)
    result = np.zeros((signals, cuts, ages))
    for m in range(signals):
        for u in range(cuts):
            place = places[u]
            row = result[m, u]
            for k in range(nodes):
                moved = returns[k, m]
                after = place + moved
                stops = 1.0 if after <= stop else np.exp(-2.0 * (place - stop) * (after - stop) / variance)
                meets = (
                    1.0 if after >= target else np.exp(-2.0 * (target - place) * (target - after) / variance)
                )
                meets *= 1.0 - stops
                stays = 1.0 - stops - meets
                fixed = stops * (stop - place + out[k, m]) + meets * (target - place + out[k, m])
                fixed += stays * moved
                where = min(max((after - stop) / step, 0.0), cuts - 1.000001)
                low = int(where)
                share = where - low
                first, second = following[k, m, low], following[k, m, low + 1]
                lower, upper = weights[k] * stays * (1.0 - share), weights[k] * stays * share
                fixed *= weights[k]
                for a in range(ages):
                    row[a] += fixed + lower * first[a] + upper * second[a]
    return result


def _threshold(signals: Floats, better: Floats) -> Floats:
    """The signal at which `better` [M, ...] turns positive for good, interpolated; +-inf where it never does.

    Where it is positive at every signal the threshold is -inf, where at none inf.
    """
    count = signals.size
    positive = better > 0.0
    # Index of the highest signal that is not positive; -1 where all are.
    highest = count - 1 - np.argmax(~positive[::-1], axis=0)
    highest = np.where(positive.all(axis=0), -1, highest)
    low = np.clip(highest, 0, count - 2)[None]
    under = np.take_along_axis(better, low, axis=0)[0]
    over = np.take_along_axis(better, low + 1, axis=0)[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.clip(-under / (over - under), 0.0, 1.0)
    share = np.where(np.isfinite(share), share, 1.0)
    crossing = signals[low[0]] + share * (signals[1] - signals[0])
    return np.where(highest < 0, -np.inf, np.where(highest == count - 1, np.inf, crossing))
