"""Evidence by betting: what a gambler makes who stakes on every trade of a pattern, and one who bets against.

If no entry of a pattern has a positive expectation, the first gambler's wealth is a supermartingale that
begins at 1: it ever reaches c with a chance of 1 / c at most, however often somebody looks (Ville 1939;
Waudby-Smith & Ramdas 2023). One who keeps money back for later nights sees also what turns after long good
times, at the same price. No state is decided here.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

STAKES = np.array([0.05, 0.1, 0.2, 0.4, 0.8])
"""Shares of what is free that are set aside for a trade. One gambler plays each; their mean counts."""
DAILY_STAKES = np.array([0.2, 0.4, 0.7, 0.95])
"""The same of results that follow one another, as days do: larger, for nothing else is staked meanwhile."""
_FLOOR_BPS = 80.0
_VOLATILITIES = 20.0
"""The unit is the usual distance of a stop and its costs, with room: only a loss through a gap is larger."""


def new_wealth() -> Floats:
    """[stakes] what each gambler begins with."""
    return np.ones(STAKES.size)


def results_in_units(net_bps: Floats, entry_volatility_bps: Floats) -> Floats:
    """[trades] net results in units known at the entry, within -1 and 2.

    A larger loss counts as -1: then the bettor loses all that was set aside, and no more.
    """
    unit = np.fmax(_VOLATILITIES * np.nan_to_num(entry_volatility_bps), _FLOOR_BPS)
    return np.clip(net_bps / unit, -1.0, 2.0)


@dataclass(frozen=True, eq=False)
class Purse:
    """What the gamblers have at a moment: what is free, and what is set aside in bets that are still open.

    The results of open bets may be known already; no stake placed before they close depends on them.
    """

    free: Floats
    """[stakes]"""
    closed_ms: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    """[bets] when each open bet comes back."""
    stakes: Floats = field(default_factory=lambda: np.zeros((0, STAKES.size)))
    """[bets, stakes]"""
    results: Floats = field(default_factory=lambda: np.zeros(0))
    """[bets] per unit staked."""
    from_ms: int = 0
    """Nothing is staked on what opens earlier: what the purse began anew for was known by then only."""

    @property
    def total(self) -> Floats:
        """[stakes] with all open bets come back."""
        back = (self.stakes * (1.0 + self.results[:, None])).sum(axis=0)
        total: Floats = np.maximum(self.free + back, 0.0)
        return total

    def plain(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "free": self.free.tolist(),
            "bets": [
                [closed, result, stakes]
                for closed, result, stakes in zip(
                    self.closed_ms.tolist(), self.results.tolist(), self.stakes.tolist(), strict=True
                )
            ],
            "from_ms": self.from_ms,
        }

    @staticmethod
    def read(plain: Mapping[str, Any]) -> "Purse":
        """The inverse of `plain`, to the bit."""
        bets = plain["bets"]
        return Purse(
            np.array(plain["free"], np.float64),
            np.array([bet[0] for bet in bets], np.int64),
            np.array([bet[2] for bet in bets], np.float64).reshape(len(bets), len(plain["free"])),
            np.array([bet[1] for bet in bets], np.float64),
            plain["from_ms"],
        )


def play(purse: Purse, opened_ms: Integers, closed_ms: Integers, results: Floats, until_ms: int) -> Purse:
    """The purse at `until_ms` after trades that opened by then and may overlap: only what is free at an entry
    is staked on it.

    `results` [trades] per unit staked, from -1 on. A trade's stake is set aside at `opened_ms` and comes back
    with its result at `closed_ms`; what closes at a moment is free for what opens then. So every stake
    depends only on what was known at the entry, also of trades that a later call brings.
    """
    free, before = purse.free.astype(np.float64), purse.results.size
    closes, made = np.concatenate([purse.closed_ms, closed_ms]), np.concatenate([purse.results, results])
    stakes = dict(enumerate(purse.stakes))
    open_bets = [(int(closed), bet) for bet, closed in enumerate(purse.closed_ms)]
    heapq.heapify(open_bets)

    def settle(moment: int) -> None:
        nonlocal free
        while open_bets and open_bets[0][0] <= moment:
            _, closing = heapq.heappop(open_bets)
            free = free + stakes.pop(closing) * (1.0 + made[closing])

    for trade in np.lexsort((closed_ms, opened_ms)).tolist():
        if opened_ms[trade] < purse.from_ms:
            continue
        settle(int(opened_ms[trade]))
        bet = before + trade
        stakes[bet] = STAKES * free
        free = free - stakes[bet]
        heapq.heappush(open_bets, (int(closes[bet]), bet))
    settle(until_ms)
    left = [bet for _, bet in sorted(open_bets)]
    rows = np.array([stakes[bet] for bet in left]).reshape(len(left), STAKES.size)
    return Purse(np.maximum(free, 0.0), closes[left].astype(np.int64), rows, made[left], purse.from_ms)


def evidence(wealth: Floats) -> float:
    """The mean of the gamblers: what one makes who divided 1 among them."""
    return float(wealth.mean())


def play_in_turn(results: Floats, stakes: Floats = DAILY_STAKES) -> Floats:
    """[stakes, results] what each gambler has after every one of `results` [results], per unit staked, that
    follow one another. A loss may be larger than what is staked: then a gambler is left with nothing."""
    factors: Floats = np.maximum(1.0 + stakes[:, None] * results, 0.0)
    return np.asarray(factors.cumprod(axis=1), np.float64)


@dataclass(frozen=True, eq=False)
class LastingBet:
    """Gamblers of whom some begin on every night: what is true of late nights alone is found too.

    Of the 1 at the beginning, 1 / (t (t + 1)) goes to those who begin on night t, and what later nights are
    given is kept. So the whole is a mixture over the night on which a bet begins, and no more than fair.
    """

    purse: Purse = field(default_factory=lambda: Purse(np.zeros(STAKES.size)))
    nights: int = 0
    played_until_ms: int = 0
    """Signals up to it were bet on."""

    @property
    def evidence(self) -> float:
        """What the gamblers have and what is kept for later nights."""
        return 1.0 / (self.nights + 1.0) + evidence(self.purse.total)

    def play_night(
        self, opened_ms: Integers, closed_ms: Integers, results: Floats, until_ms: int
    ) -> "LastingBet":
        """After one more night: of the trades, as `play` has them, those that opened since the night before
        and by `until_ms` are bet on. On the first night they are those after `played_until_ms` too."""
        new = (opened_ms > self.played_until_ms) & (opened_ms <= until_ms)
        night = self.nights + 1
        given = replace(self.purse, free=self.purse.free + 1.0 / (night * (night + 1.0)))
        played = play(given, opened_ms[new], closed_ms[new], results[new], until_ms)
        return LastingBet(played, night, max(until_ms, self.played_until_ms))

    def plain(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "purse": self.purse.plain(),
            "nights": self.nights,
            "played_until_ms": self.played_until_ms,
        }

    @staticmethod
    def read(plain: Mapping[str, Any]) -> "LastingBet":
        """The inverse of `plain`, to the bit."""
        return LastingBet(Purse.read(plain["purse"]), plain["nights"], plain["played_until_ms"])
