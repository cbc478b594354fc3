"""`huracan doctor`: each part that a night needs, looked at for real: ok, or what to do."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from importlib import metadata

import click
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from huracan.brain.brain import load_brain
from huracan.brain.signature import public_key_of
from huracan.candles.source import CandleSource
from huracan.errors import HuracanError, Unavailable
from huracan_assets.registry import stages
from huracan_assets.retention_needs import check_retention
from huracan_console.answering.unforeseen import explained
from huracan_console.plan import check_clock, last_closed_day
from huracan_console.safe_text import plain
from huracan_resources.brains import read_bundle, read_latest
from huracan_resources.candle_sources import candle_sources
from huracan_resources.home_source import refuse_another_source
from huracan_resources.installation import constraints, how_to_install
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.store import ObjectStore
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import Settings, explain
from huracan_resources.signing import signing_key

_SHOWN = ("dagster", "torch", "pyarrow", "ccxt")
_MINIMUM_FREE_GB = 2.0


@dataclass(frozen=True)
class Finding:
    """One part: whether it is well, what was found, and what to do if it is not."""

    part: str
    is_ok: bool
    found: str
    remedy: str = ""


def run_doctor(settings: Settings, *, as_json: bool) -> int:
    """Exit code 0 when all is well, 1 when something needs hands."""
    resources = Resources(settings)
    findings = [
        _look("dependencies", _dependencies),
        _look("clock", lambda: _clock(settings)),
        _look("database", lambda: _database(resources)),
        _look("lake", lambda: _lake(resources.lake)),
        _look("brains", lambda: _brains(resources)),
        _look("trial ledger", lambda: _trials(resources)),
        _look("candle source", lambda: _source(resources)),
        _look("disk", lambda: _disk(settings)),
        _look("retention", lambda: _retention(settings)),
        _look("alerts", lambda: _alerts(resources)),
    ]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            mark = "ok " if finding.is_ok else "BAD"
            line = f"{mark} {finding.part:<14} {finding.found}"
            click.echo(line if finding.is_ok else f"{line} {finding.remedy}")
    return 0 if all(finding.is_ok for finding in findings) else 1


def _look(part: str, examine: Callable[[], str]) -> Finding:
    try:
        return Finding(part, True, examine())
    except Exception as error:  # noqa: BLE001 - whatever one part meets, the others are looked at
        said = explained(error)
        return Finding(part, False, plain(said.what), plain(said.remedy))


def _dependencies() -> str:
    """Every direct dependency, against the exact version that Huracan is tested with."""
    pins = _pins()
    needed = [Requirement(text) for text in metadata.requires("huracan") or []]
    wanted = [each for each in needed if each.marker is None or each.marker.evaluate({"extra": "platform"})]
    wrong = []
    for requirement in wanted:
        name = canonicalize_name(requirement.name)
        try:
            version = metadata.version(name).partition("+")[0]
        except metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        if pins.get(name, version) != version:
            wrong.append(f"{name} is {version}, tested with {pins[name]}")
    if wrong:
        raise Unavailable(f"{'; '.join(wrong)}.", how_to_install())
    shown = ", ".join(f"{name} {metadata.version(name)}" for name in _SHOWN)
    return f"{len(wanted)} {'at their tested versions' if pins else 'installed'}, among them {shown}"


def _clock(settings: Settings) -> str:
    now = datetime.now(UTC)
    check_clock(settings, now)
    return f"{now:%Y-%m-%d %H:%M} UTC"


def _pins() -> dict[str, str]:
    """Name to exact version of constraints.txt; nothing where Huracan is installed without it."""
    file = constraints()
    lines = file.read_text().splitlines() if file else []
    pairs = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {canonicalize_name(name): version.strip() for name, version in pairs}


def _database(resources: Resources) -> str:
    with resources.database.connect() as connection:
        server = connection.info.server_version
        row = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchone()
    server_version = f"{server // 10000}.{server % 10000}"
    extension = row[0] if row else "missing"
    return f"{resources.database.shown_url}, PostgreSQL {server_version}, pgvector {extension}"


def _lake(lake: Lake) -> str:
    works, strays = _store_works(lake.store), lake.strays()
    return f"{works}; not read for lack of a day or a manifest: {', '.join(strays)}" if strays else works


def _brains(resources: Resources) -> str:
    """The brain that `latest` points at is loaded, as another program would."""
    works, latest = _store_works(resources.brains), read_latest(resources.brains)
    if latest is None:
        return f"{works}; none was promoted yet"
    files = read_bundle(resources.brains, latest["bundle"])
    load_brain(files, public_key_of(signing_key(resources.settings)))
    return f"{works}; latest is {latest['brain_id']}, which loads"


def _trials(resources: Resources) -> str:
    """Every row of both copies is read; what one of them lacked is written again from the other."""
    before = resources.trials.copies()
    count = resources.trials.verify()
    if not count:
        return "no procedure was registered yet"
    lacked = {"database": count - before.in_database, "lake": count - before.in_lake}
    mended = [f"the {name} lacked {rows}, written again" for name, rows in lacked.items() if rows]
    return "; ".join([f"{count} rows, the same in database and lake", *mended])


def _store_works(store: ObjectStore) -> str:
    key = "doctor/probe"
    store.put(key, b"huracan")
    found = store.get(key)
    store.delete(key)
    if found != b"huracan":
        raise Unavailable(
            f"{store.url} gave back other bytes than were written.", "Check the disk or server."
        )
    return f"{store.url} can be written and read"


def _source(resources: Resources) -> str:
    refuse_another_source(resources)
    settings, source = resources.settings, resources.candle_source
    source.check_symbols(settings.universe.symbols)
    kind, day = candle_sources()[settings.source.kind], last_closed_day(datetime.now(UTC))
    if kind.span is not None:
        return _held({symbol: kind.span(source, symbol) for symbol in settings.universe.symbols}, source, day)
    if not kind.has_yesterday:
        return f"{source.identity.name}: {', '.join(settings.universe.symbols)}"
    candles = source.fetch_day(settings.universe.symbols[0], day)
    return f"{source.identity.name}: {candles.num_rows} candles of {settings.universe.symbols[0]} on {day}"


def _held(spans: Mapping[str, tuple[date, date]], source: CandleSource, yesterday: date) -> str:
    """What is there of each symbol, and which night to ask for where yesterday's is not possible."""
    told = ", ".join(f"{symbol} {first} to {last}" for symbol, (first, last) in spans.items())
    last = min(last for _, last in spans.values())
    ends = f"; its last night is huracan nightly --date {last}" if last < yesterday else ""
    return f"{source.identity.name}: {told}{ends}"


