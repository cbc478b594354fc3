"""Published brains: the bundles in the object store, the pointer to the one in force, the registry.

A bundle's objects are written first, then the decision in the trial ledger, and the pointer `latest` last,
which follows the ledger: a reader never meets half a brain. What is inside a bundle belongs to
`huracan.brain`.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from huracan.errors import InputRefused
from huracan.promotion.champion import BY_NIGHT, CHALLENGE, Act, in_force, row_of
from huracan.promotion.trial_rows import DECISION, TrialRow
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


def publish(
    resources: Resources, record: BrainRecord, files: Mapping[str, bytes], acts: Sequence[Act] = ()
) -> dict[str, Any]:
    """Bundle, registry, what the night decided, and last of all `latest`: where the bundle lies, and whether
    `latest` points at it.

    Whoever is killed in between leaves what was there before, and the same call again goes to its end.
    """
    store = resources.brains
    write_bundle(store, record.day, record.brain_id, files)
    with resources.database.connect() as connection:
        register_brain(connection, record)
    brain = {"brain_id": record.brain_id, "bundle": bundle_key(record.day, record.brain_id)}
    in_force = publish_decisions(resources, record.day, acts, brain)["in_force"]
    return {"bundle_url": record.bundle_url, "is_latest": in_force == record.brain_id}


def publish_decisions(
    resources: Resources, day: date, acts: Sequence[Act], brain: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The rows of what a night decided, of which those that are there stand, and `latest` after them: what
    is in force then. `brain` is the night's, None where it has none."""
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    for act in acts:
        content = row_of(act, day, moment, BY_NIGHT, brain)
        resources.trials.append(DECISION, f"{day}:{act.act}:{act.procedure}", content)
    point_latest(resources.brains, resources.trials.rows())
    latest = read_latest(resources.brains)
    return {"in_force": latest["brain_id"] if latest is not None else "nothing"}


def decisions_of(rows: Iterable[TrialRow]) -> list[Mapping[str, Any]]:
    """The contents of the decisions, in their order."""
    return [row.content for row in rows if row.kind == DECISION]


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


def point_latest(store: ObjectStore, rows: Iterable[TrialRow]) -> None:
    """Puts `latest` to the brain that the ledger has in force, or removes it where there is none or its
    bundle is gone. Where nothing was ever decided, the pointer of an earlier version stays as long as it is
    whole."""
    decisions = decisions_of(rows)
    state = in_force(decisions)
    if not any(each["act"] != CHALLENGE for each in decisions):
        try:
            read_latest(store)
        except InputRefused:
            store.delete(LATEST)
        return
    if state is None or not store.exists(f"{state.bundle}/manifest.json"):
        store.delete(LATEST)
        return
    _point(store, state.day, state.brain_id, store.get(f"{state.bundle}/manifest.json"))


def _point(store: ObjectStore, day: date, brain_id: str, manifest: bytes) -> None:
    pointer = {
        "day": day.isoformat(),
        "brain_id": brain_id,
        "bundle": bundle_key(day, brain_id),
        "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
    }
    store.put(LATEST, json.dumps(pointer, sort_keys=True, indent=1).encode() + b"\n")


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
            "Run the night again: it is written anew, from what the trial ledger says.",
        ) from error
    return pointer


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
