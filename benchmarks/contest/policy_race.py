"""How good a policy is after how many CPU-seconds of learning, on the planted market of the proof.

Each contestant is examined again and again on days that it never saw, greedily and at full costs; examining
is not counted. 100 % is the best causal policy's result on the same days.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contest.market import UnmaskedLanes
from huracan.agent.config import TrainingConfig
from huracan.agent.engines.devices import EngineChoice
from huracan.agent.night.seed_run import SeedJob, make_learner, policy_of
from huracan.agent.night.window import fit_normaliser
from huracan.agent.normaliser import Normaliser
from huracan.market.actions import HOLD_INDEX, WAIT_INDEX
from huracan.market.costs import CostAssumptions
from huracan.market.observation import observation_names
from huracan.market.rules import TradingRules
from huracan.proof.best_policy import measure_ceiling
from huracan.proof.exam import Decide, decided_by, take_exam
from huracan.proof.planted_market import PlantedMarketConfig, days_of, plant_market
from huracan.proof.proof_settings import ProofSettings

RULES = TradingRules()
_LANES = 64
"""Of the peer."""
_FIRST_EXAM_SECONDS, _BETWEEN_EXAMS = 0.25, 1.2
"""The first exam, and the growth of the CPU-seconds from one to the next."""


class Race:
    """One seed of the market: the days to learn from, the exam, and the curve of shares so far."""

    def __init__(self, seed: int) -> None:
        settings = ProofSettings()
        self.costs = CostAssumptions(taker_fee_bps=settings.taker_fee_bps)
        days = settings.window_days + settings.exam_days
        config = PlantedMarketConfig(
            edge_bps=settings.edge_bps, symbols=settings.symbols, days=days, seed=settings.first_seed + seed
        )
        market = plant_market(config)
        self.head = days_of(market, 0, settings.window_days - 1).block
        exam = days_of(market, settings.window_days, days - 1)
        self._exam = exam.block
        self._best = measure_ceiling(exam, RULES, self.costs).visible.net_bps_per_day
        self.normaliser: Normaliser = fit_normaliser(
            self.head, len(observation_names(self.head.feature_names))
        )
        self.curve: list[tuple[float, float]] = []
        self._next = _FIRST_EXAM_SECONDS

    def start(self) -> None:
        self._started, self._examining = time.process_time(), 0.0

    @property
    def learning_seconds(self) -> float:
        """CPU-seconds since the start, exams left out."""
        return time.process_time() - self._started - self._examining

    def examine(self, decide: Callable[[], Decide], *, is_last: bool = False) -> None:
        """Adds a point to the curve where one is due."""
        now = self.learning_seconds
        if now < self._next and not is_last:
            return
        before = time.process_time()
        taken = take_exam(self._exam, decide(), RULES, self.costs)
        self.curve.append((now, taken.net_bps_per_day / self._best))
        self._next = now * _BETWEEN_EXAMS
        self._examining += time.process_time() - before


def race(name: str, seed: int, budget: float) -> dict[str, Any]:
    """The curve of one of RACERS; `budget` CPU-seconds where it does not train a night's steps."""
    entered = Race(seed)
    return {"curve": entered.curve, "steps": RACERS[name](entered, seed, budget)}


def _huracan(entered: Race, seed: int, _budget: float) -> int:
    """A seed of a night."""
    config: TrainingConfig = replace(ProofSettings().training, seed=seed)
    job = SeedJob(config, RULES, entered.costs, 0, entered.normaliser, EngineChoice("cpu"))
    # One update of another learner loads the compiled code, as torch's is loaded by importing it.
    warming, _ = make_learner(entered.head, job)
    warming.train(1)
    learner, lanes = make_learner(entered.head, job)

    def decides() -> Decide:
        return decided_by(policy_of(learner, lanes, config))

    entered.start()
    learner.train(
        config.total_steps,
        before_update=lambda share: lanes.set_progress(share, config.cost_ramp_share),
        after_update=lambda: entered.examine(decides),
    )
    entered.examine(decides, is_last=True)
    return learner.updates_done * config.ppo.rollout_steps * config.lanes


