"""What spoke for a trade and against it: each input's share of the confidence model's log-odds.

The model is that of a night before the signal, so it has not seen the trade. A contribution says what the
model made of an input; that the input caused the outcome, it does not say.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.memory.embedding import EmbeddingStatistics, entry_features
from huracan.analysis.outcome import Booleans, Floats, Integers
from huracan.analysis.row_text import json_lists, json_objects, sentences
from huracan.models.confidence import ConfidenceModel
from huracan.models.config import Unfit

TOP_DRIVERS = 5
NAMED_DRIVERS = 3
CONFIDENCE_MODEL, UNSKILLED_MODEL, UNUSUAL_FEATURES = DRIVER_SOURCES = (
    "confidence_model",
    "unskilled_model",  # a confidence model that ranked its own held-out tail no better than chance
    "unusual_features",  # no model: the features farthest from their past means, which say nothing of why
)


@dataclass(frozen=True, eq=False)
class Drivers:
    """Arrays [trades]. Lists are JSON of {feature, value, standard_deviations, contribution}: contributions
    in log-odds, signed; null where there is no model, as are the deviations of what is no feature."""

    strongest: pa.Array
    """The five largest, whichever way they point; what contributes nothing is no driver."""
    speaking_for: pa.Array
    """The five largest of those that spoke for the trade; without a model the same as `strongest`."""
    named: pa.Array
    """The first three of `strongest` as text."""
    source: pa.Array
    """Of DRIVER_SOURCES."""
    log_odds: Floats
    """The model's answer: the base and all contributions. NaN without a model, as is the base."""
    base_log_odds: Floats


def explain_by_night(
    trades: pa.Table,
    nights: Integers,
    statistics: EmbeddingStatistics,
    model_of: Callable[[int], ConfidenceModel | Unfit],
) -> Drivers:
    """The drivers of `trades`, each by the model of the night in `nights` [trades], as `explain_trades`."""
    groups = [np.flatnonzero(nights == night) for night in np.unique(nights)]
    if not groups:
        return explain_trades(trades, statistics, Unfit("There is no trade.", 0))
    parts = [
        explain_trades(trades.take(pa.array(rows)), statistics, model_of(int(nights[rows[0]])))
        for rows in groups
    ]
    back = np.argsort(np.concatenate(groups), kind="stable")

    def joined(name: str) -> pa.Array:
        return pa.concat_arrays([getattr(part, name) for part in parts]).take(pa.array(back))

    return Drivers(
        *(joined(name) for name in ("strongest", "speaking_for", "named", "source")),
        *(np.concatenate([getattr(part, name) for part in parts])[back] for name in _LOG_ODDS),
    )


_LOG_ODDS = ("log_odds", "base_log_odds")


def explain_trades(
    trades: pa.Table, statistics: EmbeddingStatistics, model: ConfidenceModel | Unfit
) -> Drivers:
    """The drivers of `trades` by `model`, which was fitted on days before theirs.

    A model of another recipe than that of `statistics` is as good as none.
    """
    scores = statistics.standardise(entry_features(trades, statistics.feature_names))
    unknown = np.full(len(trades), np.nan)
    if isinstance(model, Unfit) or model.feature_names != statistics.feature_names:
        values = entry_features(trades, statistics.feature_names).astype(np.float64)
        table = _Table(statistics.feature_names, values, scores, np.full_like(scores, np.nan))
        strongest, named = table.largest(np.abs(scores)), table.named(scores)
        source = pa.array([UNUSUAL_FEATURES] * len(trades), pa.string())
        return Drivers(strongest, strongest, named, source, unknown, unknown)
    values = model.inputs(trades)
    parts = model.contributions(values)
    deviations = np.full(values.shape, np.nan)
    for index, name in enumerate(statistics.feature_names):
        deviations[:, model.columns.index(name)] = scores[:, index]
    given = parts[:, :-1]
    table = _Table(model.columns, values, deviations, given)
    return Drivers(
        strongest=table.largest(np.abs(given)),
        speaking_for=table.largest(given),
        named=table.named(given),
        source=pa.array(
            [CONFIDENCE_MODEL if model.has_skill else UNSKILLED_MODEL] * len(trades), pa.string()
        ),
        log_odds=np.asarray(parts.sum(axis=1), dtype=np.float64),
        base_log_odds=parts[:, -1],
    )


@dataclass(frozen=True, eq=False)
class _Table:
    """All inputs of all trades: columns [inputs], arrays [trades, inputs]."""

    columns: tuple[str, ...]
    values: Floats
    standard_deviations: Floats
    contributions: Floats

    def largest(self, sizes: Floats) -> pa.Array:
        """The inputs of the largest positive sizes as JSON lists."""
        rows = np.arange(len(sizes))
        objects = []
        for chosen in _order(sizes, TOP_DRIVERS).T:
            text = json_objects(
                {
                    "feature": self._names(chosen),
                    "value": self.values[rows, chosen],
                    "standard_deviations": self.standard_deviations[rows, chosen],
                    "contribution": self.contributions[rows, chosen],
                },
                len(rows),
            )
            objects.append(_where(sizes[rows, chosen] > 0, text))
        return json_lists(objects, len(rows))

    def named(self, numbers: Floats) -> pa.Array:
        """The inputs of the numbers farthest from 0 as text, each with its number."""
        rows, parts = np.arange(len(numbers)), []
        for chosen in _order(np.abs(numbers), NAMED_DRIVERS).T:
            number = np.round(numbers[rows, chosen], 2)
            sign = pa.array(np.where(number < 0, "", "+").tolist(), pa.string())
            text = {"name": self._names(chosen), "sign": sign, "number": pa.array(number).cast(pa.string())}
            said = sentences(", {name} {sign}{number}", text, len(rows))
            parts.append(pc.fill_null(_where(numbers[rows, chosen] != 0, said), ""))
        joined = pc.utf8_slice_codeunits(pc.binary_join_element_wise(*parts, ""), 2)
        return pc.if_else(pc.equal(joined, ""), "nothing in particular", joined)

    def _names(self, chosen: npt.NDArray[np.int64]) -> pa.Array:
        return pa.array(self.columns, pa.string()).take(pa.array(chosen))


def _order(sizes: Floats, count: int) -> npt.NDArray[np.int64]:
    """[trades, count] the columns of the largest sizes, the first one where two are equal."""
    return np.argsort(-sizes, axis=1, kind="stable")[:, :count]


def _where(holds: Booleans, text: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(holds), text, pa.scalar(None, pa.string()))
