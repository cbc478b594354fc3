"""How sure one may be of what a rule changed: a paired test over days, corrected for the number of rules."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from huracan.analysis.outcome import Floats
from huracan.analysis.rules.trials import RuleTrials

HELPED, HURT, NO_EVIDENCE, NO_RULE, NO_PAST = RULE_VERDICTS = (
    "helped",
    "hurt",
    "no evidence",  # the difference may be chance
    "no rule",  # the loss suggests none
    "no past",  # no day before could be played again
)
SIGNIFICANCE = 0.05
MINIMUM_DAYS = 5


@dataclass(frozen=True, eq=False)
class PairedTests:
    """Arrays [rules]; NaN where there are fewer than two days, or the days do not differ."""

    t_statistic: Floats
    p_value: Floats
    """Two-sided, by Student's distribution."""
    adjusted_p_value: Floats
    """Holm's, over the rules of the night: the chance that any verdict of the night is wrong is at most the
    significance."""


def paired_tests(differences: Floats) -> PairedTests:
    """Of `differences` [rules, days] with a rule less without it: is their mean 0?

    Days without a change count as well: a rule that changed one day alone has t = 1, whatever it gained.
    """
    from scipy.stats import t as student

    rules, days = differences.shape
    t_statistic = np.full(rules, np.nan)
    if days > 1:
        error = differences.std(axis=1, ddof=1) / np.sqrt(days)
        np.divide(differences.mean(axis=1), error, out=t_statistic, where=error > 0)
    p_value = np.asarray(2.0 * student.sf(np.abs(t_statistic), max(days - 1, 1)), dtype=np.float64)
    return PairedTests(t_statistic, p_value, _holm(p_value))


def _holm(p_value: Floats) -> Floats:
    """Holm 1979, step-down; NaN stays and does not count."""
    known = np.flatnonzero(~np.isnan(p_value))
    order = known[np.argsort(p_value[known], kind="stable")]
    stepped = np.maximum.accumulate(p_value[order] * np.arange(order.size, 0, -1))
    adjusted = np.full(p_value.size, np.nan)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def judge_rules(trials: RuleTrials, tests: PairedTests) -> pa.Array:
    """[rules] helped, hurt, no evidence or no past."""
    if not trials.days:
        return pa.array([NO_PAST] * len(trials.rules), pa.string())
    significant = (tests.adjusted_p_value <= SIGNIFICANCE) & (len(trials.days) >= MINIMUM_DAYS)
    verdicts = np.select(
        [significant & (tests.t_statistic > 0), significant & (tests.t_statistic < 0)],
        [HELPED, HURT],
        NO_EVIDENCE,
    )
    return pa.array(verdicts.tolist(), pa.string())
