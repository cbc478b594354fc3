"""Strengths and thresholds of the contextual bias. What they do to the logits is in `policy.context_bias`."""

import dataclasses
import json
import math
from dataclasses import dataclass

from huracan.errors import InvalidInput

TERMS = ("panic", "unreliable_pattern", "losing", "losing_young", "winning", "costly")
"""The terms, in the order in which they are stored with every decision."""


@dataclass(frozen=True)
class BiasConfig:
    """Each term grows from 0 at `_from` to 1 at `_full`; `_strength` is what it then adds, in logits.

    A strength of 0 turns a term off, `is_on` all of them. The defaults only nudge: half a logit makes a
    choice 1.6 times as likely, which a trained policy overrules where it knows better.
    """

    is_on: bool = True
    panic_strength: float = 0.5
    """Against entries of size 1 and adds; half of it against the small entry, 1.5 of it against the large."""
    panic_from: float = 0.5
    """Probability of the panic regime."""
    panic_full: float = 0.9
    unreliable_pattern_strength: float = 0.25
    """Against the large entry, half of it against an entry of size 1."""
    pattern_unreliable_below: float = 0.15
    """Reliability of the nearest pattern; the term grows towards 0."""
    pattern_known_from: float = 0.01
    """Below this reliability nothing is known of the pattern, and the term fades out again."""
    losing_strength: float = 0.5
    """Towards EXIT."""
    losing_from: float = 0.75
    """Open loss in volatility units."""
    losing_full: float = 1.5
    losing_young_strength: float = 0.5
    """Towards SCRATCH, which is legal for a small loss only."""
    losing_young_from: float = 0.1
    """Open loss in volatility units."""
    losing_young_full: float = 0.4
    young_until: float = 0.125
    """Age as a share of the longest holding; the term is gone at twice this age."""
    winning_strength: float = 0.5
    """Towards SCALE_OUT, three quarters of it towards TRAIL."""
    winning_from: float = 1.0
    """Open gain in volatility units."""
    winning_full: float = 2.0
    costly_strength: float = 0.5
    """Against every entry."""
    costly_from: float = 0.5
    """Estimated round trip over the volatility unit."""
    costly_full: float = 1.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name != "is_on" and not (math.isfinite(value) and value >= 0):
                raise InvalidInput(
                    f"The bias setting {field.name} was {value}.", "Give a finite number from 0 on."
                )
        for lead in ("panic", "losing", "losing_young", "winning", "costly"):
            if getattr(self, f"{lead}_full") <= getattr(self, f"{lead}_from"):
                raise InvalidInput(
                    f"The bias setting {lead}_full is not above {lead}_from.",
                    "Let the term grow over a span.",
                )
        if min(self.pattern_unreliable_below, self.pattern_known_from, self.young_until) == 0:
            raise InvalidInput(
                "pattern_unreliable_below, pattern_known_from or young_until of the bias is 0.",
                "Give positive numbers; turn a term off by its strength.",
            )

    def to_json(self) -> str:
        """All settings, for a checkpoint or a report."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @staticmethod
    def from_json(text: str) -> "BiasConfig":
        """Read what `to_json` wrote. InvalidInput where a setting lacks, is unknown or has another type."""
        remedy = "Train again with this version."
        try:
            content = json.loads(text)
            names = {field.name for field in dataclasses.fields(BiasConfig)}
            if set(content) != names:
                odd = ", ".join(sorted(set(content) ^ names))
                raise InvalidInput(f"The stored bias and this version differ in {odd}.", remedy)
            return BiasConfig(**content)
        except (ValueError, TypeError) as error:
            raise InvalidInput(f"The stored bias cannot be read ({error}).", remedy) from error
