"""Which entries the exploration book draws on a day: what the policy would do on a flat account at every
close, the probability of each entry, and the draw.

What comes of the entries is in `book`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.market.actions import action_names, actions_of, entry_indices
from huracan.market.block import MS_PER_DAY, MS_PER_MINUTE, MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.engine.lane import LANE
from huracan.market.paper.exploring.columns import DRAWN_SCHEMA, MOMENTS_SCHEMA
from huracan.market.paper.exploring.rates import ExplorationConfig, Moments, PastMoments, rates
from huracan.market.paper.provenance import Provenance
from huracan.market.paper.session_arrays import DecisionTrace, SessionArrays
from huracan.market.paper.signal_context import NO_ENTRIES, POSITION, entries_of
from huracan.market.paper.watch import NOBODY, Watch, watch_of
from huracan.market.rules import TradingRules
from huracan.regimes.model import REGIMES

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_MOST_AT_ONCE = 256
"""Closes about which a policy is asked at once: what it sees of them takes memory."""


@dataclass(frozen=True, eq=False)
class FlatDecisions:
    """What would be decided at every close of a day on an account that holds nothing and has lost nothing."""

    trace: DecisionTrace
    action: NDArray[np.int64]
    """[symbols, decisions] WAIT where nobody decides"""
    legal: NDArray[np.bool_]
    """[symbols, decisions, actions]"""
    in_charge: Integers
    """[decisions]"""

    def softened(self, temperature: float) -> Floats:
        """[symbols, decisions, actions] probabilities of the legal actions, their scores divided by
        `temperature`; NaN where nobody decides."""
        scores = (self.trace.logits + self.trace.bias).astype(np.float64) / temperature
        scores = np.where(self.legal, scores, -np.inf)
        powers = np.exp(scores - scores.max(axis=2, keepdims=True))
        chances = powers / powers.sum(axis=2, keepdims=True)
        chances[:, self.in_charge == NOBODY] = np.nan
        return np.asarray(chances, dtype=np.float64)


def decide_flat(
    block: MarketBlock, watches: Sequence[Watch], rules: TradingRules, costs: CostAssumptions
) -> FlatDecisions:
    """Asks those in charge about every close of the block but its last, many closes at once."""
    lanes, count = np.arange(block.symbol_count), block.decision_count - 1
    environment = MarketEnvironment(block, rules, costs, lanes.size)
    actions = len(environment.action_names)
    trace = DecisionTrace.empty(lanes.size, count, actions)
    chosen, legal = np.zeros((lanes.size, count), np.int64), np.zeros((lanes.size, count, actions), np.bool_)
    in_charge = watch_of(watches, block.time_of(block.decision_closes + 1))[:count]
    if count:
        environment.begin(lanes, lanes, np.full(lanes.size, block.decision_closes[0]))
    at = 0
    while at < count:
        until = min(at + _MOST_AT_ONCE, count)
        # Of two who decide each is asked about the closes of its own.
        until = at + int(np.argmax(np.append(in_charge[at:until] != in_charge[at], True)))
        time = environment.foresee(until - at)
        masks = time.masks.reshape((until - at) * lanes.size, -1)
        legal[:, at:until] = time.masks.swapaxes(0, 1)
        policy = None if in_charge[at] == NOBODY else watches[in_charge[at]].policy
        if policy is not None:
            decision = policy.decide(time.observations.reshape(len(masks), -1), masks)
            trace.keep(at, decision, masks)
            chosen[:, at:until] = decision.actions.reshape(-1, lanes.size).T
        environment.idle(until - at)
        at = until
    return FlatDecisions(trace, chosen, legal, in_charge)


@dataclass(frozen=True, eq=False)
class Draws:
    """The moments [n] of a day, by symbol and time, and those of them at which an entry was drawn."""

    decisions: FlatDecisions
    moments: Moments
    column: Integers
    """[n] of the decision."""
    at: Integers
    """[n] bar of the block at whose close is decided."""
    rank: Integers
    """[n] third of volatility."""
    density: Floats
    """[n, actions] probability of drawing each action; 0 of those that are no legal entry."""
    uniform_density: Floats
    """[n, actions] the part of it that goes anywhere."""
    policy_density: Floats
    """[n, actions] that the policy, softened, gives to it; NaN where nobody decides."""
    drawn: Integers
    """[drawn] which of the moments."""
    action: Integers
    """[drawn] the entry."""

    def orders(self, block: MarketBlock) -> tuple[Integers, Integers]:
        """[drawn] indices `symbol x bars + bar` of the moments, and the entries."""
        return self.moments.symbol[self.drawn] * block.bar_count + self.at[self.drawn], self.action

    def entries(
        self, block: MarketBlock, watches: Sequence[Watch], rules: TradingRules, provenance: Provenance
    ) -> pa.Table:
        """ENTRY_SCHEMA [drawn]: what was known at each entry."""
        positions = np.zeros(self.drawn.size, POSITION)
        positions["lane"], positions["trade"] = self.moments.symbol[self.drawn], np.arange(self.drawn.size)
        positions["side"] = _sides(rules)[self.action]
        positions["signal_bar"] = self.at[self.drawn]
        positions["entry_bar"] = positions["signal_bar"] + 1
        taken = np.zeros(self.decisions.action.shape, np.int8)
        taken[positions["lane"], self.column[self.drawn]] = self.action
        nothing = np.zeros(taken.shape)
        arrays = SessionArrays(
            closed=positions, fills=positions[:0], action=taken, cash_usd=nothing, position_usd=nothing,
            costs_usd=nothing, symbol=np.arange(block.symbol_count),
            first_bar=np.full(block.symbol_count, block.decision_closes[0]), state=np.zeros(0, LANE),
            in_charge=self.decisions.in_charge, trace=self.decisions.trace,
        )  # fmt: skip
        names = action_names(rules.allow_short)
        return entries_of(arrays, block, watches, names, provenance, NO_ENTRIES).table

    def told(self, trade_ids: pa.ChunkedArray, rules: TradingRules) -> pa.Table:
        """DRAWN_SCHEMA [drawn]: how each entry came to be drawn."""
        moment, side = self.drawn, _sides(rules)
        policy_density = self.policy_density[moment, self.action]
        own = self.decisions.action[self.moments.symbol[moment], self.column[moment]]
        data: dict[str, Any] = {
            "trade_id": trade_ids,
            "moment_propensity": self.density[moment].sum(axis=1),
            "propensity": self.density[moment, self.action],
            "uniform_density": self.uniform_density[moment, self.action],
            "policy_density": pa.array(policy_density, from_pandas=True),
            "is_policy_entry": side[own] == side[self.action],
        }
        return pa.table(data, schema=DRAWN_SCHEMA)

    def moments_table(
        self, block: MarketBlock, rules: TradingRules, trade_ids: pa.ChunkedArray, filled: NDArray[np.bool_]
    ) -> pa.Table:
        """MOMENTS_SCHEMA; `filled` [drawn] says of which draws a trade came."""
        moments, names = self.moments, np.array([*action_names(rules.allow_short), None], dtype=object)
        own = self.decisions.action[moments.symbol, self.column]
        drawn, action = np.full(own.size, -1), np.full(own.size, -1)
        drawn[self.drawn], action[self.drawn] = np.where(filled, np.arange(self.drawn.size), -1), self.action
        every = np.arange(own.size)
        data: dict[str, Any] = {
            "symbol": np.array(block.symbols, dtype=object)[moments.symbol],
            "signal_time": block.time_of(self.at + 1),
            "regime": np.array(REGIMES, dtype=object)[moments.regime],
            "entry_volatility_bps": moments.volatility_bps,
            "hour": moments.hour,
            "volatility_rank": self.rank,
            "entry_probability": moments.entry_probability,
            "policy_action": names[np.where(_sides(rules)[own] != 0, own, -1)],
            "moment_propensity": self.density.sum(axis=1),
            "action": names[action],
            "propensity": np.where(action < 0, np.nan, self.density[every, action]),
            "trade_id": np.array([*trade_ids.to_pylist(), None], dtype=object)[drawn],
        }
        columns = {
            field.name: pa.array(data[field.name], field.type, from_pandas=True) for field in MOMENTS_SCHEMA
        }
        return pa.table(columns, schema=MOMENTS_SCHEMA)


def draw_entries(
    block: MarketBlock,
    decisions: FlatDecisions,
    rules: TradingRules,
    config: ExplorationConfig,
    past: pa.Table | None,
) -> Draws:
    """The moments of a block of one day, and the entries that are drawn at them; `past` (MOMENTS_SCHEMA) is
    of days before it."""
    entries = np.array(entry_indices(rules.allow_short))
    legal = np.zeros(decisions.legal.shape, np.bool_)
    legal[:, :, entries] = decisions.legal[:, :, entries]
    symbol, column = np.nonzero(legal.any(axis=2))
    softened = np.where(legal, decisions.softened(config.temperature), 0.0)[symbol, column]
    softened[decisions.in_charge[column] == NOBODY] = np.nan
    at, times = block.decision_closes[column], block.time_of(block.decision_closes[column] + 1)
    moments = Moments(
        symbol=symbol,
        hour=times // 3_600_000 % 24,
        regime=block.regime[symbol, block.row_of(at)].astype(np.int64),
        volatility_bps=block.volatility_bps[symbol, at],
        entry_probability=softened.sum(axis=1),
    )
    bars_per_day = MS_PER_DAY // (block.bar_minutes * block.decision_bars * MS_PER_MINUTE)
    before = PastMoments.of(past, block.symbols, bars_per_day)
    anywhere, from_policy = rates(moments, before, config, bars_per_day)
    own = legal[symbol, column]
    uniform = anywhere[:, None] * own / own.sum(axis=1, keepdims=True)
    chance = np.where(moments.entry_probability > 0.0, moments.entry_probability, 1.0)[:, None]
    density = uniform + from_policy[:, None] * np.nan_to_num(softened) / chance
    first, second = _numbers(block, bars_per_day)[:, symbol, column]
    drawn = np.flatnonzero(first < density.sum(axis=1))
    steps = np.cumsum(density[drawn], axis=1)
    action = (steps <= (second[drawn] * steps[:, -1])[:, None]).sum(axis=1)
    return Draws(
        decisions=decisions,
        moments=moments,
        column=column,
        at=at,
        rank=before.volatility_rank(moments),
        density=density,
        uniform_density=uniform,
        policy_density=softened,
        drawn=drawn,
        action=action,
    )


def _numbers(block: MarketBlock, bars_per_day: int) -> Floats:
    """[2, symbols, decisions] from 0 to 1: whether, and what. Seeded by day and symbol, so that neither other
    symbols nor what a day begins with change them."""
    times = block.time_of(block.decision_closes + 1)
    day, slot = times // MS_PER_DAY, times % MS_PER_DAY * bars_per_day // MS_PER_DAY
    found = np.empty((2, len(block.symbols), times.size))
    for lane, symbol in enumerate(block.symbols):
        name = np.frombuffer(hashlib.sha256(symbol.encode()).digest(), np.uint32).tolist()
        for each in np.unique(day).tolist():
            numbers = np.random.default_rng([each, *name]).random((2, bars_per_day))
            own = day == each
            found[:, lane, own] = numbers[:, slot[own]]
    return found


def _sides(rules: TradingRules) -> NDArray[np.int64]:
    """[actions] +1 or -1 of an entry, 0 of any other."""
    return np.array([action.side for action in actions_of(rules.allow_short)])
