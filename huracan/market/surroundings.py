"""What is known at the close of a decision bar beside what a policy observes: what gates ask for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.candles.schema import TIME
from huracan.errors import InvalidInput
from huracan.market.actions import actions_of
from huracan.market.costs import Floats
from huracan.market.facts.columns import BRIEF_SCHEMA, FACTS_SCHEMA
from huracan.market.facts.signal_facts import MarketFacts
from huracan.market.ledger import LONG, POLICY, SHORT, TRADES_SCHEMA
from huracan.market.observation import STATE_NAMES, feature_names
from huracan.market.policy import Decision
from huracan.market.rules import SIZES
from huracan.regimes.model import REGIMES
from huracan.tables import as_array

_YEAR_2000_MS, _YEAR_2200_MS = 946_684_800_000, 7_258_118_400_000


class KnowsPatterns(Protocol):
    """Who can say which known patterns an entry resembles."""

    def nearest(self, rows: NDArray[np.float32], sides: NDArray[np.object_]) -> tuple[pa.Array, pa.Array]:
        """Per feature row of [n, features] and side [n] a list of identities, nearest first, and a list of
        cosines."""
        ...


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Of n rows, each a symbol's account at the same close."""

    symbols: tuple[str, ...]
    """[n]"""
    close_ms: int
    """UTC, since 1970."""
    regimes: tuple[str | None, ...]
    """[n] of the bar."""
    volatility_bps: Floats
    """[n] of one bar."""
    entry_cost_bps: Floats
    """[n, actions] estimated round trip of each entry at its whole size; NaN of other actions."""
    size_multipliers: tuple[float, ...]
    """Of the rules, by an action's `size_slot`."""
    facts: MarketFacts | None = None
    """The market, by the candles known then; None: nothing is known of it."""
    patterns: KnowsPatterns | None = None
    """Those that are known to whoever decides."""
    positions_held: int = 0
    """Positions of the book that are open, over all symbols."""

    def __post_init__(self) -> None:
        count, costs = len(self.symbols), np.asarray(self.entry_cost_bps)
        sizes = {
            "regimes": len(self.regimes) == count,
            "volatility_bps": np.shape(self.volatility_bps) == (count,),
            "entry_cost_bps": isinstance(self.entry_cost_bps, np.ndarray)
            and costs.ndim == 2
            and len(costs) == count
            and costs.dtype.kind == "f",
            "size_multipliers": len(self.size_multipliers) == len(SIZES),
        }
        for name, is_right in sizes.items():
            if not is_right:
                raise InvalidInput(
                    f"What is known of {count} rows has other {name} than these.",
                    f"Give NumPy arrays of one row for each symbol, and {len(SIZES)} size multipliers.",
                )
        if not _YEAR_2000_MS < self.close_ms < _YEAR_2200_MS:
            raise InvalidInput(f"The close was {self.close_ms}.", "Give it in milliseconds since 1970, UTC.")

    def facts_at(self, rows: NDArray[np.int64]) -> pa.Table:
        """FACTS_SCHEMA of the rows; their identities are their numbers."""
        return self._measured(rows, FACTS_SCHEMA, MarketFacts.at)

    def brief_at(self, rows: NDArray[np.int64]) -> pa.Table:
        """BRIEF_SCHEMA of the same."""
        return self._measured(rows, BRIEF_SCHEMA, MarketFacts.brief_at)

    def _measured(self, rows: NDArray[np.int64], schema: pa.Schema, ask: Callable[..., pa.Table]) -> pa.Table:
        names = [str(row) for row in rows.tolist()]
        if self.facts is None:
            nothing: list[Any] = [None] * len(names)
            return pa.table(dict.fromkeys(schema.names, nothing) | {"trade_id": names}, schema=schema)
        symbols = [self.symbols[row] for row in rows.tolist()]
        return ask(self.facts, symbols, [self.close_ms] * len(names), names)

    def signals(
        self,
        rows: NDArray[np.int64],
        observations: NDArray[np.float32],
        decision: Decision,
        masks: NDArray[np.bool_],
        observed: Sequence[str],
    ) -> pa.Table:
        """What the ledger would say of the entries that were decided at these rows, as far as it is known:
        columns of TRADES_SCHEMA, and of `book` and `positions_held`. The identities are the rows' numbers.

        `observations`, `decision` and `masks` are of all rows; `observed` names the columns of the first.
        InvalidInput where the market's actions are others than those of `entry_cost_bps`.
        """
        actions = actions_of(masks.shape[1] > len(actions_of(False)))
        if self.entry_cost_bps.shape != masks.shape:
            raise InvalidInput(
                f"Costs of entries were {self.entry_cost_bps.shape}, and the masks {masks.shape}.",
                "Give the estimated round trip of every action, NaN of what is no entry.",
            )
        chosen = decision.actions[rows]
        width = len(feature_names(observed))
        entries = [actions[each] for each in chosen.tolist()]
        sides = [SHORT if each.side < 0 else LONG for each in entries]
        features = observations[rows, :width]
        nearest, cosines = self._nearest(features, np.array(sides, dtype=object))
        lists = {
            "entry_features": features,
            "policy_logits": decision.logits[rows],
            "action_bias": decision.bias[rows],
            "bias_terms": decision.bias_terms[rows],
            "action_mask": masks[rows],
            "action_probabilities": decision.probabilities[rows],
        }
        data: dict[str, Any] = {
            "trade_id": [str(row) for row in rows.tolist()],
            "symbol": [self.symbols[row] for row in rows.tolist()],
            "side": sides,
            "size_multiplier": [self.size_multipliers[each.size_slot or 0] for each in entries],
            "signal_time": pa.array([self.close_ms] * rows.size, pa.int64()).cast(TIME),
            "estimated_cost_bps": pa.array(self.entry_cost_bps[rows, chosen], from_pandas=True),
            "entry_volatility_bps": pa.array(self.volatility_bps[rows], from_pandas=True),
            "regime": [self.regimes[row] for row in rows.tolist()],
            **{
                f"probability_{name}": observations[rows, width + place] for place, name in enumerate(REGIMES)
            },
            "action": [each.name for each in entries],
            **{name: list(values) for name, values in lists.items()},
            "value_estimate": decision.values[rows].astype(np.float64),
            "nearest_patterns": nearest,
            "nearest_pattern_cosines": cosines,
        }
        kinds = {name: TRADES_SCHEMA.field(name).type for name in data}
        columns = {name: as_array(values, kinds[name]) for name, values in data.items()}
        columns["book"] = pa.array([POLICY] * rows.size, pa.string())
        columns["positions_held"] = pa.array([self.positions_held] * rows.size, pa.int64())
        return pa.table(columns)

    def _nearest(self, features: NDArray[np.float32], sides: NDArray[np.object_]) -> tuple[Any, Any]:
        if self.patterns is None:
            return [[]] * len(features), [[]] * len(features)
        return self.patterns.nearest(features, sides)


def state_column(observed: Sequence[str], name: str) -> int:
    """Where in an observation a column of STATE_NAMES stands."""
    return len(observed) - len(STATE_NAMES) + STATE_NAMES.index(name)
