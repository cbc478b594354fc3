"""What each gate was worth over trailing nights, book by book: how sure that is, what it is worth among the
others, and whether it changed. Nothing is decided here.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.evaluation.jackknife import effective_count
from huracan.gates.contract import COMBINED
from huracan.gates.worth.bets import Bets
from huracan.gates.worth.bootstrap import mean_interval
from huracan.gates.worth.judged import JudgedBook
from huracan.gates.worth.together import (
    most_overlapping,
    saved_by_all,
    saved_when_added_last,
    shapley_values,
)
from huracan.gates.worth.trailing_columns import ABSTAINS, PASSES, REFUSES, TRAILING_SCHEMA, WINDOWS

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Row = dict[str, Any]


@dataclass(frozen=True)
class Look:
    """From which night is looked back on how many."""

    night: int
    """Days since 1970."""
    nights: int

    def back(self, windows: int = 0) -> tuple[int, int]:
        """First and last night of the window, or of the one that lies `windows` before it."""
        last = self.night - windows * self.nights
        return last - self.nights + 1, last


def trailing_worth(book: JudgedBook, night: int, bets: Bets, generator: np.random.Generator) -> pa.Table:
    """TRAILING_SCHEMA of a book's signals up to `night` (days since 1970): of NIGHTS_READ nights all is said,
    of fewer only what they tell. `bets` are those after the night."""
    rows: list[Row] = []
    for nights in WINDOWS:
        look = Look(night, nights)
        within, before = book.of_nights(*look.back()), book.of_nights(*look.back(1))
        rows += _of_window(within, before, look, generator)
    for row in rows:
        bet = bets.get(row["gate"])
        row |= {"harm_evidence": bet and bet.evidence, "harm_nights": bet and bet.nights}
    return pa.Table.from_pylist(rows, schema=TRAILING_SCHEMA)


def _of_window(book: JudgedBook, before: JudgedBook, look: Look, generator: np.random.Generator) -> list[Row]:
    if not book.is_judged.any():
        return []
    weight = book.weight[:, None] * book.is_judged
    saved, low, high = mean_interval(book.night, book.saved_bps, weight, generator)
    rates, rates_before = pass_rates(book), pass_rates(before)
    together = _together(book, generator)
    rows = []
    for at, gate in enumerate(book.gates):
        if not book.is_judged[:, at].any():
            continue
        change = rates[at] - rates_before[at]
        rows.append(
            {
                "book": book.name,
                "gate": gate,
                "nights": look.nights,
                "mode": book.modes[at],
                **_counts(book, at),
                "pass_rate": _known(rates[at]),
                "pass_rate_before": _known(rates_before[at]),
                "pass_rate_change": _known(change),
                **_precision(book, at),
                "saved_bps": _known(saved[at]),
                "saved_low_bps": _known(low[at]),
                "saved_high_bps": _known(high[at]),
                **together[at],
            }
        )
    return rows


def pass_rates(book: JudgedBook) -> Floats:
    """[g] weighted share passed of passed and blocked; NaN without any."""
    passed, blocked = (book.weight @ each for each in (book.has_passed, book.is_refused))
    with np.errstate(invalid="ignore"):
        return np.asarray(passed / (passed + blocked), dtype=np.float64)


def _counts(book: JudgedBook, at: int) -> Row:
    asked, passed, refused = (each[:, at] for each in (book.is_judged, book.has_passed, book.is_refused))
    judged = int(asked.sum())
    said = {PASSES: int(passed.sum()), REFUSES: int(refused.sum())}
    said[ABSTAINS] = judged - sum(said.values())
    return {
        "nights_held": int(np.unique(book.night[asked]).size),
        "judged": judged,
        "effective_judged": effective_count(book.weight[asked]),
        "passed": said[PASSES],
        "blocked": said[REFUSES],
        "abstained": said[ABSTAINS],
        "resized": int((passed & (book.kept[:, at] != 1.0)).sum()),
        "left": int((passed & book.leaves[:, at]).sum()),
        "always": _always(book, at),
    }


def _always(book: JudgedBook, at: int) -> str | None:
    """What it said whenever it had an opinion, if always the same; ABSTAINS where it never had one."""
    asked = book.is_judged[:, at]
    passed, refused = (asked & each[:, at] for each in (book.has_passed, book.is_refused))
    if not (passed | refused).any():
        return ABSTAINS if asked.any() else None
    # Of one that chooses the type of the order the texts differ though all pass.
    is_same = np.unique(book.said[passed | refused, at]).size == 1 and not _resizes(book, at)
    return (REFUSES if refused.any() else PASSES) if is_same else None


def _resizes(book: JudgedBook, at: int) -> bool:
    return bool((book.has_passed[:, at] & book.acts[:, at]).any())


def _precision(book: JudgedBook, at: int) -> Row:
    asked, refused, kept = book.is_judged[:, at], book.is_refused[:, at], book.kept[:, at]
    lost, won = book.net_bps < 0.0, book.net_bps > 0.0
    right = ((kept < 1.0) & lost) | ((kept > 1.0) & won)
    right = np.where(book.leaves[:, at], book.left_bps[:, at] > book.net_bps, right)
    return {
        "refused_winners": int((refused & won).sum()),
        "refused_losers": int((refused & lost).sum()),
        "precision": _share(right, asked & book.acts[:, at], book.weight),
        "loser_share": _share(lost, asked, book.weight),
    }


def _together(book: JudgedBook, generator: np.random.Generator) -> list[Row]:
    """What each column of the book is worth beside the others."""
    members, outcome = book.members, book.net_bps * book.weight
    kept, total = book.parts[:, members], float(book.weight.sum())
    per_signal = 1.0 / total if total > 0.0 else float("nan")
    every = _known(saved_by_all(kept, outcome) * per_signal)
    last = saved_when_added_last(kept, outcome) * per_signal
    shares = shapley_values(kept, outcome, generator) * per_signal
    nearest, overlap = most_overlapping(book.is_refused[:, members])
    of_member = {
        book.gates[column]: {
            "saved_last_bps": _known(last[at]),
            "shapley_bps": _known(shares[at]),
            "overlapping_gate": None if other is None else book.gates[members[other]],
            "overlap": None if other is None else float(overlap[at]),
        }
        for at, (column, other) in enumerate(zip(members, nearest, strict=True))
    }
    nothing: Row = dict.fromkeys(("saved_last_bps", "shapley_bps", "overlapping_gate", "overlap"))
    return [
        {"saved_by_all_bps": every, **(nothing if gate == COMBINED else of_member[gate])}
        for gate in book.gates
    ]


def _share(chosen: Bools, among: Bools, weight: Floats) -> float | None:
    total = float(weight[among].sum())
    return float(weight[chosen & among].sum()) / total if total > 0.0 else None


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
