"""Intervals of results: what they hold on later signals, and that they follow a market that changes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huracan.errors import InputRefused
from huracan.models.adaptive import DAY_MS, margin_of, walk_nights
from huracan.models.config import ModelConfig, Unfit
from huracan.models.conformal import ConformalModel, fit_conformal_model
from huracan.models.inputs import SIGNAL_COLUMNS
from huracan.models.interval_scores import score_intervals, weighted_quantile
from huracan.models.past import PastTrades, past_trades
from huracan.models.window import trailing_trades
from tests.huracan.models.conftest import SIGNAL_NAMES, simulated_signals

Maker = Callable[..., pa.Table]
CONFIG = ModelConfig()


def fitted(past: PastTrades, config: ModelConfig = CONFIG) -> ConformalModel:
    model = fit_conformal_model(past, SIGNAL_NAMES, config, "2h")
    assert isinstance(model, ConformalModel)
    return model


@pytest.fixture(scope="module")
def model() -> ConformalModel:
    return fitted(past_trades(simulated_signals(4000)))


def test_nine_of_ten_later_results_lie_within_less_width_than_an_interval_for_all(
    model: ConformalModel, make_signals: Maker
) -> None:
    past, later = make_signals(4000), make_signals(3000, seed=2, first=4000)
    net = later["net_bps"].to_numpy()
    low, high = model.interval(later)
    assert (low <= high).all()
    assert 0.85 <= np.mean((net >= low) & (net <= high)) <= 0.95
    edges = np.quantile(past["net_bps"].to_numpy(), [0.05, 0.95])
    assert np.mean(high - low) < 0.9 * (edges[1] - edges[0])
    # Not on the whole alone: among the calm and the wild too, where the interval for all does not.
    volatility = later["entry_volatility_bps"].to_numpy()
    for part in (volatility < np.quantile(volatility, 0.2), volatility > np.quantile(volatility, 0.8)):
        assert 0.85 <= np.mean((net >= low)[part] & (net <= high)[part]) <= 0.95
        assert not 0.85 <= np.mean((net >= edges[0])[part] & (net <= edges[1])[part]) <= 0.95


def test_what_the_model_says_of_itself_is_what_later_signals_show(
    model: ConformalModel, make_signals: Maker
) -> None:
    later = make_signals(3000, seed=2, first=4000)
    low, high = model.interval(later)
    net = later["net_bps"].to_numpy()
    assert model.has_skill and model.tail.trades == model.tail_trades == 800
    assert model.tail.coverage == pytest.approx(np.mean((net >= low) & (net <= high)), abs=0.04)
    assert model.tail.width_bps == pytest.approx(np.mean(high - low), rel=0.1)
    assert model.own_tail == model.tail and model.effective_trades == 4000
    # One interval for all, widened by the same rule, holds as many by more width.
    assert model.tail.same_coverage == pytest.approx(0.9, abs=0.04)
    assert model.tail.same_width_bps > 1.1 * model.tail.width_bps


def test_the_expected_result_is_the_mean_of_such_signals(model: ConformalModel, make_signals: Maker) -> None:
    later = make_signals(3000, seed=2, first=4000)
    expected, net = model.expected(later), later["net_bps"].to_numpy()
    assert expected.mean() == pytest.approx(net.mean(), abs=3.0 * net.std() / np.sqrt(3000))
    best, worst = expected > np.quantile(expected, 0.8), expected < np.quantile(expected, 0.2)
    error = net.std() * np.sqrt(2 / 600)
    assert net[best].mean() - net[worst].mean() > 5 * error
    assert expected[best].mean() == pytest.approx(net[best].mean(), abs=3 * error)


def test_the_level_follows_a_market_that_grew_wild(make_signals: Maker) -> None:
    calm, wild = make_signals(3000), make_signals(1000, seed=3, first=3000, wild=2.0)
    past = past_trades(pa.concat_tables([calm, wild]))
    later = make_signals(2000, seed=4, first=4000, wild=2.0)
    net = later["net_bps"].to_numpy()

    def coverage(step: float) -> float:
        low, high = fitted(past, replace(CONFIG, adaptation_step=step)).interval(later)
        return float(np.mean((net >= low) & (net <= high)))

    assert coverage(0.0) < coverage(CONFIG.adaptation_step) <= 0.95
    assert coverage(CONFIG.adaptation_step) >= 0.85


def test_trades_of_later_days_change_nothing(make_signals: Maker) -> None:
    past, day = make_signals(72 * 8), date(2025, 5, 8)
    both = pa.concat_tables([make_signals(300, seed=9, first=72 * 8, wild=9.0), past])
    one, other = (fitted(past_trades(trailing_trades(each, day, 30, "2h"))) for each in (past, both))
    assert one.to_bytes() == other.to_bytes()


def test_the_same_trades_give_the_same_bytes_in_any_order(make_signals: Maker) -> None:
    ledger = make_signals(900)
    shuffled = ledger.take(np.random.default_rng(4).permutation(900))
    one, other = (fitted(past_trades(each)) for each in (ledger, shuffled))
    assert one.to_bytes() == other.to_bytes()
    again = ConformalModel.from_bytes(one.to_bytes())
    assert again == one
    for mine, its in zip(again.interval(ledger), one.interval(ledger), strict=True):
        assert np.array_equal(mine, its)


def test_an_interval_needs_no_outcome_and_no_neighbour(model: ConformalModel, make_signals: Maker) -> None:
    later = make_signals(200, seed=5)
    seen = later.select(SIGNAL_COLUMNS)
    whole = (*model.interval(later), model.expected(later))
    for asked in (seen, seen.slice(17, 1)):
        found = (*model.interval(asked), model.expected(asked))
        expected = whole if asked is seen else tuple(each[17:18] for each in whole)
        assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))
    assert all(
        len(each) == 0 for each in (*model.interval(seen.slice(0, 0)), model.expected(seen.slice(0, 0)))
    )


def test_a_volatility_that_is_not_known_counts_as_the_usual_one(
    model: ConformalModel, make_signals: Maker
) -> None:
    later = make_signals(50, seed=5)
    index = later.schema.get_field_index("entry_volatility_bps")
    unknown = later.set_column(index, later.schema.field(index), pa.nulls(50, pa.float64()))
    low, high = model.interval(unknown)
    assert np.isfinite(low).all() and (low <= high).all()
    assert model.unit_bps == pytest.approx(10.0, rel=0.05)


def test_weights_count(make_signals: Maker) -> None:
    """Of two kinds of trades the one that counts for nothing is as good as absent."""
    past = past_trades(make_signals(3000))
    wild = past_trades(make_signals(3000, wild=5.0))
    mixed_trades = pa.concat_tables([past.trades, wild.trades])
    order = np.argsort(np.tile(np.arange(3000), 2), kind="stable")
    weight = np.repeat([1.0, 1e-9], 3000)
    mixed = PastTrades(mixed_trades, weight, np.zeros(6000, dtype=bool)).take(order)
    later = make_signals(1000, seed=6, first=3000)
    widths = [np.mean(np.subtract(*fitted(each).interval(later)[::-1])) for each in (past, mixed)]
    assert widths[1] == pytest.approx(widths[0], rel=0.15)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text[:-20], "not readable"),
        (lambda text: text.replace('"kind": "conformal"', '"kind": "meta_label"'), "kind 'meta_label'"),
        (lambda text: text.replace('"form": 2', '"form": 99'), "form 99"),
        (lambda text: text.replace('"margin"', '"margins"'), "lacks margin"),
        (lambda text: text.replace('"is_short"', '"is_odd"'), "looks at is_odd"),
        (lambda text: '{"kind": "unfit", "reason": "5 trades.", "trades": 5}', "5 trades"),
        (lambda text: "{}", "no model of past trades"),
    ],
)
def test_a_foreign_file_is_refused_in_a_sentence_of_its_own(
    model: ConformalModel, change: Callable[[str], str], told: str
) -> None:
    with pytest.raises(InputRefused, match=told):
        ConformalModel.from_bytes(change(model.to_bytes().decode()).encode())


def test_what_cannot_be_fitted_says_why(make_signals: Maker) -> None:
    few = fit_conformal_model(past_trades(make_signals(59)), SIGNAL_NAMES, CONFIG, "2h")
    assert few == Unfit("59 closed trades, 60 are needed.", 59)
    light = PastTrades(make_signals(100), np.r_[np.full(99, 0.01), 10.0], np.ones(100, dtype=bool))
    found = fit_conformal_model(light, SIGNAL_NAMES, CONFIG, "2h")
    assert isinstance(found, Unfit) and found.reason.startswith("100 closed trades that count for 1.2, 60")


def test_a_margin_by_hand() -> None:
    scores, even = np.arange(1.0, 20.0), np.ones(19)
    # 19 scores, 90 %: ceil(0.9 * 20) = 18 of them.
    assert margin_of(scores, even, 0.1) == 18.0
    assert margin_of(scores, even, -0.3) == 19.0  # as wide as was ever needed
    assert margin_of(scores, even, 1.2) == 1.0
    assert np.isnan(margin_of(scores[:9], even[:9], 0.1))
    # Twice the same score is the same as one of double the weight, but for the count of trades.
    doubled = margin_of(np.repeat(scores, 2), np.ones(38), 0.5)
    assert doubled == margin_of(scores, 2 * even, 0.5) == 10.0


def test_a_night_knows_only_outcomes_of_before_and_answers_for_what_it_missed() -> None:
    start = np.repeat(np.arange(4), 20) * DAY_MS + 60_000
    end = start + 3_600_000
    score = np.r_[np.arange(20.0), np.full(20, 100.0), np.zeros(40)]
    walk = walk_nights(score, np.ones(80), (start, end), 0.9, 0.1)
    assert np.isnan(walk.margin[:20]).all()  # nothing was known on the first day
    assert walk.margin[20] == margin_of(score[:20], np.ones(20), 0.1)
    # All of the second day missed: the level falls by 0.1 * (1 - 0.1), and the third night is asked for more.
    assert walk.margin[40] == margin_of(score[:40], np.ones(40), 0.1 - 0.09)
    assert walk.margin[60] == margin_of(score[:60], np.ones(60), 0.1 - 0.09 + 0.01)
    assert walk.level == pytest.approx(0.1 - 0.09 + 0.02)
    late = walk_nights(score, np.ones(80), (start, end + DAY_MS), 0.9, 0.1)
    assert np.isnan(late.margin[:40]).all() and late.margin[40] == walk.margin[20]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.02, 0.5))
def test_over_many_nights_the_share_missed_is_as_promised_whatever_the_market_does(
    seed: int, step: float
) -> None:
    """The bound of Gibbs & Candes (2021), proposition 4.1; scores that wander, but within what was seen."""
    generator = np.random.default_rng(seed)
    nights, each = 300, 12
    centre = np.sin(np.linspace(0.0, generator.uniform(1, 30), nights))
    score = (np.repeat(centre, each) + generator.normal(0, 0.3, nights * each)).clip(-2, 2)
    score[:each] = np.linspace(-2.1, 2.1, each)
    start = np.repeat(np.arange(nights), each) * DAY_MS + 60_000
    walk = walk_nights(score, np.ones(len(score)), (start, start + 1000), 0.9, step)
    judged = np.isfinite(walk.margin)
    missed = np.mean(score[judged] > walk.margin[judged])
    assert abs(missed - 0.1) <= (1.0 + step) / (step * (nights - 1))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_later_outcomes_change_no_earlier_margin(seed: int, kept: int) -> None:
    generator = np.random.default_rng(seed)
    start = np.sort(generator.integers(0, 6 * DAY_MS, 60))
    end = start + generator.integers(0, DAY_MS, 60)
    score, weight = generator.normal(size=60), generator.gamma(2.0, 0.5, 60)
    whole = walk_nights(score, weight, (start, end), 0.9, 0.1)
    part = walk_nights(score[:kept], weight[:kept], (start[:kept], end[:kept]), 0.9, 0.1)
    assert np.array_equal(part.margin, whole.margin[:kept], equal_nan=True)


def test_interval_scores_by_hand() -> None:
    net, low, high = np.array([0.0, 5.0, 9.0]), np.array([-1.0, 6.0, 8.0]), np.array([1.0, 8.0, 10.0])
    bounds, same = np.array([low, high]), np.array([[-1.0] * 3, [6.0] * 3])
    weight = np.array([1.0, 1.0, 2.0])
    scores = score_intervals(net, bounds, same, weight, np.arange(3), 0.8)
    assert (scores.coverage, scores.width_bps) == (0.75, 2.0)
    assert (scores.same_coverage, scores.same_width_bps, scores.trades) == (0.5, 7.0, 3)
    # Ten times what lies outside is added: 2, 12 and twice 2 of these, 7, 7 and twice 37 of the others.
    assert scores.score_gain_bps == pytest.approx((88 - 18) / 4) and scores.score_gain_low_bps is None
    assert not scores.hold(0.79, 0.05)  # three blocks say nothing of how blocks differ
    many = score_intervals(
        np.tile(net, 12), np.tile(bounds, 12), np.tile(same, 12), np.tile(weight, 12), np.arange(36) // 3, 0.8
    )
    assert many.score_gain_low_bps == pytest.approx(17.5)
    assert many.hold(0.79, 0.05) and not many.hold(0.9, 0.05)
    none = score_intervals(net[:0], np.zeros((2, 0)), np.zeros((2, 0)), net[:0], np.arange(0), 0.8)
    assert not none.hold(0.9, 0.05)
    shares = weighted_quantile(np.array([3.0, 1.0, 2.0]), np.array([2.0, 1.0, 1.0]), (0.25, 0.5, 0.9))
    assert shares.tolist() == [1.0, 2.0, 3.0]


def test_intervals_that_know_nothing_are_rarely_better() -> None:
    """By luck half of them are narrower and hold as many; that says nothing."""
    generator = np.random.default_rng(0)
    block, narrower, held = np.repeat(np.arange(12), 40), 0, 0
    for _ in range(300):
        net = generator.normal(0.0, np.exp(generator.normal(0.0, 0.2, 12))[block])
        same = np.array([-1.7, 1.7])[:, None] * np.ones(net.size)
        own = same * np.exp(generator.normal(0.0, 0.1, 12))[block]
        scores = score_intervals(net, own, same, np.ones(net.size), block, 0.9)
        narrower += abs(scores.coverage - 0.9) <= 0.05 and scores.width_bps < scores.same_width_bps
        held += scores.hold(0.9, 0.05)
    assert narrower > 75 and held <= 21
