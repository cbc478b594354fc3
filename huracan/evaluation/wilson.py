"""The interval of a share by Wilson's score (Wilson 1927)."""

import math


def wilson_interval(
    successes: float, trials: float, z: float = 1.959963984540054
) -> tuple[float, float] | None:
    """Confidence interval of a share, 95 % by default; None without trials. Both may be sums of weights."""
    if trials == 0:
        return None
    share, square = successes / trials, z * z
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    half = z / (1 + square / trials) * math.sqrt(share * (1 - share) / trials + square / (4 * trials**2))
    return max(centre - half, 0.0), min(centre + half, 1.0)
