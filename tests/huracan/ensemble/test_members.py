"""What each member says, by hand, of a signal by itself; and that it sleeps without a past."""

import json
from math import isnan

import numpy as np
import pyarrow as pa
import pytest

from huracan.analysis.patterns.table import PATTERNS_SCHEMA
from huracan.ensemble.hedge import Hedge
from huracan.ensemble.members import (
    CONFIDENCE,
    PATTERNS,
    REGIME,
    Members,
    ask_members,
    fit_members,
    usual_ratio,
    weights_at_signal,
)
from huracan.ensemble.published import published_ensemble
from huracan.gates.pattern_evidence import PatternEvidenceGateSettings
from huracan.market.paper.exploring.columns import EXPLORED_SCHEMA
from huracan.models.canonical import canonical_json
from huracan.models.confidence import ConfidenceModel, fit_confidence_model
from huracan.models.config import ModelConfig, Unfit
from huracan.models.past import past_trades
from tests.huracan.conftest import hourly_ledger
from tests.huracan.gates.columns import with_column
from tests.huracan.gates.conftest import NAMES

UNFIT = Unfit("5 closed trades, 60 are needed.", 5)
NOBODY = PATTERNS_SCHEMA.empty_table()


def _library(**wins_of_40: int) -> pa.Table:
    rows = [
        {"pattern_id": name, "forward_trades": 40, "forward_wins": wins} for name, wins in wins_of_40.items()
    ]
    return pa.Table.from_pylist(rows, schema=PATTERNS_SCHEMA)


def _members(
    past: pa.Table,
    said: np.ndarray | None = None,
    confidence: ConfidenceModel | Unfit = UNFIT,
    library: pa.Table = NOBODY,
) -> Members:
    told = {} if said is None else dict(zip(past["trade_id"].to_pylist(), said.tolist(), strict=True))
    likeness = PatternEvidenceGateSettings()
    return fit_members(past_trades(past), {"seed_0": told}, confidence, library, likeness)


def _won(past: pa.Table, won: np.ndarray) -> pa.Table:
    return with_column(past, "net_bps", np.where(won, 10.0, -10.0))


def test_the_regime_prior_is_the_win_rate_of_regime_and_side_pulled_to_that_of_all() -> None:
    number = np.arange(80)
    # Of the 20 trades of the first regime 15 won, of the 60 others 15.
    past = _won(hourly_ledger(80), np.where(number % 4 == 0, number < 60, number % 4 == 1) & (number < 60))
    won = past["net_bps"].to_numpy() > 0
    first = won[::4].sum()
    said = _members(past).say(hourly_ledger(2), {})
    assert said[REGIME][0] == pytest.approx((first + 20.0 * won.mean()) / (20.0 + 20.0))
    other = with_column(hourly_ledger(1), "side", ["short"])
    assert _members(past).say(other, {})[REGIME] == pytest.approx([won.mean()]), "no short one is known"


def test_a_seeds_statement_means_how_often_signals_of_its_fifth_won() -> None:
    number = np.arange(100)
    past = _won(hourly_ledger(100), number >= 60)
    members = _members(past, said=number / 100.0)
    said = members.say(hourly_ledger(4), {"seed_0": np.array([0.05, 0.5, 0.95, np.nan])})["seed_0"]
    low, high = 20.0 * 0.4 / 40.0, (20.0 + 20.0 * 0.4) / 40.0
    assert said[:3] == pytest.approx([low, low, high]) and isnan(said[3])


def test_patterns_speak_by_their_forward_records_as_far_as_they_are_alike() -> None:
    past = _won(hourly_ledger(100), np.arange(100) < 40)
    members = _members(past, library=_library(good=30, bad=4))
    signals = with_column(hourly_ledger(3), "nearest_patterns", [["good", "bad"], ["good", "new"], ["new"]])
    signals = with_column(signals, "nearest_pattern_cosines", [[0.8, 0.4], [0.5, 0.9], [0.9]])
    said = members.say(signals, {})[PATTERNS]
    both = (0.8 * 30 + 0.4 * 4 + 20 * 0.4) / (0.8 * 40 + 0.4 * 40 + 20)
    assert said[:2] == pytest.approx([both, (0.5 * 30 + 8) / (0.5 * 40 + 20)], rel=1e-6)
    assert isnan(said[2]), "of a pattern without a record it knows nothing"


