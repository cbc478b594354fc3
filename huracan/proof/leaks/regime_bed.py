"""Leaks among regimes, planted into what labels the bars of a day."""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huracan.candles.schema import TIME, day_start
from huracan.proof.leaks.bed import is_same, unless_refused
from huracan.proof.leaks.candles import FIT_DAYS, LEAK_REGIMES, LeakCandles
from huracan.proof.leaks.forms import FEW_BARS, MIDNIGHT, ONE_COLUMN, Form
from huracan.proof.leaks.table_leaks import Floats, changed, shifted
from huracan.regimes.absolute import PERCENTILES, AbsoluteRule, absolute_regimes
from huracan.regimes.counts import ObservationCounts
from huracan.regimes.filter import filter_regimes
from huracan.regimes.fit import fit_regimes
from huracan.regimes.invariance import CUTS, judge_regime_prefix
from huracan.regimes.model import PROBABILITIES, RegimeParameters
from huracan.regimes.observations import lay_features_on_grid
from huracan.verdict import Verdict

SMOOTHED, SHIFTED, RANKED, FITTED = (
    "smoothed regime",
    "regime shifted by -1",
    "ranks among the day's own bars",
    "regimes fitted on their own day",
)
_MINIMUM_BARS = 100
Tables = tuple[pa.Table, pa.Table]


@dataclass(frozen=True, eq=False)
class RegimeBed:
    """The asset `regimes` on features of simulated candles."""

    market: LeakCandles

    leaks = (SMOOTHED, SHIFTED, RANKED, FITTED)

    def absent(self, leak: str, form: Form) -> str:
        if leak == FITTED and form.name in (ONE_COLUMN, FEW_BARS, MIDNIGHT):
            return "parameters are fitted on whole days and on all columns"
        return ""

    def night(self, index: int, leak: str | None, form: Form) -> list[Verdict] | None:
        return self._judged(index, leak, form, CUTS)

    def closely(self, leak: str, form: Form) -> list[Verdict]:
        found = (self._judged(index, leak, form, None) for index in range(self.market.nights - FIT_DAYS))
        return next((verdicts for verdicts in found if verdicts is not None), [])

    def _judged(self, index: int, leak: str | None, form: Form, cuts: int | None) -> list[Verdict] | None:
        labels = _Labels.of(self.market, index + FIT_DAYS, leak, form)
        if leak == FITTED:
            return [unless_refused("fitted_before_the_day", lambda: labels(labels.features))]
        stored = labels(labels.features)
        if leak is not None and all(map(is_same, stored, replace(labels, leak=None)(labels.features))):
            return None
        seed = labels.day.toordinal()
        return [judge_regime_prefix(labels.features, stored, labels.day, labels, cuts, seed)]


@dataclass(frozen=True, eq=False)
class _Labels:
    """What labels the bars of a day, with a leak or without."""

    day: date
    features: pa.Table
    """Of the day, led in by the day before."""
    parameters: RegimeParameters
    counts: ObservationCounts
    leak: str | None
    form: Form

    @staticmethod
    def of(market: LeakCandles, index: int, leak: str | None, form: Form) -> "_Labels":
        """Parameters and counts are of the days before, and of the day itself where that is the leak."""
        past, own, parameters = market.before(index), market.features(index), market.parameters(index)
        if leak == FITTED:
            seen = own.filter(pa.array(form.rows(own)))
            parameters = fit_regimes(pa.concat_tables([*past, seen]), LEAK_REGIMES)
        counts = ObservationCounts.of(lay_features_on_grid(pa.concat_tables(past)))
        features = pa.concat_tables([past[-1], own])
        return _Labels(market.day(index), features, parameters, counts, leak, form)

    def __call__(self, features: pa.Table) -> Tables:
        honest = self._labelled(features, self.counts)
        if self.leak == SMOOTHED:
            smoothed = _smoothed(honest[0], self.parameters)
            return self.form.mixed(honest[0], smoothed, PROBABILITIES), honest[1]
        if self.leak == SHIFTED:
            early = changed(honest[0], PROBABILITIES, shifted)
            return self.form.mixed(honest[0], early, PROBABILITIES), honest[1]
        if self.leak == RANKED:
            own = features.filter(
                pc.greater_equal(features["open_time"], pa.scalar(day_start(self.day), TIME))
            )
            counts = self.counts + ObservationCounts.of(lay_features_on_grid(own))
            return honest[0], self.form.mixed(honest[1], self._labelled(features, counts)[1], PERCENTILES)
        return honest

    def _labelled(self, features: pa.Table, counts: ObservationCounts) -> Tables:
        filtered = filter_regimes(features, self.day, self.parameters)
        return filtered, absolute_regimes(
            filtered, features, AbsoluteRule(counts, LEAK_REGIMES, _MINIMUM_BARS)
        )


def _smoothed(filtered: pa.Table, parameters: RegimeParameters) -> pa.Table:
    """The probabilities by all bars of the day, later ones too (the backward pass of Rauch, Tung & Striebel
    for a hidden Markov model)."""
    transitions = np.array(parameters.transitions)
    values = np.stack([filtered[name].to_numpy().astype(np.float64) for name in PROBABILITIES], axis=1)
    symbols = filtered["symbol"].combine_chunks().dictionary_encode().indices.to_numpy()
    for symbol in np.unique(symbols):
        rows = np.flatnonzero(symbols == symbol)
        for row, following in zip(rows[-2::-1], rows[:0:-1], strict=True):
            values[row] = _one_step_back(values[row], values[following], transitions)
    for index, name in enumerate(PROBABILITIES):
        place, field = filtered.column_names.index(name), filtered.schema.field(name)
        filtered = filtered.set_column(place, field, pa.array(values[:, index].astype(np.float32)))
    return filtered


def _one_step_back(now: Floats, following: Floats, transitions: Floats) -> Floats:
    expected = now @ transitions
    return np.asarray(now * (transitions @ (following / np.maximum(expected, 1e-12))))
