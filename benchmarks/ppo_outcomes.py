"""What the tasks gave, as a line of JSON and as a markdown table that says how it was measured."""

import json
import platform
import textwrap
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from ppo_tasks import (
    CLASSIC_LANES,
    CLASSIC_STEPS,
    CLASSIC_UPDATES,
    CLEANRL,
    IDENTITY,
    IDENTITY_EPISODES,
    IDENTITY_STEPS,
    LAST_EPISODES,
    PROBE_STEPS,
    PROBES,
    Task,
)

_HOW = (
    f"""**Settings of the gymnasium tasks**, the defaults of CleanRL's `ppo.py`: {CLASSIC_STEPS:,} steps, that
    is {CLASSIC_LANES} environments x {CLEANRL.rollout_steps} steps x {CLASSIC_UPDATES} updates; learning rate
    {CLEANRL.learning_rate} annealed linearly to 0; {CLEANRL.epochs} epochs of {CLEANRL.minibatches}
    minibatches; clip {CLEANRL.clip} of the ratio and of the value; entropy {CLEANRL.entropy_coefficient},
    value {CLEANRL.value_coefficient}; gamma {CLEANRL.gamma}, lambda {CLEANRL.gae_lambda}; gradient norm
    {CLEANRL.maximum_gradient_norm}; Adam's epsilon {CLEANRL.adam_epsilon}; advantages normalised per
    minibatch; two towers of {" x ".join(map(str, CLEANRL.hidden))}. Observations are not normalised, rewards
    are not scaled, no update ends early.""",
    f"""**Figure of a seed**: the mean undiscounted return of the last {LAST_EPISODES} episodes that ended in
    training, with actions drawn, not greedy. **Figure of a task**: mean ± standard deviation (n in the
    denominator) over the seeds. Both as in the published table, but for one thing: where several episodes
    end in the same step CleanRL logs one of them; here all count.""",
    """An episode cut short by its time limit counts as ended and its last value is not bootstrapped, as
    there.""",
    f"""**Probes** (A. Jones): the largest error, after training, of all values and probabilities that the
    probe settles. 16 lanes, {PROBE_STEPS:,} steps, rollouts of {PROBES.rollout_steps}, learning rate
    {PROBES.learning_rate}, gamma {PROBES.gamma}, the value not clipped.""",
    f"""**Identity** (stable-baselines3's test, one lane): mean return of {IDENTITY_EPISODES} greedy episodes
    after {IDENTITY_STEPS:,} steps, which are 1,280 in whole rollouts of {IDENTITY.rollout_steps}; gamma
    {IDENTITY.gamma}, learning rate {IDENTITY.learning_rate} held, {IDENTITY.epochs} epochs of
    {IDENTITY.minibatches} minibatches.""",
)


@dataclass(frozen=True)
class Outcome:
    """A task's figures, one for each seed."""

    task: Task
    figures: tuple[float, ...]
    cpu_seconds: float
    """Of all seeds together."""

    @property
    def mean(self) -> float:
        return float(np.mean(self.figures))

    @property
    def deviation(self) -> float:
        return float(np.std(self.figures))

    @property
    def is_met(self) -> bool:
        return bool(self.task.is_met(np.array(self.figures)))

    @property
    def cpu_seconds_each(self) -> float:
        return self.cpu_seconds / len(self.figures)


def as_json(outcomes: list[Outcome], seeds: list[int], engine: str) -> str:
    """One line."""
    rows = {
        outcome.task.name: {
            "figure": outcome.task.figure,
            "mean": outcome.mean,
            "deviation": outcome.deviation,
            "figures": outcome.figures,
            "published": outcome.task.published,
            "bar": outcome.task.bar,
            "is_met": outcome.is_met,
            "cpu_seconds_each": round(outcome.cpu_seconds_each, 1),
        }
        for outcome in outcomes
    }
    whole = {
        "is_met": all(outcome.is_met for outcome in outcomes),
        "engine": engine,
        "seeds": seeds,
        "tasks": rows,
    }
    return json.dumps(whole, ensure_ascii=False)


def as_table(outcomes: list[Outcome], seeds: list[int], engine: str) -> str:
    """The whole document: one row for each task, then how it was measured."""
    lines = [
        "# Does the learner reproduce what is known?",
        "",
        f"Written by `python benchmarks/ppo_conformance.py --engine {engine}`, seeds"
        f" {', '.join(map(str, seeds))}; one thread, Python {platform.python_version()}, gymnasium"
        f" {version('gymnasium')}.",
        "",
        "| task | published | bar | here | each seed | met | CPU seconds a seed |",
        "|---|---|---|---|---|---|---|",
        *map(_row, outcomes),
    ]
    how = [
        textwrap.fill(" ".join(part.split()), 110, initial_indent="- ", subsequent_indent="  ")
        for part in _HOW
    ]
    return "\n".join([*lines, "", "How it is measured:", "", *how, ""])


def _row(outcome: Outcome) -> str:
    task, digits = outcome.task, outcome.task.digits
    cells = (
        task.name,
        task.published,
        task.bar,
        f"{outcome.mean:.{digits}f} ± {outcome.deviation:.{digits}f}",
        ", ".join(f"{figure:.{digits}f}" for figure in outcome.figures),
        "yes" if outcome.is_met else "**no**",
        f"{outcome.cpu_seconds_each:.1f}",
    )
    return f"| {' | '.join(cells)} |"
