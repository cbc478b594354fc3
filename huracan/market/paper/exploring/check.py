"""Check `book_apart`: the exploration book and the policy's ledger have nothing in common, and it adds up."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.market.ledger import (
    DATA_GAP,
    DELISTED,
    LEFT_UNIVERSE,
    LIQUIDATION,
    STOP,
    TARGET,
    TIME_OUT,
    TIMEFRAME_CHANGED,
)
from huracan.market.paper.exploring.book import Exploration
from huracan.verdict import Verdict

NAME = "book_apart"
EXITS = (STOP, TARGET, TIME_OUT, LIQUIDATION, DATA_GAP, DELISTED, LEFT_UNIVERSE, TIMEFRAME_CHANGED)
"""How an explored position may end: nobody decides over it."""
_CENT = 0.01


def judge_book_apart(book: Exploration, ledger: Collection[str], carried: Collection[str]) -> Verdict:
    """`ledger`: the identities of the policy's trades of the day, closed or open; `carried`: those of the
    explored positions that the day began with."""
    trades, known = book.trades, _identities(book.trades) + _identities(book.open_positions)
    drawn = book.moments.filter(book.moments["action"].is_valid())
    begun = {*carried, *(each for each in drawn["trade_id"].to_pylist() if each is not None)}
    costs = sum(trades[f"{name}_usd"].to_numpy() for name in ("fee", "spread", "slippage", "funding"))
    off = np.abs(trades["gross_usd"].to_numpy() - costs - trades["net_usd"].to_numpy())
    propensity = pa.chunked_array([*trades["propensity"].chunks, *book.open_positions["propensity"].chunks])
    within = pc.and_(pc.greater(propensity, 0.0), pc.less_equal(propensity, 1.0))
    numbers: dict[str, Any] = {
        "in_the_ledger": len(set(known) & set(ledger)),
        "twice": len(known) - len(set(known)),
        "lost_or_unknown": len(begun ^ set(known)),
        "not_filled": book.lapsed,
        "drawn": book.drawn,
        "without_propensity": len(propensity) - (pc.sum(within).as_py() or 0),
        "decided_exits": int((~pc.is_in(trades["exit_reason"], pa.array(EXITS)).to_numpy()).sum()),
        "not_adding_up": int((off > _CENT).sum()),
    }
    wrong = [name for name in _WORDS if numbers[name]]
    wrong += ["drawn"] * (drawn.num_rows != book.drawn)
    reason = (
        f"{book.drawn} entries were drawn; of them and of {len(carried)} that were open each is closed, open"
        " or was not filled, and none is in the policy's ledger."
    )
    if wrong:
        told = ", ".join(f"{_WORDS.get(name, name)}: {numbers[name]}" for name in wrong)
        reason = f"Of {len(known)} explored positions are {told}. Make the day again."
    return Verdict(NAME, not wrong, reason, numbers)


_WORDS = {
    "in_the_ledger": "in the policy's ledger",
    "twice": "told twice",
    "lost_or_unknown": "lost, or drawn by nobody",
    "without_propensity": "without a propensity",
    "decided_exits": "left by a decision",
    "not_adding_up": "not gross less costs",
}


def _identities(table: pa.Table) -> list[str]:
    return [str(each) for each in table["trade_id"].to_pylist()]
