"""Which trades of the memory a search may see. Values are SQL parameters, never part of a statement."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from huracan.errors import InvalidInput

OUTCOMES = {"win": True, "loss": False}


@dataclass(frozen=True)
class MemoryFilter:
    """Trades whose vectors are of `embedding_version`; each other field that is given narrows them.

    `side` is long or short, `outcome` win or loss (a result of exactly zero is a loss), `first_day` and
    `last_day` (both included) are the days of the partitions. Raises InvalidInput for another outcome or
    side, or for days in the wrong order.
    """

    embedding_version: str
    symbol: str | None = None
    regime: str | None = None
    side: str | None = None
    outcome: str | None = None
    first_day: date | None = None
    last_day: date | None = None

    def __post_init__(self) -> None:
        if self.outcome not in (None, *OUTCOMES):
            raise InvalidInput(f"A trade's outcome is never {self.outcome!r}.", "Ask for win or loss.")
        if self.side not in (None, "long", "short"):
            raise InvalidInput(f"A trade's side is never {self.side!r}.", "Ask for long or short.")
        if self.first_day and self.last_day and self.first_day > self.last_day:
            raise InvalidInput(
                f"The days from {self.first_day} to {self.last_day} are none.", "Give the earlier day first."
            )

    def condition(self) -> str:
        """The part of a WHERE that narrows `trade_memory`, with the named parameters of `parameters`."""
        given = self.parameters()
        return " AND ".join(clause for name, clause in _CLAUSES.items() if name in given)

    def parameters(self) -> dict[str, Any]:
        """Only the values that are given."""
        values = {name: getattr(self, name) for name in _CLAUSES if name != "is_winner"}
        values["is_winner"] = None if self.outcome is None else OUTCOMES[self.outcome]
        return {name: value for name, value in values.items() if value is not None}


_CLAUSES = {
    "embedding_version": "embedding_version = %(embedding_version)s",
    "symbol": "symbol = %(symbol)s",
    "regime": "regime = %(regime)s",
    "side": "side = %(side)s",
    "is_winner": "is_winner = %(is_winner)s",
    "first_day": "day >= %(first_day)s",
    "last_day": "day <= %(last_day)s",
}