def _disk(settings: Settings) -> str:
    home = settings.storage.home
    while not home.exists():
        home = home.parent
    free_gb = shutil.disk_usage(home).free / 1e9
    if free_gb < _MINIMUM_FREE_GB:
        raise Unavailable(
            f"{home} has {free_gb:.1f} GB free; a night wants {_MINIMUM_FREE_GB:.0f}.",
            "Free some, or set HURACAN_HOME to another disk.",
        )
    return f"{free_gb:.0f} GB free at {home}"


def _retention(settings: Settings) -> str:
    check_retention(stages(), settings)
    days = {key: value for key, value, _ in explain(settings) if key.startswith("retention.")}
    limits = [f"{key.removeprefix('retention.')} {value}" for key, value in days.items() if value.isdigit()]
    return f"days kept: {', '.join(limits)}; the rest forever" if limits else "everything is kept forever"


def _alerts(resources: Resources) -> str:
    addresses = resources.notifier.addresses
    bad: list[HuracanError] = []
    for address in addresses:
        try:
            address.probe()
        except HuracanError as error:
            bad.append(error)
    if bad:
        raise Unavailable(
            " ".join(error.what for error in bad), " ".join(dict.fromkeys(error.remedy for error in bad))
        )
    if not addresses:
        return "none set (HURACAN_ALERT_URLS); alerts are only logged"
    return f"{', '.join(address.shown for address in addresses)}; huracan alert test sends a message"