def _its_own(entered: Race, seed: int, budget: float) -> int:
    """stable-baselines3 as the contest of speed has it: its defaults, 64 environments, batches of 4,096."""
    learner = _PeerLearner(entered, seed, n_steps=256, batch_size=4_096, n_epochs=4)
    entered.start()
    steps = 0
    while entered.learning_seconds < budget:
        steps += learner.learn()
        entered.examine(learner.decides)
    entered.examine(learner.decides, is_last=True)
    return steps


def _with_our_settings(entered: Race, seed: int, _budget: float) -> int:
    """stable-baselines3 with all of Huracan's choices that it can be given, and a night's steps.

    The first logits, the growing costs and the falling rates are ours too. It has no masks and no bias.
    """
    config: TrainingConfig = ProofSettings().training
    ppo = config.ppo
    learner = _PeerLearner(
        entered,
        seed,
        n_steps=256,
        batch_size=256 * _LANES // ppo.minibatches,
        n_epochs=ppo.epochs,
        gamma=ppo.at(entered.head.bar_minutes * entered.head.decision_bars).discount,
        gae_lambda=ppo.gae_lambda,
        clip_range=ppo.clip,
        vf_coef=0.5 * ppo.value_coefficient,  # its value loss lacks our factor of a half
        max_grad_norm=ppo.maximum_gradient_norm,
        target_kl=ppo.target_kl,
    )
    learner.start_idle(config.initial_bias)
    entered.start()
    steps = 0
    while steps < config.total_steps:
        share = steps / config.total_steps
        falling = 1.0 - share if ppo.anneals_learning_rate else 1.0
        learner.set_rates(
            ppo.learning_rate * falling,
            ppo.entropy_coefficient * (1.0 - share) + ppo.final_entropy_coefficient * share,
        )
        learner.lanes.set_progress(share, config.cost_ramp_share)
        steps += learner.learn()
        entered.examine(learner.decides)
    entered.examine(learner.decides, is_last=True)
    return steps


class _PeerLearner:
    """stable-baselines3's PPO on the head of the race's market, and its greedy decisions in the exam."""

    def __init__(self, entered: Race, seed: int, **choices: Any) -> None:
        import torch

        from contest.stable_baselines import MarketVecEnv, StableBaselines

        torch.set_num_threads(1)
        self.lanes = UnmaskedLanes(
            entered.head, _LANES, seed, costs=entered.costs, normaliser=entered.normaliser
        )
        self._normaliser = entered.normaliser
        self._contestant = StableBaselines(MarketVecEnv(self.lanes), seed=seed, **choices)
        self.learn = self._contestant.learn

    def start_idle(self, first_logit: float) -> None:
        """First logit of everything but waiting and holding."""
        bias = self._contestant.model.policy.action_net.bias.data
        bias.fill_(first_logit)
        bias[[WAIT_INDEX, HOLD_INDEX]] = 0.0

    def set_rates(self, learning_rate: float, entropy_coefficient: float) -> None:
        self._contestant.model.lr_schedule = lambda _progress: learning_rate
        self._contestant.model.ent_coef = entropy_coefficient

    def decides(self) -> Decide:
        return self._decide

    def _decide(
        self, _bar: int, observations: NDArray[np.float32], masks: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        seen = self._normaliser.apply(observations)
        wanted, _ = self._contestant.model.predict(seen, deterministic=True)
        idle = np.where(masks[:, WAIT_INDEX], WAIT_INDEX, HOLD_INDEX)
        return np.where(masks[np.arange(wanted.size), wanted], wanted, idle)


RACERS: dict[str, Callable[[Race, int, float], int]] = {
    "huracan": _huracan,
    "sb3_64": _its_own,
    "sb3_64_our_settings": _with_our_settings,
}
