"""`huracan status`: a home on one screen, or as one object. What is known is gathered in `facts`."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from huracan.errors import HuracanError
from huracan_console.printing.figures import shown
from huracan_console.printing.row_text import as_json_value
from huracan_console.printing.tables import Column, Table, print_table, standard_output
from huracan_console.status.facts import Candles, Disk, Facts, LastNight, Running, gather
from huracan_resources.candle_sources import candle_sources
from huracan_resources.settings.settings import Settings

_MOST_SYMBOLS, _MOST_FAILURES, _MOST_GAPS = 10, 3, 3
_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0
_GIGABYTE, _MEGABYTE = 1e9, 1e6


def run_status(settings: Settings, now: datetime, *, as_json: bool) -> int:
    """Exit code 0, whatever there is to tell."""
    facts = gather(settings, now)
    if as_json:
        object_ = {"symbols": settings.universe.symbols, "source": _configured(settings)} | _plain(facts)
        click.echo(json.dumps(as_json_value(object_)))
        return 0
    columns = [Column("asked at"), Column(f"{shown(now.replace(second=0, microsecond=0))} UTC", folds=True)]
    print_table(Table(columns, list(_lines(facts, settings))), standard_output())
    return 0


def _lines(facts: Facts, settings: Settings) -> Iterator[tuple[str, str]]:
    night, candles = facts.night, facts.candles
    yield "home", str(facts.home)
    if isinstance(night, HuracanError):
        yield "last night", _not_known(night)
    elif night is None:
        yield "last night", "no night yet; run: huracan nightly"
    else:
        yield "last night", _night(night, facts, settings)
        yield "verdict", _verdict(night)
    yield "brain in force", _latest(facts)
    for at, line in enumerate(_incidents(facts)):
        yield "" if at else "incidents", line
    yield "next night", _next(facts)
    if isinstance(candles, HuracanError):
        yield "days", _not_known(candles)
    else:
        yield "days", _days(candles)
    symbols = settings.universe.symbols
    more = f" and {len(symbols) - _MOST_SYMBOLS} more" if len(symbols) > _MOST_SYMBOLS else ""
    yield "symbols", f"{len(symbols)}: {', '.join(symbols[:_MOST_SYMBOLS])}{more}"
    yield "source", _source(candles, settings)
    yield "disk", _disk(facts.disk, settings)


def _night(night: LastNight, facts: Facts, settings: Settings) -> str:
    ended = night.ended_at
    when = (
        f" {shown(ended.replace(second=0, microsecond=0))} UTC, {_span(facts.asked_at - ended)} ago"
        if ended
        else ""
    )
    if night.brain is not None:
        return f"{night.day}, finished{when}{_behind(night, facts, settings)}"
    if isinstance(facts.database, Running) and facts.database.runs:
        runs = [f"{each.job} of {each.day}" for each in facts.database.runs]
        return f"{night.day}, under way: {_some(runs, _MOST_FAILURES)}"
    if night.failures:
        why = [f"{each.what} of {each.day}: {each.reason}" for each in night.failures]
        return f"{night.day}, failed{when}. {_some(why, _MOST_FAILURES)} Go on: huracan nightly"
    return f"{night.day}, broken off before {night.missing}. Go on: huracan nightly"


def _behind(night: LastNight, facts: Facts, settings: Settings) -> str:
    """What should have followed by now, where the source has the candles of the day that has closed."""
    days = (facts.asked_at.date() - timedelta(days=1) - night.day).days
    is_due = days > 1 or (days == 1 and facts.asked_at.hour >= settings.schedule.hour)
    if not is_due or not candle_sources()[settings.source.kind].has_yesterday:
        return ""
    return f"; {days} {'day has' if days == 1 else 'days have'} closed since, run: huracan nightly"


def _verdict(night: LastNight) -> str:
    if night.brain is None:
        return "none: the night made no brain"
    first, *others = night.brain["reasons"]
    more = f" (and {len(others)} reasons more)" if len(others) > 1 else ""
    is_live = night.brain.get("is_live_eligible", False)
    standing = (
        " (not eligible for live trading)" if night.brain["verdict"] == "promoted" and not is_live else ""
    )
    return f"{night.brain['verdict']}{standing}: {first}{more}"


def _latest(facts: Facts) -> str:
    if isinstance(facts.latest, HuracanError):
        return _not_known(facts.latest)
    if facts.latest is None:
        return "none: no brain was promoted yet"
    return f"{facts.latest['brain_id']}, of the night of {facts.latest['day']}"


def _incidents(facts: Facts) -> Iterator[str]:
    known = facts.database
    if isinstance(known, HuracanError):
        yield _not_known(known)
    elif known is None:
        yield "not known: PostgreSQL does not run now; huracan up, which watches, starts it"
    elif not known.open_incidents:
        yield "none is open"
    else:
        older = known.open_incidents - len(known.incidents)
        yield f"{known.open_incidents} open{f', the newest {len(known.incidents)}' if older else ''}:"
        for each in known.incidents:
            yield f"{shown(each.opened_at.replace(second=0, microsecond=0))} {each.detail}"


def _next(facts: Facts) -> str:
    if facts.next_at is None:
        return "by hand: schedule.is_enabled is false"
    when = f"{shown(facts.next_at)} UTC"
    if facts.up is None:
        return f"{when}, if huracan up runs by then; it does not run on this home now"
    away, address = _span(facts.next_at - facts.asked_at), f"http://127.0.0.1:{facts.up.port}"
    return f"{when}, in {away}, by huracan up (process {facts.up.process}, {address})"


def _days(candles: Candles | None) -> str:
    if candles is None:
        return "none"
    days = "1 day" if candles.days == 1 else f"{candles.days} days"
    gaps = [f"{first}" if first == last else f"{first} to {last}" for first, last in candles.gaps]
    without = f"without {_some(gaps, _MOST_GAPS)}" if gaps else "no gap"
    return f"{candles.first} to {candles.last}: {days} of candles, {without}"


def _source(candles: Candles | HuracanError | None, settings: Settings) -> str:
    configured = _configured(settings)
    held = candles.source if isinstance(candles, Candles) else ""
    return configured if configured.startswith(held) else f"{held} in the lake; the settings say {configured}"


def _configured(settings: Settings) -> str:
    """As `--source` names it."""
    kind = candle_sources()[settings.source.kind]
    given = getattr(settings.source[kind.name], kind.argument) if kind.argument else None
    return kind.name if given is None else f"{kind.name}:{given}"


def _disk(disk: Disk, settings: Settings) -> str:
    lake = f"lake {_bytes(disk.lake)}" if disk.lake is not None else f"lake in {settings.storage.lake}"
    return f"home {_bytes(disk.home)}, {lake}; {_bytes(disk.free)} free"


def _not_known(error: HuracanError) -> str:
    return f"not known: {error}"


def _some(names: Sequence[str], most: int, count: int | None = None) -> str:
    rest = (count or len(names)) - min(most, len(names))
    return "; ".join(names[:most]) + (f" and {rest} more" if rest else "")


def _bytes(size: int) -> str:
    return f"{size / _GIGABYTE:.1f} GB" if size >= _GIGABYTE else f"{size / _MEGABYTE:.1f} MB"


def _span(time: timedelta) -> str:
    seconds = max(time.total_seconds(), 0.0)
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.0f} h" if seconds < 2 * _DAY else f"{seconds / _DAY:.0f} days"


def _plain(value: Any) -> Any:
    """Facts as mappings; a part that is not known as its error."""
    if isinstance(value, HuracanError):
        return {"error": value.what, "remedy": value.remedy}
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value
