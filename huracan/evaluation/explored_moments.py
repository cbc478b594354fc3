"""The moments and entries of the exploration book as arrays, as far as what came of them is known by now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.schema import TIME
from huracan.durations import MINUTES_PER_DAY
from huracan.errors import InvalidInput
from huracan.evaluation.jackknife import blocks_of
from huracan.evaluation.off_policy import SIDES, Bools, Explored, Floats, Integers
from huracan.evaluation.outcome_model import cells
from huracan.regimes.model import REGIMES

READ_OF_MOMENTS = (
    "symbol", "signal_time", "regime", "hour", "volatility_rank", "entry_probability", "action", "trade_id",
    "propensity", "policy_action",
)  # fmt: skip
READ_OF_TRADES = ("trade_id", "net_bps")
"""The columns of the book's two tables that are read here."""
THIRDS = ("calm", "middle", "wild")
"""Of the volatilities of a symbol, in the order of `volatility_rank`."""
_SHORT = "ENTER_SHORT"
"""How the names of the actions begin that open a short position."""
_MS_PER_MINUTE, MS_PER_DAY = 60_000, 86_400_000


@dataclass(frozen=True, eq=False)
class Moments:
    """The n moments whose trades would be known by now, and the m entries drawn at them."""

    explored: Explored
    can_enter: Bools
    """[n, SIDES] sides on which the symbol was ever entered."""
    regime: Integers
    """[n] index into REGIMES, one more where unknown; likewise of `volatility`."""
    volatility: Integers
    quarter: Integers
    entry_probability: Floats
    """[n] 0 where nobody decided."""
    policy_enters: Bools
    """[n, SIDES] whether the policy itself would have entered on that side."""


def known_moments(moments: pa.Table, trades: pa.Table, days: Sequence[date], holding_minutes: int) -> Moments:
    """The moments of which any trade would be closed by the end of `days`.

    A moment counts where all days from its own to its longest holding after it are among `days`: of younger
    ones, and of those before a day that is missing, only what ended fast would be known.
    A drawn entry that has an id but no trade is filled and still open, as that of a symbol which no longer
    trades: its moment does not count either.
    """
    is_open = pc.and_(moments["trade_id"].is_valid(), pc.invert(_has_trade(moments, trades)))
    is_known = is_ripe(moments, days, holding_minutes) & ~is_open.to_numpy(zero_copy_only=False)
    own = moments.filter(pa.array(is_known))
    symbol = own["symbol"].combine_chunks().dictionary_encode().indices.to_numpy()
    drawn = np.flatnonzero(own["action"].is_valid().to_numpy(zero_copy_only=False))
    entered = own.take(pa.array(drawn))
    propensity = pc.fill_null(entered["propensity"], 0.0).to_numpy()
    if not ((propensity > 0.0) & (propensity <= 1.0)).all():
        raise InvalidInput(
            "An explored entry was drawn with a propensity that is not above 0 and at most 1.",
            "Make the explored trades of its day again: huracan backfill.",
        )
    side = _by_side(entered["action"]).argmax(axis=1)
    can_enter = np.zeros((int(symbol.max()) + 1 if symbol.size else 0, SIDES), dtype=bool)
    can_enter[symbol[drawn], side] = True
    regime, quarter = _codes(own, "regime", REGIMES), own["hour"].to_numpy() // 6
    volatility = pc.fill_null(own["volatility_rank"], len(THIRDS)).to_numpy()
    time = _milliseconds(own, "signal_time")
    explored = Explored(
        block=blocks_of(time // MS_PER_DAY, block_days(holding_minutes)),
        cell=cells(regime, volatility, quarter),
        moment=drawn,
        side=side,
        propensity=propensity,
        outcome=_outcomes(entered, trades),
    )
    return Moments(
        explored,
        can_enter[symbol],
        regime,
        volatility,
        quarter,
        pc.fill_null(own["entry_probability"], 0.0).to_numpy(),
        _by_side(own["policy_action"]),
    )


def _by_side(entries: pa.ChunkedArray) -> Bools:
    """[n, SIDES] the side of each entry, by its name; on none where it is null."""
    is_short = pc.starts_with(entries, _SHORT)
    sides = [pc.fill_null(each, False) for each in (pc.invert(is_short), is_short)]
    return np.column_stack([each.to_numpy(zero_copy_only=False) for each in sides])


def block_days(holding_minutes: int) -> int:
    """Days of a block: at least twice the longest holding, so that few trades reach into the next, and two,
    because what makes a market lasts over midnight."""
    return max(2, -(-2 * holding_minutes // MINUTES_PER_DAY))


def is_ripe(signals: pa.Table, days: Sequence[date], holding_minutes: int) -> Bools:
    """[n] whether all days from that of the `signal_time` to `holding_minutes` after it are among `days`."""
    time = _milliseconds(signals, "signal_time")
    first, last = time // MS_PER_DAY, (time + holding_minutes * _MS_PER_MINUTE) // MS_PER_DAY
    there = pa.array(sorted(set(days)), pa.date32()).cast(pa.int32()).to_numpy()
    held = np.searchsorted(there, last, "right") - np.searchsorted(there, first, "left")
    return np.asarray(held == last - first + 1)


def _outcomes(entered: pa.Table, trades: pa.Table) -> Floats:
    """[m, 2] net in bps and 1, or twice 0 where it was not filled: it has no id then."""
    row = pc.index_in(entered["trade_id"], trades["trade_id"].combine_chunks())
    is_filled = _has_trade(entered, trades).to_numpy(zero_copy_only=False)
    net = np.zeros(entered.num_rows)
    net[is_filled] = trades["net_bps"].to_numpy()[row.filter(pa.array(is_filled)).to_numpy()]
    return np.column_stack([net, is_filled.astype(np.float64)])


def _has_trade(moments: pa.Table, trades: pa.Table) -> pa.ChunkedArray:
    """[n] whether there is a trade of that id."""
    ids = moments["trade_id"]
    return pc.and_(ids.is_valid(), pc.is_in(ids, value_set=trades["trade_id"].combine_chunks()))


def _codes(table: pa.Table, column: str, names: Sequence[str]) -> Integers:
    found = pc.index_in(table[column], pa.array(names))
    return np.asarray(pc.fill_null(found, len(names)).to_numpy(), dtype=np.int64)


def _milliseconds(table: pa.Table, column: str) -> Integers:
    return np.asarray(table[column].cast(TIME).cast(pa.int64()).to_numpy(), dtype=np.int64)