def test_everybody_sleeps_before_there_is_a_past() -> None:
    for past in (hourly_ledger(0), hourly_ledger(29)):
        said = _members(past, np.full(past.num_rows, 0.5)).say(hourly_ledger(3), {"seed_0": np.full(3, 0.5)})
        assert set(said) == {"seed_0", CONFIDENCE, PATTERNS, REGIME}
        assert all(np.isnan(values).all() for values in said.values())
    awake = _members(hourly_ledger(31), np.full(31, 0.5)).say(hourly_ledger(3), {"seed_0": np.full(3, 0.5)})
    assert np.isfinite(awake[REGIME]).all() and np.isfinite(awake["seed_0"]).all()


def test_an_answer_depends_on_its_own_signal_and_its_nights_members_alone() -> None:
    past = hourly_ledger(600)
    model = fit_confidence_model(past_trades(past), NAMES, ModelConfig(), "2h")
    library = _library(good=30, bad=4)
    random = np.random.default_rng(3)
    first = _members(past, random.uniform(size=600), model, library)
    second = _members(past.slice(0, 300), random.uniform(size=300), UNFIT, library)
    signals = with_column(hourly_ledger(90, seed=7), "nearest_patterns", [["good"], ["bad"], []] * 30)
    signals = with_column(signals, "nearest_pattern_cosines", [[0.8], [0.6], []] * 30)
    seeds, rows = {"seed_0": random.uniform(size=90)}, np.arange(90)
    whole = ask_members([(rows[:45], first), (rows[45:], second)], signals, seeds)
    assert np.isfinite(whole[CONFIDENCE][:45]).all() and np.isnan(whole[CONFIDENCE][45:]).all()
    for count in (1, 44, 60):
        cut = {"seed_0": seeds["seed_0"][:count]}
        parts = [(rows[: min(count, 45)], first), (rows[45:count], second)]
        part = ask_members(parts, signals.slice(0, count), cut)
        for name, values in part.items():
            assert np.array_equal(values, whole[name][:count], equal_nan=True)


def test_an_explored_signal_counts_by_its_ratio_beside_that_of_the_past_and_no_more_than_the_policys() -> (
    None
):
    rows = [{"policy_density": density, "propensity": 0.1} for density in (0.05, 0.15, 0.4, None, 0.0)]
    explored = pa.Table.from_pylist(rows, schema=EXPLORED_SCHEMA)
    assert usual_ratio(explored) == pytest.approx(2.0)
    assert weights_at_signal(explored, 2.0) == pytest.approx([0.25, 0.75, 1.0, 0.0, 0.0])
    assert isnan(usual_ratio(explored.slice(3))), "nobody had decided"
    assert weights_at_signal(explored, float("nan")).tolist() == [0.0] * 5


def test_a_published_ensemble_says_enough_to_combine_by_hand() -> None:
    past = _won(hourly_ledger(100), np.arange(100) < 40)
    members = _members(past, np.arange(100) / 100.0, library=_library(good=30))
    hedge = Hedge()
    hedge.forecast("1", {REGIME: 0.4, "seed_0": 0.6}, 1.0)
    hedge.learn("1", True)
    told = json.loads(canonical_json(published_ensemble(hedge, members)))
    assert sum(told["weights"].values()) == pytest.approx(1.0)
    assert told["members"][PATTERNS] == {"good": {"wins": 30, "trades": 40}}
    own = told["members"]["seeds"]["seed_0"]
    group = str(1 + sum(edge <= 0.95 for edge in own["edges"]))
    said = members.say(hourly_ledger(1), {"seed_0": np.array([0.95])})
    assert said["seed_0"] == pytest.approx([own["win_rate"][group]["mean"]])
    regime = hourly_ledger(1)["regime"][0].as_py()
    assert said[REGIME] == pytest.approx([told["members"][REGIME][f"{regime}, long"]["mean"]])
    assert told["members"][CONFIDENCE] == UNFIT.reason and told["prior_trades"] == 20.0
