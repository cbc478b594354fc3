"""What each of a night's seeds would have done at the signals of a day, on an account that holds nothing."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.analysis.outcome import milliseconds
from huracan.market.actions import WAIT_INDEX, actions_of
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.ledger import SHORT
from huracan.market.paper.exploring.draws import decide_flat
from huracan.market.paper.watch import Watch
from huracan.market.rules import TradingRules

Floats = NDArray[np.float64]


def entry_probabilities(
    block: MarketBlock,
    watches: Sequence[Watch],
    rules: TradingRules,
    costs: CostAssumptions,
    signals: pa.Table,
) -> Floats:
    """[n] probability that those in charge give to entering on the side of each signal, against waiting.

    `signals` has `symbol`, `signal_time` and `side`. The account is flat, whatever the book held. NaN where
    nobody was in charge, no entry of the side was legal, or the block has no such close.
    """
    chances = decide_flat(block, watches, rules, costs).softened(1.0)
    sides = np.array([action.side for action in actions_of(rules.allow_short)])
    waits = chances[:, :, WAIT_INDEX]
    lanes = {symbol: lane for lane, symbol in enumerate(block.symbols)}
    closes = block.time_of(block.decision_closes[: chances.shape[1]] + 1).tolist()
    columns = {moment: column for column, moment in enumerate(closes)}
    found = np.full(signals.num_rows, np.nan)
    named = zip(signals["symbol"].to_pylist(), signals["side"].to_pylist(), strict=True)
    moments = milliseconds(signals, "signal_time").tolist()
    for row, ((symbol, side), moment) in enumerate(zip(named, moments, strict=True)):
        lane, column = lanes.get(symbol), columns.get(moment)
        if lane is None or column is None:
            continue
        enters = chances[lane, column, sides == (-1 if side == SHORT else 1)].sum()
        if enters > 0.0:
            found[row] = enters / (enters + waits[lane, column])
    return found
