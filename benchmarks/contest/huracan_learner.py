"""Huracan's own learner in the contest, as a night runs it: its lanes, its normaliser, its contextual bias.

Changed are the passes (four, as everybody's) and what could end them early, so that all four are made.
"""

from dataclasses import replace

import numpy as np

from contest.market import contest_block
from huracan.agent.config import TrainingConfig
from huracan.agent.context_bias import ContextBias
from huracan.agent.ppo import Learner
from huracan.agent.window import fit_normaliser
from huracan.market.costs import CostAssumptions
from huracan.market.observation import observation_names
from huracan.market.rules import TradingRules
from huracan.market.training_lanes import TrainingLanes

EPOCHS = 4


class HuracanLearner:
    """`learn` is one update of the Learner."""

    def __init__(self, seed: int = 1, config: TrainingConfig | None = None) -> None:
        config = config or TrainingConfig()
        block = contest_block()
        names = observation_names(block.feature_names)
        lanes = TrainingLanes(
            block, TradingRules(), CostAssumptions(), config.lanes, np.random.default_rng(seed)
        )
        ppo = replace(config.ppo, epochs=EPOCHS, target_kl=None, anneals_learning_rate=False)
        self.width, self.actions = lanes.observation_width, lanes.action_count
        self.learner = Learner(
            lanes,
            ppo,
            seed,
            normaliser=fit_normaliser(block, len(names)),
            bias=ContextBias(names, lanes.action_names, config.bias),
            device="cpu",
            threads=1,
        )
        self.parameters = self.learner.engine.state()["weights"].size
        self._rollout = ppo.rollout_steps * config.lanes

    def learn(self) -> int:
        self.learner.train((self.learner.updates_done + 1) * self._rollout)
        return self._rollout
