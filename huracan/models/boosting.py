"""Boosted trees on weighted trades, as every model of this room grows them; stopped on a later part."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.models.config import ModelConfig
from huracan.models.split import TradeSplit

Floats = NDArray[np.float64]


def boost(
    objective: Mapping[str, Any],
    inputs: tuple[Floats, Floats, Floats],
    split: TradeSplit,
    config: ModelConfig,
) -> tuple[str, int]:
    """The trees in LightGBM's text form and the rounds after which the validation part gained no more.

    `inputs` are matrix [n, columns], target [n] and weight [n]; same inputs and config -> same text.
    """
    import lightgbm

    settings = {
        "learning_rate": config.learning_rate,
        "num_leaves": config.leaves,
        "min_data_in_leaf": config.minimum_leaf_trades,
        "lambda_l2": 5.0,
        "feature_fraction": 0.6,
        "seed": config.seed,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": 1,  # a night does other work beside, and threads that wait for one another cost more
        "verbosity": -1,
        **objective,
    }
    matrix, target, weight = inputs
    train, valid = (
        lightgbm.Dataset(matrix[rows], target[rows], weight=weight[rows])
        for rows in (split.fit, split.validation)
    )
    valid.set_reference(train)
    stop = lightgbm.early_stopping(config.patience_rounds, verbose=False)
    booster = lightgbm.train(settings, train, config.maximum_rounds, valid_sets=[valid], callbacks=[stop])
    rounds = int(booster.best_iteration)
    return str(booster.model_to_string(num_iteration=rounds)), rounds


def read_trees(text: str) -> Any:
    """The booster of that text."""
    import lightgbm

    return lightgbm.Booster(model_str=text)


def answers(booster: Any, matrix: Floats, **asked: bool) -> Floats:
    """What the trees say of each row, alone of its neighbours; `asked` as LightGBM's `predict`."""
    found = booster.predict(matrix, num_threads=1, **asked)
    return np.asarray(found, dtype=np.float64)
