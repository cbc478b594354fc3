"""What a command says where something failed that nobody foresaw: one line with its cause and no secret."""

import errno
import traceback
from collections.abc import Iterator

from huracan.errors import HuracanError, InvalidInput, Unavailable
from huracan_resources.installation import how_to_install
from huracan_resources.settings.secrets import withhold

_LONGEST = 300
"""Characters of a cause: statements and pages of HTML come along with some."""
_REPORT = "That was not foreseen: the same command with --verbose shows where it happened, for a report."


def explained(error: BaseException) -> HuracanError:
    """The error that a person sees for any exception: ours where one lies anywhere behind it."""
    behind = list(_chain(error))
    ours = next((each for each in behind if isinstance(each, HuracanError)), None)
    if ours is not None:
        return type(ours)(withhold(ours.what), withhold(ours.remedy))
    told = next((each for each in behind if not type(each).__name__.startswith("Dagster")), behind[-1])
    root, cause = behind[-1], _cause(told)
    if isinstance(root, MemoryError):
        return Unavailable(
            f"There was not enough memory ({cause}).", "Free some, or compute less: fewer symbols or days."
        )
    if isinstance(root, OSError) and root.errno in (errno.ENOSPC, errno.EDQUOT):
        return InvalidInput(f"The disk is full ({cause}).", "Free some space, then run again.")
    if isinstance(root, OSError) and root.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return InvalidInput(f"Access was refused ({cause}).", "Check the rights there, then run again.")
    if isinstance(root, ModuleNotFoundError):
        return InvalidInput(f"A library is missing ({cause}).", how_to_install())
    return Unavailable(f"{cause}.", _REPORT)


def told_trace(error: BaseException) -> str:
    """The traceback, as Python would print it, free of secrets."""
    return withhold("".join(traceback.format_exception(error)))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and what led to it, down to the first."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)


def _cause(error: BaseException) -> str:
    lines = [line.strip() for line in withhold(str(error)).splitlines() if line.strip()]
    said = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return said[:_LONGEST].rstrip(" .")
