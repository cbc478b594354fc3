"""Published brains: the bundles in the object store, the pointer to the newest, the registry, the trials.

A bundle's objects are written first and the pointer `latest` last, so that a reader never meets half a brain.
What is inside a bundle belongs to `huracan.brain`.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from huracan.errors import InputRefused
from huracan.models.canonical import read_json_object
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.store import ObjectStore
from huracan_resources.resources import Resources

if TYPE_CHECKING:
    import psycopg

LATEST = "latest.json"
BRAIN_ASSET, BRAIN_FILE = "baseline_brain", "brain.json"


@dataclass(frozen=True)
class BrainRecord:
    """The registry's row of one brain."""

    brain_id: str
    day: date
    universe: tuple[str, ...]
    verdict: str
    reasons: tuple[str, ...]
    is_live_eligible: bool
    is_simulated: bool
    model_id: str
    bundle_url: str
    manifest_sha256: str
    code_version: str
    configuration_digest: str
    numbers: dict[str, Any]

    @staticmethod
    def of(files: Mapping[str, bytes], day: date, store_url: str, configuration_digest: str) -> "BrainRecord":
        """The row about a bundle in the store, from what the bundle says of itself."""
        manifest = json.loads(files["manifest.json"])
        evaluation = json.loads(files["evaluation.json"])
        return BrainRecord(
            brain_id=manifest["brain_id"],
            day=day,
            universe=tuple(manifest["symbols"]),
            verdict="promoted" if manifest["promoted"] else "refused",
            reasons=tuple(evaluation["reasons"]),
            is_live_eligible=manifest["live_eligible"],
            is_simulated=manifest["is_simulated"],
            model_id=hashlib.sha256(files["policy.safetensors"]).hexdigest()[:16],
            bundle_url=f"{store_url}/{bundle_key(day, manifest['brain_id'])}",
            manifest_sha256=hashlib.sha256(files["manifest.json"]).hexdigest(),
            code_version=manifest["code_version"],
            configuration_digest=configuration_digest,
            numbers=evaluation["numbers"],
        )


def bundle_key(day: date, brain_id: str) -> str:
    """Where a brain lies in the store: `YYYY/MM/DD/baseline_<id>`."""
    return f"{day:%Y/%m/%d}/baseline_{brain_id}"


def publish(resources: Resources, record: BrainRecord, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Bundle, registry and, last of all and only for a brain that was promoted, `latest`: where the bundle
    lies, and whether `latest` points at it.

    Whoever is killed in between leaves what was there before, and the same call again goes to its end.
    """
    store, moved = resources.brains, False
    write_bundle(store, record.day, record.brain_id, files)
    with resources.database.connect() as connection:
        register_brain(connection, record)
    if record.verdict != "promoted":
        retract_latest(store, resources.lake, record.day)
    elif resources.settings.mode == "shadow":
        moved = move_latest(store, resources.lake, record.day, record.brain_id, files["manifest.json"])
    return {"bundle_url": record.bundle_url, "is_latest": moved}


def brain_id_of(key: str) -> str:
    """The brain that lies at a bundle's key."""
    return key.rpartition("/baseline_")[2]


def write_bundle(store: ObjectStore, day: date, brain_id: str, files: Mapping[str, bytes]) -> str:
    """Put every file of the bundle, its manifest last, and remove any other; the bundle's URL."""
    key = bundle_key(day, brain_id)
    for name in sorted(files, key=lambda name: (name == "manifest.json", name)):
        store.put(f"{key}/{name}", files[name])
    for stray in set(store.list(f"{key}/")) - {f"{key}/{name}" for name in files}:
        store.delete(stray)
    return f"{store.url}/{key}"


def read_bundle(store: ObjectStore, key: str) -> dict[str, bytes]:
    """All files of the bundle at `key`."""
    names = store.list(f"{key}/")
    if not names:
        raise InputRefused(f"There is no brain at {store.url}/{key}.", "Publish its day again.")
    return {name.removeprefix(f"{key}/"): store.get(name) for name in names}


def move_latest(store: ObjectStore, lake: Lake, day: date, brain_id: str, manifest: bytes) -> bool:
    """Point `latest` at this brain, unless it points at a later day: an old night run again moves nothing.

    Where the pointer is damaged, the lake says whether a later brain was promoted.
    """
    try:
        current = read_latest(store)
        is_older = current is not None and date.fromisoformat(current["day"]) > day
    except InputRefused:
        is_older = _point_at_first(store, promoted_brains(lake, after=day))
    if not is_older:
        _point(store, day, brain_id, manifest)
    return not is_older


def _point(store: ObjectStore, day: date, brain_id: str, manifest: bytes) -> None:
    pointer = {
        "day": day.isoformat(),
        "brain_id": brain_id,
        "bundle": bundle_key(day, brain_id),
        "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
    }
    store.put(LATEST, json.dumps(pointer, sort_keys=True, indent=1).encode() + b"\n")


def _point_at_first(store: ObjectStore, keys: Iterable[str]) -> bool:
    """Point `latest` at the first of these bundles that is there; False where none is."""
    for key in keys:
        if store.exists(f"{key}/manifest.json"):
            manifest = store.get(f"{key}/manifest.json")
            facts = read_json_object(manifest, f"{store.url}/{key}/manifest.json")
            _point(store, date.fromisoformat(facts["day"]), facts["brain_id"], manifest)
            return True
    return False


def read_latest(store: ObjectStore) -> dict[str, str] | None:
    """What `latest` points at; None before the first was published, InputRefused where it is damaged."""
    if not store.exists(LATEST):
        return None
    try:
        pointer: dict[str, str] = json.loads(store.get(LATEST))
        if pointer["bundle"] != bundle_key(date.fromisoformat(pointer["day"]), pointer["brain_id"]):
            raise ValueError("its day, brain and bundle do not belong together")
        if len(bytes.fromhex(pointer["manifest_sha256"])) != hashlib.sha256().digest_size:
            raise ValueError("its manifest_sha256 is cut short")
    except (ValueError, KeyError, TypeError) as error:
        raise InputRefused(
            f"The pointer {store.url}/{LATEST} is damaged ({type(error).__name__}: {error}).",
            "Run the night again: it is written anew, from what the lake says was promoted.",
        ) from error
    return pointer


def mend_latest(store: ObjectStore, lake: Lake) -> None:
    """Point a damaged `latest` at the newest brain that the lake knows as promoted, or remove it."""
    try:
        read_latest(store)
    except InputRefused:
        if not _point_at_first(store, promoted_brains(lake)):
            store.delete(LATEST)


def register_brain(connection: "psycopg.Connection", brain: BrainRecord) -> None:
    """The day's only row in the registry."""
    # Imported late: whoever only reads `latest` needs no driver.
    from psycopg.types.json import Jsonb

    connection.execute("DELETE FROM brain_registry WHERE day = %s", (brain.day,))
    connection.execute(
        "INSERT INTO brain_registry (brain_id, day, universe, verdict, reasons, is_live_eligible,"
        " is_simulated, model_id, bundle_url, manifest_sha256, code_version, configuration_digest, numbers)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            brain.brain_id,
            brain.day,
            list(brain.universe),
            brain.verdict,
            Jsonb(list(brain.reasons)),
            brain.is_live_eligible,
            brain.is_simulated,
            brain.model_id,
            brain.bundle_url,
            brain.manifest_sha256,
            brain.code_version,
            brain.configuration_digest,
            Jsonb(brain.numbers),
        ),
    )


