"""The confidence model: the probability that a signal makes money after costs, by boosted trees.

Fitted on closed trades, calibrated on later ones and judged on the latest, which it never saw. Thresholds on
the probability belong to the gates.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.durations import Duration
from huracan.models.boosting import answers, boost, read_trees
from huracan.models.calibration import Calibration, fit_calibration
from huracan.models.config import ModelConfig, Unfit
from huracan.models.inputs import confidence_inputs, confidence_names
from huracan.models.past import PastTrades
from huracan.models.scores import UNSCORED, TailScores
from huracan.models.split import split_past
from huracan.models.stored import read_model, refuse_columns, write_model
from huracan.models.tail import score_both
from huracan.models.window import won

Floats = NDArray[np.float64]

KIND, WORDS = "confidence", "confidence model"


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
    """Share of winners among the fitted trades, by weight."""
    tail: TailScores
    effective_trades: float | None = None
    """So many trades that count alike would say as much as those that it was made of."""
    own_tail: TailScores | None = None
    """Of those signals of the tail that were the policy's own; None where they are too few."""
    calibration: Calibration | None = None
    """None in a model of form 1: its trees' log-odds are all it says."""

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
        if self.calibration is None:
            return answers(self._booster, matrix)
        return self.calibration.apply(answers(self._booster, matrix, raw_score=True))

    def contributions(self, matrix: Floats) -> Floats:
        """[n, columns + 1] what each column adds to the log-odds of a row, and last their mean in the fit.

        Shapley values of the trees (exact TreeSHAP, Lundberg et al. 2020): a row sums to its log-odds, as
        they are before the calibration.
        """
        if len(matrix) == 0:
            return np.zeros((0, len(self.columns) + 1))
        return answers(self._booster, matrix, pred_contrib=True)

    def gain(self) -> Floats:
        """[columns] the loss that splits on each removed."""
        return np.asarray(self._booster.feature_importance(importance_type="gain"), dtype=np.float64)

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return write_model(KIND, asdict(self))

    @staticmethod
    def from_bytes(content: bytes) -> "ConfidenceModel":
        """The inverse of `to_bytes`, of models of form 1 too; InputRefused where it is not one."""
        value = read_model(content, KIND, WORDS, ConfidenceModel)
        value["feature_names"], value["columns"] = tuple(value["feature_names"]), tuple(value["columns"])
        refuse_columns(WORDS, value["columns"], confidence_names(value["feature_names"]))
        for name, part in (("tail", TailScores), ("own_tail", TailScores), ("calibration", Calibration)):
            value[name] = None if value.get(name) is None else part.read(value[name])
        return ConfidenceModel(**value)

    @cached_property
    def _booster(self) -> Any:
        return read_trees(self.booster_text)


def fit_confidence_model(
    past: PastTrades, feature_names: Sequence[str], config: ModelConfig, maximum_holding: Duration
) -> ConfidenceModel | Unfit:
    """Fit on `past` (already cut by `window.trailing_trades`), same rows and config -> same bytes.

    The number of rounds is chosen on a validation part, the calibration on a later one, and the scores are
    measured on the tail; every trade still open when a later part begins is left out. Unfit where the trades
    cannot teach.
    """
    label = won(past.trades).astype(np.float64)
    split = split_past(past, config, maximum_holding, label)
    if isinstance(split, Unfit):
        return split
    matrix = confidence_inputs(past.trades, feature_names)
    text, rounds = boost({"objective": "binary"}, (matrix, label, past.weight), split, config)
    rows = split.calibration
    log_odds = answers(read_trees(text), matrix[rows], raw_score=True)
    model = ConfidenceModel(
        feature_names=tuple(feature_names),
        columns=confidence_names(feature_names),
        booster_text=text,
        rounds=rounds,
        trades=past.trades.num_rows,
        fitted_trades=len(split.fit),
        tail_trades=len(split.tail),
        base_rate=float(np.average(label[split.fit], weights=past.weight[split.fit])),
        tail=UNSCORED,
        effective_trades=past.effective_count,
        calibration=fit_calibration(log_odds, label[rows], past.weight[rows]),
    )
    probability = model.predict_matrix(matrix[split.tail])
    held_out = past.take(split.tail)
    tail, own_tail = score_both(
        held_out, label[split.tail], probability, model.base_rate, config, maximum_holding
    )
    return replace(model, tail=tail, own_tail=own_tail)
