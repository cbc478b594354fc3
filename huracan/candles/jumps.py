"""Is a move of the close believable? Judged against the last known close, over gaps, halts and midnights.

Three rules: no move beyond the limit that the symbol's own restlessness does not explain; no fall to a plain
fraction (a half, a third) that comes out of calm and holds, as a token swap does; no move that another market
of the coin did not make. What another market made too was a move of the coin, unless its factor is plain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_RESTLESS = 8.0
"""Deviations over the span of a move up to which the symbol's own history explains it."""
_CALM = 50.0
"""Deviations from which on a plain factor comes out of calm."""
_LEAST_DEVIATION = 1e-4
_PLAIN_TOLERANCE, _WIDEST_TOLERANCE = 0.02, 0.1
_LARGEST_FIGURE = 5
_LEAST_PLAIN = np.log(1.9)
_SAME_MOVE = np.log(1.15)
"""Two markets of a coin that moved alike within this made the same move."""
_OTHER_MOVE = np.log(1.2)
_FOLLOWING_BARS = 30
_LEAST_MOVES = 30
_NORMAL = 0.6745
"""Median of |x| of a standard normal x."""
_DAY_MS = 86_400_000
_DOLLARS = {"USD", "USDT", "USDC", "BUSD", "FDUSD", "TUSD", "USDP", "USD1", "DAI"}
_LEAST_STEPS = 3
"""So many moves of the least size make that size the step in which a cheap coin's price moves."""


@dataclass(frozen=True)
class LastClose:
    """The close that a symbol was last known to have, and how restless it was by then."""

    open_time_ms: int
    close: float
    deviation: float
    """robust standard deviation of the log close from bar to bar; NaN where too few bars tell"""
    is_disputed: bool = False
    """what came after it was a jump that nobody declared"""


