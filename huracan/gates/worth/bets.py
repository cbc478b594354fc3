"""Evidence that a gate does harm: somebody bets on whatever it refuses.

If what a gate refuses, or makes smaller, earns nothing in expectation, the bettor's wealth is no more than
fair: that it ever reaches ALARM has a chance of one in ALARM at most, however many nights are looked at.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from huracan.evidence.betting import STAKES, LastingBet, results_in_units
from huracan.gates.settings import BINDING
from huracan.gates.worth.judged import JudgedBook
from huracan.verdict import Number, Verdict

Floats = NDArray[np.float64]

ALARM = 20.0
"""Evidence from which a gate's worth is taken to be negative."""

_DRAWN = ("uniform_density", "propensity")

Bets = Mapping[str, LastingBet]
"""Name of a gate -> who bets against it."""


def after_the_night(book: JudgedBook, before: Bets, until_ms: int) -> dict[str, LastingBet]:
    """The bets of the night before carried on over the signals of `book` up to `until_ms`, which must be so
    long ago that all of their trades are closed; a gate that is new begins."""
    carried = dict(before)
    for at, gate in enumerate(book.gates):
        own = book.take(book.is_judged[:, at] & book.acts[:, at])
        # Who bets on a position that a gate has left knows so at that close, and not before.
        opened = np.where(own.leaves[:, at], own.left_ms[:, at], own.opened_ms)
        carried[gate] = carried.get(gate, LastingBet()).play_night(
            opened, own.closed_ms, _against(own, at), until_ms
        )
    return carried


def _against(book: JudgedBook, gate: int) -> Floats:
    """[n] what is made of a stake that the gate is wrong about the signal, from -1 on.

    What is refused brings its own result, what is made smaller that part of it, what is left early what it
    made from then on. What is made larger brings its loss, and half as much is staked: a gain may be twice
    the unit. Of each `stake` is staked.
    """
    units = results_in_units(book.net_bps, book.volatility_bps)
    without = 1.0 - book.kept[:, gate]
    results: Floats = units * without / np.maximum(-2.0 * without, 1.0)
    went_on = results_in_units(np.nan_to_num(book.net_bps - book.left_bps[:, gate]), book.volatility_bps)
    return np.where(book.leaves[:, gate], went_on, results) * book.stake


def stakes_of(explored: pa.Table) -> Floats:
    """[n] the part of a whole stake for entries of EXPLORED_SCHEMA, 0 to 1: of the chance with which each was
    drawn, that which follows the policy; 0 where nobody decided.

    Within a day it is in proportion to what the entry counts for as a signal of the policy, and it is known
    at the entry, as a bet must be: what an entry counts for hangs on the mean of all, later ones too.
    """
    uniform, propensity = (pc.fill_null(explored[name], np.nan).to_numpy() for name in _DRAWN)
    part = np.where(explored["policy_density"].is_valid(), 1.0 - uniform / propensity, 0.0)
    return np.asarray(np.clip(np.nan_to_num(part), 0.0, 1.0), dtype=np.float64)


def judge_worth(book: JudgedBook, bets: Bets) -> Verdict:
    """Check `gates_earn_their_place`: no gate that was asked on the newest night of `book`, the policy's, has
    a worth for its signals that is negative by evidence of ALARM. Whoever obeys its advice loses, and who
    runs the brain obeys those that bind, which are told first. It stops nothing."""
    asked = np.any(book.is_judged[book.night == book.night.max(initial=0)], axis=0).tolist()
    gates = [book.gates[at] for at in book.members if asked[at]]
    numbers: dict[str, Number] = {gate: bets[gate].evidence for gate in gates}
    modes = dict(zip(book.gates, book.modes, strict=True))
    harmful = [gate for gate, much in numbers.items() if float(much) >= ALARM]
    harmful.sort(key=lambda gate: modes[gate] != BINDING)
    reason = f"None of {len(numbers)} gates is known to do harm (evidence below {ALARM:g})."
    if harmful:
        told = ", ".join(f"{gate} ({modes[gate]}, {numbers[gate]:.0f})" for gate in harmful)
        reason = (
            f"What these gates would keep from being traded earns, by evidence of {ALARM:g} or more: {told}."
            f" Set gates.{harmful[0]}.mode to off, or change what it asks."
        )
    return Verdict("gates_earn_their_place", not harmful, reason, numbers, blocking=False)


def bets_as_plain(books: Mapping[str, Bets]) -> dict[str, Any]:
    """Book -> gate -> its bet, as plain JSON values."""
    return {name: {gate: bet.plain() for gate, bet in bets.items()} for name, bets in books.items()}


def bets_from_plain(plain: Mapping[str, Any]) -> dict[str, dict[str, LastingBet]]:
    """The inverse of `bets_as_plain`. Gamblers of other stakes than today's are not carried on."""
    return {
        name: {
            gate: LastingBet.read(each)
            for gate, each in bets.items()
            if len(each["purse"]["free"]) == STAKES.size
        }
        for name, bets in plain.items()
    }
