"""The meta-label model: whether to act on the policy's signal, by a logistic regression on few inputs.

It sees how sure the policy was, never the market features; the confidence model sees those. It learns which
barrier a signal meets first (`triple_barrier`). Thresholds on the probability belong to the gates. Idea:
Lopez de Prado (2018), chapter 3.6.
"""

from dataclasses import asdict, dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.durations import Duration
from huracan.models.config import ModelConfig, Unfit
from huracan.models.inputs import META_LABEL_NAMES, meta_label_inputs
from huracan.models.past import PastTrades
from huracan.models.scores import UNSCORED, TailScores
from huracan.models.split import split_past
from huracan.models.stored import read_model, refuse_columns, write_model
from huracan.models.tail import score_both
from huracan.models.triple_barrier import barrier_labels

Floats = NDArray[np.float64]

KIND, WORDS = "meta_label", "meta-label model"


@dataclass(frozen=True)
class MetaLabelModel:
    """A standardised logistic regression, all of it in plain numbers."""

    columns: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    trades: int
    fitted_trades: int
    tail_trades: int
    base_rate: float
    """Share of signals that met their target first, or ended above 0, among the fitted trades, by weight."""
    tail: TailScores
    effective_trades: float | None = None
    """So many trades that count alike would say as much as those that it was made of."""
    own_tail: TailScores | None = None
    """Of those signals of the tail that were the policy's own; None where they are too few."""

    @property
    def has_skill(self) -> bool:
        """Worth asking: see `TailScores.show_skill`."""
        return self.tail.show_skill

    def predict(self, trades: pa.Table) -> Floats:
        """[n] probability of the label 1 of `barrier_labels`; an input that is not defined counts as its past
        mean."""
        indices = [META_LABEL_NAMES.index(column) for column in self.columns]
        return self.predict_matrix(meta_label_inputs(trades)[:, indices])

    def predict_matrix(self, matrix: Floats) -> Floats:
        """[n] probability for rows of `columns`."""
        standard = _standardise(matrix, np.array(self.mean), np.array(self.scale))
        # A sum per row, not a matrix product: BLAS rounds a row differently by what stands beside it.
        score = (standard * np.array(self.weights)).sum(axis=1) + self.intercept
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(score, -50.0, 50.0))), dtype=np.float64)

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return write_model(KIND, asdict(self))

    @staticmethod
    def from_bytes(content: bytes) -> "MetaLabelModel":
        """The inverse of `to_bytes`, of models of form 1 too; InputRefused where it is not one."""
        value = read_model(content, KIND, WORDS, MetaLabelModel)
        for name in ("columns", "mean", "scale", "weights"):
            value[name] = tuple(value[name])
        refuse_columns(WORDS, value["columns"], META_LABEL_NAMES)
        for name in ("tail", "own_tail"):
            value[name] = None if value.get(name) is None else TailScores.read(value[name])
        return MetaLabelModel(**value)


def fit_meta_label_model(
    past: PastTrades, config: ModelConfig, maximum_holding: Duration
) -> MetaLabelModel | Unfit:
    """Fit on `past` (already cut by `window.trailing_trades`), same rows and config -> same bytes.

    Mean and scale are of the fitted part alone. There is nothing to stop early or to calibrate, so those
    parts are fitted too; the tail measures. Unfit where the trades cannot teach.
    """
    from sklearn.linear_model import LogisticRegression

    label, weight = barrier_labels(past.trades), past.weight
    split = split_past(past, config, maximum_holding, label)
    if isinstance(split, Unfit):
        return split
    matrix = meta_label_inputs(past.trades)
    rows = np.sort(np.concatenate([split.fit, split.validation, split.calibration]))
    mean, scale = _past_scale(matrix[rows], weight[rows])
    regression = LogisticRegression(C=config.logistic_strength, solver="lbfgs", max_iter=500, tol=1e-8)
    # A label that is not sure is both, each by its part of the weight.
    both = np.r_[weight[rows] * label[rows], weight[rows] * (1.0 - label[rows])]
    standard, counts = _standardise(matrix[rows], mean, scale), both > 0.0
    classes = np.repeat([True, False], len(rows))
    regression.fit(np.vstack([standard, standard])[counts], classes[counts], sample_weight=both[counts])
    model = MetaLabelModel(
        columns=META_LABEL_NAMES,
        mean=tuple(mean.tolist()),
        scale=tuple(scale.tolist()),
        weights=tuple(float(each) for each in regression.coef_[0]),
        intercept=float(regression.intercept_[0]),
        trades=past.trades.num_rows,
        fitted_trades=len(rows),
        tail_trades=len(split.tail),
        base_rate=float(np.average(label[rows], weights=weight[rows])),
        tail=UNSCORED,
        effective_trades=past.effective_count,
    )
    probability = model.predict_matrix(matrix[split.tail])
    held_out = past.take(split.tail)
    tail, own_tail = score_both(
        held_out, label[split.tail], probability, model.base_rate, config, maximum_holding
    )
    return replace(model, tail=tail, own_tail=own_tail)


def _past_scale(matrix: Floats, weight: Floats) -> tuple[Floats, Floats]:
    counts = np.isfinite(matrix) * weight[:, None]
    total = np.maximum(counts.sum(axis=0), 1e-12)
    known = np.where(counts > 0.0, matrix, 0.0)
    mean = (counts * known).sum(axis=0) / total
    scale = np.sqrt((counts * (known - mean) ** 2).sum(axis=0) / total)
    return mean, np.where(scale > 1e-12, scale, 1.0)


def _standardise(matrix: Floats, mean: Floats, scale: Floats) -> Floats:
    standard: Floats = np.where(np.isfinite(matrix), (matrix - mean) / scale, 0.0)
    return np.clip(standard, -10.0, 10.0)
