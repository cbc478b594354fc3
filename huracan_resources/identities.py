"""Identities in short: the beginnings that are shown, and by which a person asks again."""

from collections.abc import Iterable
from itertools import pairwise, takewhile

SHORT_ID = 8
"""Characters of an identity that are shown where they tell it from the others."""


def beginnings(identities: Iterable[str], least: int = SHORT_ID) -> dict[str, str]:
    """Identity to its shortest beginning, of `least` characters or more, that no other of them begins with.

    One that another begins with stands for itself, whole.
    """
    ordered = sorted(set(identities))
    needed = dict.fromkeys(ordered, least)
    for one, next_one in pairwise(ordered):
        alike = takewhile(lambda pair: pair[0] == pair[1], zip(one, next_one, strict=False))
        length = sum(1 for _ in alike) + 1
        for identity in (one, next_one):
            needed[identity] = max(needed[identity], length)
    return {identity: identity[:length] for identity, length in needed.items()}
