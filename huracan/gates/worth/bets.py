"""Evidence that a gate does harm: somebody bets on whatever it refuses.

If what a gate refuses, or makes smaller, earns nothing in expectation, the bettor's wealth is no more than
fair: that it ever reaches ALARM has a chance of one in ALARM at most, however many nights are looked at.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huracan.evidence.betting import STAKES, LastingBet, results_in_units
from huracan.gates.worth.judged import BINDING, JudgedBook
from huracan.market.ledger import POLICY
from huracan.models.past import MOST_WEIGHT
from huracan.verdict import Number, Verdict

Floats = NDArray[np.float64]

ALARM = 20.0
"""Evidence from which a gate's worth is taken to be negative."""

Bets = Mapping[str, LastingBet]
"""Name of a gate -> who bets against it."""


def after_the_night(book: JudgedBook, before: Bets, until_ms: int) -> dict[str, LastingBet]:
    """The bets of the night before carried on over the signals of `book` up to `until_ms`, which must be so
    long ago that all of their trades are closed; a gate that is new begins."""
    carried = dict(before)
    for at, gate in enumerate(book.gates):
        acted = book.is_judged[:, at] & (book.kept[:, at] != 1.0)
        own = book.take(acted)
        carried[gate] = carried.get(gate, LastingBet()).play_night(
            own.opened_ms, own.closed_ms, _against(own, at), until_ms
        )
    return carried


def _against(book: JudgedBook, gate: int) -> Floats:
    """[n] what is made of a stake that the gate is wrong about the signal, from -1 on.

    What is refused brings its own result, what is made smaller that part of it. What is made larger brings
    its loss, and half as much is staked: a gain may be twice the unit. What counts little stakes little.
    """
    units = results_in_units(book.net_bps, book.volatility_bps)
    without = 1.0 - book.kept[:, gate]
    counts = book.weight if book.name == POLICY else np.minimum(book.weight / MOST_WEIGHT, 1.0)
    results: Floats = units * without / np.maximum(-2.0 * without, 1.0) * counts
    return results


def judge_worth(book: JudgedBook, bets: Bets) -> Verdict:
    """Check `gates_earn_their_place`: no gate that binds has a worth for the signals of `book`, the policy's,
    that is surely negative. A gate that only advises costs nothing: that it would do harm is told."""
    modes = dict(zip(book.gates, book.modes, strict=True))
    gates = [book.gates[at] for at in book.members]
    numbers: dict[str, Number] = {gate: bets[gate].evidence for gate in gates}
    harmful = [gate for gate, much in numbers.items() if float(much) >= ALARM]
    binding = [gate for gate in harmful if modes[gate] == BINDING]
    if binding:
        told = ", ".join(f"{gate} ({numbers[gate]:.0f})" for gate in binding)
        reason = (
            f"What these gates keep from being traded earns, by evidence of {ALARM:g} or more: {told}. Set"
            f" gates.{binding[0]}.mode to advisory, or change what it asks."
        )
    elif harmful:
        reason = f"No gate that binds does harm; {', '.join(harmful)} would, and only advises."
    else:
        reason = f"None of {len(numbers)} gates is known to do harm (evidence below {ALARM:g})."
    return Verdict("gates_earn_their_place", not binding, reason, numbers, blocking=False)


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
