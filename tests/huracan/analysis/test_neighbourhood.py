"""Reliability of a neighbourhood: Beta posterior and effective sample size."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import beta

from huracan.analysis.memory.neighbourhood import judge_neighbourhoods, no_neighbours
from huracan.analysis.outcome import as_milliseconds
from huracan.candles.schema import day_start

DAY = date(2023, 6, 2)


def _now(queries: int) -> np.ndarray:
    return np.full(queries, as_milliseconds(day_start(DAY)))


def test_equal_neighbours_give_the_plain_beta_posterior(make_neighbours) -> None:
    alike = judge_neighbourhoods(make_neighbours(1, 8, 6), _now(2))
    assert alike.count.tolist() == [0, 8]
    assert alike.effective_trades[1] == pytest.approx(8)
    assert alike.win_probability[1] == pytest.approx(7 / 10)
    assert alike.win_probability_low[1] == pytest.approx(beta.ppf(0.05, 7, 3))
    assert alike.mean_net_bps[1] == pytest.approx((6 * 20 - 2 * 20) / 8)


def test_without_neighbours_nothing_is_claimed() -> None:
    alike = judge_neighbourhoods(no_neighbours(), _now(3))
    assert np.isnan(alike.win_probability).all() and np.isnan(alike.mean_net_bps).all()
    assert alike.win_probability_low == pytest.approx([0.05] * 3)


def test_a_distant_trade_does_not_count_and_unequal_weights_count_less(make_neighbours) -> None:
    near, far = make_neighbours(0, 1, 1, similarity=1.0), make_neighbours(0, 1, 0, similarity=0.5)
    both = judge_neighbourhoods(pa.concat_tables([near, far]), _now(1))
    assert both.effective_trades[0] == pytest.approx(1.5**2 / (1 + 0.25))
    strangers = pa.concat_tables([near, make_neighbours(0, 5, 0, similarity=0.1)])
    assert judge_neighbourhoods(strangers, _now(1)).count.tolist() == [1]


def test_an_old_trade_weighs_half_as_much_after_each_half_life(make_neighbours) -> None:
    new, old = make_neighbours(0, 1, 1), make_neighbours(0, 1, 0)
    closed = pa.array([new["closed_at"][0].as_py() - timedelta(days=360)], new.schema.field("closed_at").type)
    old = old.set_column(old.column_names.index("closed_at"), "closed_at", closed)
    both = judge_neighbourhoods(pa.concat_tables([new, old]), _now(1), half_life_days=180)
    effective = 1.25**2 / (1 + 0.25**2)
    assert both.effective_trades[0] == pytest.approx(effective)
    assert both.win_probability[0] == pytest.approx((1 + effective * 0.8) / (2 + effective))
    assert both.mean_net_bps[0] == pytest.approx((20 - 0.25 * 20) / 1.25)
