"""What a column of the recipe is: its name, its formula in words, its warm-up and the function behind it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from huracan.errors import InvalidInput
from huracan.features.bars import Bars
from huracan.features.rolling import FloatArray
from huracan.tables import SINGLE, Column, Unit

LEAD_IN_BARS = 2880
"""Bars of history to compute before the day (two days of 1m bars). The slowest average, EMA 240, then
remembers its seed with weight (1 - 2/241)^2880 = 4e-11: where the window starts no longer matters."""


@dataclass(frozen=True)
class FeatureSpec:
    """One column.

    `warmup_bars` is the number of observed bars (this one included) before the value may be used; for a
    recursive average it is the number after which less than 1e-6 of its seed is left. Columns of
    `is_optional` need data that not every source has; they stay NaN without it and hold up nothing.
    """

    name: str
    group: str
    formula: str
    warmup_bars: int
    compute: Callable[[Bars], FloatArray]
    is_optional: bool = False

    @property
    def column(self) -> Column:
        """The column of the features table; NaN without a candle or too few before it."""
        unit: Unit = "bps" if self.name.endswith("_bps") else ""
        lacks = ", NaN from a source without order flow" if self.is_optional else ""
        formula = f"{self.formula} (group {self.group}, from {self.warmup_bars} observed bars on{lacks})"
        return Column(self.name, SINGLE, formula, unit)


@dataclass(frozen=True)
class FeatureRecipe:
    """The ordered columns of one version. Names, order and formulas are the contract with a trained brain."""

    version: str
    specs: tuple[FeatureSpec, ...]

    def __post_init__(self) -> None:
        repeated = sorted({name for name in self.names if self.names.count(name) > 1})
        if repeated:
            raise InvalidInput(f"The feature names {repeated} occur twice.", "Give each column its own name.")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(spec.name for spec in self.specs)

    @property
    def warmup_bars(self) -> int:
        """Bars of history to load before the first bar that is wanted."""
        return max(LEAD_IN_BARS, self.ready_bars)

    @property
    def ready_bars(self) -> int:
        """Observed bars (this one included) from which on a bar is ready."""
        return max((spec.warmup_bars for spec in self.specs), default=1)

    @property
    def digest(self) -> str:
        """SHA-256 over version, names and formulas: changes when a column means something else."""
        lines = [self.version, *(f"{spec.name}\t{spec.formula}\t{spec.warmup_bars}" for spec in self.specs)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def describe(self) -> list[dict[str, str | int | bool]]:
        """One row per column, in order: what a table in the UI or a published bundle shows."""
        return [
            {
                "name": spec.name,
                "group": spec.group,
                "formula": spec.formula,
                "warmup_bars": spec.warmup_bars,
                "is_optional": spec.is_optional,
            }
            for spec in self.specs
        ]


def settled_bars(span: int) -> int:
    """Bars after which an EMA of `span` keeps less than 1e-6 of its seed: exp(-2 * 7) = 8e-7."""
    return 7 * span


def wilder_bars(period: int) -> int:
    """The same for Wilder's smoothing (weight 1 / period)."""
    return 14 * period
