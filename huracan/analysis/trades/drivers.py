"""What spoke for a trade and against it: each input's share of the confidence model's log-odds.

The model is that of the day before, so it has not seen the trade. A contribution says what the model made of
an input; that the input caused the outcome, it does not say.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.memory.embedding import EmbeddingStatistics, entry_features
from huracan.analysis.outcome import Booleans, Floats
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
    source: str
    """One of DRIVER_SOURCES."""
    log_odds: Floats
    """The model's answer: the base and all contributions. NaN without a model, as is the base."""
    base_log_odds: Floats


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
        return Drivers(strongest, strongest, named, UNUSUAL_FEATURES, unknown, unknown)
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
        source=CONFIDENCE_MODEL if model.has_skill else UNSKILLED_MODEL,
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
