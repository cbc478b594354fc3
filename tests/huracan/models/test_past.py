"""What each past trade counts for."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huracan.models.past import MOST_WEIGHT, past_trades, weights_of

Maker = Callable[..., pa.Table]


def _drawn(policy: list[float | None], propensity: list[float]) -> pa.Table:
    return pa.table({"policy_density": pa.array(policy, pa.float64()), "propensity": propensity})


def test_a_weight_is_the_policys_density_over_the_propensity_and_one_in_the_mean() -> None:
    weight = weights_of(_drawn([0.1, 0.3, None, 0.0], [0.1, 0.1, 0.1, 0.2]))
    np.testing.assert_allclose(weight, [0.5, 1.5, 0.0, 0.0])


@given(st.lists(st.floats(1e-9, 1.0), min_size=1, max_size=300))
def test_no_weight_is_above_the_most_and_their_mean_is_one(densities: list[float]) -> None:
    weight = weights_of(_drawn([*densities], [0.01] * len(densities)))
    assert weight.mean() == pytest.approx(1.0)
    assert weight.max() <= MOST_WEIGHT * (1 + 1e-6)


def test_one_rare_draw_does_not_speak_for_all_others() -> None:
    weight = weights_of(_drawn([1e-4] * 99 + [1.0], [0.01] * 100))
    assert weight[-1] == pytest.approx(MOST_WEIGHT)
    assert weight[:-1].sum() == pytest.approx(90.0)


def test_the_books_are_joined_in_the_order_of_their_signals_and_what_says_nothing_is_left_out(
    make_ledger: Maker,
) -> None:
    ledger = make_ledger(6)
    own, others = ledger.take([0, 3]), ledger.take([1, 2, 4, 5])
    told = _drawn([0.1, None, 0.1, 0.1], [0.1] * 4)
    explored = others.append_column("policy_density", told["policy_density"]).append_column(
        "propensity", told["propensity"]
    )
    past = past_trades(own, explored)
    assert past.trades["trade_id"].to_pylist() == ledger.take([0, 1, 3, 4, 5])["trade_id"].to_pylist()
    assert past.is_explored.tolist() == [False, True, False, True, True]
    assert past.weight.tolist() == [1.0] * 5 and past.effective_count == pytest.approx(5.0)
