"""Whether the weights of a night contradict their procedure: on the held-out days they are set against what
the procedure's own ledger made."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

_FEWEST_DAYS = 3


@dataclass(frozen=True)
class Comparison:
    """Tonight's weights and the ledger on common days."""

    days: int
    contrast: float | None
    """Mean over standard error of the days' differences; None where there are too few days to tell."""
    chance: float
    """Of a contrast as low as this, of weights as good as the procedure's; 1 where nothing is known."""
    contradicts: bool
    reason: str


def compare_with_ledger(
    tonight_usd: Mapping[date, float],
    ledger_usd: Mapping[date, float],
    earlier: Sequence[float],
    allowed_chance: float,
) -> Comparison:
    """Both are results by day, USD, of the policy without gates; `earlier` are the contrasts of the same
    procedure's nights before.

    Where there are as many of those as it takes, the chance is the rank of tonight's among them, which is
    exact whatever their distribution, as long as nights are exchangeable (Vovk et al. 2005); before, it is
    Student's.
    """
    common = sorted(tonight_usd.keys() & ledger_usd.keys())
    differences = np.array([tonight_usd[day] - ledger_usd[day] for day in common])
    if differences.size < _FEWEST_DAYS:
        reason = (
            f"Its weights have {differences.size} held-out days in common with the ledger: too few to tell."
        )
        return Comparison(differences.size, None, 1.0, False, reason)
    error = float(differences.std(ddof=1)) / math.sqrt(differences.size)
    mean = float(differences.mean())
    contrast = mean / error if error > 0.0 else math.copysign(math.inf, mean) if mean else 0.0
    # JSON and ranks want a number.
    contrast = min(max(contrast, -1e9), 1e9)
    if len(earlier) + 1 >= 1.0 / allowed_chance:
        chance = (1 + sum(each <= contrast for each in earlier)) / (1 + len(earlier))
        contradicts = chance <= allowed_chance
    else:
        # It loads slowly.
        from scipy import stats

        chance = float(stats.t.cdf(contrast, differences.size - 1))
        contradicts = chance < allowed_chance
    says = "contradict" if contradicts else "do not contradict"
    reason = (
        f"On {differences.size} held-out days its weights made {mean:+.2f} USD a day more than the ledger:"
        f" they {says} the procedure (chance {chance:.1%}, held back from {allowed_chance:.0%} down)."
    )
    return Comparison(differences.size, contrast, chance, contradicts, reason)
