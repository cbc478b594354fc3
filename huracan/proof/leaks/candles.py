"""Simulated candles with gaps that the beds are made of: minutes, decided on every five."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.schema import MISSING, TIME, Timeframe, day_start
from huracan.durations import MINUTES_PER_DAY
from huracan.features.compute import compute_features
from huracan.features.specification import FeatureRecipe
from huracan.proof.candle_nights import RECIPE
from huracan.proof.gate_plants import PlantedCandlesConfig
from huracan.proof.planted_candles import plant_candles
from huracan.regimes.fit import fit_regimes
from huracan.regimes.model import RegimeConfig, RegimeParameters

LEAK_RECIPE = FeatureRecipe("leaks", RECIPE.specs, Timeframe("1m"), Timeframe("5m"))
FIT_DAYS = 5
"""Before a night's day, on which its regimes are fitted."""
LEAK_REGIMES = RegimeConfig(fit_days=FIT_DAYS)
_SYMBOLS, _GAPS_A_DAY = 2, 3
_NUMBERS = ("open", "high", "low", "close", "volume", "trade_count", "taker_buy_volume")


@dataclass(frozen=True, eq=False)
class LeakCandles:
    """Days of candles; a night at index 0 is the first that has its warm-up before it."""

    candles: pa.Table
    """OHLCV_SCHEMA, symbol by symbol in time order."""
    first_day: date
    nights: int

    def day(self, index: int) -> date:
        return self.first_day + timedelta(days=LEAK_RECIPE.warmup_days + index)

    def days(self, index: int, before: int) -> pa.Table:
        """The candles of a night's day and of so many days before it."""
        last = self.day(index)
        begins, ends = (pa.scalar(day_start(each), TIME) for each in _span(last, before))
        times = self.candles["open_time"]
        return self.candles.filter(pc.and_(pc.greater_equal(times, begins), pc.less(times, ends)))

    def warmed(self, index: int) -> pa.Table:
        """What the features of a night's day are made of."""
        return self.days(index, LEAK_RECIPE.warmup_days)

    @cache  # noqa: B019 - a market lives for as long as its proof
    def features(self, index: int) -> pa.Table:
        return compute_features(self.warmed(index), self.day(index), LEAK_RECIPE)

    def before(self, index: int) -> list[pa.Table]:
        """The features of the days that the regimes of a night's day are fitted on."""
        return [self.features(each) for each in range(index - FIT_DAYS, index)]

    @cache  # noqa: B019 - as above
    def parameters(self, index: int) -> RegimeParameters:
        return fit_regimes(pa.concat_tables(self.before(index)), LEAK_REGIMES)


def _span(last: date, before: int) -> tuple[date, date]:
    return last - timedelta(days=before), last + timedelta(days=1)


@cache
def leak_candles(nights: int, seed: int) -> LeakCandles:
    """Of so many nights. On every day each symbol has gaps, on every second one a gap from midnight on."""
    days = nights + LEAK_RECIPE.warmup_days
    config = PlantedCandlesConfig(symbols=_SYMBOLS, days=days, seed=seed)
    candles = plant_candles(config).candles
    generator = np.random.default_rng([seed, 9])
    gone = np.zeros(candles.num_rows, np.bool_)
    for day in range(_SYMBOLS * days):
        begins = day * MINUTES_PER_DAY
        for _ in range(_GAPS_A_DAY):
            first = begins + int(generator.integers(30, MINUTES_PER_DAY - 30))
            gone[first : first + int(generator.integers(6, 25))] = True
        if (day % days) % 2:
            gone[begins : begins + int(generator.integers(6, 25))] = True
    for name in _NUMBERS:
        place, field = candles.column_names.index(name), candles.schema.field(name)
        kept = pc.if_else(pa.array(gone), pa.scalar(None, field.type), candles[name])
        candles = candles.set_column(place, field, kept)
    status = pc.if_else(pa.array(gone), MISSING, candles["status"])
    candles = candles.set_column(candles.column_names.index("status"), "status", status)
    return LeakCandles(candles, config.first_day, nights)
