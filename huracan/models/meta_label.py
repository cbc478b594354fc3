"""The meta-label model: whether to act on the policy's signal, by a logistic regression on few inputs.

It sees how sure the policy was, never the market features; the confidence model sees those. Thresholds on
the probability belong to the gates. Idea: Lopez de Prado (2018), chapter 3.6.
"""

from dataclasses import asdict, dataclass, fields, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.durations import Duration
from huracan.errors import InputRefused
from huracan.models.canonical import canonical_json, read_json_object
from huracan.models.config import ModelConfig, Unfit
from huracan.models.inputs import META_LABEL_NAMES, meta_label_inputs
from huracan.models.scores import TailScores, score_tail
from huracan.models.window import order_trades, split_trades, won

Floats = NDArray[np.float64]


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
    tail: TailScores

    @property
    def has_skill(self) -> bool:
        """Worth asking: see `TailScores.show_skill`."""
        return self.tail.show_skill

    def predict(self, trades: pa.Table) -> Floats:
        """[n] probability of `net_bps > 0`; an input that is not defined counts as its past mean."""
        return self.predict_matrix(meta_label_inputs(trades))

    def predict_matrix(self, matrix: Floats) -> Floats:
        """[n] probability for rows of `columns`."""
        standard = _standardise(matrix, np.array(self.mean), np.array(self.scale))
        # A sum per row, not a matrix product: BLAS rounds a row differently by what stands beside it.
        score = (standard * np.array(self.weights)).sum(axis=1) + self.intercept
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(score, -50.0, 50.0))), dtype=np.float64)

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical_json({"kind": "meta_label", **asdict(self)})

    @staticmethod
    def from_bytes(content: bytes) -> "MetaLabelModel":
        """The inverse of `to_bytes`; InputRefused where it is not one."""
        value = read_json_object(content, "The meta-label model")
        names = {field.name for field in fields(MetaLabelModel)}
        if value.pop("kind", None) != "meta_label" or set(value) != names:
            raise InputRefused("The meta-label model lacks its fields.", "Fit it again with this version.")
        for name in ("columns", "mean", "scale", "weights"):
            value[name] = tuple(value[name])
        value["tail"] = TailScores(**value["tail"])
        return MetaLabelModel(**value)


def fit_meta_label_model(
    trades: pa.Table, config: ModelConfig, maximum_holding: Duration
) -> MetaLabelModel | Unfit:
    """Fit on `trades` (already cut by `window.trailing_trades`), same rows and config -> same bytes.

    Mean and scale are of the fitted part alone. There is nothing to stop early, so the validation part is
    fitted too; the tail measures. Unfit where the trades cannot teach.
    """
    from sklearn.linear_model import LogisticRegression

    ordered = order_trades(trades)
    split = split_trades(ordered, config, maximum_holding)
    if isinstance(split, Unfit):
        return split
    matrix, label = meta_label_inputs(ordered), won(ordered)
    rows = np.sort(np.concatenate([split.fit, split.validation]))
    mean, scale = _past_scale(matrix[rows])
    regression = LogisticRegression(C=config.logistic_strength, solver="lbfgs", max_iter=500, tol=1e-8)
    regression.fit(_standardise(matrix[rows], mean, scale), label[rows])
    model = MetaLabelModel(
        columns=META_LABEL_NAMES,
        mean=tuple(mean.tolist()),
        scale=tuple(scale.tolist()),
        weights=tuple(float(weight) for weight in regression.coef_[0]),
        intercept=float(regression.intercept_[0]),
        trades=ordered.num_rows,
        fitted_trades=len(rows),
        tail_trades=len(split.tail),
        base_rate=float(label[rows].mean()),
        tail=TailScores(None, None, None, None),
    )
    probability = model.predict_matrix(matrix[split.tail])
    return replace(model, tail=score_tail(label[split.tail], probability, model.base_rate))


def _past_scale(matrix: Floats) -> tuple[Floats, Floats]:
    known = np.isfinite(matrix)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, matrix, 0.0).sum(axis=0) / count
    scale = np.sqrt(np.where(known, (matrix - mean) ** 2, 0.0).sum(axis=0) / count)
    return mean, np.where(scale > 1e-12, scale, 1.0)


def _standardise(matrix: Floats, mean: Floats, scale: Floats) -> Floats:
    standard: Floats = np.where(np.isfinite(matrix), (matrix - mean) / scale, 0.0)
    return np.clip(standard, -10.0, 10.0)
