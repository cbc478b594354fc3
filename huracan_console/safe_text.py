"""Text from outside as a terminal may show it: no control sequence, no markup, not longer than its place."""

import unicodedata
from typing import Any

_HIDDEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
"""Unicode's categories of characters that steer a terminal or turn text around, and show nothing."""


def plain(value: Any, longest: int | None = None) -> str:
    """`value` on one line: what would steer a terminal is spelled out (`\\x1b`), what is too long is cut."""
    text = "".join(_spelled(character) for character in str(value))
    return text if longest is None or len(text) <= longest else text[: max(longest - 1, 0)] + "…"


def _spelled(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape").decode("ascii")
