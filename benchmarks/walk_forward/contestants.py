"""Those who trade the days of a case by the market's own fills, and what their positions brought day by day.

The policy itself is read from the lake (`ledger`); boosting has a file of its own (`boosting`).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from huracan.durations import MINUTES_PER_DAY
from huracan.market.actions import ENTER_FULL_INDEX
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.held_entries import bars_to_enter, hold_entries
from huracan.market.rules import TradingRules
from huracan.units import WHOLE_BPS
from walk_forward.statistics import Floats

Integers = NDArray[np.int64]
POLICY, HOLDING, RANDOM = "policy", "buy and hold", "random"
BOOSTING, TREND = "boosting", "trend"
_FOR_EVER = "10000d"
_OUT_OF_REACH_BPS = 1e8
"""The market itself puts no stop nearer to a price of 0 than 1,000 bps."""


@dataclass(frozen=True, eq=False)
class Contestant:
    """What one of them did on the traded days; of the random ones the mean of the draws."""

    name: str
    trades: float
    daily_usd: Floats
    """[days] change of marked equity; of rivals a position's costs are all paid on the day of its exit."""
    closed_net_usd: float
    """Of all closed trades..."""
    entered_usd: float
    """...what they entered with, at reference prices..."""
    turned_over_usd: float
    """...the value of their fills..."""
    fee_usd: float
    """...and the exchange's part of their costs."""
    held_share: float
    """Of symbols and time, with a position."""

    @property
    def net_usd(self) -> float:
        return float(self.daily_usd.sum())

    @property
    def net_bps(self) -> float | None:
        """Of what was entered; None without a trade."""
        return self.closed_net_usd / self.entered_usd * WHOLE_BPS if self.entered_usd > 0 else None

    @property
    def break_even_fee_bps(self) -> float | None:
        """Fee of each side at which the trades would have earned nothing; below 0: none is low enough."""
        if self.turned_over_usd <= 0:
            return None
        return (self.closed_net_usd + self.fee_usd) / self.turned_over_usd * WHOLE_BPS


@dataclass(frozen=True, eq=False)
class TradedDays:
    """The market of the traded days, from the last decision bar before them on, with rules and costs."""

    block: MarketBlock
    rules: TradingRules
    costs: CostAssumptions

    @property
    def days(self) -> int:
        """The day of the first decision is not traded."""
        return self.block.day_count - 1


def contestant_of(name: str, closed: NDArray[np.void], traded: TradedDays) -> Contestant:
    """One contestant from the CLOSED records of its trades."""
    return Contestant(
        name,
        trades=float(closed.size),
        daily_usd=daily_results(closed, np.zeros(closed.size, np.int64), 1, traded)[0],
        **_sums(closed, 1, traded),
    )


def daily_results(closed: NDArray[np.void], groups: Integers, count: int, traded: TradedDays) -> Floats:
    """[count, days] what the records of each of `groups` [records] brought: marked at each day's last close,
    and net on the day of the exit."""
    block = traded.block
    ends = np.append(block.day_first[1:], block.bar_count) - 1
    entry, left = block.day_of_bar[closed["entry_bar"]], block.day_of_bar[closed["exit_bar"]]
    symbol, sign = closed["symbol"], closed["side"] * closed["quantity"]
    before = np.zeros(closed.size)
    result = np.zeros((count, block.day_count))
    for day in range(block.day_count):
        marked = sign * (block.close[symbol, ends[day]] - closed["entry_reference"])
        until = np.where(left <= day, closed["net_usd"], np.where(entry <= day, marked, 0.0))
        result[:, day] = np.bincount(groups, until - before, count)
        before = until
    return result[:, 1:]


def _sums(closed: NDArray[np.void], draws: int, traded: TradedDays) -> dict[str, float]:
    """What a contestant needs beside its days; of several draws the mean."""
    quantity = closed["quantity"]
    held = float((closed["exit_bar"] - closed["entry_bar"]).sum()) / draws
    return {
        "closed_net_usd": float(closed["net_usd"].sum()) / draws,
        "entered_usd": float((quantity * closed["entry_reference"]).sum()) / draws,
        "turned_over_usd": float((quantity * (closed["entry_price"] + closed["exit_price"])).sum()) / draws,
        "fee_usd": float(closed["fee_usd"].sum()) / draws,
        "held_share": held / (traded.block.symbol_count * traded.block.bar_count),
    }


