"""Avoidance rules as data: a kind with rounded numbers, as JSON, so that equal cases give equal rules.

What the kinds do to a session is in `kinds`; which reason suggests which, in `trades.loss_reasons`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.outcome import Floats
from huracan.analysis.row_text import Column, json_objects
from huracan.errors import InputRefused

SENTENCES: dict[str, str] = {
    "skip_costly": "Skip an entry whose round trip is estimated at {cost_volatilities} one-bar volatilities "
    "or more.",
    "skip_unlikely": "Skip an entry whose similar trades won with probability {win_probability} or less.",
    "skip_unprofitable": "Skip an entry whose similar trades made {mean_net_bps} bps or less on average.",
    "skip_unprecedented": "Skip an entry with fewer than {similar_trades} similar trades.",
    "leave_volatile": "Leave once one-bar volatility is {volatility_ratio} times that at the signal.",
    "leave_regime": "Leave once the regime of the signal has ended.",
    "leave_adverse": "Leave if the price is {volatilities} one-bar volatilities against the entry within the "
    "first {first_minutes} minutes.",
    "leave_aged": "Leave after {minutes} minutes.",
    "widen_stop": "Place the stop at least {volatilities} one-bar volatilities away.",
    "widen_trail": "Let a trailing stop follow at least {volatilities} one-bar volatilities behind the best "
    "price.",
}
"""By kind, with the kind's numbers in their places."""

_STEPS = np.array([step * 10.0**power for power in range(-3, 5) for step in (1, 1.5, 2, 3, 5, 7)])


@dataclass(frozen=True)
class AvoidanceRule:
    """One rule. `text` is its JSON and its identity."""

    text: str
    kind: str
    numbers: Mapping[str, float]

    @staticmethod
    def read(text: str) -> "AvoidanceRule":
        """The rule that `rule_texts` wrote; InputRefused where it is none."""
        try:
            content = json.loads(text)
            numbers = {name: float(value) for name, value in content.items() if name != "kind"}
            rule = AvoidanceRule(text, content["kind"], numbers)
            SENTENCES[rule.kind].format_map(numbers)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputRefused(
                f"{text} is no avoidance rule ({error}).", "Analyse that day again."
            ) from error
        return rule

    @property
    def sentence(self) -> str:
        """The rule in words."""
        return SENTENCES[self.kind].format_map({name: f"{value:g}" for name, value in self.numbers.items()})


def rule_texts(kind: str, numbers: Mapping[str, Floats], rows: int) -> pa.Array:
    """One rule of `kind` per row; null where one of its `numbers` [rows] is not known."""
    columns: dict[str, Column] = {"kind": pa.array([kind] * rows, pa.string())}
    texts = json_objects(columns | {name: numbers[name] for name in numbers}, rows)
    known = np.ones(rows, dtype=bool)
    for values in numbers.values():
        known &= np.isfinite(values)
    return pc.if_else(pa.array(known), texts, pa.scalar(None, pa.string()))


def distinct_rules(texts: pa.Array | pa.ChunkedArray) -> list[AvoidanceRule]:
    """Each rule among `texts` once, in the order of its text."""
    found = pc.unique(pc.drop_null(texts)).to_pylist()
    return [AvoidanceRule.read(text) for text in sorted(found)]


def rule_sentences(texts: pa.Array) -> pa.Array:
    """The rules in words; null where there is none."""
    coded = texts.dictionary_encode()
    words = [AvoidanceRule.read(text).sentence for text in coded.dictionary.to_pylist()]
    return pa.array(words, pa.string()).take(coded.indices)


def rounded_down(values: Floats) -> Floats:
    """To 1, 1.5, 2, 3, 5 or 7 times a power of ten, towards 0; NaN where that is not known or below 0.001."""
    index = np.searchsorted(_STEPS, np.nan_to_num(values, nan=0.0, posinf=_STEPS[-1]), side="right") - 1
    return np.where(index >= 0, _STEPS[np.maximum(index, 0)], np.nan)


def rounded_up(values: Floats) -> Floats:
    """To the same steps, away from 0; NaN where that is not known or beyond 70,000."""
    index = np.searchsorted(_STEPS, np.nan_to_num(values, nan=np.inf), side="left")
    return np.where(index < _STEPS.size, _STEPS[np.minimum(index, _STEPS.size - 1)], np.nan)
