"""Random rivals: the same schedule of trades at another time.

All trades of all symbols are moved by one offset, circular over the block, so that a rival holds as long, as
often and as many symbols at once as whom it is compared with: only when is left to chance. A trade risks as
much as before: its notional is multiplied by the volatility at its own entry over that at the moved one. It
is filled at opens and left after its holding time; no stop is replayed, because where prices are martingales
a stop changes the shape of a result and not its variance for the time that it was held (Wald). A rival pays
what was paid.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.market.block import MS_PER_MINUTE, MarketBlock
from huracan.market.ledger import LONG
from huracan.market.rules import TradingRules
from huracan.units import WHOLE_BPS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
DRAWS = 199
"""With the schedule itself 200: chances are multiples of half a percent."""
_LEAST_OF_MEDIAN = 0.1
"""A market that stands still has next to no volatility: nobody would hold the risk of other times there."""


@dataclass(frozen=True, eq=False)
class Schedule:
    """Trades [n] as they are moved."""

    symbol: Integers
    """Index in the block."""
    side: Integers
    """1 long, -1 short."""
    entry_bar: Integers
    """In the block; below 0 where it was entered before."""
    held_bars: Integers
    """At least 1."""
    notional_usd: Floats
    volatility_bps: Floats
    """Of one bar, at the signal."""
    gross_usd: Floats
    """What was made before costs."""
    cost_usd: Floats

    @property
    def count(self) -> int:
        return int(self.symbol.size)

    def plain(self) -> dict[str, list[float]]:
        """As plain JSON values."""
        return {each.name: getattr(self, each.name).tolist() for each in fields(self)}

    @staticmethod
    def read(plain: Mapping[str, Any]) -> "Schedule":
        """The inverse of `plain`, to the bit."""
        values: dict[str, Any] = {
            each.name: np.array(plain[each.name], np.int64 if each.type is Integers else np.float64)
            for each in fields(Schedule)
        }
        return Schedule(**values)

    @staticmethod
    def of_closed(closed: NDArray[np.void]) -> "Schedule":
        """Of CLOSED records of a session on the block."""
        gross = closed["gross_usd"].astype(np.float64)
        return Schedule(
            symbol=closed["symbol"].astype(np.int64),
            side=closed["side"].astype(np.int64),
            entry_bar=closed["entry_bar"].astype(np.int64),
            held_bars=np.maximum(closed["exit_bar"].astype(np.int64) - closed["entry_bar"], 1),
            notional_usd=closed["quantity"] * closed["entry_reference"],
            volatility_bps=closed["volatility_bps"].astype(np.float64),
            gross_usd=gross,
            cost_usd=gross - closed["net_usd"],
        )

    @staticmethod
    def of_tables(trades: pa.Table, accounts: pa.Table, block: MarketBlock) -> "Schedule":
        """Of trades (TRADES_SCHEMA) and of what `accounts` (OPEN_POSITIONS_SCHEMA) hold, as long as they have
        held it; what they made is not known yet and 0 here. Trades of symbols that the block lacks are left
        out: there is no market to move them in."""
        held = accounts.filter(pc.is_valid(accounts["side"]))
        entered, left = (_milliseconds(trades[name]) for name in ("entry_time", "exit_time"))
        opened, as_of = (_milliseconds(held[name]) for name in ("entry_time", "as_of"))
        names = np.array(trades["symbol"].to_pylist() + held["symbol"].to_pylist(), dtype=object)
        sides = np.array(trades["side"].to_pylist() + held["side"].to_pylist(), dtype=object)
        place = {symbol: index for index, symbol in enumerate(block.symbols)}
        known = np.array([name in place for name in names], np.bool_)
        bar_ms = block.bar_minutes * MS_PER_MINUTE
        entry = np.concatenate([entered, opened])
        lasted = np.concatenate([left - entered, as_of - opened])
        nothing = np.zeros(held.num_rows)
        gross = np.concatenate([_floats(trades, "gross_usd"), nothing])
        every = Schedule(
            symbol=np.array([place.get(name, 0) for name in names], np.int64),
            side=np.where(sides == LONG, 1, -1).astype(np.int64),
            entry_bar=(entry - int(block.open_time_ms[0])) // bar_ms,
            held_bars=np.maximum(lasted // bar_ms, 1),
            notional_usd=np.concatenate(
                [_floats(trades, "notional_usd"), _floats(held, "opened_reference_usd")]
            ),
            volatility_bps=np.concatenate(
                [_floats(trades, "entry_volatility_bps"), _floats(held, "volatility_bps")]
            ),
            gross_usd=gross,
            cost_usd=gross - np.concatenate([_floats(trades, "net_usd"), nothing]),
        )
        return Schedule(**{each.name: getattr(every, each.name)[known] for each in fields(every)})


@dataclass(frozen=True, eq=False)
class Rivals:
    """What the moved schedules made."""

    net_usd: Floats
    """[draws] after what was paid."""
    trade_net_usd: Floats
    """[draws, trades]"""
    exit_bar: Integers
    """[draws, trades] in the block."""
    chance: float
    """(1 + rivals that did as well) / (1 + draws): of doing as well without skill. 1 without a trade."""


def rivals_of(
    schedule: Schedule,
    block: MarketBlock,
    rules: TradingRules,
    generator: np.random.Generator,
    draws: int = DRAWS,
) -> Rivals:
    """Of offsets that are drawn without replacement; all of them where there are fewer than `draws`."""
    others = np.arange(1, block.bar_count)
    offsets = others if others.size <= draws else generator.choice(others, draws, replace=False)
    gross, exits = _moved(schedule, block, rules, offsets)
    net = gross - schedule.cost_usd
    made, total = float((schedule.gross_usd - schedule.cost_usd).sum()), net.sum(axis=1)
    # The same moves differ in their last bits.
    tie_usd = 1e-9 * float(schedule.notional_usd.sum())
    as_well = int(np.count_nonzero(total >= made - tie_usd))
    chance = (1.0 + as_well) / (1.0 + offsets.size) if schedule.count else 1.0
    return Rivals(total, net, exits, chance)


def mean_rival_gross_usd(
    schedule: Schedule,
    block: MarketBlock,
    rules: TradingRules,
    first_bar: int,
    last_bar: int,
    span_bars: int,
) -> float:
    """The mean over all offsets of what a pooled schedule, moved, makes on the bars from `first_bar` to
    `last_bar` before costs, USD.

    `span_bars` are those of the whole span that trades are moved in; of them the block holds the wanted ones,
    led by as many as positions last. A trade moved to bar e makes the part of its holding time that lies in
    the wanted bars, marked at the first open and at the last close; every e is as likely as any other.
    """
    log_price, scale = _log_price(block), _inverse_volatility(block, rules)
    end, total = last_bar + 1, 0.0
    keys = np.stack([schedule.symbol, schedule.held_bars], axis=1)
    risk = schedule.side * schedule.notional_usd * schedule.volatility_bps
    groups, member = np.unique(keys, axis=0, return_inverse=True)
    risks = np.bincount(member.ravel(), weights=risk, minlength=len(groups))
    for (symbol, held), own in zip(groups.tolist(), risks.tolist(), strict=True):
        entries = np.arange(max(first_bar - held + 1, 0), end)
        prices = log_price[symbol]
        begins, ends = np.maximum(entries, first_bar), np.minimum(entries + held, end)
        entered, marked, left = prices[entries], prices[begins], prices[ends]
        made = np.exp(left - entered) - np.exp(marked - entered)
        total += own * float((scale[symbol, entries] * made).sum())
    return total / max(span_bars, 1)


def _moved(
    schedule: Schedule, block: MarketBlock, rules: TradingRules, offsets: Integers
) -> tuple[Floats, Integers]:
    """[offsets, trades] what the moved trades make before costs, and the bar in whose open they are left."""
    bars, log_price = block.bar_count, _log_price(block)
    entries = (schedule.entry_bar + offsets[:, None]) % bars
    exits = entries + schedule.held_bars
    turns, within = np.divmod(exits, bars)
    # Beyond the last bar the first follows: what the whole span moved is added for every turn.
    whole = log_price[:, -1] - log_price[:, 0]
    moved = log_price[schedule.symbol, within] + turns * whole[schedule.symbol]
    factor = schedule.volatility_bps * _inverse_volatility(block, rules)[schedule.symbol, entries]
    result = np.expm1(moved - log_price[schedule.symbol, entries])
    return schedule.side * schedule.notional_usd * factor * result, within


def _log_price(block: MarketBlock) -> Floats:
    """[S, T + 1] of every bar's open, and of the last close; before a market's first price that one."""
    prices = np.concatenate([block.open, block.close[:, -1:]], axis=1)
    known = np.isfinite(prices) & (prices > 0.0)
    place = np.maximum.accumulate(np.where(known, np.arange(prices.shape[1]), -1), axis=1)
    first = known.argmax(axis=1)
    filled = np.take_along_axis(prices, np.where(place < 0, first[:, None], place), axis=1)
    return np.log(np.where(known.any(axis=1)[:, None], filled, 1.0))


def _inverse_volatility(block: MarketBlock, rules: TradingRules) -> Floats:
    """[S, T] one over the volatility that is known at each bar's open, per bps.

    It is measured, so one over it is too large on average: made smaller by as much as that makes moved trades
    vary more than their own, by all bars of a symbol.
    """
    before = np.concatenate([block.volatility_bps[:, :1], block.volatility_bps[:, :-1]], axis=1)
    usual = np.median(np.nan_to_num(before), axis=1, keepdims=True)
    least = np.maximum(rules.minimum_volatility_bps, _LEAST_OF_MEDIAN * usual)
    known = np.fmax(before, least)
    squares = (np.diff(_log_price(block), axis=1) * WHOLE_BPS) ** 2
    varies = (known**2).mean(axis=1) * (squares / known**2).mean(axis=1)
    too_much = np.divide(varies, squares.mean(axis=1), out=np.ones_like(varies), where=varies > 0.0)
    return np.asarray(1.0 / (known * np.sqrt(too_much)[:, None]))


def _milliseconds(times: pa.ChunkedArray) -> Integers:
    found: Integers = pc.cast(times, pa.int64()).to_numpy().astype(np.int64)
    return found


def _floats(table: pa.Table, name: str) -> Floats:
    values: Floats = table[name].to_numpy(zero_copy_only=False).astype(np.float64)
    return values
