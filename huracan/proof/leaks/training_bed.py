"""Leaks in training, planted into what trains: days that are to judge a policy, or that it is to trade."""

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np

from huracan.agent.config import PPOConfig, TrainingConfig
from huracan.agent.night.learner_health import judge_held_out
from huracan.agent.night.tail_invariance import Trains, judge_tail
from huracan.agent.night.train import TrainedPolicy, train_policy
from huracan.agent.night.window import split_window
from huracan.agent.policy.checkpoint import load_policy
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from huracan.proof.leaks.bed import unless_refused
from huracan.proof.leaks.forms import WHOLE, Form
from huracan.proof.promotion.null_markets import NullMarketConfig, null_market
from huracan.proof.promotion.trained import seen
from huracan.verdict import Verdict

TUNED, NO_EMBARGO, OWN_DAY = (
    "tuning on the test slice",
    "embargo shorter than it is set",
    "policy of the day that it trades",
)
_RULES = TradingRules(allow_short=True, maximum_holding="12h", volatility_horizon="6h")
_COSTS = CostAssumptions()
_CONFIG = TrainingConfig(
    seed_count=1,
    total_steps=4_096,
    lanes=32,
    window_days=12,
    held_out_days=3,
    minimum_training_days=5,
    episode="1d",
    threads=1,
    device="cpu",
    ppo=PPOConfig(hidden=(8,), half_life="12h", rollout_steps=16),
)


@dataclass(frozen=True)
class TrainingBed:
    """A small training, and what it is judged and traded by."""

    nights: int
    seed: int

    leaks = (TUNED, NO_EMBARGO, OWN_DAY)

    def absent(self, leak: str, form: Form) -> str:
        return "a window is of whole days" if leak != TUNED and form.name != WHOLE else ""

    def night(self, index: int, leak: str | None, form: Form) -> list[Verdict]:
        days = self._market.days
        window = self._market.slice_days(days[index], days[index + _CONFIG.window_days - 1])
        generator = np.random.default_rng([self.seed, index])
        if leak == TUNED:
            return [judge_tail(window, _CONFIG, _RULES, _COSTS, generator, _tuned(form))]
        trained = train_policy(window, _CONFIG, _RULES, _COSTS)
        traded = days[index + _CONFIG.window_days]
        if leak == OWN_DAY:
            # The window of the night before, called one day too late.
            traded = date.fromisoformat(trained.report["training"]["last_day"])
        asked = _CONFIG.embargo_days + (leak == NO_EMBARGO)
        return [
            judge_tail(window, _CONFIG, _RULES, _COSTS, generator),
            judge_held_out(trained.report, asked),
            unless_refused("trained_before_the_day", lambda: load_policy(trained.checkpoint, trades=traded)),
        ]

    def closely(self, leak: str, form: Form) -> list[Verdict]:
        return self.night(0, leak, form)

    @cached_property
    def _market(self) -> MarketBlock:
        config = NullMarketConfig(symbols=2, days=_CONFIG.window_days + self.nights, seed=self.seed)
        return seen(null_market(config), np.random.default_rng([self.seed, 8]))


def _tuned(form: Form) -> Trains:
    """`train_policy` on a window whose last days of training show what the held-out days will."""

    def train(
        block: MarketBlock, config: TrainingConfig, rules: TradingRules, costs: CostAssumptions
    ) -> TrainedPolicy:
        head, tail = split_window(block, config)
        first = head.bar_count - tail.bar_count
        spoiled = form.symbols(block.symbols)[:, None, None] & form.bars(tail.open_time_ms)[:, None]
        spoiled = spoiled & form.columns(len(block.feature_names))
        features = block.features.copy()
        features[:, first : head.bar_count] = np.where(spoiled, tail.features, head.features[:, first:])
        return train_policy(replace(block, features=features), config, rules, costs)

    return train
