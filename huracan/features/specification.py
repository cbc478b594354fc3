"""What a column of the recipe is: its name, its formula in words, its warm-up and the function behind it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from huracan.candles.schema import Timeframe
from huracan.errors import InvalidInput
from huracan.features.bars import Bars
from huracan.features.rolling import FloatArray
from huracan.tables import SINGLE, Column, Unit

LEAD_IN_BARS = 2880
"""Bars of history to compute before the day (two days of 1m bars). The slowest average, EMA 240, then
remembers its seed with weight (1 - 2/241)^2880 = 4e-11: where the window starts no longer matters."""

LEAD_IN_DAYS = 21
"""And never more days than this, however long a bar is: a column that needs more of them is left out, and
horizons of the calendar say it instead."""


@dataclass(frozen=True)
class FeatureSpec:
    """One column.

    `warmup_bars` is the number of observed bars (this one included) before the value may be used; for a
    recursive average it is the number after which less than 0.3 % of its seed is left. A column that says
    what it `lacks` at times is NaN then, and holds up nothing.
    """

    name: str
    group: str
    formula: str
    warmup_bars: int
    compute: Callable[[Bars], FloatArray]
    lacks: str = ""

    @property
    def is_optional(self) -> bool:
        return bool(self.lacks)

    @property
    def column(self) -> Column:
        """The column of the features table; NaN without a candle or too few before it."""
        unit: Unit = "bps" if self.name.endswith("_bps") else ""
        lacks = f", NaN {self.lacks}" if self.lacks else ""
        formula = f"{self.formula} (group {self.group}, from {self.warmup_bars} observed bars on{lacks})"
        return Column(self.name, SINGLE, formula, unit)


@dataclass(frozen=True)
class FeatureRecipe:
    """The ordered columns of one version, for stored bars of `detail` and decisions on bars of `decision`.
    Names, order, formulas and both timeframes are the contract with a trained brain."""

    version: str
    specs: tuple[FeatureSpec, ...]
    detail: Timeframe
    decision: Timeframe

    def __post_init__(self) -> None:
        repeated = sorted({name for name in self.names if self.names.count(name) > 1})
        if repeated:
            raise InvalidInput(f"The feature names {repeated} occur twice.", "Give each column its own name.")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(spec.name for spec in self.specs)

    @property
    def warmup_bars(self) -> int:
        """Decision bars of history to load before the first bar that is wanted."""
        return max(min(LEAD_IN_BARS, LEAD_IN_DAYS * self.decision.bars_per_day), self.ready_bars)

    @property
    def warmup_days(self) -> int:
        """The days that hold them."""
        return -(-self.warmup_bars // self.decision.bars_per_day)

    @property
    def ready_bars(self) -> int:
        """Observed bars (this one included) from which on a bar is ready."""
        return max((spec.warmup_bars for spec in self.specs), default=1)

    @property
    def digest(self) -> str:
        """SHA-256 over version, timeframes, names and formulas: another where one of these is."""
        lines = [self.version, self.detail.name, self.decision.name]
        lines += [f"{spec.name}\t{spec.formula}\t{spec.warmup_bars}" for spec in self.specs]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def published(self) -> dict[str, object]:
        """What a bundle says of it: with it a consumer can compute the same columns."""
        return {
            "version": self.version,
            "digest": self.digest,
            "detail_timeframe": self.detail.name,
            "decision_timeframe": self.decision.name,
            "warmup_bars": self.warmup_bars,
            "columns": self.describe(),
        }

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
    """Bars after which an EMA of `span` keeps less than 0.3 % of its seed: exp(-2 * 3) = 0.0025. TA-Lib seeds
    it by a mean of `span` closes, so that less than 0.3 % of the difference of two means is left."""
    return 3 * span


def wilder_bars(period: int) -> int:
    """The same for Wilder's smoothing (weight 1 / period)."""
    return 6 * period
