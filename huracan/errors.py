"""The errors that a user may see: each says what is wrong and what to do about it.

Permanent and transient are types, because the orchestrator retries one and never the other.
"""

from typing import Any


class HuracanError(Exception):
    """Something a user can act on: `what` happened, and the `remedy`."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} {remedy}".strip())
        self.what = what
        self.remedy = remedy

    def __reduce__(self) -> tuple[Any, ...]:
        # What an error would be made from by itself is its one sentence.
        return type(self), (self.what, self.remedy)


class InvalidInput(HuracanError):
    """Permanent: a configuration, file, symbol, day or row that will not get better by trying again."""


class SymbolRefused(InvalidInput):
    """Permanent, and about one symbol: the others can go on without it."""


class UnknownSymbol(SymbolRefused):
    """A symbol that the source does not have at all: a typing error, or a market that was delisted."""


class InputRefused(HuracanError):
    """Permanent: an upstream partition is missing, damaged or was judged bad by a gate."""


class AgedOut(InputRefused):
    """Permanent: it was there, and retention let it go; making it again is a decision of the user."""


class Unavailable(HuracanError):
    """Transient: the network, an exchange or a server did not answer; trying again may help."""
