"""The days a night trains on: what is refused, and what is measured."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from huracan.agent.config import PPOConfig, TrainingConfig
from huracan.agent.window import check_window, digest_block, fit_normaliser, split_window
from huracan.errors import InputRefused, InvalidInput
from huracan.market.block import MarketBlock

Maker = Callable[..., MarketBlock]


@pytest.fixture
def block(planted_market: Maker) -> MarketBlock:
    return planted_market(1, days=4, day_bars=60)


def test_head_and_tail_do_not_touch(planted_market: Maker) -> None:
    whole = planted_market(1, days=12, day_bars=60)
    head, tail = split_window(whole, TrainingConfig(held_out_days=3, embargo_days=2))
    assert head.days == whole.days[:7]
    assert tail.days == whole.days[9:]


def test_a_window_too_short_is_refused_with_the_days_it_needs(block: MarketBlock) -> None:
    with pytest.raises(InputRefused, match="has 4 days and needs 11"):
        split_window(block, TrainingConfig())


def test_a_window_shorter_than_the_warm_up_is_refused(block: MarketBlock) -> None:
    with pytest.raises(InputRefused, match="shorter than their warm-up"):
        check_window(replace(block, is_ready=np.zeros_like(block.is_ready)))


def test_a_price_that_never_moves_is_refused_by_its_symbol(block: MarketBlock) -> None:
    close = block.close.copy()
    close[1] = 7.0
    with pytest.raises(InputRefused, match="The price of S1 is 7 in the whole training window"):
        check_window(replace(block, close=close))


@pytest.mark.parametrize("price", [np.nan, np.inf, 0.0, -1.0])
def test_a_price_that_is_no_positive_number_is_refused_by_its_symbol(
    block: MarketBlock, price: float
) -> None:
    low = block.low.copy()
    low[2, 17] = price
    with pytest.raises(InputRefused, match=r"S2 has a price \(low\)"):
        check_window(replace(block, low=low))
    tradable = block.is_tradable.copy()
    tradable[2, 17] = False
    check_window(replace(block, low=low, is_tradable=tradable))


def test_a_day_of_one_bar_is_refused(block: MarketBlock) -> None:
    day_index = block.day_index.copy()
    day_index[-1] += 1
    with pytest.raises(InputRefused, match="The day 2024-10-08 of the training window has one bar"):
        check_window(replace(block, day_index=day_index))


def test_an_infinite_feature_is_refused_by_its_name(block: MarketBlock) -> None:
    features = block.features.copy()
    features[1, 33, 2] = np.inf
    with pytest.raises(InputRefused, match="The feature f2 of S1 is infinite"):
        fit_normaliser(replace(block, features=features), 9)


def test_the_statistics_are_of_the_ready_bars_and_leave_the_state_raw(block: MarketBlock) -> None:
    ready = np.random.default_rng(0).random(block.is_ready.shape) < 0.5
    features = block.features.copy()
    features[0, 10:20, 1] = np.nan
    normaliser = fit_normaliser(replace(block, is_ready=ready, features=features), 9)
    rows = features[ready].astype(np.float64)
    assert normaliser.mean[:5] == pytest.approx(np.nanmean(rows, axis=0), abs=1e-9)
    assert normaliser.variance[:5] == pytest.approx(np.nanvar(rows, axis=0), rel=1e-9)
    assert normaliser.is_scaled.tolist() == [True] * 5 + [False] * 4
    assert normaliser.count[5:].tolist() == [0.0] * 4


def test_the_digest_follows_everything_in_the_block(block: MarketBlock, planted_market: Maker) -> None:
    longer = planted_market(1, days=4, day_bars=60).slice(0, block.bar_count - 1)
    assert digest_block(block) == digest_block(longer)
    seen = {digest_block(block)}
    features = block.features.copy()
    features[2, 100, 3] += 1.0
    seen.add(digest_block(replace(block, features=features)))
    seen.add(digest_block(replace(block, symbols=("A", "B", "C"))))
    seen.add(digest_block(block.slice(0, block.bar_count - 2)))
    assert len(seen) == 4


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: TrainingConfig(window_days=5),
        lambda: TrainingConfig(seed_count=0),
        lambda: TrainingConfig(device="tpu"),
        lambda: PPOConfig(minibatches=0),
        lambda: PPOConfig(gamma=1.5),
        lambda: PPOConfig(learning_rate=-1.0),
        lambda: PPOConfig(hidden=()),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(InvalidInput):
        wrong()
