"""Huracan's own learner in the contest, as a night runs it: its lanes, its normaliser, its contextual bias.

Changed are the passes (four, as everybody's) and what could end them early, so that all four are made.
"""

from dataclasses import replace

from contest.market import contest_block
from huracan.agent.config import TrainingConfig
from huracan.agent.engines.devices import EngineChoice
from huracan.agent.night.seed_run import SeedJob, make_learner
from huracan.agent.night.window import fit_normaliser
from huracan.market.costs import CostAssumptions
from huracan.market.observation import observation_names
from huracan.market.rules import TradingRules

EPOCHS = 4


class HuracanLearner:
    """`learn` is one update of the Learner."""

    def __init__(self, seed: int = 1, config: TrainingConfig | None = None) -> None:
        config = config or TrainingConfig()
        ppo = replace(config.ppo, epochs=EPOCHS, target_kl=None, anneals_learning_rate=False)
        block = contest_block()
        normaliser = fit_normaliser(block, len(observation_names(block.feature_names)))
        config = replace(config, seed=seed, ppo=ppo)
        job = SeedJob(config, TradingRules(), CostAssumptions(), 0, normaliser, EngineChoice("cpu"))
        self.learner, lanes = make_learner(block, job)
        self.width, self.actions = lanes.observation_width, lanes.action_count
        self.parameters = self.learner.engine.state()["weights"].size
        self._rollout = ppo.rollout_steps * config.lanes

    def learn(self) -> int:
        self.learner.train((self.learner.updates_done + 1) * self._rollout)
        return self._rollout
