"""Reliability of a neighbourhood: Beta posterior and effective sample size."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import beta

from huracan.analysis.neighbourhood import judge_neighbourhoods, no_neighbours


def test_equal_neighbours_give_the_plain_beta_posterior(make_neighbours) -> None:
    alike = judge_neighbourhoods(make_neighbours(1, 8, 6), 2)
    assert alike.count.tolist() == [0, 8]
    assert alike.effective_trades[1] == pytest.approx(8)
    assert alike.win_probability[1] == pytest.approx(7 / 10)
    assert alike.win_probability_low[1] == pytest.approx(beta.ppf(0.05, 7, 3))
    assert alike.mean_net_bps[1] == pytest.approx((6 * 20 - 2 * 20) / 8)


def test_without_neighbours_nothing_is_claimed() -> None:
    alike = judge_neighbourhoods(no_neighbours(), 3)
    assert np.isnan(alike.win_probability).all() and np.isnan(alike.mean_net_bps).all()
    assert alike.win_probability_low == pytest.approx([0.05] * 3)


def test_a_distant_trade_does_not_count_and_unequal_weights_count_less(make_neighbours) -> None:
    near, far = make_neighbours(0, 1, 1, similarity=1.0), make_neighbours(0, 1, 0, similarity=0.5)
    both = judge_neighbourhoods(pa.concat_tables([near, far]), 1)
    assert both.effective_trades[0] == pytest.approx(1.5**2 / (1 + 0.25))
    strangers = pa.concat_tables([near, make_neighbours(0, 5, 0, similarity=0.1)])
    assert judge_neighbourhoods(strangers, 1).count.tolist() == [1]
