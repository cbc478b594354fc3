"""What is told beside the verdict, by hand."""

import math
from dataclasses import replace
from datetime import timedelta
from statistics import NormalDist

import numpy as np
import pytest

from huracan.evaluation.pbo import estimate_overfitting
from huracan.promotion.criteria import Judged
from huracan.promotion.day import DayResult
from huracan.promotion.evidence import Evidence, Lost
from huracan.promotion.track_record import FEWEST_PROCEDURES, Told, track_record
from tests.huracan.promotion.test_evidence import FIRST, day


def _days(results: list[float]) -> list[DayResult]:
    return [day(number, result) for number, result in enumerate(results)]


def _told(judged: Judged, seed: int = 1, seeds: dict[str, float] | None = None) -> dict[str, Told]:
    """By the name of the first number."""
    found = track_record(judged, seeds or {}, np.random.default_rng(seed))
    return {next(iter(each.numbers), each.reason): each for each in found}


def _judged(results: list[float], **other: object) -> Judged:
    return Judged(Evidence.of(_days(results)), **other)  # type: ignore[arg-type]


def test_the_minimum_track_record_is_that_of_bailey_and_lopez_de_prado() -> None:
    results = [3.0, -1.0, 2.0, 4.0, -2.0, 1.0]
    values = np.array(results)
    ratio = values.mean() / values.std(ddof=1)
    centred = values - values.mean()
    skewness = (centred**3).mean() / (centred**2).mean() ** 1.5
    kurtosis = (centred**4).mean() / (centred**2).mean() ** 2
    needed = (
        1 + (1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2) * (NormalDist().inv_cdf(0.95) / ratio) ** 2
    )
    told = _told(_judged(results))["minimum_track_record_days"]
    assert told.numbers["minimum_track_record_days"] == pytest.approx(needed)
    assert f"about {math.ceil(needed) - 6} more such days" in told.reason
    long = _told(_judged(results * 20))["minimum_track_record_days"]
    assert "its days are enough" in long.reason
    losing = track_record(_judged([-1.0, -2.0, 1.0]), {}, np.random.default_rng(1))
    assert losing[0].reason == "Its mean day makes nothing, so no record is long enough to show skill."


def test_overfitting_is_told_from_eight_procedures_on_their_common_days() -> None:
    generator = np.random.default_rng(4)
    every = generator.normal(0.0, 10.0, (FEWEST_PROCEDURES, 40))
    others = [
        {FIRST + timedelta(days=number): float(each) for number, each in enumerate(row)} for row in every[1:]
    ]
    own = every[0].tolist()
    told = _told(_judged(own, others=others))["overfitting_probability"]
    wanted = estimate_overfitting(every.T, 16).probability
    assert told.numbers == {"overfitting_probability": wanted}
    assert f"the best of {FEWEST_PROCEDURES} procedures by half of their 40 common days" in told.reason
    assert "overfitting_probability" not in _told(_judged(own, others=others[1:]))
    apart = [{day + timedelta(days=20): value for day, value in each.items()} for each in others]
    assert "overfitting_probability" not in _told(_judged(own, others=apart)), "twenty days are too few"


def test_the_interval_of_the_mean_day_is_the_same_for_the_same_generator_and_holds_the_mean() -> None:
    results = np.random.default_rng(2).normal(5.0, 10.0, 80).tolist()
    one, again, other = (_told(_judged(results), seed)["mean_day_usd"].numbers for seed in (1, 1, 2))
    assert one == again != other
    assert one["mean_day_usd"] == pytest.approx(np.mean(results))
    assert one["mean_day_low_usd"] < one["mean_day_usd"] < one["mean_day_high_usd"]
    width = float(one["mean_day_high_usd"]) - float(one["mean_day_low_usd"])
    assert width == pytest.approx(2 * 1.645 * 10.0 / np.sqrt(80), rel=0.35)
    assert "mean_day_usd" not in _told(_judged(results[:9])), "blocks of five want more days"


def test_at_the_break_even_fee_nothing_would_have_been_made() -> None:
    days = [replace(each, fees_usd=2.0, traded_usd=4_000.0) for each in _days([3.0, -1.0, 4.0])]
    told = _told(Judged(Evidence.of(days)))["break_even_fee_bps"]
    assert told.numbers["paid_fee_bps"] == pytest.approx(5.0)
    fee_bps = told.numbers["break_even_fee_bps"]
    assert 6.0 - (float(fee_bps) - 5.0) / 10_000 * 12_000.0 == pytest.approx(0.0)
    assert "break_even_fee_bps" not in _told(_judged([3.0, -1.0, 4.0])), "nothing was traded"


def test_seeds_and_the_share_of_days_beyond_their_unit_are_told() -> None:
    seeds = {"count": 3.0, "net_usd_lowest": -4.0, "net_usd_highest": 9.0, "net_usd_std": 5.0}
    judged = _judged([5.0] * 8 + [-11.0, -30.0])
    told = _told(judged, seeds=seeds)
    assert "Tonight's 3 seeds made -4.00 to +9.00 USD" in told["seeds_count"].reason
    assert told["share_beyond_unit"].numbers == {"share_beyond_unit": pytest.approx(0.2)}
    assert "20.0% of the days lost more than their unit." in told["share_beyond_unit"].reason


def test_eight_procedures_are_the_fewest_of_which_overfitting_is_told() -> None:
    every = np.random.default_rng(5).normal(0.0, 10.0, (8, 32))
    others = [
        {FIRST + timedelta(days=number): float(each) for number, each in enumerate(row)} for row in every[1:]
    ]
    own = every[0].tolist()
    assert "the best of 8 procedures" in _told(_judged(own, others=others))["overfitting_probability"].reason
    assert "overfitting_probability" not in _told(_judged(own, others=others[1:])), "of seven"


def test_days_are_drawn_again_in_blocks_of_five_and_nine_tenths_of_the_means_lie_between() -> None:
    # Five days in a row sum to +1 or -1, the two last ones to 0: sixteen fair coins, of whose heads 5 % are
    # below 5 and 5 % above 11.
    told = _told(_judged([1.0, -1.0] * 41))["mean_day_usd"].numbers
    assert told["mean_day_low_usd"] == pytest.approx(-6 / 82)
    assert told["mean_day_high_usd"] == pytest.approx(6 / 82)
    assert "mean_day_usd" in _told(_judged([1.0, -1.0] * 5)), "ten days are enough"


def test_nothing_is_told_of_no_days() -> None:
    assert track_record(Judged(Evidence.of([])), {}, np.random.default_rng(1)) == ()
    lost = Judged(Evidence.of([Lost(FIRST)]))
    assert track_record(lost, {}, np.random.default_rng(1)) == ()
