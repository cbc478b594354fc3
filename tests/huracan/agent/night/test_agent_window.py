"""The days a night trains on: what is refused, and what is measured."""

import math
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from huracan.agent.config import PPOConfig, TrainingConfig
from huracan.agent.night.learner_health import judge_held_out
from huracan.agent.night.train import train_policy
from huracan.agent.night.window import check_window, digest_block, fit_normaliser, split_window
from huracan.errors import InputRefused, InvalidInput
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules

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


def test_a_feature_that_the_head_never_defined_has_no_weight_ever_after(block: MarketBlock) -> None:
    features = block.features.copy()
    features[:, :, 2] = np.nan
    normaliser = fit_normaliser(replace(block, features=features), 9)
    rows = np.zeros((2, 9), np.float32)
    rows[1, 2] = 5_000.0
    assert np.array_equal(*normaliser.apply(rows))
    assert (normaliser.scale[[0, 1, 3, 4]] > 0.0).all()
    assert normaliser.scale[5:].tolist() == [1.0] * 4


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
    ("wrong", "words"),
    [
        (
            {"ppo": PPOConfig(half_life="7h")},
            r"half_life is 7h, shorter than .*maximum_holding, 8h.*to 8h or",
        ),
        (
            {"episode": "15h"},
            r"training.episode is 15h, less than twice .*maximum_holding, 8h.*to 16h or more",
        ),
        (
            {"embargo_days": 0},
            r"training.embargo_days is 0, shorter than .*maximum_holding, 8h.*to 1 or more",
        ),
    ],
)
def test_a_training_that_does_not_fit_the_longest_holding_is_refused(
    planted_market: Maker, wrong: dict[str, Any], words: str
) -> None:
    fits = TrainingConfig(episode="16h", ppo=PPOConfig(half_life="8h"))
    fits.check_holding("8h")
    config = replace(fits, **wrong)
    with pytest.raises(InvalidInput, match=words):
        config.check_holding("8h")
    # Before it looks at the window, which is too short.
    with pytest.raises(InvalidInput, match=words):
        train_policy(
            planted_market(1, days=2, day_bars=60),
            config,
            TradingRules(maximum_holding="8h"),
            CostAssumptions(),
        )


def test_a_discount_that_is_given_asks_for_no_half_life() -> None:
    TrainingConfig(episode="2d", ppo=PPOConfig(gamma=0.9)).check_holding("1d")


def test_the_shortest_embargo_covers_a_holding_of_more_than_a_day() -> None:
    with pytest.raises(InvalidInput, match=r"embargo_days to 3 or more"):
        TrainingConfig(episode="9d", embargo_days=2, ppo=PPOConfig(half_life="4d")).check_holding("49h")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: TrainingConfig(window_days=5),
        lambda: TrainingConfig(seed_count=0),
        lambda: TrainingConfig(device="tpu"),
        lambda: PPOConfig(minibatches=0),
        lambda: PPOConfig(gamma=1.5),
        lambda: PPOConfig(hidden=()),
        lambda: PPOConfig(hidden=(16, 0)),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(InvalidInput):
        wrong()


_NOT_FINITE = (math.nan, math.inf, -math.inf)
_WRONG = {
    PPOConfig: {
        "learning_rate": (0.0, -1.0),
        "gamma": (-0.1, 1.1),
        "gae_lambda": (-0.1, 1.1),
        "clip": (0.0,),
        "value_clip": (0.0, -0.2),
        "entropy_coefficient": (-0.01,),
        "final_entropy_coefficient": (-0.01,),
        "entropy_floor": (-0.1,),
        "value_coefficient": (-0.5,),
        "maximum_gradient_norm": (0.0,),
        "target_kl": (0.0, -0.03),
        "maximum_kl": (0.0, -1.0),
        "minimum_entropy": (-1e-6,),
        "exploring_share": (-0.1, 1.1),
        "adam_epsilon": (0.0,),
        "dead_updates": (0,),
    },
    TrainingConfig: {
        "embargo_days": (-1, -7),
        "held_out_days": (0, -1),
        "minimum_training_days": (0, -1),
        "recency_half_life_days": (0.0, -1.0),
        "cost_ramp_share": (-0.1, 1.1),
        "cost_multiplier": (0.0, -1.0),
        "initial_bias": (),
        "seed": (-1,),
    },
}


@pytest.mark.parametrize(
    ("config", "name", "value"),
    [
        (config, name, value)
        for config, names in _WRONG.items()
        for name, values in names.items()
        for value in (*values, *_NOT_FINITE)
    ],
)
def test_a_number_out_of_its_range_is_refused_by_its_name(config: type, name: str, value: float) -> None:
    with pytest.raises(InvalidInput, match=rf"training(\.ppo)?\.{name} was {value}\."):
        config(**{name: value})


@pytest.mark.parametrize("config", list(_WRONG))
def test_every_number_of_the_settings_has_a_range(config: type) -> None:
    given = {field.name for field in fields(config) if "float" in str(field.type)}
    assert given <= set(_WRONG[config])


@pytest.mark.parametrize(("config", "name"), [(PPOConfig, "half_life"), (TrainingConfig, "episode")])
def test_a_span_that_is_none_is_refused_by_its_name(config: type, name: str) -> None:
    with pytest.raises(InvalidInput, match=rf"training(\.ppo)?\.{name} is '4 hours'.*such as 90m, 4h or 2d"):
        config(**{name: "4 hours"})


def test_a_reward_counts_half_after_the_half_life_whatever_a_decision_bar_lasts() -> None:
    for minutes in (1, 5, 15, 60, 240):
        decided = PPOConfig(half_life="8h").at(minutes)
        assert decided.discount ** (480 / minutes) == pytest.approx(0.5)
    assert PPOConfig(gamma=0.3).at(60).discount == 0.3


def test_a_discount_that_depends_on_unknown_minutes_is_refused() -> None:
    with pytest.raises(InvalidInput, match="The discount of a step is not known"):
        _ = PPOConfig().discount


def test_what_turns_a_setting_off_is_allowed() -> None:
    PPOConfig(
        gamma=None,
        value_clip=None,
        target_kl=None,
        maximum_kl=None,
        minimum_entropy=None,
        value_coefficient=0.0,
    )
    TrainingConfig(recency_half_life_days=None, embargo_days=0, cost_ramp_share=0.0)


def test_the_embargo_lies_between_what_was_trained_on_and_what_judges_it() -> None:
    report = {"training": {"last_day": "2025-03-10"}, "held_out": {"first_day": "2025-03-12"}, "refit": None}
    assert judge_held_out(report, 1).passed
    verdict = judge_held_out(report, 2)
    assert not verdict.passed and verdict.blocking
    assert verdict.reason == (
        "Trained on days up to 2025-03-10, judged by those from 2025-03-12 on: 1 between them, of 2 that are"
        " asked."
    )
    overlapping = report | {"held_out": {"first_day": "2025-03-10"}}
    assert not judge_held_out(overlapping, 0).passed
    # Weights that saw the held-out days too are represented by their judged twin.
    refit = report | {"training": {"last_day": "2025-03-20"}, "refit": {"judged_last_day": "2025-03-10"}}
    assert judge_held_out(refit, 1).passed
