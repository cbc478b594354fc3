"""Markets without an edge, policies without skill, and what the verdict makes of them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from huracan.market.costs import CostAssumptions
from huracan.promotion.evidence import unit_usd
from huracan.promotion.settings import SPAN_DAYS, PromotionConfig
from huracan.proof.promotion.control_columns import judge_controls
from huracan.proof.promotion.judged_nights import HELD_OUT_DAYS, PaperYear, judge_year, units_of
from huracan.proof.promotion.null_markets import BARS_PER_DAY, NullMarketConfig, null_market
from huracan.proof.promotion.nulls import FREE, NullSettings, null_bars, prove_nulls
from huracan.proof.promotion.power import PowerSettings, power_bars, power_row
from huracan.proof.promotion.rival_test import DRAWN, rival_row
from huracan.proof.promotion.skillless import SKILLLESS, play

SHORT = NullMarketConfig(days=40, seed=3)


def test_the_price_of_a_null_market_is_a_martingale_and_its_bars_are_whole() -> None:
    factors = []
    for kind in ("still", "clustered"):
        for seed in range(8):
            block = null_market(replace(SHORT, kind=kind, days=200, seed=seed))
            assert (block.high >= np.maximum(block.open, block.close)).all()
            assert (block.low <= np.minimum(block.open, block.close)).all()
            factors.append(block.close[:, 1:] / block.close[:, :-1])
    moved = np.concatenate(factors, axis=1)
    error = moved.std() / np.sqrt(moved.size / 3)
    assert moved.mean() == pytest.approx(1.0, abs=3 * error)
    assert np.corrcoef(moved)[0, 1] == pytest.approx(0.5, abs=0.05)


def test_a_market_is_the_same_by_its_seed_and_another_by_another() -> None:
    first, again, other = (null_market(replace(SHORT, seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.close, again.close) and not np.array_equal(first.close, other.close)


@pytest.mark.parametrize("name", SKILLLESS)
def test_days_of_a_policy_sum_to_what_its_accounts_are_worth(name: str) -> None:
    block = null_market(SHORT)
    costs = CostAssumptions()
    year = PaperYear(block, play(name, block, costs, np.random.default_rng(1)), costs)  # type: ignore[arg-type]
    end = year.played.equity_usd[:, -1].sum() - 3 * 10_000.0
    assert year.results.sum() == pytest.approx(end, abs=20.0)
    assert year.results.sum() <= end + 1e-6, "what is open still has to be closed"
    assert year.paid.sum() >= 0.0 and year.played.closed.size > 10


@settings(max_examples=100, deadline=None)
@given(
    arrays(np.float64, st.integers(1, 3 * SPAN_DAYS), elements=st.floats(-1_000.0, 1_000.0)),
    st.integers(0, 10_000),
)
def test_all_units_at_once_are_those_of_each_day_by_itself(results: np.ndarray, seed: int) -> None:
    planned = np.random.default_rng(seed).exponential(50.0, results.size)
    by_day = [unit_usd(results[:day].tolist(), float(each)) for day, each in enumerate(planned)]
    assert units_of(results, planned) == pytest.approx(by_day, rel=1e-9)


def test_rivals_of_a_day_know_nothing_of_later_trades() -> None:
    block = null_market(SHORT)
    year = PaperYear(block, play("spread", block, FREE, np.random.default_rng(1)), FREE)
    day, bars = 20, 21 * BARS_PER_DAY
    closed = year.played.closed
    known = closed[closed["entry_bar"] < bars].copy()
    later = known["exit_bar"] >= bars
    assert later.any() and known.size < closed.size
    known["exit_bar"][later] += 7
    known["gross_usd"][later] = 1e9
    other = replace(year, played=replace(year.played, closed=known))
    assert year.rival_gross(day, 0) == other.rival_gross(day, 0) != 0.0


def test_nobody_without_skill_is_promoted_in_a_small_sample_and_the_first_bet_alone_would() -> None:
    settings = NullSettings(markets=3, days=250, procedures=3)
    rows = prove_nulls(settings)
    assert {row.policy for row in rows} == {*SKILLLESS, "long, drifting market"}
    assert all(bar.is_met for bar in null_bars(rows, settings))
    drifting = next(row for row in rows if row.policy == "long, drifting market")
    assert drifting.first_bet > 0 and drifting.promoted == 0, "holding a rising market is no skill"


def test_days_that_all_win_are_promoted_and_a_policy_without_skill_that_was_fails_the_check() -> None:
    block = null_market(replace(SHORT, kind="drifting", days=250))
    year = PaperYear(block, play("spread", block, FREE, np.random.default_rng(4)), FREE)
    lucky = replace(year)
    # Every day wins, which no trade of its makes.
    lucky.__dict__["results"] = np.abs(year.results) + 20.0
    lucky.__dict__["planned"] = np.full(year.days, 30.0)
    lucky.__dict__["paid"] = np.zeros(year.days)
    found = judge_year(lucky, 1, 0, 120, PromotionConfig(blocking=()))
    assert found.promoted_on is not None and found.promoted_on > HELD_OUT_DAYS
    row = {"policy": "spread", "costs": "none", "markets": 1, "promoted": 1, "promoted_in_turn": 0}
    assert not judge_controls([row]).passed and judge_controls([{**row, "promoted": 0}]).passed


def test_who_is_good_is_found_and_who_is_not_is_not() -> None:
    settings = PowerSettings(draws=60, nights=240)
    strong, none = (power_row(ratio, "normal", 1, settings) for ratio in (10.0, 0.0))
    assert strong.share_by(90) >= 0.85 and strong.median_night is not None and strong.median_night < 70
    assert none.promoted_by[-1] <= 0.05 and none.median_night is None
    assert power_row(10.0, "normal", 20, settings).share_by(90) < strong.share_by(90)
    (bar,) = power_bars([strong])
    assert bar.limit == 0.90 and bar.value == strong.share_by(90)


@pytest.mark.parametrize(("name", "kind"), DRAWN)
def test_a_nominal_test_against_rivals_is_passed_about_as_often_as_it_says(name: str, kind: str) -> None:
    row = rival_row(name, kind, 80)  # type: ignore[arg-type]
    assert row.passed <= 0.125, "three errors of 80 markets above 5 %"
