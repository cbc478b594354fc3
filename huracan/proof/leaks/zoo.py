"""A zoo of planted leaks: each goes through the stage that it is planted in, and a check must stop it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from huracan.proof.leaks.bed import Bed
from huracan.proof.leaks.block_bed import DAYS, BlockBed
from huracan.proof.leaks.candles import FIT_DAYS, leak_candles
from huracan.proof.leaks.columns import CLEAN
from huracan.proof.leaks.feature_bed import FeatureBed
from huracan.proof.leaks.fill_bed import FillBed
from huracan.proof.leaks.forms import FORMS, WHOLE, Form
from huracan.proof.leaks.memory_bed import MemoryBed
from huracan.proof.leaks.regime_bed import RegimeBed
from huracan.proof.leaks.training_bed import TrainingBed
from huracan.proof.proof_table import Bar
from huracan.verdict import Verdict

_FILL_NIGHTS = 20
"""Among which one has a fill in 5 % of the bars."""


@dataclass(frozen=True)
class LeakSettings:
    """The full zoo."""

    clean_nights: int = 60
    leaking_nights: int = 20
    """Of each leak in each form, at most: on how many of them the night's own checks stop it is told."""
    seed: int = 5
    forms: tuple[str, ...] = FORMS


@dataclass(frozen=True)
class LeakRow:
    """One leak in one form; or, as the leak `none`, nights without any."""

    stage: str
    leak: str
    form: str
    nights: int
    """On which there is something that it shows."""
    stopped_nights: int
    """Of them those on which the night's own checks stop it; they look at some bars alone."""
    stopped_by: str
    """The checks that do, then or where they look at every bar; empty where none does."""
    absent: str = ""
    """Why there is no such leak in this form."""

    @property
    def is_right(self) -> bool:
        """A leak is stopped; nights without one are not."""
        return bool(self.stopped_by) != (self.leak == CLEAN) or bool(self.absent)


def beds(settings: LeakSettings) -> dict[str, Bed]:
    """By the asset or the part that a leak is planted in."""
    nights = max(settings.clean_nights, settings.leaking_nights)
    market = leak_candles(nights + FIT_DAYS + DAYS, settings.seed)
    return {
        "features": FeatureBed(market),
        "regimes": RegimeBed(market),
        "market block": BlockBed(market),
        "paper session": FillBed(max(nights, _FILL_NIGHTS), settings.seed),
        "memory": MemoryBed(settings.seed),
        "training": TrainingBed(nights, settings.seed),
    }


def run_zoo(settings: LeakSettings, on_row: Callable[[LeakRow], None] | None = None) -> tuple[LeakRow, ...]:
    """Every leak in every form, then nights without one. The same settings give the same rows."""
    rows = []
    for row in _rows(settings):
        rows.append(row)
        if on_row is not None:
            on_row(row)
    return tuple(rows)


def leak_bars(rows: Sequence[LeakRow]) -> tuple[Bar, ...]:
    """No leak may pass, and no night without one may be stopped."""
    passed = sum(not row.is_right for row in rows if row.leak != CLEAN)
    alarms = sum(row.stopped_nights for row in rows if row.leak == CLEAN)
    return (
        Bar("leaks", "planted leaks that no check stops", passed, 0, passed == 0),
        Bar("leaks", "clean nights on which a check stops something", alarms, 0, alarms == 0),
    )


def _rows(settings: LeakSettings) -> Iterator[LeakRow]:
    every = beds(settings)
    for stage, bed in every.items():
        for leak in bed.leaks:
            for name in settings.forms:
                yield _row(stage, bed, leak, Form(name), settings.leaking_nights)
    for stage, bed in every.items():
        nights = [
            _stopping(bed.night(index, None, Form(WHOLE)) or []) for index in range(settings.clean_nights)
        ]
        raised = ", ".join(sorted(set().union(*nights)))
        yield LeakRow(stage, CLEAN, "", len(nights), sum(map(bool, nights)), raised)


def _row(stage: str, bed: Bed, leak: str, form: Form, nights: int) -> LeakRow:
    if absent := bed.absent(leak, form):
        return LeakRow(stage, leak, form.name, 0, 0, "", absent)
    judged = (bed.night(index, leak, form) for index in range(nights))
    stopped = [_stopping(verdicts) for verdicts in judged if verdicts is not None]
    by = set[str]().union(*stopped)
    if not by:
        by = _stopping(bed.closely(leak, form))
    return LeakRow(stage, leak, form.name, len(stopped), sum(map(bool, stopped)), ", ".join(sorted(by)))


def _stopping(verdicts: Sequence[Verdict]) -> set[str]:
    return {verdict.check for verdict in verdicts if not verdict.passed}
