"""What is proposed to change of each gate, night by night: a record with its reason. What of it is taken over
belongs in `changes`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from huracan.evaluation.jackknife import effective_count
from huracan.gates.worth.config import GateWorthConfig
from huracan.gates.worth.governor import govern, passed_record
from huracan.gates.worth.judged import JudgedBook
from huracan.gates.worth.thresholds import Proposal, Silent, past_answers, propose_threshold, shift_for
from huracan.gates.worth.trailing import pass_rates
from huracan.gates.worth.trailing_columns import WINDOWS
from huracan.tables import FLAG, FLOAT, INTEGER, TEXT, Column, arrow_schema

_GOVERNED_NIGHTS = WINDOWS[-1]
_NO_SETTING = "Its threshold is none that a setting moves."

PROPOSALS_COLUMNS = (
    Column("book", TEXT, "whose signals it was found with: policy or explored"),
    Column("gate", TEXT, "name of the gate"),
    Column("is_proposed", FLAG, "on the later nights the interval of what the shift gains lies above 0"),
    Column(
        "shift",
        FLOAT,
        "by which the threshold would have earned most, in the unit of value; above 0: more is asked",
    ),
    Column("searched_nights", INTEGER, "nights on which it was searched"),
    Column("searched_gain_bps", FLOAT, "net gained per measured signal there: chosen for being large", "bps"),
    Column("judged_nights", INTEGER, "nights with signals after them, by which it was judged"),
    Column("judged_gain_bps", FLOAT, "net gained per measured signal there", "bps"),
    Column(
        "judged_gain_low_bps",
        FLOAT,
        "lower end of its interval: of 95 % for all gates and books of the night together",
        "bps",
    ),
    Column("judged_gain_high_bps", FLOAT, "upper end", "bps"),
    Column("shifted_pass_rate", FLOAT, "weighted share of the judged that would have passed", "0 to 1"),
    Column("reason", TEXT, "why it is proposed, or why nothing is"),
    Column(
        "pass_rate", FLOAT, "weighted share passed over the trailing 30 nights, as the threshold is", "0 to 1"
    ),
    Column("win_rate", FLOAT, "weighted share of the passed that won; null where nothing passed", "0 to 1"),
    Column(
        "break_even_win_rate", FLOAT, "at which they earn nothing; null without winner or loser", "0 to 1"
    ),
    Column(
        "break_even_excess",
        FLOAT,
        "win_rate less break_even_win_rate beyond the interval of the mean net; below 0: it surely loses",
        "-1 to 1",
    ),
    Column(
        "governed_pass_rate",
        FLOAT,
        "that the governor asks for; null with too few signals",
        "0 to 1",
    ),
    Column("governed_factor", FLOAT, "of pass_rate: below 1 tightens; null where nothing passed"),
    Column("governed_shift", FLOAT, "of the threshold, to get there; null where that is not what decides"),
    Column("governed_reason", TEXT, "why, or why nothing is asked for"),
)
PROPOSALS_SCHEMA = arrow_schema(PROPOSALS_COLUMNS)
"""One row per book and gate that was asked; null is what was not measured, and all that is proposed of a gate
whose threshold no setting moves."""


@dataclass(frozen=True)
class Asking:
    """Whose thresholds are looked at on a night, and in how many books."""

    settings: Mapping[str, str]
    """Name of a gate -> the setting that its threshold moves with; of the others nothing is proposed."""
    books: int = 1
    since_ms: Mapping[str, int] = field(default_factory=dict)
    """Name of a gate -> from which signal on it asked for what it asks for now; of others all tell."""

    def answered(self, book: JudgedBook, gate: str) -> JudgedBook:
        """The signals of the book that the gate was asked about since its threshold last changed."""
        return book.take(book.opened_ms >= self.since_ms[gate]) if gate in self.since_ms else book

    def looks(self, book: JudgedBook) -> int:
        """Thresholds that are looked at, at least 1."""
        return max(1, self.books * sum(gate in self.settings for gate in book.gates))


def gate_proposals(
    book: JudgedBook, night: int, config: GateWorthConfig, generator: np.random.Generator, asking: Asking
) -> pa.Table:
    """PROPOSALS_SCHEMA of a book's signals up to `night` (days since 1970)."""
    rows = []
    for at in book.members:
        gate = book.gates[at]
        if gate not in asking.settings:
            row = {"reason": _NO_SETTING, "is_proposed": False, "governed_reason": _NO_SETTING}
            rows.append({"book": book.name, "gate": gate, **row})
            continue
        answered = asking.answered(book, gate)
        past = past_answers(answered, at)
        found = (
            past
            if isinstance(past, Silent)
            else propose_threshold(past, config, generator, asking.looks(book))
        )
        recent = answered.of_nights(night - _GOVERNED_NIGHTS + 1, night)
        row = {"book": book.name, "gate": gate, **_told(found)}
        rows.append(row | _governed(recent, at, config, generator))
    return pa.Table.from_pylist(rows, schema=PROPOSALS_SCHEMA)


def _told(found: Proposal | Silent) -> dict[str, Any]:
    if isinstance(found, Silent):
        return {"is_proposed": False, "reason": found.reason}
    gain = f"{found.judged_gain_bps:+.2f} bps a signal ({found.low_bps:+.2f} to {found.high_bps:+.2f})"
    on = f"on {found.judged_nights} nights after the {found.searched_nights} searched"
    if found.is_worth_it:
        reason = f"A threshold moved by {found.shift:+.4g} gained {gain} {on}."
    elif found.shift == 0.0:
        reason = "No other threshold earned more on the nights searched."
    else:
        reason = f"A threshold moved by {found.shift:+.4g} may be chance: {gain} {on}."
    return {
        "is_proposed": found.is_worth_it,
        "shift": found.shift,
        "searched_nights": found.searched_nights,
        "searched_gain_bps": found.searched_gain_bps,
        "judged_nights": found.judged_nights,
        "judged_gain_bps": found.judged_gain_bps,
        "judged_gain_low_bps": found.low_bps,
        "judged_gain_high_bps": found.high_bps,
        "shifted_pass_rate": found.pass_rate,
        "reason": reason,
    }


def _governed(
    book: JudgedBook, at: int, config: GateWorthConfig, generator: np.random.Generator
) -> dict[str, Any]:
    pass_rate = float(pass_rates(book)[at])
    if not np.isfinite(pass_rate):
        return {"governed_reason": "It passed nothing and refused nothing."}
    passed = book.has_passed[:, at]
    judged = passed | book.is_refused[:, at]
    has = effective_count(book.weight[judged])
    if has < config.minimum_signals:
        return {"pass_rate": pass_rate, "governed_reason": _few(has, config)}
    record = passed_record(pass_rate, book.take(passed), generator)
    governed, past = govern(record, config), past_answers(book, at)
    # A shift is known only where all of what the pass rate is of was measured.
    shift = None
    if not isinstance(past, Silent) and len(past.margin) == int(judged.sum()):
        shift = shift_for(past, governed.pass_rate)
    return {
        "pass_rate": pass_rate,
        "win_rate": record.win_rate,
        "break_even_win_rate": record.break_even,
        "break_even_excess": governed.excess,
        "governed_pass_rate": governed.pass_rate,
        "governed_factor": governed.factor,
        "governed_shift": shift,
        "governed_reason": governed.reason,
    }


def _few(has: float, config: GateWorthConfig) -> str:
    return f"{has:.0f} signals are too few to govern by ({config.minimum_signals:.0f} needed)."
