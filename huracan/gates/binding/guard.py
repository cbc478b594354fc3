"""Gates that bind, in the way of a policy's orders: one decision of all accounts at a close.

First what gates say of open positions: which are left, and which actions may not be taken. Then the policy
decides among what is left to it. Then every gate judges the entries that it decided, and they are refused,
made smaller or larger, or sent as another order. The platform's book and whoever loads a brain run this file.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.candles.schema import TIME
from huracan.gates.contract import Answer, Answers, Gate, OrderType, PositionGate, SignalGate, Tended
from huracan.gates.judging.judge import checked_answers, combine
from huracan.gates.judging.tending import checked_tended
from huracan.gates.judging.told import SIGNALS_SHOWN
from huracan.market.actions import EXIT_INDEX, SCRATCH_INDEX, WAIT_INDEX, actions_of
from huracan.market.engine.order_terms import BY_THE_RULES, RESTS, TAKES, OrderTerms
from huracan.market.facts.columns import BRIEF, FACT_NAMES
from huracan.market.facts.marks_columns import POSITIONS_SCHEMA
from huracan.market.guard import Guarded, Intervention
from huracan.market.ledger import LONG, SHORT
from huracan.market.observation import feature_names
from huracan.market.policy import Policy
from huracan.market.surroundings import Surroundings, state_column
from huracan.regimes.model import REGIMES
from huracan.tables import as_array

Rows = NDArray[np.int64]
_RESTS = {OrderType.LIMIT: RESTS, OrderType.MARKET: TAKES}


@dataclass(frozen=True, eq=False)
class GateGuard:
    """The gates that bind, by name, in the order in which they judge."""

    gates: Mapping[str, Gate]

    def decide(
        self,
        policy: Policy,
        observations: NDArray[np.float32],
        masks: NDArray[np.bool_],
        observed: Sequence[str],
        known: Surroundings,
    ) -> Guarded:
        """As `market.guard.Guard` says: `observations` and `masks` are of the rows that `known` is of."""
        tending = _Tending.of(self.gates, observations, masks, observed, known)
        allowed = tending.allowed(masks)
        decision = policy.decide(observations, allowed)
        actions = decision.actions.copy()
        terms = OrderTerms.of_the_rules(actions.shape)
        found = dict[int, Intervention]()
        wanted = _wanted(policy, decision.actions, observations, masks, allowed)
        for each in tending.interventions(wanted, decision.actions, masks, allowed):
            actions[each.row], found[each.row] = each.taken, each
        entries = np.flatnonzero(np.array([action.side for action in actions_of(True)])[actions] != 0)
        judging = {name: gate for name, gate in self.gates.items() if isinstance(gate, SignalGate)}
        if entries.size and judging:
            signals = known.signals(entries, observations, decision, allowed, observed)
            facts = known.facts_at(entries).select(FACT_NAMES)
            for name in FACT_NAMES:
                signals = signals.append_column(name, facts[name])
            for each in _judged(judging, signals.select(SIGNALS_SHOWN), entries, actions):
                actions[each.row] = each.taken
                terms.factor[each.row], terms.rests[each.row] = each.factor, each.rests
                found[each.row] = each
        return Guarded(decision, allowed, actions, terms, tuple(found[row] for row in sorted(found)))


@dataclass(frozen=True, eq=False)
class _Tending:
    """What gates say of the rows that hold a position."""

    rows: Rows
    said: Mapping[str, Tended]

    @staticmethod
    def of(
        gates: Mapping[str, Gate],
        observations: NDArray[np.float32],
        masks: NDArray[np.bool_],
        observed: Sequence[str],
        known: Surroundings,
    ) -> "_Tending":
        """Of positions that may be left: about others, whose order is on its way, nobody is asked."""
        own = {name: gate for name, gate in gates.items() if isinstance(gate, PositionGate)}
        rows = np.flatnonzero(masks[:, EXIT_INDEX])
        if not own or not rows.size:
            return _Tending(rows[:0], {})
        positions = positions_shown(rows, observations, observed, known)
        return _Tending(rows, {name: checked_tended(gate, name, positions) for name, gate in own.items()})

    def allowed(self, masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The masks without what gates forbid."""
        left = masks.copy()
        names = [action.name for action in actions_of(True)]
        for given in self.said.values():
            for row, forbidden in zip(self.rows.tolist(), given.forbids, strict=False):
                for name in forbidden:
                    left[row, names.index(name)] = False
        return left

    def interventions(
        self, wanted: Rows, decided: Rows, masks: NDArray[np.bool_], allowed: NDArray[np.bool_]
    ) -> Iterator[Intervention]:
        """Of every row where something else is done than was `wanted` [rows] with nothing forbidden;
        `decided` is what the policy does among what is allowed."""
        for place, row in enumerate(self.rows.tolist()):
            leave = [name for name, given in self.said.items() if given.closes[place] and given.speaks[place]]
            taken, acting = int(decided[row]), list[str]()
            if taken != wanted[row]:
                acting = [name for name, given in self.said.items() if given.forbids and given.forbids[place]]
            if leave and taken not in (EXIT_INDEX, SCRATCH_INDEX):
                taken = SCRATCH_INDEX if allowed[row, SCRATCH_INDEX] else EXIT_INDEX
                acting = leave
            if taken == wanted[row]:
                continue
            yield Intervention(
                row=row,
                wanted=int(wanted[row]),
                taken=taken,
                factor=1.0,
                rests=BY_THE_RULES,
                forbidden=tuple(np.flatnonzero(masks[row] & ~allowed[row]).tolist()),
                gates=tuple(acting),
                abstained=0,
                reason=" ".join(self.said[name].reason[place] for name in acting),
            )