@dataclass(frozen=True)
class SymbolCloses:
    """One symbol's day: closes by bar, NaN where none, and what was known before."""

    symbol: str
    closes: FloatArray
    known: LastClose | None

    def path(self, start_ms: int, step_ms: int) -> tuple[IntArray, FloatArray]:
        """Bars with a close and the closes; the last known one first, at a bar below 0."""
        bars = np.flatnonzero(np.isfinite(self.closes)).astype(np.int64)
        closes = self.closes[bars]
        if self.known is None:
            return bars, closes
        before = (self.known.open_time_ms - start_ms) // step_ms
        if self.known.is_disputed:
            # A jump becomes no more likely by waiting.
            before = max(before, -(_DAY_MS // step_ms))
        return np.concatenate([[before], bars]), np.concatenate([[self.known.close], closes])

    @property
    def market(self) -> tuple[str, str]:
        """The coin, and what its price is in: dollars of all kinds are one."""
        coin, _, quote = self.symbol.split(":")[0].partition("/")
        return coin, "USD" if quote in _DOLLARS else quote


@dataclass(frozen=True)
class Jump:
    """The move that is not believed: `factor` from the close of `since` (bar, below 0 before the day)."""

    symbol: str
    bar: int
    since: int
    factor: float
    plain: float | None
    """the plain number that the factor is, within what the symbol moves anyway"""
    other: str
    """a market of the coin that did not make it; empty where there is none"""


def deviation_of(closes: FloatArray) -> float:
    """Robust standard deviation of the log close from bar to bar (median of |move| over 0.6745); NaN where
    fewer than 30 pairs of adjacent bars, or half of the day's, have closes."""
    with np.errstate(invalid="ignore", divide="ignore"):
        moves = np.abs(np.diff(np.log(closes)))
    moves = moves[np.isfinite(moves)]
    least = min(_LEAST_MOVES, len(closes) // 2)
    return float(np.median(moves)) / _NORMAL if len(moves) >= max(least, 1) else float("nan")


def plain_factor(factor: float, deviation: float = 0.0) -> float | None:
    """The number k or 1/k that `factor` is, for k of one figure up to 5 (2, 10, 300, ...); else None.

    Within 2 %, or three of the `deviation` by which the price moved meanwhile, but never more than 10 %.
    """
    tolerance = min(max(_PLAIN_TOLERANCE, 3.0 * deviation), _WIDEST_TOLERANCE)
    size = max(factor, 1.0 / factor)
    magnitude = 10.0 ** np.floor(np.log10(size) + np.log10(1 + tolerance))
    plain = float(round(size / magnitude) * magnitude)
    if plain < 2 or plain / magnitude > _LARGEST_FIGURE or abs(size / plain - 1) > tolerance:
        return None
    return plain if factor > 1 else 1.0 / plain


def find_jumps(
    symbols: Sequence[SymbolCloses],
    start_ms: int,
    step_ms: int,
    maximum_move_pct: float,
    declared_ms: Mapping[str, Sequence[int]],
) -> dict[str, Jump]:
    """The first unbelievable move of every symbol that has one; `declared_ms` are moments by symbol across
    which a move was declared as real."""
    paths = {each.symbol: each.path(start_ms, step_ms) for each in symbols}
    found = {}
    for each in symbols:
        bars, closes = paths[each.symbol]
        rivals = {
            other.symbol: paths[other.symbol]
            for other in symbols
            if other.market == each.market and other.symbol != each.symbol
        }
        moments, spans = declared_ms.get(each.symbol, ()), _deviations(each, bars)
        for end, rule in _suspects(closes, spans, maximum_move_pct).items():
            since, bar = int(bars[end - 1]), int(bars[end])
            if any(start_ms + since * step_ms < at <= start_ms + bar * step_ms for at in moments):
                continue
            factor = float(closes[end] / closes[end - 1])
            plain = plain_factor(factor, float(spans[end - 1]))
            other, did_move = _other_market(since, bar, factor, rivals)
            is_jump = {
                "limit": not did_move or plain is not None,
                "plain": plain is not None and _holds(closes[end:], factor),
                "other": bool(other) and not did_move and _holds(closes[end:], factor),
            }[rule]
            if is_jump:
                found[each.symbol] = Jump(each.symbol, bar, since, factor, plain, other)
                break
    return found


def _deviations(each: SymbolCloses, bars: IntArray) -> FloatArray:
    """The standard deviation of the log close over each span of the path, by the symbol's own history."""
    known = each.known.deviation if each.known is not None else float("nan")
    deviation = np.nanmax([_LEAST_DEVIATION, known, deviation_of(each.closes)])
    return np.asarray(deviation * np.sqrt(np.diff(bars)))


def _suspects(closes: FloatArray, spans: FloatArray, maximum_move_pct: float) -> dict[int, str]:
    """Index in the path -> which rule asks: `limit`, `plain` or only `other`."""
    moves = np.diff(np.log(closes))
    up = np.log1p(maximum_move_pct / 100)
    down = -np.log1p(-min(maximum_move_pct / 100, 1 - 1e-12))
    limit = np.maximum(np.where(moves > 0, up, down), _RESTLESS * spans)
    size = np.abs(moves)
    is_calm = size > np.maximum(_LEAST_PLAIN, _CALM * spans)
    rules = np.select([size > limit, is_calm, size > _OTHER_MOVE], ["limit", "plain", "other"], "")
    rules[_is_one_step(closes)] = ""
    return {int(index) + 1: str(rules[index]) for index in np.flatnonzero(rules != "")}


def _is_one_step(closes: FloatArray) -> npt.NDArray[np.bool_]:
    """[moves] whether the price moved by no more than two of the steps in which it moves at all."""
    sizes = np.abs(np.diff(closes))
    least = sizes[sizes > 0].min(initial=np.inf)
    is_step = sizes < 2.5 * least
    has_steps = np.count_nonzero((sizes > 0) & (sizes < 1.5 * least)) >= _LEAST_STEPS
    return np.asarray(is_step & has_steps, dtype=np.bool_)


def _other_market(
    since: int, bar: int, factor: float, rivals: Mapping[str, tuple[IntArray, FloatArray]]
) -> tuple[str, bool]:
    """A market of the coin that did not move alike, and whether one did; "" where none has closes at both
    ends."""
    unlike = ""
    for name, (bars, closes) in rivals.items():
        before, after = int(np.searchsorted(bars, since, "right")) - 1, int(np.searchsorted(bars, bar))
        if before < 0 or after == len(bars) or bars[after] - bars[before] > 2 * (bar - since):
            continue
        if abs(np.log(factor * closes[before] / closes[after])) <= _SAME_MOVE:
            return "", True
        unlike = unlike or name
    return unlike, False


def _holds(closes: FloatArray, factor: float) -> bool:
    """Whether the closes after the move stay where it led: a swap does not come back."""
    following = np.median(closes[1 : 1 + _FOLLOWING_BARS]) if len(closes) > 1 else closes[0]
    return bool(abs(np.log(following / closes[0])) <= abs(np.log(factor)) / 2)
