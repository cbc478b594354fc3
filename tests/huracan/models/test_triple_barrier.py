"""Which barrier a signal met first, by hand, and what the meta-label model makes of it."""

import numpy as np
import pyarrow as pa
import pytest

from huracan.market.ledger import EXIT_REASONS, TRADES_SCHEMA
from huracan.models.config import ModelConfig
from huracan.models.meta_label import fit_meta_label_model
from huracan.models.past import PastTrades, past_trades
from huracan.models.triple_barrier import barrier_labels
from tests.huracan.models.conftest import simulated_signals


def label_of(**given: object) -> float:
    row = dict.fromkeys(TRADES_SCHEMA.names) | {
        "mode": "scalp",
        "net_bps": -1.0,
        "exit_reference_price": 101.0,
        "stop_price": 99.0,
        "target_price": 104.0,
    }
    return float(barrier_labels(pa.Table.from_pylist([row | given], schema=TRADES_SCHEMA))[0])


@pytest.mark.parametrize(
    ("given", "label"),
    [
        ({"exit_reason": "TARGET", "net_bps": -1.0}, 1.0),  # costs ate it, but the market met the target
        ({"exit_reason": "STOP", "net_bps": 1.0}, 0.0),
        ({"exit_reason": "LIQUIDATION"}, 0.0),
        ({"exit_reason": "TIME_OUT", "net_bps": 0.1}, 1.0),
        ({"exit_reason": "TIME_OUT", "net_bps": 0.0}, 0.0),
        ({"exit_reason": "POLICY_EXIT", "net_bps": -9.0}, 0.4),  # 2 of 5 from stop to target
        ({"exit_reason": "SCRATCH", "exit_reference_price": 98.0}, 0.0),  # beyond the stop is not below 0
        ({"exit_reason": "DATA_GAP", "exit_reference_price": 105.0}, 1.0),
        # A short: its stop lies above.
        ({"exit_reason": "POLICY_EXIT", "stop_price": 106.0, "target_price": 96.0}, 0.5),
        # The stop had followed the price, or nobody knows the barriers: what it made.
        ({"exit_reason": "POLICY_EXIT", "mode": "runner", "net_bps": 2.0}, 1.0),
        ({"exit_reason": "TRAILING_STOP", "net_bps": 2.0}, 1.0),
        ({"exit_reason": "POLICY_EXIT", "stop_price": None, "net_bps": 2.0}, 1.0),
        ({"exit_reason": None, "net_bps": 2.0}, 1.0),
    ],
)
def test_labels_by_hand(given: dict[str, object], label: float) -> None:
    assert label_of(**given) == pytest.approx(label)


@pytest.mark.parametrize("reason", EXIT_REASONS)
def test_every_exit_has_a_label_between_0_and_1(reason: str) -> None:
    assert 0.0 <= label_of(exit_reason=reason) <= 1.0


def test_leaving_early_does_not_bias_the_label() -> None:
    """Fair prices between a near stop and a far target; the policy leaves at random. Of those that met a
    barrier too few met the target, because it is farther; with the others' labels the mean is right."""
    generator, count = np.random.default_rng(2), 4000
    price, reason, left = np.full(count, 100.0), np.full(count, "", dtype=object), np.full(count, np.nan)
    for _ in range(400):
        price += generator.choice([-0.25, 0.25], count)
        for name, met in (
            ("STOP", price <= 99.0),
            ("TARGET", price >= 102.0),
            ("POLICY_EXIT", generator.random(count) < 0.03),
        ):
            ends = met & (reason == "")
            reason[ends], left[ends] = name, price[ends]
    assert (reason != "").mean() > 0.99
    kept = reason != ""
    table = pa.table(
        {
            "mode": ["scalp"] * count,
            "net_bps": np.zeros(count),
            "exit_reason": reason.tolist(),
            "exit_reference_price": left,
            "stop_price": np.full(count, 99.0),
            "target_price": np.full(count, 102.0),
        }
    )
    labels = barrier_labels(table)
    error = labels[kept].std() / np.sqrt(kept.sum())
    assert labels[kept].mean() == pytest.approx(1.0 / 3.0, abs=3.0 * error)
    met = np.isin(reason, ["STOP", "TARGET"])
    assert (reason[met] == "TARGET").mean() < 1.0 / 3.0 - 3.0 * error


def test_the_meta_label_learns_the_barrier_and_not_what_the_policy_made_of_it() -> None:
    """The policy leaves every trade at a loss, though near the target when it was sure: the label still sees
    it."""
    trades = simulated_signals(1500)
    sure = np.array(trades["action_probabilities"].to_pylist())[:, 0]
    changed = {
        "mode": ["scalp"] * 1500,
        "exit_reason": ["POLICY_EXIT"] * 1500,
        "net_bps": np.full(1500, -5.0),
        "stop_price": np.full(1500, 99.0),
        "target_price": np.full(1500, 101.0),
        "exit_reference_price": 99.0 + 2.0 * np.where(sure > 0.675, 0.8, 0.3),
    }
    for name, values in changed.items():
        index = trades.schema.get_field_index(name)
        trades = trades.set_column(index, trades.schema.field(index), pa.array(values))
    model = fit_meta_label_model(past_trades(trades), ModelConfig(), "2h")
    said = model.predict(trades)
    assert said[sure > 0.8].mean() > 0.65 and said[sure < 0.5].mean() < 0.45
    assert model.base_rate == pytest.approx(0.55, abs=0.03)
    # Certain of its ranking, but the outcomes are not: an area of (0.8 0.7 + ties) is all that can be had.
    assert 0.6 < model.tail.auc < 0.8


def test_a_weight_is_worth_as_many_equal_trades() -> None:
    trades = simulated_signals(800, edge=0.0)
    twice = np.where(np.arange(800) % 2 == 0, 2.0, 1.0)
    weighted = fit_meta_label_model(PastTrades(trades, twice, np.ones(800, bool)), ModelConfig(), "2h")
    plain = fit_meta_label_model(past_trades(trades), ModelConfig(), "2h")
    assert weighted.weights != plain.weights
    assert weighted.effective_trades == pytest.approx(1200**2 / (400 * 4 + 400))
    label = (trades["net_bps"].to_numpy() > 0.0)[: weighted.fitted_trades]
    assert weighted.base_rate == pytest.approx(np.average(label, weights=twice[: len(label)]), abs=0.02)
    assert weighted.own_tail is None and plain.own_tail == plain.tail
