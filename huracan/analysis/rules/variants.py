"""A session as it would have gone with a rule: its edited actions, played, and set beside what it was."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from huracan.analysis.outcome import Integers
from huracan.analysis.rules.avoidance import AvoidanceRule
from huracan.analysis.rules.kinds import CHANGES, STRIKES, first_fires, struck_out
from huracan.analysis.rules.past_session import PastSession, entry_keys
from huracan.market.actions import EXIT_INDEX, WAIT_INDEX
from huracan.market.costs import CostAssumptions
from huracan.market.paper.stored_actions import ActionLists
from huracan.market.rules import TradingRules

_SAME_USD = 1e-9


@dataclass(frozen=True, eq=False)
class Variant:
    """The lanes of a session that a rule changes; the others stay as they were."""

    lanes: Integers
    """[lanes] ascending."""
    actions: npt.NDArray[np.integer]
    """[lanes, decisions]"""
    rules: TradingRules
    unknown_trades: int = 0
    """Entries that the rule could not judge, because what it asks for is not stored of them."""


@dataclass(frozen=True)
class Difference:
    """What a rule changed in a session."""

    net_usd: float
    """Net result of all trades with the rule, less that without it."""
    trades: int
    """Trades that ended otherwise, or were not made."""
    notional_usd: float
    """What they had entered with."""
    losses_avoided: int
    """Losing trades that with the rule do not lose any more."""
    wins_lost: int
    """Winning ones that do not win any more."""
    unknown_trades: int


def variant_of(rule: AvoidanceRule, session: PastSession, rules: TradingRules) -> Variant:
    """The session under the rule. A struck entry becomes WAIT; where the rule says leave, EXIT is decided."""
    trades = session.trades
    if rule.kind in CHANGES:
        lanes = np.unique(trades["lane"]).astype(np.int64)
        changed = CHANGES[rule.kind](rules, rule.numbers, session.block.bar_minutes)
        return Variant(lanes, session.stored.actions[lanes], changed)
    if rule.kind in STRIKES:
        struck, unknown = struck_out(rule, session)
        return _edited(session, trades[struck], session.signal_rows[struck], WAIT_INDEX, rules, unknown)
    fires = first_fires(rule, session)
    leaves = np.flatnonzero(fires >= 0)
    rows = session.rows[leaves, fires[leaves]]
    return _edited(session, trades[leaves], rows, EXIT_INDEX, rules)


def _edited(
    session: PastSession,
    trades: npt.NDArray[np.void],
    rows: Integers,
    action: int,
    rules: TradingRules,
    unknown: int = 0,
) -> Variant:
    """The lanes of `trades`, with `action` decided at `rows` [trades] of what the block shows."""
    lanes, own = np.unique(trades["lane"], return_inverse=True)
    actions = session.stored.actions[lanes]
    actions[own, rows - session.block.row_of(session.stored.first_bars[trades["lane"]])] = action
    return Variant(lanes.astype(np.int64), actions, rules, unknown)


def play_variants(
    variants: Sequence[Variant], session: PastSession, rules: TradingRules, costs: CostAssumptions
) -> list[Difference]:
    """The difference that each makes; those under the same `rules` are played at once."""
    from huracan.market.paper.replay import replay

    stored, found = session.stored, [np.zeros(0, session.trades.dtype)] * len(variants)
    groups = [[index for index, variant in enumerate(variants) if variant.rules == rules]]
    groups += [[index] for index, variant in enumerate(variants) if variant.rules != rules]
    for indices in groups:
        lanes = np.concatenate([np.zeros(0, np.int64), *(variants[index].lanes for index in indices)])
        if not lanes.size:
            continue
        actions = np.concatenate([variants[index].actions for index in indices])
        lists = ActionLists(stored.symbols[lanes], stored.first_bars[lanes], actions)
        changed, begin = variants[indices[0]].rules, session.begin[lanes]
        played = replay(session.block, changed, costs, lists, begin=begin, is_lenient=True).closed
        ends = np.cumsum([variants[index].lanes.size for index in indices])
        bounds = np.searchsorted(played["lane"], np.append(0, ends))
        played["lane"] = lanes[played["lane"]]
        for index, first, last in zip(indices, bounds[:-1], bounds[1:], strict=True):
            found[index] = played[first:last]
    return [_difference(variant, each, session) for variant, each in zip(variants, found, strict=True)]


def _difference(variant: Variant, played: npt.NDArray[np.void], session: PastSession) -> Difference:
    before = session.trades[np.isin(session.trades["lane"], variant.lanes)]
    index = np.searchsorted(_keys(played), _keys(before))
    after = np.append(played, np.zeros(1, played.dtype))[index]
    # A record of zeros stands behind the last: no trade enters at bar 0.
    is_kept = (after["lane"] == before["lane"]) & (after["entry_bar"] == before["entry_bar"])
    net_usd = np.where(is_kept, after["net_usd"], 0.0)
    changed = ~is_kept | (np.abs(net_usd - before["net_usd"]) > _SAME_USD)
    changed |= after["exit_bar"] != before["exit_bar"]
    lost, wins = before["net_usd"] <= 0, is_kept & (net_usd > 0)
    notional_usd = before["quantity"] * before["entry_reference"]
    return Difference(
        net_usd=float(played["net_usd"].sum() - before["net_usd"].sum()),
        trades=int(changed.sum()),
        notional_usd=float(notional_usd[changed].sum()),
        losses_avoided=int((lost & (~is_kept | wins)).sum()),
        wins_lost=int((~lost & ~wins).sum()),
        unknown_trades=variant.unknown_trades,
    )


def _keys(trades: npt.NDArray[np.void]) -> Integers:
    return entry_keys(trades["lane"], trades["entry_bar"])
