"""What a night says of the worth of all gates, book by book."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from huracan.gates.worth.bets import Bets, after_the_night, judge_worth
from huracan.gates.worth.config import GateWorthConfig
from huracan.gates.worth.judged import JudgedBook
from huracan.gates.worth.proposals import Asking, gate_proposals
from huracan.gates.worth.trailing import trailing_worth
from huracan.market.ledger import POLICY
from huracan.verdict import Verdict


@dataclass(frozen=True)
class Moment:
    """When is looked."""

    night: int
    """Days since 1970 of the newest night."""
    ripe_ms: int
    """Of signals up to here all trades are closed."""
    in_force_ms: int
    """From signals here on what the night made is in force: the handover of the day after."""
    seed: int = 0
    """Of bootstraps and drawn orders, beside the night."""


@dataclass(frozen=True, eq=False)
class GateWorth:
    """The tables of a night, and what the next one carries on."""

    trailing: pa.Table
    """TRAILING_SCHEMA"""
    proposals: pa.Table
    """PROPOSALS_SCHEMA"""
    bets: Mapping[str, Bets]
    """Book -> gate -> who bets against it."""
    verdict: Verdict


def gate_worth(
    books: Mapping[str, JudgedBook],
    before: Mapping[str, Bets],
    moment: Moment,
    config: GateWorthConfig,
    asking: Asking,
) -> GateWorth:
    """The worth of the gates by the signals of `books` (that of the policy among them) of the last
    NIGHTS_READ nights, and the bets of the night `before`, empty on the first one."""
    bets = {name: after_the_night(book, before.get(name, {}), moment.ripe_ms) for name, book in books.items()}
    generator = np.random.default_rng([moment.seed, moment.night])
    trailing = [trailing_worth(book, moment.night, bets[name], generator) for name, book in books.items()]
    proposals = [gate_proposals(book, moment.night, config, generator, asking) for book in books.values()]
    return GateWorth(
        pa.concat_tables(trailing).combine_chunks(),
        pa.concat_tables(proposals).combine_chunks(),
        bets,
        judge_worth(books[POLICY], bets[POLICY]),
    )
