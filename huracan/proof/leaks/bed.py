"""What a leak is planted in: a stage of the product with its own checks, on markets that are made for it."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import pyarrow as pa

from huracan.errors import HuracanError
from huracan.proof.leaks.forms import Form
from huracan.verdict import Verdict


class Bed(Protocol):
    """One stage."""

    @property
    def leaks(self) -> tuple[str, ...]:
        """That can be planted in it."""

    def absent(self, leak: str, form: Form, /) -> str:
        """Why there is no such leak in that form; empty where there is."""

    def night(self, index: int, leak: str | None, form: Form) -> list[Verdict] | None:
        """What the night's own checks say of the night at `index`; without a leak all of them pass. None
        where there is nothing on that night that the leak could show."""

    def closely(self, leak: str, form: Form) -> list[Verdict]:
        """The same with the checks looking at every bar, on nights on which there is something."""


def is_same(one: pa.Table, other: pa.Table) -> bool:
    """Whether two tables of the same columns hold the same, gaps too."""
    return all(
        repr(one[name].to_pylist()) == repr(other[name].to_pylist())
        if not pa.types.is_floating(one.schema.field(name).type)
        else np.array_equal(one[name].to_numpy(), other[name].to_numpy(), equal_nan=True)
        for name in one.column_names
    )


def first_that_shows(bed: Bed, nights: int, leak: str, form: Form) -> list[Verdict]:
    """The checks of a stage that look at all rows anyway, on the first night that has something to see."""
    found = (bed.night(index, leak, form) for index in range(nights))
    return next((verdicts for verdicts in found if verdicts is not None), [])


def unless_refused(check: str, made: Callable[[], object]) -> Verdict:
    """What is refused outright, as the check of that name."""
    try:
        made()
    except HuracanError as refused:
        return Verdict(check, False, str(refused))
    return Verdict(check, True, "It was made.")
