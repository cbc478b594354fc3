"""Leaks among features, planted into what computes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.aggregate import aggregate_candles
from huracan.candles.schema import TIME, day_start
from huracan.features.compute import compute_features
from huracan.features.cuts import every_cut
from huracan.features.invariance import DayFeatures, MakesFeatures, judge_features, judge_prefix
from huracan.features.specification import FeatureRecipe
from huracan.proof.leaks.bed import is_same
from huracan.proof.leaks.candles import LEAK_RECIPE, LeakCandles
from huracan.proof.leaks.forms import Form
from huracan.proof.leaks.table_leaks import (
    Change,
    Floats,
    centred,
    changed,
    closed_up,
    filled_backwards,
    scaled_by_all,
    shifted,
)
from huracan.verdict import Verdict

_CHANGES: dict[str, Change] = {
    "shift by -1": shifted,
    "centred window": centred,
    "backward fill": filled_backwards,
    "full-sample scaler": scaled_by_all,
    "index-merge misalignment": closed_up,
}
LABEL, RESAMPLED = "label among features", "wrong resample side"


@dataclass(frozen=True, eq=False)
class FeatureBed:
    """The asset `features` on simulated candles."""

    market: LeakCandles

    leaks = (*_CHANGES, LABEL, RESAMPLED)

    def absent(self, _leak: str, _form: Form) -> str:
        return ""

    def night(self, index: int, leak: str | None, form: Form) -> list[Verdict] | None:
        compute = compute_features if leak is None else leaking(leak, form)
        candles, day = self.market.warmed(index), self.market.day(index)
        made = self.market.features(index)
        if leak is not None:
            made = compute(candles, day, LEAK_RECIPE)
            if is_same(made, self.market.features(index)):
                return None
        day_features = DayFeatures(made, day, LEAK_RECIPE, candles, compute=compute)
        return judge_features(day_features, day.toordinal())

    def closely(self, leak: str, form: Form) -> list[Verdict]:
        nights = (index for index in range(self.market.nights) if self._shows(index, leak, form))
        return [self._at_every_bar(index, leaking(leak, form)) for index in islice(nights, 1)]

    def _shows(self, index: int, leak: str, form: Form) -> bool:
        made = leaking(leak, form)(self.market.warmed(index), self.market.day(index), LEAK_RECIPE)
        return not is_same(made, self.market.features(index))

    def _at_every_bar(self, index: int, compute: MakesFeatures) -> Verdict:
        candles, day = self.market.warmed(index), self.market.day(index)
        made = compute(candles, day, LEAK_RECIPE)
        cuts = every_cut(made["symbol"].unique().to_pylist(), LEAK_RECIPE.decision.bars_per_day)
        day_features = DayFeatures(made, day, LEAK_RECIPE, candles, compute=compute)
        return judge_prefix(day_features, cuts, np.random.default_rng(1))


def leaking(leak: str, form: Form) -> MakesFeatures:
    """`compute_features` with a leak, which is made anew of whatever candles it is given."""

    def compute(
        ohlcv: pa.Table,
        day: date,
        recipe: FeatureRecipe,
        *,
        hourly: pa.Table | None = None,
        symbols: Sequence[str] | None = None,
    ) -> pa.Table:
        honest = compute_features(ohlcv, day, recipe, hourly=hourly, symbols=symbols)
        if leak == RESAMPLED:
            late = compute_features(_one_bar_late(ohlcv), day, recipe, hourly=hourly, symbols=symbols)
            return form.mixed(honest, late, recipe.names)
        if leak == LABEL:
            return form.mixed(honest, _labelled(honest, ohlcv, day, recipe), recipe.names)
        return form.mixed(honest, changed(honest, recipe.names, _CHANGES[leak]), recipe.names)

    return compute


def _one_bar_late(ohlcv: pa.Table) -> pa.Table:
    """Every detail bar stands where the one before it was: a decision bar that is closed on the wrong side
    takes the first bar after its close in, and leaves its own first one out."""
    symbols = ohlcv["symbol"].combine_chunks().dictionary_encode().indices.to_numpy()
    place = np.arange(ohlcv.num_rows)
    following = np.minimum(place + 1, ohlcv.num_rows - 1)
    late = pa.array(np.where(symbols[following] == symbols, following, place))
    for name in ohlcv.column_names:
        if name not in ("symbol", "open_time", "close_time"):
            ohlcv = ohlcv.set_column(ohlcv.column_names.index(name), name, ohlcv[name].take(late))
    return ohlcv


def _labelled(honest: pa.Table, ohlcv: pa.Table, day: date, recipe: FeatureRecipe) -> pa.Table:
    """The return of the next bar in the place of every column."""
    own = ohlcv.filter(pc.greater_equal(ohlcv["open_time"], pa.scalar(day_start(day), TIME)))
    bars = aggregate_candles(own, recipe.detail, recipe.decision)
    per_day = recipe.decision.bars_per_day
    returns = dict[str, Floats]()
    for symbol in honest["symbol"].unique().to_pylist():
        close = bars.filter(pc.equal(bars["symbol"], symbol))["close"].to_numpy().astype(np.float64)
        close = np.append(close, np.full(per_day - close.size, np.nan))
        returns[symbol] = np.append(np.log(close[1:] / close[:-1]), np.nan)
    values = pa.array(np.concatenate(list(returns.values())).astype(np.float32))
    for name in recipe.names:
        place = honest.column_names.index(name)
        honest = honest.set_column(place, honest.schema.field(name), values)
    return honest
