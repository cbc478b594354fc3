"""What the rows of the trial ledger say of procedures: which there are, and which days are whose."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import Any, Protocol

from huracan.promotion.champion import BY_NIGHT, earns_from
from huracan.promotion.day import DayResult
from huracan.promotion.evidence import Day, Evidence, Lost
from huracan.promotion.trial_rows import CHAMPION_DAY, DAY, DECISION, KINDS, NIGHT, PROCEDURE
from huracan.promotion.verdict import Registered

_LONGEST_HOLE_DAYS = 7
"""As of the lake: after more a history begins anew, and nobody traded in between."""


class Row(Protocol):
    """One row of the ledger, as far as it is read here."""

    @property
    def kind(self) -> str: ...
    @property
    def content(self) -> Mapping[str, Any]: ...


def is_by_night(row: Row) -> bool:
    """Whether it is a decision, and no person's."""
    return row.kind == DECISION and row.content["by"] == BY_NIGHT


@dataclass(frozen=True)
class TrialRecord:
    """The rows up to a day, that of the day included; a person's decision whenever it was made, for it holds
    from when it is written."""

    rows: Sequence[Row]
    until: date

    @cached_property
    def _contents(self) -> dict[str, list[Mapping[str, Any]]]:
        found: dict[str, list[Mapping[str, Any]]] = {kind: [] for kind in KINDS}
        for row in self.rows:
            if self._is_seen(row):
                found[row.kind].append(row.content)
        return found

    @cached_property
    def nights(self) -> dict[date, str]:
        """Night to the procedure that made its brain."""
        nights: dict[date, str] = {}
        for content in self._contents[NIGHT]:
            nights.setdefault(date.fromisoformat(content["day"]), content["procedure"])
        return nights

    def procedures(self, symbols: Collection[str]) -> list[Mapping[str, Any]]:
        """The registrations on overlapping candles, in their order: of any of the `symbols`, on whatever
        days, for the past of a market lies before all."""
        every = self._contents[PROCEDURE]
        return [each for each in every if not set(symbols).isdisjoint(each["symbols"])]

    def registered(self, digest: str) -> Registered | None:
        for content in self._contents[PROCEDURE]:
            if content["digest"] == digest:
                moment = datetime.fromisoformat(content["registered_at"]).astimezone(UTC)
                # A day was closed at its 24:00.
                return Registered(digest, content["number"], moment.date())
        return None

    @property
    def decisions(self) -> list[Mapping[str, Any]]:
        return self._contents[DECISION]

    def results(self, digest: str, kind: str = DAY) -> dict[date, DayResult]:
        """The days of a procedure, the first recorded result of each; of `CHAMPION_DAY` those on which its
        last brain, frozen, went on trading."""
        found: dict[date, DayResult] = {}
        for content in self._contents[kind]:
            if content["procedure"] == digest:
                result = DayResult.read(content)
                found.setdefault(result.day, result)
        return dict(sorted(found.items()))

    def held_out_usd(self, digest: str) -> list[float]:
        """Results of the held-out days of a procedure's first night: before it has days of its own they say
        how far those will lie apart."""
        nights = (each for each in self._contents[NIGHT] if each["procedure"] == digest)
        first = min(nights, key=lambda each: str(each["day"]), default=None)
        return [] if first is None else list(first["held_out_usd"])

    def champion_results(self, digest: str, since: date) -> dict[date, DayResult]:
        """All days of a champion after the one on which it became that, traded by itself or frozen."""
        every = self.results(digest, CHAMPION_DAY) | self.results(digest)
        return {day: each for day, each in every.items() if day > since}

    def owner(self, day: date) -> str | None:
        """The procedure by whose brains alone `day` was to be traded: that of the newest night before, unless
        another one's was in force until the handover, or more than a week had passed."""
        before = [night for night in self.nights if day - timedelta(_LONGEST_HOLE_DAYS + 1) <= night < day]
        if not before:
            return None
        owner = self.nights[max(before)]
        earlier = self.nights.get(day - timedelta(days=2), owner)
        return owner if earlier == owner else None

    def evidence(self, digest: str, had_candles: Callable[[date], bool]) -> Evidence:
        """The days of a procedure; those that it should have traded, on candles that are there, are lost.

        Where more than a week in a row has none, nobody ran it, and they are no days. After it was taken out
        of force it earns anew.
        """
        results, first = self.results(digest), earns_from(self.decisions, digest)
        days: list[Day] = list(results.values())
        for hole in _holes(self._run(digest), results):
            if len(hole) <= _LONGEST_HOLE_DAYS:
                days += [Lost(day) for day in hole if self.owner(day) == digest and had_candles(day)]
        return Evidence.of(days) if first is None else Evidence.of(days).since(first)

    def others(self, digest: str, symbols: Collection[str]) -> list[dict[date, float]]:
        """Daily results in USD of the other procedures on overlapping candles."""
        digests = [each["digest"] for each in self.procedures(symbols) if each["digest"] != digest]
        every = (self.results(each) for each in digests)
        return [{day: each.result_usd for day, each in results.items()} for results in every if results]

    def contrasts(self, digest: str, before: date) -> list[float]:
        """Of the nights of a procedure before `before` that could be compared."""
        nights = (each for each in self._contents[NIGHT] if each["procedure"] == digest)
        found = {each["day"]: each["contrast"] for each in nights if each["day"] < before.isoformat()}
        return [each for each in found.values() if each is not None]

    def _is_seen(self, row: Row) -> bool:
        if row.kind == PROCEDURE or (row.kind == DECISION and not is_by_night(row)):
            return True
        return str(row.content["day"]) <= self.until.isoformat()

    def _run(self, digest: str) -> Iterator[date]:
        """From the day after the first night of a procedure to the end."""
        first = min((night for night, whose in self.nights.items() if whose == digest), default=self.until)
        for number in range((self.until - first).days):
            yield first + timedelta(days=1 + number)


def registration(
    digest: str,
    record: TrialRecord,
    symbols: Sequence[str],
    registered_at: datetime,
    told: Mapping[str, Any],
) -> dict[str, Any]:
    """The content of the row that registers a procedure: its number is one more than there are on overlapping
    candles; `told` is what else is kept of it."""
    return {
        "digest": digest,
        "number": 1 + len(record.procedures(symbols)),
        "registered_at": registered_at.astimezone(UTC).isoformat(timespec="seconds"),
        "symbols": list(symbols),
        **told,
    }


def _holes(run: Iterator[date], results: Mapping[date, DayResult]) -> Iterator[list[date]]:
    """The days in a row without a result."""
    for has_result, days in groupby(run, lambda day: day in results):
        if not has_result:
            yield list(days)
