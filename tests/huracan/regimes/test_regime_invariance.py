"""A label that knows a later bar is found; the product's own are not."""

from datetime import date, timedelta

import pyarrow as pa
import pytest

from huracan.candles.schema import Timeframe
from huracan.regimes.absolute import absolute_regimes
from huracan.regimes.filter import filter_regimes
from huracan.regimes.fit import fit_regimes
from huracan.regimes.invariance import CUTS, judge_regime_prefix
from tests.huracan.regimes.labelled_days import before, features_of_days, rule_before, since

DAY = date(2024, 5, 4)
Tables = tuple[pa.Table, pa.Table]


@pytest.fixture(scope="module")
def labels(make_candles):
    features = features_of_days(make_candles(DAY, 8), DAY, 6)
    parameters, rule = fit_regimes(before(features, DAY)), rule_before(features, DAY, Timeframe("1m"))

    def label(led: pa.Table) -> Tables:
        filtered = filter_regimes(led, DAY, parameters)
        return filtered, absolute_regimes(filtered, led, rule)

    return since(features, DAY - timedelta(days=1)), label


def test_what_the_filter_says_stays_whatever_follows(labels) -> None:
    features, label = labels
    verdict = judge_regime_prefix(features, label(features), DAY, label, CUTS, seed=3)
    assert verdict.passed and verdict.blocking, verdict.reason
    assert 0.9 * CUTS <= verdict.numbers["cuts"] <= CUTS


def test_labels_that_were_not_made_of_these_features_are_named_with_the_bar(labels) -> None:
    features, label = labels
    stored, absolute = label(features)
    middle = stored.num_rows // 2
    panic = stored["probability_panic"].to_numpy().copy()
    panic[middle] += 1e-6
    place = stored.column_names.index("probability_panic")
    forged = stored.set_column(place, "probability_panic", pa.array(panic))
    verdict = judge_regime_prefix(features, (forged, absolute), DAY, label, CUTS, seed=3)
    assert not verdict.passed and "probability_panic" in verdict.reason
