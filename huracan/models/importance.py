"""Which inputs the confidence model leans on, and which of them help on trades that it never saw."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.durations import Duration
from huracan.models.confidence import ConfidenceModel
from huracan.models.config import ModelConfig, Unfit
from huracan.models.past import PastTrades
from huracan.models.scores import roc_auc
from huracan.models.split import split_past
from huracan.models.window import won
from huracan.tables import FLOAT, INTEGER, TEXT, Column, arrow_schema

IMPORTANCE_COLUMNS = (
    Column("feature", TEXT, "input of the confidence model"),
    Column("gain", FLOAT, "share of the loss that splits on it removed; all inputs sum to 1", "0 to 1"),
    Column(
        "permutation_importance",
        FLOAT,
        "AUC lost on the out-of-time tail when it is shuffled; below 0: better without; null where the tail "
        "lacks winners or losers",
    ),
    Column("rank", INTEGER, "1 matters most: by the AUC lost, then by gain"),
)
IMPORTANCE_SCHEMA = arrow_schema(IMPORTANCE_COLUMNS)
"""`gain` is the trees' share of loss removed (sums to 1); `permutation_importance` the AUC lost on the
out-of-time tail when the column is shuffled (null without both classes there); rank 1 matters most."""


def feature_importance(
    past: PastTrades, model: ConfidenceModel | Unfit, config: ModelConfig, maximum_holding: Duration
) -> pa.Table:
    """IMPORTANCE_SCHEMA, one row per input, by rank; empty where the model is Unfit.

    `past`, `config` and `maximum_holding` are those of the fit, so the tail is the same. Ranked by the AUC
    lost, then gain.
    """
    if isinstance(model, Unfit):
        return IMPORTANCE_SCHEMA.empty_table()
    label = won(past.trades)
    split = split_past(past, config, maximum_holding)
    if isinstance(split, Unfit):
        return IMPORTANCE_SCHEMA.empty_table()
    matrix = model.inputs(past.trades)[split.tail]
    gain = _gain_shares(model)
    lost = _permutation_losses(model, matrix, label[split.tail], gain, config)
    keys = [(-(0.0 if loss is None else loss), -share) for loss, share in zip(lost, gain, strict=True)]
    order = sorted(range(len(model.columns)), key=lambda column: (keys[column], model.columns[column]))
    rows = [
        {
            "feature": model.columns[column],
            "gain": float(gain[column]),
            "permutation_importance": lost[column],
            "rank": rank,
        }
        for rank, column in enumerate(order, start=1)
    ]
    return pa.Table.from_pylist(rows, schema=IMPORTANCE_SCHEMA)


def _gain_shares(model: ConfidenceModel) -> NDArray[np.float64]:
    import lightgbm

    gain = lightgbm.Booster(model_str=model.booster_text).feature_importance(importance_type="gain")
    total = float(np.sum(gain))
    return np.asarray(gain / total if total > 0 else np.zeros(len(gain)), dtype=np.float64)


def _permutation_losses(
    model: ConfidenceModel,
    matrix: NDArray[np.float64],
    label: NDArray[np.bool_],
    gain: NDArray[np.float64],
    config: ModelConfig,
) -> list[float | None]:
    base = roc_auc(label, model.predict_matrix(matrix))
    if base is None:
        return [None] * len(model.columns)
    losses: list[float | None] = []
    for column in range(matrix.shape[1]):
        if gain[column] == 0.0:
            losses.append(0.0)  # No tree asks for it, so shuffling changes no answer.
            continue
        generator = np.random.default_rng([config.seed, column])
        shuffled = np.repeat(matrix[None], config.permutations, axis=0)
        for copy in shuffled:
            copy[:, column] = generator.permutation(copy[:, column])
        answers = model.predict_matrix(shuffled.reshape(-1, matrix.shape[1])).reshape(config.permutations, -1)
        scores = [roc_auc(label, answer) for answer in answers]
        losses.append(base - float(np.mean([score for score in scores if score is not None])))
    return losses
