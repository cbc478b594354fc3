"""A span of a market as arrays: one lane for every symbol, from decision to decision, all lanes at once.

The ledger's Arrow tables are made of these in `session`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.market.actions import HOLD_INDEX, WAIT_INDEX
from huracan.market.costs import Floats
from huracan.market.engine.environment import MarketEnvironment
from huracan.market.engine.order_terms import OrderTerms
from huracan.market.guard import Guarded, Intervention
from huracan.market.paper.watch import NOBODY, Watch, watch_of
from huracan.market.policy import Decision, Policy
from huracan.market.surroundings import Surroundings
from huracan.regimes.model import REGIMES


@dataclass(frozen=True, eq=False)
class DecisionTrace:
    """What led to every decision, arrays [lanes, decisions, ...] as in `Decision`; 0 where nobody decided."""

    logits: NDArray[np.float32]
    bias: NDArray[np.float32]
    bias_terms: NDArray[np.float32]
    """As wide as the longest list of terms; `terms` says how many are a decision's."""
    masks: NDArray[np.bool_]
    probabilities: NDArray[np.float32]
    values: NDArray[np.float32]
    terms: NDArray[np.int64]
    """[decisions]"""
    kinds: list[tuple[str, ...]]
    """[decisions] as in `Decision`."""

    @staticmethod
    def empty(lanes: int, decisions: int, actions: int) -> "DecisionTrace":
        """Zeros, without a term of a bias yet."""
        shape = (lanes, decisions)
        return DecisionTrace(
            logits=np.zeros((*shape, actions), np.float32),
            bias=np.zeros((*shape, actions), np.float32),
            bias_terms=np.zeros((*shape, 0), np.float32),
            masks=np.zeros((*shape, actions), np.bool_),
            probabilities=np.zeros((*shape, actions), np.float32),
            values=np.zeros(shape, np.float32),
            terms=np.zeros(decisions, np.int64),
            kinds=[()] * decisions,
        )

    def keep(self, at: int, decision: Decision, masks: NDArray[np.bool_]) -> None:
        """Writes down the decisions of all lanes at closes in a row from `at` on, close by close."""
        lanes, width = self.values.shape[0], decision.bias_terms.shape[1]
        count = masks.shape[0] // lanes
        closes = slice(at, at + count)
        more = width - self.bias_terms.shape[2]
        if more > 0:
            object.__setattr__(self, "bias_terms", np.pad(self.bias_terms, ((0, 0), (0, 0), (0, more))))
        self.terms[closes], self.kinds[closes] = width, [decision.kinds] * count
        self.bias_terms[:, closes, :width] = _by_lane(decision.bias_terms, lanes)
        self.masks[:, closes] = _by_lane(masks, lanes)
        for name in ("logits", "bias", "probabilities", "values"):
            getattr(self, name)[:, closes] = _by_lane(getattr(decision, name), lanes)


