"""A night's training: splits the window, trains on its head, judges on its tail, and makes the checkpoint.

Whether a training may be trusted is judged here too; whether its policy earns anything is judged elsewhere.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from huracan.agent.checkpoint import model_id_of, save_policy
from huracan.agent.config import TrainingConfig
from huracan.agent.evaluation import evaluate_policy
from huracan.agent.normaliser import Normaliser
from huracan.agent.ppo import Learner, UpdateDiagnostics
from huracan.agent.threads import torch_threads
from huracan.agent.trained_policy import GreedyPolicy
from huracan.errors import InputRefused
from huracan.market.actions import ACTIONS, WAIT
from huracan.market.block import MarketBlock
from huracan.market.costs import CostAssumptions
from huracan.market.rules import TradingRules
from huracan.market.training_lanes import TrainingLanes
from huracan.verdict import Number, Verdict


@dataclass(frozen=True)
class TrainedPolicy:
    """A night's result."""

    checkpoint: bytes
    model_id: str
    curve: pa.Table
    """One row per update, the fields of UpdateDiagnostics."""
    report: dict[str, Any]
    """JSON-able: `train`, `embargo`, `held_out`, `training`."""


def train_policy(
    block: MarketBlock,
    config: TrainingConfig,
    rules: TradingRules,
    costs: CostAssumptions,
    on_progress: Callable[[int, int], None] | None = None,
) -> TrainedPolicy:
    """Trains on the head of the window and judges on the held-out tail, with an embargo between.

    `on_progress` gets the steps done and the steps in all. The same block, config, rules and costs give the
    same bytes. InputRefused where the window is too short; TrainingStopped where the learner diverges.
    """
    head, tail = split_window(block, config)
    with torch_threads(config.threads):
        return _train(head, tail, config, rules, costs, on_progress)


def split_window(block: MarketBlock, config: TrainingConfig) -> tuple[MarketBlock, MarketBlock]:
    """The training head and the held-out tail. InputRefused where the days do not suffice."""
    days = block.days
    kept = len(days) - config.held_out_days - config.embargo_days
    if kept < config.minimum_training_days or config.held_out_days < 1:
        needed = config.minimum_training_days + config.held_out_days + config.embargo_days
        raise InputRefused(
            f"The training window has {len(days)} days and needs {needed}.",
            "Build earlier days, or shorten the held-out tail.",
        )
    head = block.slice_days(days[0], days[kept - 1])
    return head, block.slice_days(days[kept + config.embargo_days], days[-1])


def _train(
    head: MarketBlock,
    tail: MarketBlock,
    config: TrainingConfig,
    rules: TradingRules,
    costs: CostAssumptions,
    on_progress: Callable[[int, int], None] | None,
) -> TrainedPolicy:
    lanes_seed, judge_seed = np.random.SeedSequence(config.seed).spawn(2)
    lanes = TrainingLanes(head, rules, costs, config.lanes, np.random.default_rng(lanes_seed))
    names = lanes.environment.observation_names
    bias = tuple(0.0 if action is WAIT else config.initial_bias for action in ACTIONS)
    device = "cuda" if config.device == "auto" and torch.cuda.is_available() else config.device
    learner = Learner(
        lanes,
        config.ppo,
        config.seed,
        normaliser=fit_normaliser(head, len(names)),
        initial_bias=bias,
        device="cpu" if device == "auto" else device,
    )
    rows: list[UpdateDiagnostics] = []

    def keep(row: UpdateDiagnostics) -> None:
        rows.append(row)
        if on_progress is not None:
            on_progress(min(row.steps, config.total_steps), config.total_steps)

    learner.train(config.total_steps, keep, lambda share: lanes.set_progress(share, config.cost_ramp_share))
    policy = GreedyPolicy(learner.network.cpu().eval(), learner.normaliser, names)
    report = _report(head, tail, policy, config, rules, costs, rows[-1], np.random.default_rng(judge_seed))
    checkpoint = save_policy(policy, config.ppo.hidden, report["training"])
    curve = pa.Table.from_pylist([asdict(row) for row in rows])
    return TrainedPolicy(checkpoint, model_id_of(checkpoint), curve, report)