def hold_all(traded: TradedDays) -> Contestant:
    """Every symbol bought at the first decision at which it can be, and held to the end: its liquidation
    value counts."""
    able = bars_to_enter(traded.block)
    symbols = np.flatnonzero(able.any(axis=1))
    first = able[symbols].argmax(axis=1)
    forever = np.full(symbols.size, traded.block.bar_count)
    return contestant_of(HOLDING, _free(traded, symbols, first, forever), traded)


def follow_trend(traded: TradedDays, lead_close: Floats, fast: int, slow: int) -> Contestant:
    """In while the mean of the last `fast` decision closes is above that of the last `slow`, looked at in
    every decision; neither stop, target nor time-out. `lead_close` [symbols, slow - 1 or more] are the
    decision closes before the block's first."""
    block = traded.block
    closes, able = block.decision_closes, bars_to_enter(block)
    symbols: list[int] = []
    entries: list[int] = []
    holding: list[int] = []
    for symbol in range(block.symbol_count):
        seen = np.concatenate([lead_close[symbol], block.close[symbol, closes]])
        is_up = (_mean(seen, fast) > _mean(seen, slow))[-closes.size :]
        start = None
        for row, bar in enumerate(closes):
            if start is None and is_up[row] and able[symbol, bar]:
                start = int(bar)
            elif start is not None and not is_up[row]:
                symbols.append(symbol)
                entries.append(start)
                holding.append(int(bar) - start)
                start = None
        if start is not None:
            symbols.append(symbol)
            entries.append(start)
            holding.append(block.bar_count)
    closed = _free(traded, np.array(symbols, int), np.array(entries, int), np.array(holding, int))
    return contestant_of(TREND, closed, traded)


def _mean(values: Floats, span: int) -> Floats:
    """Of the last `span` values at each of them; NaN, which is above nothing, before there are as many."""
    total = np.cumsum(np.insert(values, 0, 0.0))
    lead = np.full(min(span - 1, values.size), np.nan)
    return np.concatenate([lead, (total[span:] - total[:-span]) / span])


def _free(traded: TradedDays, symbols: Integers, bars: Integers, holding: Integers) -> NDArray[np.void]:
    """Full entries held so long, without stop, target or time-out."""
    rules = replace(
        traded.rules,
        stop_floor_bps=_OUT_OF_REACH_BPS,
        target_floor_bps=_OUT_OF_REACH_BPS,
        maximum_holding=_FOR_EVER,
        allow_short=False,
    )
    indices = symbols * traded.block.bar_count + bars
    entries = np.full(indices.size, ENTER_FULL_INDEX)
    return hold_entries(traded.block, rules, traded.costs, indices, entries, holding)


@dataclass(frozen=True, eq=False)
class Signals:
    """Entries of the policy, arrays [trades]."""

    symbol: Integers
    bar: Integers
    """The decision's close."""
    entry: Integers
    """The action."""
    bars_held: Integers


@dataclass(frozen=True, eq=False)
class RandomRivals:
    """Their mean, and what every draw made."""

    mean: Contestant
    net_usd: Floats
    """[draws]"""


def draw_rivals(
    traded: TradedDays, signals: Signals, draws: int, generator: np.random.Generator
) -> RandomRivals:
    """The policy's entries at other times of their day: in each draw all entries of a day, of every symbol,
    are moved round it by one random number of decisions. Each is held for as long as the policy held its own,
    unless stop, target or time-out comes first; what cannot be entered lapses."""
    block = traded.block
    day = block.day_of_bar[np.minimum(signals.bar + 1, block.bar_count - 1)]
    per_day = MINUTES_PER_DAY // (block.bar_minutes * block.decision_bars)
    first = block.day_first[day] // block.decision_bars - 1
    row = (signals.bar + 1) // block.decision_bars - 1 - first
    moved = generator.integers(0, per_day, (draws, block.day_count))[:, day]
    bar = (first + (row + moved) % per_day + 1) * block.decision_bars - 1
    indices = (signals.symbol * block.bar_count + bar).reshape(-1)
    able = bars_to_enter(block).reshape(-1)[indices]
    numbers = np.tile(np.arange(signals.bar.size), draws)[able]
    draw = np.repeat(np.arange(draws), signals.bar.size)[able]
    closed = hold_entries(
        block,
        traded.rules,
        traded.costs,
        indices[able],
        signals.entry[numbers],
        np.maximum(signals.bars_held, 1)[numbers],
    )
    found = daily_results(closed, draw[closed["lane"]], draws, traded)
    mean = Contestant(
        RANDOM, trades=closed.size / draws, daily_usd=found.mean(axis=0), **_sums(closed, draws, traded)
    )
    return RandomRivals(mean, found.sum(axis=1))