def register_lost_brain(connection: "psycopg.Connection", store: ObjectStore, lake: Lake, day: date) -> None:
    """The day's row from its bundle, where the registry has none: the database may be newer than the lake.

    A bundle that is gone is not registered, for its row would point nowhere.
    """
    if connection.execute("SELECT FROM brain_registry WHERE day = %s", (day,)).fetchone() is not None:
        return
    key = json.loads(lake.read_file(BRAIN_ASSET, day, BRAIN_FILE))["bundle"]
    if store.exists(f"{key}/manifest.json"):
        # Which settings that night had as a whole, no bundle tells.
        register_brain(connection, BrainRecord.of(read_bundle(store, key), day, store.url, ""))


def promoted_brains(lake: Lake, *, before: date | None = None, after: date | None = None) -> Iterator[str]:
    """The object keys of the brains promoted before or after a day, the newest first.

    By the lake and not by the registry: a new database must not make the verdict easier.
    """
    for day in reversed(lake.days(BRAIN_ASSET)):
        if (before is not None and day >= before) or (after is not None and day <= after):
            continue
        manifest = lake.manifest(BRAIN_ASSET, day)
        if manifest is None or BRAIN_FILE not in manifest.files:
            continue
        brain = json.loads(lake.read_file(BRAIN_ASSET, day, BRAIN_FILE))
        if brain["verdict"] == "promoted":
            yield str(brain["bundle"])


def last_promoted(store: ObjectStore, lake: Lake, before: date) -> str | None:
    """The object key of the newest brain promoted before a day; None where there is none.

    By the lake; where it has lost that day, `latest` is a second witness.
    """
    keys = list(islice(promoted_brains(lake, before=before), 1))
    with suppress(InputRefused):
        latest = read_latest(store)
        if latest is not None and date.fromisoformat(latest["day"]) < before:
            keys.append(latest["bundle"])
    return max(keys, key=lambda key: key.rpartition("/")[0], default=None)


def retract_latest(store: ObjectStore, lake: Lake, day: date) -> bool:
    """A night that was run again and refused must not stay `latest`: point it at the brain promoted before,
    or remove it. False where `latest` is of another day; a damaged one is made anew in the same way."""
    later: Iterable[str] = ()
    try:
        current = read_latest(store)
        if current is None or date.fromisoformat(current["day"]) != day:
            return False
    except InputRefused:
        later = promoted_brains(lake, after=day)
    if not _point_at_first(store, chain(later, promoted_brains(lake, before=day))):
        store.delete(LATEST)
    return True


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A night's candidate, as the trial ledger counts it."""

    day: date
    model_id: str
    sharpe_per_observation: float | None
    observations: int
    net_bps: float | None
    configuration_digest: str
    is_simulated: bool


def record_trial(connection: "psycopg.Connection", trial: Trial) -> int:
    """Count a night's candidate in the trial ledger; how many candidates of days up to its day there are.

    Running a night again counts it once: a candidate is its model.
    """
    connection.execute(
        "INSERT INTO trial_ledger (candidate_id, kind, day, model_id, sharpe_per_observation, observations,"
        " net_bps, configuration_digest, is_simulated) VALUES (%s, 'night', %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (candidate_id, kind) DO NOTHING",
        (
            f"{trial.day}:{trial.model_id}",
            trial.day,
            trial.model_id,
            trial.sharpe_per_observation,
            trial.observations,
            trial.net_bps,
            trial.configuration_digest,
            trial.is_simulated,
        ),
    )
    row = connection.execute("SELECT count(*) FROM trial_ledger WHERE day <= %s", (trial.day,)).fetchone()
    return int(row[0]) if row else 0
