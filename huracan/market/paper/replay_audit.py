"""The audit by replay: the actions that a session wrote down give its trades and fills again, to the bit."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.errors import InvalidInput
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.paper.carrying import Carried
from huracan.market.paper.closures import Closures
from huracan.market.paper.open_positions import lane_columns
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.replay import replay
from huracan.market.paper.session import Session, all_fills, opening_of
from huracan.market.paper.signal_context import keys_of
from huracan.market.paper.stored_actions import stored_actions
from huracan.market.paper.trade_log import fill_columns, outcome_columns
from huracan.market.rules import TradingRules
from huracan.tables import as_array
from huracan.verdict import Verdict


def judge_replay(
    session: Session,
    block: MarketBlock,
    rules: TradingRules,
    costs: CostAssumptions,
    provenance: Provenance,
    carried: Carried | None = None,
) -> Verdict:
    """Check "replay_equals_ledger", blocking.

    Nothing but the stored actions, the accounts of the day before and the candles is used: the ledger holds
    no trade that its decisions did not make, lacks none that they made, and hands on what they left.
    """
    opening = opening_of(block, rules, costs, provenance, carried)
    block = opening.block
    stored = stored_actions(session.bars, block, rules)
    try:
        again = replay(block, rules, costs, stored, begin=opening.state)
    except InvalidInput as illegal:
        faults = [f"The stored actions cannot have been taken: {illegal.what}"]
    else:
        fills = all_fills(opening, again.fills)
        is_closed = np.isin(keys_of(fills), keys_of(again.closed))
        trades = session.trades.slice(opening.closures.trades.num_rows)
        of_closed = session.fills.slice(opening.closures.fills.num_rows)
        of_held = pa.Table.from_struct_array(session.open_positions["fills"].combine_chunks().flatten())
        faults = [
            *_closures_differ(opening.closures, session),
            *_differences("trade", outcome_columns(again.closed, block), trades),
            *_differences("fill", fill_columns(fills[is_closed], block), of_closed),
            *_differences("account", lane_columns(again.state, block), session.open_positions),
            *_differences("fill", fill_columns(fills[~is_closed], block), of_held),
        ]
    reason = faults[0] if faults else "The stored actions give trades, fills and accounts again to the bit."
    numbers = {"trades": session.trades.num_rows, "actions": int(stored.actions.size), "faults": len(faults)}
    return Verdict("replay_equals_ledger", not faults, reason, dict(numbers))


def _closures_differ(closures: Closures, session: Session) -> Iterator[str]:
    """What was closed before the first decision stands first in the ledger."""
    for made, kept in ((closures.trades, session.trades), (closures.fills, session.fills)):
        # As text: entry features of another recipe are not a number, which equals nothing.
        if repr(made.to_pylist()) != repr(kept.slice(0, made.num_rows).to_pylist()):
            yield "What was closed at the day's start is not what the ledger begins with."


def _differences(what: str, made: Mapping[str, Any], kept: pa.Table) -> Iterator[str]:
    count = len(next(iter(made.values())))
    if count != kept.num_rows:
        yield f"The stored actions give {count} {what}s, the ledger holds {kept.num_rows}."
        return
    for name, values in made.items():
        field = kept.schema.field(name)
        ours, theirs = as_array(values, field.type), kept[name].combine_chunks()
        same = pc.equal(ours.is_null(), theirs.is_null()).to_numpy(zero_copy_only=False)
        if pa.types.is_floating(field.type):
            bits = [pc.fill_null(each, 0.0).to_numpy().view(np.int64) for each in (ours, theirs)]
            same &= bits[0] == bits[1]
        else:
            same &= pc.fill_null(pc.equal(ours, theirs), True).to_numpy(zero_copy_only=False)
        for row in np.flatnonzero(~same)[:1].tolist():
            yield f"Of {what} {row} replay gives {name} {ours[row]}, the ledger {theirs[row]}."
