"""The confidence model: the probability that a signal makes money after costs, by boosted trees.

Fitted on closed shadow trades and judged on their latest part, which it never saw. Thresholds on the
probability belong to the gates.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.durations import Duration
from huracan.errors import InputRefused
from huracan.models.canonical import canonical_json, read_json_object
from huracan.models.config import ModelConfig, Unfit
from huracan.models.inputs import confidence_inputs, confidence_names
from huracan.models.scores import TailScores, score_tail
from huracan.models.window import TradeSplit, order_trades, split_trades, won

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ConfidenceModel:
    """Boosted trees in LightGBM's text form, with what is needed to apply and to distrust them."""

    feature_names: tuple[str, ...]
    columns: tuple[str, ...]
    booster_text: str
    rounds: int
    trades: int
    fitted_trades: int
    tail_trades: int
    base_rate: float
    """Share of winners among the fitted trades."""
    tail: TailScores

    @property
    def has_skill(self) -> bool:
        """Worth asking: see `TailScores.show_skill`."""
        return self.tail.show_skill

    def predict(self, trades: pa.Table) -> Floats:
        """[n] probability of `net_bps > 0`, row by row, from signal columns alone."""
        return self.predict_matrix(self.inputs(trades))

    def inputs(self, trades: pa.Table) -> Floats:
        """[n, columns] what the model looks at, from signal columns alone."""
        names = confidence_names(self.feature_names)
        # A model of an earlier version may look at fewer columns.
        indices = [names.index(column) for column in self.columns]
        return confidence_inputs(trades, self.feature_names)[:, indices]

    def predict_matrix(self, matrix: Floats) -> Floats:
        """[n] probability for rows of `columns`."""
        if len(matrix) == 0:
            return np.zeros(0)
        return np.asarray(self._booster.predict(matrix, num_threads=1), dtype=np.float64)

    def contributions(self, matrix: Floats) -> Floats:
        """[n, columns + 1] what each column adds to the log-odds of a row, and last their mean in the fit.

        Shapley values of the trees (exact TreeSHAP, Lundberg et al. 2020): a row sums to its log-odds.
        """
        if len(matrix) == 0:
            return np.zeros((0, len(self.columns) + 1))
        found = self._booster.predict(matrix, pred_contrib=True, num_threads=1)
        return np.asarray(found, dtype=np.float64)

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical_json({"kind": "confidence", **asdict(self)})

    @staticmethod
    def from_bytes(content: bytes) -> "ConfidenceModel":
        """The inverse of `to_bytes`; InputRefused where it is not one."""
        value = read_json_object(content, "The confidence model")
        names = {field.name for field in fields(ConfidenceModel)}
        if value.pop("kind", None) != "confidence" or set(value) != names:
            raise InputRefused("The confidence model lacks its fields.", "Fit it again with this version.")
        value["feature_names"], value["columns"] = tuple(value["feature_names"]), tuple(value["columns"])
        value["tail"] = TailScores(**value["tail"])
        return ConfidenceModel(**value)

    @cached_property
    def _booster(self) -> Any:
        import lightgbm

        return lightgbm.Booster(model_str=self.booster_text)


def fit_confidence_model(
    trades: pa.Table, feature_names: Sequence[str], config: ModelConfig, maximum_holding: Duration
) -> ConfidenceModel | Unfit:
    """Fit on `trades` (already cut by `window.trailing_trades`), same rows and config -> same bytes.

    The number of rounds is chosen on a validation part, the scores are measured on the later tail, and every
    trade still open when a later part begins is left out. Unfit where the trades cannot teach.
    """
    ordered = order_trades(trades)
    split = split_trades(ordered, config, maximum_holding)
    if isinstance(split, Unfit):
        return split
    matrix, label = confidence_inputs(ordered, feature_names), won(ordered)
    text, rounds = _boost(matrix, label, split, config)
    base_rate = float(label[split.fit].mean())
    model = ConfidenceModel(
        feature_names=tuple(feature_names),
        columns=confidence_names(feature_names),
        booster_text=text,
        rounds=rounds,
        trades=ordered.num_rows,
        fitted_trades=len(split.fit),
        tail_trades=len(split.tail),
        base_rate=base_rate,
        tail=TailScores(None, None, None, None),
    )
    probability = model.predict_matrix(matrix[split.tail])
    return replace(model, tail=score_tail(label[split.tail], probability, model.base_rate))


def _boost(
    matrix: Floats, label: NDArray[np.bool_], split: TradeSplit, config: ModelConfig
) -> tuple[str, int]:
    import lightgbm

    settings = {
        "objective": "binary",
        "learning_rate": config.learning_rate,
        "num_leaves": config.leaves,
        "min_data_in_leaf": config.minimum_leaf_trades,
        "lambda_l2": 5.0,
        "feature_fraction": 0.6,
        "seed": config.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    train = lightgbm.Dataset(matrix[split.fit], label[split.fit].astype(np.float64))
    valid = lightgbm.Dataset(
        matrix[split.validation], label[split.validation].astype(np.float64), reference=train
    )
    stop = lightgbm.early_stopping(config.patience_rounds, verbose=False)
    booster = lightgbm.train(settings, train, config.maximum_rounds, valid_sets=[valid], callbacks=[stop])
    rounds = int(booster.best_iteration)
    return str(booster.model_to_string(num_iteration=rounds)), rounds
