"""Entries made again under other stops, targets and holdings: replayed on the bars, nothing is estimated."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.candles.schema import TIME
from huracan.durations import duration_of, minutes_of
from huracan.market.actions import ENTER_SHORT_HALF_INDEX, action_names
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.held_entries import Integers, hold_entries, net_bps
from huracan.market.paper.exploring.columns import EXPLORED_COLUMNS
from huracan.market.rules import TradingRules, bars_of
from huracan.tables import FLOATS, TEXT, Column, arrow_schema, chosen

Floats = NDArray[np.float64]

REPLAYED_COLUMNS = (
    *chosen(EXPLORED_COLUMNS, "trade_id", "symbol", "signal_time", "propensity"),
    Column(
        "net_bps_by_setting",
        FLOATS,
        "net result under each setting of exit_alternatives, in its order; NaN where it was not filled",
        "bps",
    ),
    Column("replayed_under", TEXT, "digest of these settings, of all rules with them, and of the costs"),
)
REPLAYED_SCHEMA = arrow_schema(REPLAYED_COLUMNS)
"""One row per explored trade, entered again as it was under every setting."""
READ_TO_REPLAY = ("trade_id", "symbol", "signal_time", "propensity", "action")
"""The columns of explored trades that a replay needs."""
FACTORS = (0.5, 0.75, 1.5, 2.0)
"""By which the distance of stop or target is made shorter and longer, its floor in bps with it."""
HOLDING_FACTORS = (0.5, 2.0)
LONGEST_HOLDING_FACTOR = max(HOLDING_FACTORS)


@dataclass(frozen=True)
class ExitSetting:
    """One way of leaving: the `scope` of what is changed, the `value` by which, and the rules with it."""

    scope: str
    value: str
    rules: TradingRules


def exit_settings(rules: TradingRules) -> tuple[ExitSetting, ...]:
    """The rules as they are, then with one of stop, target and longest holding changed."""
    found = [ExitSetting("as_is", "x1", rules)]
    for scope in ("stop", "target"):
        names = (f"{scope}_volatilities", f"{scope}_floor_bps")
        for factor in FACTORS:
            changed = {name: factor * getattr(rules, name) for name in names}
            found.append(ExitSetting(scope, f"x{factor:g}", replace(rules, **changed)))
    minutes = minutes_of(rules.maximum_holding)
    for factor in HOLDING_FACTORS:
        held = duration_of(max(1, round(factor * minutes)))
        found.append(ExitSetting("holding", f"x{factor:g}", replace(rules, maximum_holding=held)))
    return tuple(found)


def settings_digest(rules: TradingRules, costs: CostAssumptions) -> str:
    """By which replays under other rules or costs than these, or under other settings, are told apart."""
    told = [[asdict(each) for each in exit_settings(rules)], asdict(costs)]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def replay_exits(
    explored: pa.Table, block: MarketBlock, rules: TradingRules, costs: CostAssumptions
) -> pa.Table:
    """REPLAYED_SCHEMA of the trades `explored` (READ_TO_REPLAY) under `exit_settings`; see `held_under`."""
    action = pc.fill_null(pc.index_in(explored["action"], pa.array(action_names(True))), -1).to_numpy()
    settings = [each.rules for each in exit_settings(rules)]
    net = held_under(explored, action, block, settings, costs)
    made = pa.FixedSizeListArray.from_arrays(pa.array(net.ravel()), len(settings)).cast(FLOATS)
    under = pa.array([settings_digest(rules, costs)] * len(explored), pa.string())
    columns = [explored[name] for name in REPLAYED_SCHEMA.names[:-2]]
    return pa.table([*columns, made, under], schema=REPLAYED_SCHEMA)


def replayed_under(replayed: pa.Table, rules: TradingRules, costs: CostAssumptions) -> pa.Table:
    """Those of REPLAYED_SCHEMA that were replayed under these rules and costs; rows of versions that did not
    say are of others."""
    if "replayed_under" not in replayed.column_names:
        return replayed.slice(0, 0)
    return replayed.filter(pc.equal(replayed["replayed_under"], settings_digest(rules, costs)))


def count_unknown(replayed: pa.Table) -> int:
    """How many of REPLAYED_SCHEMA are not known under any setting, as those of a symbol that is gone."""
    net = pc.list_flatten(replayed["net_bps_by_setting"]).to_numpy().reshape(len(replayed), -1)
    return int(np.isnan(net).all(axis=1).sum())


def held_under(
    entries: pa.Table,
    actions: Integers,
    block: MarketBlock,
    settings: Sequence[TradingRules],
    costs: CostAssumptions,
) -> Floats:
    """[entries, settings] net results in bps of `entries` (symbol, signal_time) left to stop, target and
    time-out; NaN where not filled.

    Each is entered by its action [entries] at its own bar, on an account of its own. `block` holds the bars
    from the signals to the ends of the longest holdings; an entry whose symbol or signal it lacks, or that
    was signalled at no decision, is NaN under every setting. Short entries are made also where the rules
    allow none now. InvalidInput where an action opens no position.
    """
    found = np.full((len(entries), len(settings)), np.nan)
    symbols = {symbol: index for index, symbol in enumerate(block.symbols)}
    symbol = np.array([symbols.get(each, -1) for each in entries["symbol"].to_pylist()], dtype=np.int64)
    # The signal was given at the close of the bar before the one that opened then.
    signal_ms = entries["signal_time"].cast(TIME).cast(pa.int64()).to_numpy()
    past_ms = signal_ms - int(block.open_time_ms[0])
    bar = past_ms // block.bar_ms - 1
    able = (symbol >= 0) & (bar >= 0) & (bar + 1 < block.bar_count)
    able &= past_ms % (block.bar_ms * block.decision_bars) == 0
    rows = np.flatnonzero(able)
    indices = symbol[rows] * block.bar_count + bar[rows]
    shorts = bool((actions >= ENTER_SHORT_HALF_INDEX).any())
    for column, rules in enumerate(settings):
        held = np.full(rows.size, bars_of(rules.maximum_holding, block.bar_minutes))
        tried = replace(rules, allow_short=rules.allow_short or shorts)
        closed = hold_entries(block, tried, costs, indices, actions[rows], held)
        found[rows[closed["lane"]], column] = net_bps(closed)
    return found
