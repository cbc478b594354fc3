"""Telling a person, at most once per incident, and what happens when nobody answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from huracan_resources.notifier import Delivered
from huracan_resources.resources import Resources


@dataclass(frozen=True)
class Trouble:
    """Something wrong now. `identity` is the same for the same trouble, whenever and however often seen."""

    identity: str
    kind: str
    title: str
    detail: str


def alert(resources: Resources, troubles: Sequence[Trouble], at: datetime) -> list[str]:
    """Open incidents for `troubles` and tell of every open one that nobody was told of yet; their identities.

    What cannot be delivered stays open and untold, so that the next tick tries again the addresses that it
    did not reach. If incidents cannot be kept, the alert goes out all the same: twice is better than never.
    """
    from huracan.errors import HuracanError

    try:
        for trouble in troubles:
            resources.incidents.open_incident(trouble.identity, trouble.kind, _line(trouble), at)
        waiting = resources.incidents.undelivered()
    except HuracanError:
        return [t.identity for t in troubles if _tell(resources, t.title, t.detail)]
    told = []
    for incident in waiting:
        title = f"Huracan: {incident.kind}"
        answer = resources.notifier.notify(title, incident.detail, reached=incident.told)
        if isinstance(answer, Delivered):
            resources.incidents.mark_alerted(incident.identity)
            told.append(incident.identity)
        elif answer.reached != set(incident.told):
            resources.incidents.mark_told(incident.identity, answer.reached)
    return told


def resolve(resources: Resources, identities: Sequence[str], at: datetime) -> list[str]:
    """Close these incidents where they are open, so that the same trouble may be told again; which were."""
    return [identity for identity in identities if resources.incidents.resolve(identity, at)]


def resolve_others(resources: Resources, kind: str, still: Sequence[Trouble], at: datetime) -> list[str]:
    """Close the open incidents of `kind` that are not among `still`; their identities."""
    wrong = {trouble.identity for trouble in still}
    over = [
        incident.identity
        for incident in resources.incidents.open_incidents()
        if incident.kind == kind and incident.identity not in wrong
    ]
    for identity in over:
        resources.incidents.resolve(identity, at)
        _tell(resources, f"Huracan: {kind} is over", identity)
    return over


def _tell(resources: Resources, title: str, detail: str) -> bool:
    return isinstance(resources.notifier.notify(title, detail), Delivered)


def _line(trouble: Trouble) -> str:
    return f"{trouble.title}: {trouble.detail}"
