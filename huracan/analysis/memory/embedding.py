"""Entry contexts as vectors whose distances mean something: standardised, decorrelated, of length one.

The statistics come from the days before D and carry a version; vectors of two versions are not comparable.
What is stored of them is in `rows`; the search is not here.
"""

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huracan.analysis.outcome import Floats, as_milliseconds, milliseconds
from huracan.candles.schema import day_start
from huracan.errors import InvalidInput

EMBEDDING_DIMENSIONS = 64
_CLIP = 5.0
_MAXIMUM_ROWS = 100_000
_EIGENVALUE_FLOOR = 0.01
"""Of the mean eigenvalue: directions with less variance are noise and are not blown up to full size."""


@dataclass(frozen=True, eq=False)
class EmbeddingStatistics:
    """How a feature row becomes a vector: z = clip((x - mean) / scale, 5), then z @ rotation, then length 1.

    `mean` and `scale` [features] (scale 0 marks a feature that never varied: it is left out), `rotation`
    [features, dimensions]. `before_day`: every fitted row is older than this day. `recipe`: the digest of the
    feature recipe, which says what the names mean; empty of versions before it was kept. `version` is a
    digest of everything else.
    """

    feature_names: tuple[str, ...]
    mean: Floats
    scale: Floats
    rotation: Floats
    rows: int
    before_day: date
    recipe: str = ""
    version: str = field(init=False)

    def __post_init__(self) -> None:
        content = json.dumps(self._content(), sort_keys=True)
        object.__setattr__(self, "version", hashlib.sha256(content.encode()).hexdigest()[:16])

    @property
    def dimensions(self) -> int:
        return int(self.rotation.shape[1])

    def serves(self, recipe: str, day: date, keep_days: int = 28) -> bool:
        """True where these statistics may still embed `day`: same recipe, older than it, not outdated.

        Keeping them for some weeks is what makes yesterday's vectors comparable with today's.
        """
        is_young = self.before_day <= day < self.before_day + timedelta(days=keep_days)
        return is_young and recipe == self.recipe

    def standardise(self, rows: npt.NDArray[np.floating]) -> Floats:
        """Feature rows [n, features] in standard deviations, clipped to 5; 0 where unknown or constant."""
        # In place: of a hundred thousand rows every copy is a hundred megabytes.
        scores = np.array(rows, dtype=np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            scores -= self.mean
            scores *= _inverse(self.scale)
        np.nan_to_num(scores, copy=False, nan=0.0, posinf=_CLIP, neginf=-_CLIP)
        return np.clip(scores, -_CLIP, _CLIP, out=scores)

    def embed(self, rows: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Feature rows [n, features] to vectors float32 [n, dimensions] of length 1 (0 where all unknown)."""
        vectors = np.clip(self.standardise(rows) @ self.rotation, -_CLIP, _CLIP)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors * _inverse(lengths), dtype=np.float32)

    def to_json(self) -> str:
        """Everything, as text that gives back the same numbers to the bit."""
        return json.dumps({**self._content(), "version": self.version}, sort_keys=True)

    @staticmethod
    def from_json(text: str) -> "EmbeddingStatistics":
        """Read what `to_json` wrote. Raises InvalidInput where the content does not match its version."""
        try:
            content = json.loads(text)
            read = EmbeddingStatistics(
                feature_names=tuple(content["feature_names"]),
                mean=np.array(content["mean"], dtype=np.float64),
                scale=np.array(content["scale"], dtype=np.float64),
                rotation=np.array(content["rotation"], dtype=np.float64),
                rows=content["rows"],
                before_day=date.fromisoformat(content["before_day"]),
                recipe=content.get("recipe", ""),
            )
            stored = content["version"]
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInput(f"The embedding statistics cannot be read ({error}).", _REBUILD) from error
        if read.version != stored:
            raise InvalidInput(f"The embedding statistics are not those of version {stored}.", _REBUILD)
        return read

    def _content(self) -> dict[str, Any]:
        return {
            "feature_names": list(self.feature_names),
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "rotation": self.rotation.tolist(),
            "rows": self.rows,
            "before_day": self.before_day.isoformat(),
            **({"recipe": self.recipe} if self.recipe else {}),
        }


_REBUILD = "Materialise trade_memory of that day again."


def fit_embedding(
    features: pa.Table,
    feature_names: tuple[str, ...],
    day: date,
    dimensions: int = EMBEDDING_DIMENSIONS,
    recipe: str = "",
) -> EmbeddingStatistics:
    """Statistics from the feature rows older than `day`; rows of `day` or later are not looked at.

    `features`: columns symbol, open_time, is_ready and those of the `recipe` (its digest). Only ready rows
    count; of more than 100,000 an even sample is taken (neighbouring minutes say nearly the same). Whitening
    by principal components of a shrunk covariance, with a floor on the eigenvalues. Raises InvalidInput with
    fewer than two rows.
    """
    rows = _sampled_rows(features, feature_names, day)
    mean, scale = _moments(rows)
    identity = np.zeros((len(feature_names), 0))
    plain = EmbeddingStatistics(tuple(feature_names), mean, scale, identity, len(rows), day, recipe)
    return replace(plain, rotation=_whitening(plain.standardise(rows), dimensions))


def _sampled_rows(features: pa.Table, names: tuple[str, ...], day: date) -> npt.NDArray[np.float32]:
    is_past = milliseconds(features, "open_time") < as_milliseconds(day_start(day))
    ready = np.flatnonzero(is_past & pc.fill_null(features.column("is_ready"), False).to_numpy())
    if ready.size < 2:
        raise InvalidInput(
            f"Only {ready.size} ready feature rows are older than {day}.",
            "Materialise features of earlier days first.",
        )
    chosen = ready[:: -(-ready.size // _MAXIMUM_ROWS)]
    return np.column_stack([_column(features, name)[chosen] for name in names])


def entry_features(trades: pa.Table, feature_names: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """The trades' entry feature rows, float32 [n, features], NaN where unknown.

    Raises InvalidInput where a row has another number of features than `feature_names`.
    """
    column = trades.column("entry_features").combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    if np.any(lengths != len(feature_names)):
        row = int(np.argmax(lengths != len(feature_names)))
        raise InvalidInput(
            f"Trade {trades.column('trade_id')[row].as_py()} has {lengths[row]} entry features, "
            f"the statistics have {len(feature_names)}.",
            "Rebuild that day's shadow_trades with today's feature recipe.",
        )
    flat = pc.fill_null(pc.list_flatten(column), float("nan")).to_numpy(zero_copy_only=False)
    return np.asarray(flat, dtype=np.float32).reshape(len(trades), len(feature_names))


def embed_trades(trades: pa.Table, statistics: EmbeddingStatistics) -> npt.NDArray[np.float32]:
    """Vectors float32 [trades, dimensions] of length 1 from the trades' entry features."""
    return statistics.embed(entry_features(trades, statistics.feature_names))


def _column(table: pa.Table, name: str) -> npt.NDArray[np.float32]:
    if name not in table.column_names:
        raise InvalidInput(f"The features have no column {name!r}.", "Rebuild them with today's recipe.")
    column = pc.fill_null(table.column(name), float("nan"))
    return np.asarray(column.to_numpy(), dtype=np.float32)


def _moments(rows: npt.NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Mean and standard deviation per column over its finite values; 0 and 0 where there are none."""
    values = np.where(np.isfinite(rows), rows, np.nan).astype(np.float64)
    known = np.sum(~np.isnan(values), axis=0)
    mean = np.nansum(values, axis=0) / np.maximum(known, 1)
    values -= mean
    variance = np.nansum(np.square(values, out=values), axis=0) / np.maximum(known, 1)
    scale = np.sqrt(variance)
    scale[scale <= 1e-9 * np.maximum(np.abs(mean), 1.0)] = 0.0
    return mean, scale


def _whitening(scores: Floats, dimensions: int) -> Floats:
    """Rotation [features, dimensions] onto the strongest principal components, each scaled to variance 1.

    The scores are centred where they lie. The covariance is shrunk towards a multiple of the identity by as
    much as its sampling error asks for (Ledoit and Wolf 2004), so that weak directions of a short past are
    not blown up.
    """
    from sklearn.covariance import ledoit_wolf_shrinkage

    centred = scores
    centred -= scores.mean(axis=0)
    eigenvalues, vectors = np.linalg.eigh(centred.T @ centred / len(scores))
    shrinkage = float(ledoit_wolf_shrinkage(centred, assume_centered=True))
    eigenvalues = np.where(
        eigenvalues > 0, (1 - shrinkage) * eigenvalues + shrinkage * np.mean(eigenvalues), eigenvalues
    )
    order = np.argsort(-eigenvalues, kind="stable")[:dimensions]
    values, vectors = eigenvalues[order], vectors[:, order]
    # The sign of an eigenvector is arbitrary: its largest entry is made positive.
    largest = vectors[np.argmax(np.abs(vectors), axis=0), np.arange(len(order))]
    vectors = vectors * np.where(largest < 0, -1.0, 1.0)
    floor = max(_EIGENVALUE_FLOOR * float(np.mean(eigenvalues)), 1e-12)
    rotation = np.zeros((scores.shape[1], dimensions))
    rotation[:, : len(order)] = np.where(values > 0, 1.0, 0.0) * vectors / np.sqrt(np.maximum(values, floor))
    return rotation


def _inverse(values: Floats) -> Floats:
    """1 / value, and 0 where the value is 0."""
    return np.divide(1.0, values, out=np.zeros_like(values, dtype=np.float64), where=values > 0)