def fit_normaliser(head: MarketBlock, width: int) -> Normaliser:
    """Statistics of the head's feature columns over its ready bars; the columns after them stay raw."""
    features = len(head.feature_names)
    normaliser = Normaliser(width, [place < features for place in range(width)])
    for place in range(head.symbol_count):
        ready = head.features[place][head.is_ready[place]]
        for part in np.array_split(ready, max(1, len(ready) // 20_000)):
            wide = np.full((len(part), width), np.nan)
            wide[:, :features] = part
            normaliser.update(wide)
    return normaliser


def _report(
    head: MarketBlock,
    tail: MarketBlock,
    policy: GreedyPolicy,
    config: TrainingConfig,
    rules: TradingRules,
    costs: CostAssumptions,
    last: UpdateDiagnostics,
    generator: np.random.Generator,
) -> dict[str, Any]:
    # The number of threads is of the machine; it must not change a checkpoint's identity by its metadata.
    settings = {name: value for name, value in asdict(config).items() if name not in ("threads", "device")}
    return {
        "training": {
            "config": settings,
            "rules": asdict(rules),
            "costs": asdict(costs),
            "symbols": list(head.symbols),
            "first_day": str(head.days[0]),
            "last_day": str(head.days[-1]),
            "steps": last.steps,
            "updates": last.update,
        },
        "embargo_days": config.embargo_days,
        "seed": config.seed,
        "held_out": evaluate_policy(tail, policy, rules, costs, generator),
    }


@dataclass(frozen=True)
class HealthLimits:
    """Bounds of a healthy learning curve."""

    maximum_kl: float = 0.2
    """Mean divergence of an update, over the last fifth. Far above the early stop's target."""
    minimum_explained_variance: float = -0.5
    """Of the value network, over the last fifth: below it, it is worse than a constant by far."""
    minimum_early_entropy: float = 0.01
    """Over the first fifth: a policy that is certain before it has learned never explored. At the end a
    policy may be certain; the entropy bonus is taken away for that."""


def judge_learner(trained: TrainedPolicy, limits: HealthLimits | None = None) -> Verdict:
    """Rule "learner_health", blocking: no NaN, it explored, divergence and value network in bounds."""
    bounds = limits or HealthLimits()
    curve = {name: trained.curve[name].to_numpy() for name in trained.curve.column_names}
    part = max(1, trained.curve.num_rows // 5)
    numbers: dict[str, Number] = {
        "updates": trained.curve.num_rows,
        "approx_kl": float(np.mean(curve["approx_kl"][-part:])),
        "explained_variance": float(np.mean(curve["explained_variance"][-part:])),
        "early_entropy": float(np.mean(curve["entropy"][:part])),
        "final_entropy": float(curve["entropy"][-1]),
    }
    finite = all(bool(np.isfinite(values).all()) for values in curve.values())
    held_out = trained.report["held_out"]
    finite = finite and math.isfinite(held_out["net_usd"])
    reasons = []
    if not finite:
        reasons.append("A number of the learning curve is not finite.")
    if not float(numbers["approx_kl"]) <= bounds.maximum_kl:
        reasons.append(f"The policy still jumps: divergence {numbers['approx_kl']:.3f} an update.")
    if not float(numbers["explained_variance"]) >= bounds.minimum_explained_variance:
        reasons.append(f"The value network explains {numbers['explained_variance']:.2f} of the returns.")
    if not float(numbers["early_entropy"]) >= bounds.minimum_early_entropy:
        reasons.append("The policy was certain before it had learned anything.")
    reason = " ".join(reasons) or "The learning curve is finite and within its bounds."
    return Verdict("learner_health", not reasons, reason, numbers)
