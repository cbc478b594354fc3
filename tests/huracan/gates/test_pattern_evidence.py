"""Signals that resemble patterns which lost since they were found are refused; without memory nothing is."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.analysis.patterns.table import PATTERNS_SCHEMA
from huracan.gates.contract import ABSTAIN, BLOCK, PASS, Gate
from huracan.gates.pattern_evidence import PatternEvidenceGateSettings
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.columns import shown, with_column
from tests.huracan.gates.conftest import Fitter, one

Maker = Callable[..., pa.Table]
HALF = 1.6448536269514722
"""Standard errors from the mean to the ends of an interval of 90 %."""


def _pattern(name: str, mean: float, error: float, trades: int = 40) -> dict[str, object]:
    return {
        "pattern_id": name,
        "name": f"the {name} one",
        "forward_trades": trades,
        "forward_mean_net_bps": mean,
        "forward_net_low_bps": mean - HALF * error,
        "forward_net_high_bps": mean + HALF * error,
    }


def _gate(*patterns: dict[str, object], usual: float = 0.0, **settings: object) -> Gate:
    past = with_column(hourly_ledger(40), "net_bps", np.full(40, usual))
    library = pa.Table.from_pylist(list(patterns), schema=PATTERNS_SCHEMA)
    own = {"pattern_evidence": PatternEvidenceGateSettings(**settings)}
    return one("pattern_evidence", past, settings=own, patterns=library)


def _signals(*nearest: dict[str, float]) -> pa.Table:
    trades = with_column(hourly_ledger(len(nearest)), "nearest_patterns", [list(each) for each in nearest])
    return shown(with_column(trades, "nearest_pattern_cosines", [list(each.values()) for each in nearest]))


LOSING, WINNING = _pattern("losing", -30.0, 5.0), _pattern("winning", 20.0, 5.0)


def test_what_resembles_a_losing_pattern_is_refused_and_what_resembles_a_winning_one_is_not() -> None:
    given = _gate(LOSING, WINNING).judge(_signals({"losing": 0.9}, {"winning": 0.9}))
    assert given.answer == (BLOCK, PASS)
    assert given.value == pytest.approx([-30.0 + 2.3263479 * 5.0, 20.0 + 2.3263479 * 5.0])
    assert "It resembles the losing one (-30.0 bps of 40)." in given.reason[0]
    assert "would pass with more than 18.4 bps more" in given.reason[0]


def test_several_patterns_count_by_likeness_and_precision() -> None:
    gate = _gate(LOSING, _pattern("wild", 20.0, 10.0))
    given = gate.judge(_signals({"losing": 0.8, "wild": 0.4}))
    weights = np.array([0.8 / 25, 0.4 / 100])
    mean = (weights * [-30.0, 20.0]).sum() / weights.sum()
    error = np.sqrt(((weights * [5.0, 10.0]) ** 2).sum()) / weights.sum()
    assert given.value == pytest.approx([mean + 2.3263479 * error])


def test_a_pattern_no_worse_than_usual_passes_and_one_at_the_threshold_does_not() -> None:
    signals = _signals({"losing": 0.9})
    assert _gate(LOSING, usual=-35.0).judge(signals).answer == (PASS,)
    assert _gate(LOSING, usual=-30.0, certainty=0.5).judge(signals).answer == (BLOCK,)
    assert _gate(LOSING, usual=-30.0001, certainty=0.5).judge(signals).answer == (PASS,)


@settings(max_examples=25)
@given(st.floats(-100.0, 100.0), st.floats(-100.0, 100.0))
def test_a_better_record_never_counts_less(one: float, two: float) -> None:
    low, high = sorted((one, two))
    gate = _gate(_pattern("low", low, 5.0), _pattern("high", high, 5.0), WINNING)
    value = gate.judge(_signals({"low": 0.9, "winning": 0.5}, {"high": 0.9, "winning": 0.5})).value
    assert value[0] <= value[1]


def test_without_a_record_there_is_no_opinion(make_ledger: Maker, fit_all: Fitter) -> None:
    young = _gate(_pattern("losing", -30.0, 5.0, trades=9))
    given = young.judge(_signals({"losing": 0.9}, {"unknown": 0.9}, {}))
    assert given.answer == (ABSTAIN,) * 3 and "resembles no pattern with 10 trades since" in given.reason[0]
    assert _gate(LOSING).judge(_signals({"losing": 0.29}, {"losing": 0.31})).answer == (ABSTAIN, BLOCK)
    assert set(fit_all(make_ledger(0))["pattern_evidence"].judge(shown(make_ledger(2))).answer) == {ABSTAIN}
