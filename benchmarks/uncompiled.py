"""A plugin of pytest for kernels in plain Python (NUMBA_DISABLE_JIT=1): a tenth as many drawn examples.

Compiled code reads the fields of a record as attributes. NumPy allows that where a record is an `np.record`:
the layouts are declared anew so, of the same bytes, before any test is imported.
"""

from collections.abc import Iterator
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase

from huracan.market.engine import kernel_bars, lane, records

EXAMPLES = 3
TOO_SLOW = (
    # 20,000 entries held and stepped, and 4,000 random entries.
    "test_holding_entries_is_what_the_market_makes_of_them_to_the_bit",
    "test_random_entries_are_short_half_of_the_time_where_they_may_be",
)
"""Tests of more than fifteen CPU-seconds of plain Python, left out."""
SLOW = (
    "test_rivals_repeat_by_their_generator",
    "test_without_a_half_life_all_days_are_drawn_alike",
    "test_a_day_one_half_life_older_is_drawn_half_as_often",
)
"""Those of more than five, run last."""

for place, name in (
    (records, "FILL"),
    (records, "CLOSED"),
    (lane, "LANE"),
    (kernel_bars, "BAR"),
    (kernel_bars, "MARKET"),
):
    setattr(place, name, np.dtype((np.record, getattr(place, name))))

hypothesis.settings.register_profile(
    "uncompiled",
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
hypothesis.settings.load_profile("uncompiled")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """A test that asks for more examples gets as few as the others."""
    asked = hypothesis.settings

    def few(*arguments: Any, **named: Any) -> hypothesis.settings:
        named["max_examples"] = EXAMPLES
        return asked(*arguments, **named)

    hypothesis.settings = few  # type: ignore[misc, assignment]
    try:
        return (yield)
    finally:
        hypothesis.settings = asked  # type: ignore[misc]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what is too slow; what is slow comes last."""
    left_out = [item for item in items if item.name.partition("[")[0] in TOO_SLOW]
    config.hook.pytest_deselected(items=left_out)
    items[:] = sorted((item for item in items if item not in left_out), key=lambda item: item.name in SLOW)
