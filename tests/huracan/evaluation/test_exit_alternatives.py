"""The same entries under other ways of leaving: weighed means, paired gains, when there is no interval."""

import numpy as np
import pyarrow as pa
import pytest

from huracan.candles.schema import TIME
from huracan.evaluation.exit_alternatives import EXIT_ALTERNATIVES_SCHEMA, exit_alternatives

NAMES = [("as_is", "x1"), ("stop", "x2")]


def _replayed(net: np.ndarray, propensity: np.ndarray, day: np.ndarray) -> pa.Table:
    return pa.table(
        {
            "signal_time": pa.array(day * 86_400_000).cast(TIME),
            "propensity": propensity,
            "net_bps_by_setting": pa.array(net.tolist(), pa.list_(pa.float64())),
        }
    )


def test_means_are_weighed_to_any_moment_and_gains_are_of_the_same_entries() -> None:
    net = np.array([[10.0, 12.0], [-20.0, -10.0], [500.0, np.nan]])
    replayed = _replayed(net, np.array([0.5, 0.25, 0.1]), np.array([20_000, 20_001, 20_002]))
    table = exit_alternatives(NAMES, replayed, 120)
    as_is, wider = table.to_pylist()
    # Weights of 2 and 4; the third was not filled under the second setting.
    assert as_is["mean_net_bps"] == pytest.approx(-10.0) and as_is["gain_bps"] == 0.0
    assert wider["mean_net_bps"] == pytest.approx((2 * 12 - 4 * 10) / 6)
    assert wider["gain_bps"] == pytest.approx((2 * 2 + 4 * 10) / 6)
    assert wider["entries"] == 2 and wider["effective_entries"] == pytest.approx(36 / 20)
    assert wider["low_bps"] is None and wider["gain_low_bps"] is None


def test_a_gain_that_all_entries_share_is_surer_than_either_mean() -> None:
    generator = np.random.default_rng(1)
    day = np.repeat(np.arange(20_000, 20_030), 30)
    own = generator.normal(0.0, 50.0, day.size) + np.repeat(generator.normal(0.0, 20.0, 30), 30)
    net = np.column_stack([own, own + generator.normal(3.0, 1.0, day.size)])
    as_is, wider = exit_alternatives(NAMES, _replayed(net, np.full(day.size, 0.1), day), 240).to_pylist()
    assert wider["gain_low_bps"] < 3.0 < wider["gain_high_bps"] < wider["gain_low_bps"] + 0.5
    assert wider["high_bps"] - wider["low_bps"] > 5.0
    assert (as_is["gain_low_bps"], as_is["gain_high_bps"]) == (0.0, 0.0)
    few = exit_alternatives(NAMES, _replayed(net[:120], np.full(120, 0.1), day[:120]), 240).to_pylist()
    assert few[1]["effective_entries"] == pytest.approx(120) and few[1]["low_bps"] is None


def test_without_a_filled_entry_there_are_no_rows() -> None:
    for net in (np.full((3, 2), np.nan), np.zeros((0, 2))):
        nothing = exit_alternatives(NAMES, _replayed(net, np.full(len(net), 0.1), np.arange(len(net))), 120)
        assert nothing.equals(EXIT_ALTERNATIVES_SCHEMA.empty_table())