def _wanted(
    policy: Policy,
    decided: Rows,
    observations: NDArray[np.float32],
    masks: NDArray[np.bool_],
    allowed: NDArray[np.bool_],
) -> Rows:
    """[rows] what the policy would do were nothing forbidden."""
    wanted, rows = decided.copy(), np.flatnonzero((masks & ~allowed).any(axis=1))
    if rows.size:
        wanted[rows] = policy.decide(observations[rows], masks[rows]).actions
    return wanted


def positions_shown(
    rows: Rows, observations: NDArray[np.float32], observed: Sequence[str], known: Surroundings
) -> pa.Table:
    """POSITIONS_SCHEMA of the rows; their identities are their numbers."""
    width = len(feature_names(observed))
    state = {
        name: observations[rows, state_column(observed, f"position_{name}")]
        for name in ("side", "unrealised", "age")
    }
    facts = known.brief_at(rows)
    data: dict[str, Any] = {
        "trade_id": facts["trade_id"],
        "symbol": [known.symbols[row] for row in rows.tolist()],
        "moment": pa.array([known.close_ms] * rows.size, pa.int64()).cast(TIME),
        "side": np.where(state["side"] < 0.0, SHORT, LONG).astype(object),
        "gain": state["unrealised"],
        "age": state["age"],
        "regime": [known.regimes[row] for row in rows.tolist()],
        **{f"probability_{name}": observations[rows, width + at] for at, name in enumerate(REGIMES)},
        **{name: facts[name] for name in BRIEF},
    }
    return pa.table({field.name: as_array(data[field.name], field.type) for field in POSITIONS_SCHEMA})


def _judged(
    gates: Mapping[str, SignalGate], signals: pa.Table, rows: Rows, actions: Rows
) -> Iterator[Intervention]:
    """Of every entry that gates change."""
    answers: dict[str, Answers] = {
        name: checked_answers(gate.judge(signals), name, rows.size) for name, gate in gates.items()
    }
    together = combine(answers, rows.size)
    for place, row in enumerate(rows.tolist()):
        own = {name: given.answer[place] for name, given in answers.items()}
        answer, wanted = together.answer[place], int(actions[row])
        acting = [name for name, each in own.items() if _acts(each)]
        if not acting:
            continue
        is_blocked = answer.verdict == "block"
        blocking = [name for name in acting if own[name].verdict == "block"]
        named = blocking or acting
        yield Intervention(
            row=row,
            wanted=wanted,
            taken=WAIT_INDEX if is_blocked else wanted,
            factor=1.0 if is_blocked else prod(each.size_factor for each in own.values()),
            rests=BY_THE_RULES if is_blocked or answer.order_type is None else _RESTS[answer.order_type],
            forbidden=(),
            gates=tuple(named),
            abstained=sum(each.verdict == "abstain" for each in own.values()),
            reason=" ".join(answers[name].reason[place] for name in named),
        )


def _acts(answer: Answer) -> bool:
    return answer.verdict == "block" or answer.size_factor != 1.0 or answer.order_type is not None
