"""Whether what a training makes depends on the days that it is judged by: it is made twice to see it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.agent.config import TrainingConfig
from huracan.agent.night.train import TrainedPolicy, train_policy
from huracan.agent.night.window import split_window
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from huracan.verdict import Verdict

Trains = Callable[[MarketBlock, TrainingConfig, TradingRules, CostAssumptions], TrainedPolicy]


def judge_tail(
    block: MarketBlock,
    config: TrainingConfig,
    rules: TradingRules,
    costs: CostAssumptions,
    generator: np.random.Generator,
    train: Trains = train_policy,
) -> Verdict:
    """Check "training_knows_no_held_out", blocking.

    The days after the head (embargo and held-out tail) are replaced by invented ones; the weights of every
    seed must come out the same, to the bit. Which seed is published may differ: the tail chooses it.
    """
    config = replace(config, refits_whole_window=False)
    head, _ = split_window(block, config)
    made, again = (
        train(each, config, rules, costs).seed_checkpoints
        for each in (block, _invented_after(block, head.bar_count, generator))
    )
    same = made == again
    says = "are the same to the bit" if same else "change with"
    reason = f"The weights of {len(made)} seeds {says} whatever the {config.held_out_days} held-out days are."
    return Verdict("training_knows_no_held_out", same, reason, {"seeds": len(made)})


def _invented_after(block: MarketBlock, first: int, generator: np.random.Generator) -> MarketBlock:
    """The bars from `first` on with other prices and other features."""

    def later(values: NDArray[Any], made: NDArray[Any]) -> NDArray[Any]:
        values = values.copy()
        values[:, first:] = made.astype(values.dtype)
        return values

    steps = generator.normal(0.0, 0.01, (block.symbol_count, block.bar_count - first))
    moved = np.exp(np.cumsum(steps, axis=1))
    opened, high, low, close = (
        later(prices, prices[:, first:] * moved)
        for prices in (block.open, block.high, block.low, block.close)
    )
    rows = -(-first // block.decision_bars)
    features = block.features.copy()
    features[:, rows:] = generator.permuted(features[:, rows:], axis=1) * 1.5
    return replace(block, features=features, open=opened, high=high, low=low, close=close)
