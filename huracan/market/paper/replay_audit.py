"""The audit by replay: the actions that a session wrote down give its trades and fills again, to the bit."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.errors import InvalidInput
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.paper.replay import replay
from huracan.market.paper.session import Session
from huracan.market.paper.stored_actions import stored_actions
from huracan.market.paper.trade_log import fill_columns, outcome_columns
from huracan.market.rules import TradingRules
from huracan.verdict import Verdict


def judge_replay(
    session: Session, block: MarketBlock, rules: TradingRules, costs: CostAssumptions
) -> Verdict:
    """Check "replay_equals_ledger", blocking.

    Nothing but the stored actions and the candles is used: the ledger holds no trade that its decisions did
    not make, and lacks none that they made.
    """
    stored = stored_actions(session.bars, block, rules)
    try:
        again = replay(block, rules, costs, stored)
    except InvalidInput as illegal:
        faults = [f"The stored actions cannot have been taken: {illegal.what}"]
    else:
        times = block.open_time_ms
        faults = [
            *_differences("trade", outcome_columns(again.closed, times), session.trades),
            *_differences("fill", fill_columns(again.fills, times), session.fills),
        ]
    reason = faults[0] if faults else "The stored actions give the same trades and fills to the bit."
    numbers = {"trades": session.trades.num_rows, "actions": int(stored.actions.size), "faults": len(faults)}
    return Verdict("replay_equals_ledger", not faults, reason, dict(numbers))


def _differences(what: str, made: Mapping[str, Any], kept: pa.Table) -> Iterator[str]:
    count = len(next(iter(made.values())))
    if count != kept.num_rows:
        yield f"The stored actions give {count} {what}s, the ledger holds {kept.num_rows}."
        return
    for name, values in made.items():
        field = kept.schema.field(name)
        ours, theirs = pa.array(values, field.type), kept[name].combine_chunks()
        if pa.types.is_floating(field.type):
            same = ours.to_numpy().view(np.int64) == theirs.to_numpy().view(np.int64)
        else:
            same = pc.equal(ours, theirs).to_numpy(zero_copy_only=False)
        for row in np.flatnonzero(~same)[:1].tolist():
            identity = kept["trade_id"][row]
            yield f"Trade {identity}: replay gives {name} {ours[row]} of a {what}, the ledger {theirs[row]}."
