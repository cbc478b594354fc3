"""Which inputs the confidence model leans on, which help on trades that it never saw, and which mislead."""

from collections.abc import Mapping
from datetime import date
from statistics import NormalDist

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.durations import Duration
from huracan.evaluation.jackknife import effective_count
from huracan.models.confidence import ConfidenceModel
from huracan.models.config import ModelConfig, Unfit
from huracan.models.drift import population_stability
from huracan.models.importance_columns import IMPORTANCE_SCHEMA
from huracan.models.past import PastTrades
from huracan.models.scores import roc_auc
from huracan.models.split import split_past
from huracan.models.window import won

Floats = NDArray[np.float64]

MOST_ROWS = 2500
"""Of the tail that are shuffled and explained: more say little more, and cost a night its minutes."""
_FEWEST_NIGHTS = 3


def feature_importance(
    past: PastTrades,
    model: ConfidenceModel | Unfit,
    config: ModelConfig,
    maximum_holding: Duration,
    day: date,
    earlier: Mapping[date, pa.Table],
) -> pa.Table:
    """IMPORTANCE_SCHEMA, one row per input, by rank; empty where the model is Unfit.

    `past`, `config` and `maximum_holding` are those of the fit, so the tail is the same. Ranked by the AUC
    lost, then gain. `earlier` are the tables of nights before `day`; of older forms what they lack is not
    known.
    """
    label = won(past.trades).astype(np.float64)
    split = split_past(past, config, maximum_holding, label)
    if isinstance(model, Unfit) or isinstance(split, Unfit):
        return IMPORTANCE_SCHEMA.empty_table()
    matrix, gain = model.inputs(past.trades), _shares(model.gain())
    places = np.unique(np.linspace(0, len(split.tail) - 1, min(MOST_ROWS, len(split.tail))).astype(int))
    rows = split.tail[places]
    lost = _permutation_losses(model, matrix[rows], (label[rows], past.weight[rows]), gain, config)
    contributions = model.contributions(matrix[rows])[:, :-1]
    columns = {
        "feature": list(model.columns),
        "gain": gain.tolist(),
        "permutation_importance": lost,
        **_contributions(contributions, label[rows] > 0.5, past.weight[rows]),
    }
    columns |= _trend(model.columns, columns["contribution_share"], day, earlier)
    drifts = [
        population_stability(
            matrix[split.fit, k], past.weight[split.fit], matrix[split.tail, k], past.weight[split.tail]
        )
        for k in range(matrix.shape[1])
    ]
    columns["drift_psi"] = [drift.psi for drift in drifts]
    columns["drift_trades"] = [drift.trades for drift in drifts]
    columns["drift_psi_by_chance"] = [drift.psi_by_chance for drift in drifts]
    keys = [
        (-(loss or 0.0), -share, name) for loss, share, name in zip(lost, gain, model.columns, strict=True)
    ]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    ranks = {"rank": range(1, len(order) + 1)}
    ordered = {name: [values[k] for k in order] for name, values in columns.items()} | ranks
    return pa.table(ordered, schema=IMPORTANCE_SCHEMA)


def _permutation_losses(
    model: ConfidenceModel,
    matrix: Floats,
    outcome: tuple[Floats, Floats],
    gain: Floats,
    config: ModelConfig,
) -> list[float | None]:
    """[columns] AUC lost when each is shuffled; `outcome` are label and weight [n]."""
    label, weight = outcome
    base = roc_auc(label, model.predict_matrix(matrix), weight)
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
        scores = [roc_auc(label, answer, weight) for answer in answers]
        losses.append(base - float(np.mean([score for score in scores if score is not None])))
    return losses


def _contributions(parts: Floats, has_won: NDArray[np.bool_], weight: Floats) -> dict[str, list[object]]:
    """What the parts [n, columns] of the log-odds say in trades that won and in those that lost."""
    size = np.average(np.abs(parts), axis=0, weights=weight)
    nothing: list[object] = [None] * parts.shape[1]
    found: dict[str, list[object]] = {
        "mean_contribution": size.tolist(),
        "contribution_share": _shares(size).tolist(),
        "is_misleading": nothing,
    }
    kinds = (("wins", has_won & (weight > 0.0)), ("losses", ~has_won & (weight > 0.0)))
    for kind, rows in kinds:
        has = bool(rows.any())
        mean, up = (
            np.average(each[rows], axis=0, weights=weight[rows]) if has else None
            for each in (parts, parts > 0.0)
        )
        found[f"contribution_in_{kind}"] = nothing if mean is None else mean.tolist()
        found[f"up_in_{kind}"] = nothing if up is None else up.tolist()
    if all(rows.any() for _, rows in kinds):
        wins, losses = (effective_count(weight[rows]) for _, rows in kinds)
        in_wins, in_losses = (np.array(found[f"up_in_{kind}"]) for kind, _ in kinds)
        mean = (in_wins * wins + in_losses * losses) / (wins + losses)
        # A mean of weighted ones may be above 1 by its last bit.
        error = np.sqrt(np.maximum(mean * (1.0 - mean), 0.0) * (1.0 / wins + 1.0 / losses))
        # One of so many inputs exceeds it by chance in one of 20 nights (Bonferroni), were trades
        # independent.
        beyond = NormalDist().inv_cdf(1.0 - 0.05 / parts.shape[1])
        found["is_misleading"] = (in_losses - in_wins > beyond * error).tolist()
    return found


def _trend(
    names: tuple[str, ...], shares: list[object], day: date, earlier: Mapping[date, pa.Table]
) -> dict[str, list[object]]:
    """How the part of each input moved over the nights that know it."""
    known: dict[str, list[tuple[int, float]]] = {name: [] for name in names}
    for night, table in earlier.items():
        if "contribution_share" in table.column_names:
            for name, share in zip(
                *(table[each].to_pylist() for each in ("feature", "contribution_share")), strict=True
            ):
                if name in known and share is not None:
                    known[name].append((night.toordinal(), share))
    found: dict[str, list[object]] = {"nights": [], "trend_per_night": [], "decay": []}
    for name, share in zip(names, shares, strict=True):
        nights, past = np.array([*known[name], (day.toordinal(), share)]).T
        highest, centred = float(past.max()), nights - nights.mean()
        slope = (
            float((centred * (past - past.mean())).sum() / (centred**2).sum())
            if len(nights) >= _FEWEST_NIGHTS
            else None
        )
        found["nights"].append(len(nights))
        found["trend_per_night"].append(slope)
        found["decay"].append(1.0 - float(past[-1]) / highest if highest > 0.0 else 0.0)
    return found


def _shares(sizes: Floats) -> Floats:
    total = float(sizes.sum())
    return np.asarray(sizes / total if total > 0.0 else np.zeros(len(sizes)), dtype=np.float64)
