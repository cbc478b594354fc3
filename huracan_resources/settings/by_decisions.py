"""What a setting is depends, for some, on how often is decided: defaults, and values that say so themselves.

Wherever a single value may stand in a profile, one for each decision timeframe may stand too:
`window_days: {1m: 30, 1h: 90}`. What is not named there is as if nothing were said.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from huracan.candles.schema import TIMEFRAMES
from huracan.decision_defaults import DEFAULTS
from huracan_resources.settings.sections import Universe

Values = dict[str, tuple[Any, str]]
"""Dotted key to (value, where it came from)."""


class ByDecisions(dict[str, Any]):
    """The values of one setting, by decision timeframe."""


def is_by_decisions(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(name in TIMEFRAMES for name in value)


def decision_timeframe(values: Values) -> str:
    """How often is decided by all that was said, whether or not it can be."""
    for key in ("market.decision_timeframe", "universe.timeframe"):
        said, _ = values.get(key, (None, ""))
        if said is not None:
            return str(said)
    return str(Universe.model_fields["timeframe"].default)


def defaults_at(timeframe: str) -> Values:
    """The defaults of that decision timeframe, which whoever says nothing gets; none where it is unknown."""
    return {
        key: (values[timeframe], f"default at {timeframe} decisions")
        for key, values in DEFAULTS.items()
        if timeframe in values
    }


def chosen(values: Values, timeframe: str) -> Values:
    """`values` as they are at that decision timeframe."""
    return dict(_chosen(values, timeframe))


def _chosen(values: Values, timeframe: str) -> Iterator[tuple[str, tuple[Any, str]]]:
    for key, (value, origin) in values.items():
        if not isinstance(value, ByDecisions):
            yield key, (value, origin)
        elif timeframe in value:
            yield key, (value[timeframe], origin)
