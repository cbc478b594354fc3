"""Importance on signals whose truth is known: what matters, what misleads, what fades and what drifts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from huracan.models import importance
from huracan.models.confidence import fit_confidence_model
from huracan.models.config import ModelConfig
from huracan.models.drift import population_stability
from huracan.models.importance import feature_importance
from huracan.models.past import PastTrades, past_trades
from tests.huracan.models.conftest import SIGNAL_NAMES, simulated_signals

Maker = Callable[..., pa.Table]
CONFIG, NIGHT = ModelConfig(), date(2025, 7, 1)


def rows_of(past: PastTrades, earlier: dict[date, pa.Table] | None = None) -> dict[str, dict[str, Any]]:
    model = fit_confidence_model(past, SIGNAL_NAMES, CONFIG, "2h")
    table = feature_importance(past, model, CONFIG, "2h", NIGHT, earlier or {})
    return {row["feature"]: row for row in table.to_pylist()}


@pytest.fixture(scope="module")
def planted() -> dict[str, dict[str, Any]]:
    return rows_of(past_trades(simulated_signals(3000)))


def test_the_planted_inputs_matter_most_by_every_measure(planted: dict[str, dict[str, Any]]) -> None:
    for measure in ("gain", "permutation_importance", "mean_contribution", "contribution_share"):
        ordered = sorted(planted, key=lambda name: -planted[name][measure])
        assert ordered[:2] == ["edge_a", "edge_b"], measure
    assert planted["edge_a"]["rank"] == 1 and planted["edge_b"]["rank"] == 2
    assert sum(row["contribution_share"] for row in planted.values()) == pytest.approx(1.0)


def test_what_helps_speaks_for_wins_and_against_losses(planted: dict[str, dict[str, Any]]) -> None:
    edge = planted["edge_a"]
    assert edge["contribution_in_wins"] > 0.1 > -0.1 > edge["contribution_in_losses"]
    assert edge["up_in_wins"] > edge["up_in_losses"] + 0.2
    assert not any(row["is_misleading"] for row in planted.values())


def test_an_input_that_turned_round_misleads(make_signals: Maker) -> None:
    """The fit saw one sign of the edge, the tail has the other: what it adds is up where trades lose."""
    before, after = make_signals(2300), make_signals(700, seed=3, first=2300, edge=-1.0)
    rows = rows_of(past_trades(pa.concat_tables([before, after])))
    edge = rows["edge_a"]
    assert edge["is_misleading"] and edge["up_in_losses"] > edge["up_in_wins"] + 0.1
    assert edge["permutation_importance"] < 0.0
    assert not rows["noise"]["is_misleading"]


def test_an_input_that_no_tree_asks_for_adds_nothing(planted: dict[str, dict[str, Any]]) -> None:
    unused = [row for row in planted.values() if row["gain"] == 0.0]
    assert unused
    for row in unused:
        assert row["mean_contribution"] == row["permutation_importance"] == row["up_in_losses"] == 0.0


def test_trend_and_decay_by_hand(planted: dict[str, dict[str, Any]]) -> None:
    share = planted["edge_a"]["contribution_share"]

    def night(share: float, feature: str = "edge_a") -> pa.Table:
        return pa.table({"feature": [feature], "contribution_share": [share]})

    past = past_trades(simulated_signals(3000))
    days = {ago: NIGHT - timedelta(days=ago) for ago in (1, 2, 3)}
    earlier = {days[3]: night(share + 0.3), days[2]: night(share + 0.2), days[1]: night(share + 0.1)}
    edge = rows_of(past, earlier)["edge_a"]
    assert edge["nights"] == 4 and edge["trend_per_night"] == pytest.approx(-0.1)
    assert edge["decay"] == pytest.approx(1.0 - share / (share + 0.3))
    # A night that is missing is a gap in time, not a shorter time; one of an older form knows nothing.
    old = pa.table({"feature": ["edge_a"], "gain": [0.5], "permutation_importance": [0.1], "rank": [1]})
    gap = rows_of(past, {days[3]: night(share + 0.3), days[2]: old, days[1]: night(share + 0.1)})
    assert gap["edge_a"]["nights"] == 3 and gap["edge_a"]["trend_per_night"] == pytest.approx(-0.1)
    assert gap["edge_b"]["nights"] == 1 and gap["edge_b"]["trend_per_night"] is None
    assert gap["edge_b"]["decay"] == 0.0


def test_an_input_that_moved_has_drifted_beyond_chance(make_signals: Maker) -> None:
    trades = make_signals(3000)
    features = np.stack(trades["entry_features"].to_numpy(zero_copy_only=False))
    features[2400:, 3] += 1.0
    index = trades.schema.get_field_index("entry_features")
    field = trades.schema.field(index)
    moved = trades.set_column(index, field, pa.array(list(features), field.type))
    rows = rows_of(past_trades(moved))
    assert rows["noise"]["drift_psi"] > 5.0 * rows["noise"]["drift_psi_by_chance"]
    assert rows["edge_a"]["drift_psi"] < 2.0 * rows["edge_a"]["drift_psi_by_chance"]
    assert rows["noise"]["drift_trades"] == 600.0


def test_a_stability_index_by_hand() -> None:
    before, now = np.repeat([0.0, 1.0], 50), np.repeat([0.0, 1.0], [20, 80])
    found = population_stability(before, np.ones(100), now, np.ones(100))
    p, q = np.array([50.5, 50.5, 0.5, 0.5, 0.5]) / 102.5, np.array([20.5, 80.5, 0.5, 0.5, 0.5]) / 102.5
    assert found.psi == pytest.approx(float(((q - p) * np.log(q / p)).sum()))
    assert found.trades == 100.0
    assert found.psi_by_chance == pytest.approx(3.841 * 0.02, rel=0.001)  # chi-square of 1 degree
    by_weight = population_stability(before, np.ones(100), before, np.where(before > 0, 4.0, 1.0))
    assert by_weight.psi == pytest.approx(found.psi, rel=0.1) and by_weight.trades < 100.0
    lost = population_stability(before, np.ones(100), np.full(100, np.nan), np.ones(100))
    assert lost.psi > 2.0
    assert population_stability(before[:0], before[:0], now, np.ones(100)).psi is None
    same = population_stability(np.zeros(50), np.ones(50), np.zeros(50), np.ones(50))
    assert same.psi == pytest.approx(0.0) and same.psi_by_chance is None


def test_without_drift_the_index_exceeds_what_chance_does_in_about_one_of_twenty() -> None:
    generator = np.random.default_rng(0)
    exceeded = 0
    for _ in range(400):
        before, now = generator.normal(size=800), generator.normal(size=150)
        found = population_stability(before, np.ones(800), now, np.ones(150))
        exceeded += found.psi > found.psi_by_chance
    assert 0.01 <= exceeded / 400 <= 0.09


def test_weights_count_in_what_is_explained(make_signals: Maker) -> None:
    """Trades that count for nothing are as good as absent: the tail they turned round misleads nobody."""
    before, after = make_signals(2300), make_signals(700, seed=3, first=2300, edge=-1.0)
    right = make_signals(700, seed=4, first=2300)
    trades = pa.concat_tables([before, after, right])
    order = np.argsort(np.r_[np.arange(3000), np.arange(2300, 3000)], kind="stable")
    weight = np.r_[np.ones(2300), np.full(700, 1e-9), np.ones(700)]
    rows = rows_of(PastTrades(trades, weight, np.zeros(3700, dtype=bool)).take(order))
    assert not rows["edge_a"]["is_misleading"] and rows["edge_a"]["permutation_importance"] > 0.02


def test_the_rows_that_are_explained_are_capped_and_the_same_again(
    make_signals: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = past_trades(make_signals(3000))
    model = fit_confidence_model(past, SIGNAL_NAMES, CONFIG, "2h")
    whole = feature_importance(past, model, CONFIG, "2h", NIGHT, {})
    monkeypatch.setattr(importance, "MOST_ROWS", 200)
    one, other = (feature_importance(past, model, CONFIG, "2h", NIGHT, {}) for _ in range(2))
    assert one.equals(other) and not one.equals(whole)
    assert one["feature"][0].as_py() == "edge_a"
    other_seed = feature_importance(past, model, replace(CONFIG, seed=8), "2h", NIGHT, {})
    assert not one.equals(other_seed)