def _by_lane(rows: NDArray[Any], lanes: int) -> NDArray[Any]:
    """[lanes, closes, ...] of rows [closes x lanes, ...]."""
    return rows.reshape(len(rows) // lanes, lanes, *rows.shape[1:]).swapaxes(0, 1)


@dataclass(frozen=True, eq=False)
class SessionArrays:
    """One lane for every symbol. Money in USD, arrays [symbols, decisions] at each decision bar's close."""

    closed: NDArray[np.void]
    """records.CLOSED, by lane and trade."""
    fills: NDArray[np.void]
    """records.FILL, by lane, trade and time."""
    action: NDArray[np.int8]
    """What was decided there; WAIT at the last one, where nothing can be decided any more."""
    cash_usd: Floats
    position_usd: Floats
    costs_usd: Floats
    symbol: NDArray[np.int64]
    """[symbols] index in the block"""
    first_bar: NDArray[np.int64]
    """[symbols] the detail bar at whose close the first decision is made"""
    state: NDArray[np.void]
    """LANE [symbols] as the lanes stand in the end"""
    in_charge: NDArray[np.int64]
    """[decisions] index among those who decide; NOBODY where nobody does"""
    trace: DecisionTrace
    terms: OrderTerms | None = None
    """[symbols, decisions] what entries were sent as; None where nobody stood in their way."""
    interventions: tuple[tuple[int, Intervention], ...] = ()
    """Of guards, each with the column of its decision."""


def run_lanes(environment: MarketEnvironment, watches: Sequence[Watch]) -> SessionArrays:
    """Lets those in charge decide for all lanes from where they stand, one of each symbol at the close of the
    block's first decision bar, up to the block's end. They are asked once for each decision bar.

    The trace costs memory of about 200 bytes per lane and decision: this is meant for a day. Longer spans are
    `judged_session`'s.
    """
    block, lanes = environment.block, environment.lanes
    decisions, actions = block.decision_count, len(environment.action_names)
    shape = (lanes, decisions)
    action = np.full(shape, WAIT_INDEX, np.int8)
    cash, position, paid = np.empty(shape), np.empty(shape), np.empty(shape)
    in_charge = np.full(decisions, NOBODY, np.int64)
    in_charge[:-1] = watch_of(watches, block.time_of(block.decision_closes + 1))[:-1]
    trace = DecisionTrace.empty(lanes, decisions, actions)
    terms, interventions = OrderTerms.of_the_rules(shape), list[tuple[int, Intervention]]()
    for at in range(decisions):
        state = environment.state
        cash[:, at], paid[:, at] = state["cash_usd"], state["costs_usd"]
        position[:, at] = environment.equity_usd() - cash[:, at]
        if at == decisions - 1:
            break
        watch = None if in_charge[at] == NOBODY else watches[in_charge[at]]
        if watch is None or watch.policy is None:
            chosen = np.where(state["quantity"] == 0.0, WAIT_INDEX, HOLD_INDEX).astype(np.int64)
            action[:, at] = chosen
            environment.advance(chosen)
            continue
        guarded = _decided(environment, watch, watch.policy)
        trace.keep(at, guarded.decision, guarded.masks)
        action[:, at] = guarded.actions
        terms.factor[:, at], terms.rests[:, at] = guarded.terms
        interventions += [(at, each) for each in guarded.interventions]
        environment.advance(guarded.actions, guarded.terms)
    return SessionArrays(
        closed=environment.closed(),
        fills=environment.fills(),
        action=action,
        cash_usd=cash,
        position_usd=position,
        costs_usd=paid,
        symbol=np.arange(lanes),
        first_bar=np.full(lanes, block.decision_closes[0]),
        state=environment.state.copy(),
        in_charge=in_charge,
        trace=trace,
        terms=terms if any(each.guard for each in watches) else None,
        interventions=tuple(interventions),
    )


def _decided(environment: MarketEnvironment, watch: Watch, policy: Policy) -> Guarded:
    """What those in charge do at the close at which all lanes stand."""
    observations, masks = environment.observe(), environment.masks()
    if watch.guard is None:
        decision = policy.decide(observations, masks)
        rules = OrderTerms.of_the_rules(decision.actions.shape)
        return Guarded(decision, masks, decision.actions, rules, ())
    known = surroundings_of(environment, watch)
    return watch.guard.decide(policy, observations, masks, environment.observation_names, known)


def surroundings_of(environment: MarketEnvironment, watch: Watch) -> Surroundings:
    """Of the lanes at the close of their bars, which is the same for all."""
    block, state = environment.block, environment.state
    symbol, bar = state["symbol"], state["bar"]
    return Surroundings(
        symbols=tuple(block.symbols[each] for each in symbol.tolist()),
        close_ms=int(block.time_of(bar[:1] + 1)[0]),
        regimes=tuple(REGIMES[each] for each in block.regime[symbol, block.row_of(bar)].tolist()),
        volatility_bps=block.volatility_bps[symbol, bar],
        entry_cost_bps=environment.entry_costs_bps(),
        size_multipliers=environment.rules.size_multipliers,
        facts=watch.facts,
        patterns=watch.patterns,
        positions_held=int((state["quantity"] > 0.0).sum()),
    )
