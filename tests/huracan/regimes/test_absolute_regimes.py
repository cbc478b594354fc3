"""The absolute label: by hand, and a calm month's panic told from a crash's."""

import numpy as np
import pytest

from huracan.regimes.absolute import absolute_codes, holds
from huracan.regimes.counts import ObservationCounts
from huracan.regimes.model import REGIMES, RegimeConfig
from huracan.regimes.observations import FeatureGrid, measure

CONFIG = RegimeConfig()
NAN = float("nan")


def names(*bars: tuple[float, float, float]) -> list[str | None]:
    """Of one symbol's ranks of volatility, fall and direction, bar by bar."""
    codes = absolute_codes(np.array([bars]), CONFIG)[0]
    return [None if code < 0 else REGIMES[code] for code in codes]


def test_the_rule_by_hand_at_its_thresholds() -> None:
    """Volatile from 75 on; panic from 93.75, a quarter of that quarter; trend from 60."""
    assert names((74.9, 99.0, 59.9)) == ["range"]
    assert names((74.9, 99.0, 60.0)) == ["trend"]
    assert names((75.0, 93.7, 99.0)) == ["high_volatility"]
    assert names((75.0, 93.75, 0.0)) == ["panic"]


def test_what_began_holds_until_its_rank_has_left_a_share_wider_by_half() -> None:
    """Left below 62.5, 90.625 and 40."""
    falling = [
        (80.0, 95.0, 70.0),
        (63.0, 91.0, 70.0),
        (63.0, 90.6, 70.0),
        (62.0, 90.6, 45.0),
        (62.0, 0.0, 39.0),
    ]
    assert names(*falling) == ["panic", "panic", "high_volatility", "trend", "range"]
    assert names(*falling[1:3]) == ["trend", "trend"], "what never began does not hold"


def test_a_bar_that_is_not_ready_is_named_as_the_last_one_and_none_before_the_first() -> None:
    gone = (NAN, NAN, NAN)
    assert names(gone, (80.0, 0.0, 0.0), gone, gone, (70.0, 0.0, 0.0)) == [
        None,
        *["high_volatility"] * 4,
    ]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_share_of_any_size_is_left_at_last(share: float) -> None:
    ranks = np.array([[100.0, 100 * (1 - share), 0.0, 100 * (1 - share) - 0.1]])
    np.testing.assert_array_equal(holds(ranks, share), [[True, True, False, False]])


def test_later_bars_and_other_symbols_change_no_label() -> None:
    ranks = np.random.default_rng(3).uniform(0.0, 100.0, (2, 300, 3)).cumsum(axis=1) % 100.0
    whole = absolute_codes(ranks, CONFIG)
    for bar in (1, 2, 50, 299):
        np.testing.assert_array_equal(absolute_codes(ranks[:, :bar], CONFIG), whole[:, :bar])
        np.testing.assert_array_equal(absolute_codes(ranks[1:, :bar], CONFIG), whole[1:, :bar])


def _market(random: np.random.Generator, volatility: np.ndarray) -> FeatureGrid:
    """A symbol of as many bars: falls and directions go with its volatility as those of a walk do."""
    count = len(volatility)
    columns = {
        "return_std_60_bps": volatility * random.lognormal(0.0, 0.3, count),
        "volatility_ratio_10_50": np.ones(count),
        "trend_strength_60": random.normal(size=count),
        "return_60_bps": volatility * 60**0.5 * random.normal(size=count),
        "return_15_bps": volatility * 15**0.5 * random.normal(size=count),
        "ema_spread_30_240_bps": volatility * 60**0.5 * random.normal(size=count),
    }
    values = {name: each[None, :] for name, each in columns.items()}
    return FeatureGrid(("A",), np.arange(count) * 3_600_000, values, np.ones((1, count), dtype=bool))


def _shares(counts: ObservationCounts, grid: FeatureGrid) -> dict[str, float]:
    codes = absolute_codes(counts.percentiles(grid.symbols, measure(grid), 1), CONFIG)[0]
    return {name: float((codes == index).mean()) for index, name in enumerate(REGIMES)}


def test_the_worst_of_a_calm_month_is_no_panic_and_a_crash_is_hardly_anything_else() -> None:
    random = np.random.default_rng(1)
    year = _market(random, 20.0 * np.exp(np.repeat(random.normal(0.0, 0.6, 365), 24)))
    history = ObservationCounts.of(year)
    calm, crash = (_market(random, np.full(24 * 30, bps)) for bps in (6.0, 90.0))
    assert _shares(history, calm)["panic"] == 0.0 and _shares(history, calm)["high_volatility"] < 0.02
    found = _shares(history, crash)
    assert found["panic"] + found["high_volatility"] > 0.98 and found["panic"] > 0.5
    # Beside itself alone the calm month has its panic as any other.
    assert _shares(ObservationCounts.of(calm), calm)["panic"] > 0.01


def test_over_600_days_no_regime_has_less_than_two_percent_though_the_second_year_is_calmer() -> None:
    random = np.random.default_rng(2)
    days, log_volatility = 600, 0.0
    known, codes = None, []
    for day in range(days):
        log_volatility = 0.95 * log_volatility + 0.25 * random.normal()
        level = 40.0 if day < 300 else 25.0
        grid = _market(random, np.full(24, level * np.exp(log_volatility)))
        if known is None:
            known = ObservationCounts.of(grid)
            continue
        codes.append(absolute_codes(known.percentiles(grid.symbols, measure(grid), 1), CONFIG)[0])
        known = known + ObservationCounts.of(grid)
    shares = np.bincount(np.concatenate(codes), minlength=4) / (24 * (days - 1))
    assert shares.min() >= 0.02, dict(zip(REGIMES, shares.round(3), strict=True))
