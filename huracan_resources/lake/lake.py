"""The lake: partitions by asset and day, each a few files and a manifest written last.

A reader sees the old partition or the new one, never half of one. What the tables mean belongs in the domain.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path, PurePosixPath

import pyarrow as pa

from huracan.errors import AgedOut, InputRefused, InvalidInput
from huracan.verdict import Verdict
from huracan_resources.lake.manifest import FileEntry, Manifest, Origin, content_hash
from huracan_resources.lake.parquet import decode_table, row_count
from huracan_resources.lake.store import LocalStore, ObjectStore
from huracan_resources.lake.verified_files import VerifiedFiles

MANIFEST = "manifest.json"

LONGEST_HOLE_DAYS = 7
"""Days in a row that may be missing and count as a hole; after more, history begins anew."""


class Lake:
    """Partitions in an object store, under `<asset>/day=<YYYY-MM-DD>/`.

    `verified` remembers which files on disk were found whole; without it every reader hashes them.
    """

    def __init__(self, store: ObjectStore, verified: VerifiedFiles | None = None) -> None:
        self.store = store
        self.verified = verified or VerifiedFiles()

    def write(
        self,
        asset: str,
        day: date,
        files: Mapping[str, bytes],
        *,
        origin: Origin | None = None,
        verdicts: Iterable[Verdict] = (),
        note: str = "",
    ) -> Manifest:
        """Replace the partition by `files` (logical name such as `data.parquet` to bytes).

        New files lie under names that carry their hash, so the old manifest stays true until the new one
        takes its place in one step; only then are files that nobody names any more removed.
        """
        folder, origin = _folder(asset, day), origin or Origin()
        entries = {name: _entry(name, data) for name, data in sorted(files.items())}
        for name, data in files.items():
            # A file of that name may be damaged: it is written again, never trusted.
            self.store.put(f"{folder}/{entries[name].stored_as}", data)
        manifest = Manifest(
            asset=asset,
            day=day,
            files=entries,
            content_hash=content_hash(entries),
            inputs=dict(origin.inputs),
            code_version=origin.code_version,
            configuration_digest=origin.configuration_digest,
            is_simulated=origin.is_simulated,
            source=origin.source,
            verdicts=tuple(verdicts),
            note=note,
            remade=origin.remade,
        )
        self.store.put(f"{folder}/{MANIFEST}", manifest.to_json())
        self._sweep(folder, manifest)
        return manifest

    def manifest(self, asset: str, day: date) -> Manifest | None:
        """The manifest of a partition, None if there is no such partition."""
        key = f"{_folder(asset, day)}/{MANIFEST}"
        if not self.store.exists(key):
            return None
        manifest = _read_manifest(self.store.get(key), f"{self.store.url}/{key}")
        if (manifest.asset, manifest.day) != (asset, day):
            raise InputRefused(
                f"The manifest {self.store.url}/{key} is that of {manifest.key}: its folder was copied or"
                " renamed.",
                f"Delete that folder and run {asset} for {day} again.",
            )
        return manifest

    def days(self, asset: str) -> list[date]:
        """The days that have a partition, in order. Folders that name no day are not read: see `strays`."""
        lead, tail = f"{asset}/day=", f"/{MANIFEST}"
        keys = self.store.list(lead)
        days = (named_day(key[len(lead) : -len(tail)]) for key in keys if key.endswith(tail))
        return [day for day in days if day is not None]

    def strays(self) -> list[str]:
        """Folders that look like a partition's, and name no day or hold no manifest: nothing reads them."""
        keys = set(self.store.list())
        parts = (key.partition("/day=") for key in keys)
        folders = {(asset, rest.partition("/")[0]) for asset, lead, rest in parts if lead}
        return sorted(
            f"{asset}/day={day}"
            for asset, day in folders
            if named_day(day) is None or f"{asset}/day={day}/{MANIFEST}" not in keys
        )

    def require(self, asset: str, day: date) -> Manifest:
        """The manifest of a partition that exists and was judged good; else `InputRefused`."""
        manifest = self._present(asset, day)
        failed = manifest.failed_verdicts
        if failed:
            raise InputRefused(
                f"{manifest.key} was judged bad by {failed[0].check}: {failed[0].reason}",
                f"Mend the cause and run {asset} for {day} again.",
            )
        return manifest

    def window(self, asset: str, last_day: date, days: int, first_day: date = date.min) -> list[Manifest]:
        """The good partitions of up to `days` consecutive days ending at `last_day`.

        Shorter where history begins later, or on `first_day` at the earliest; `InputRefused` for a hole or
        for a partition judged bad.
        """
        found: list[Manifest] = []
        for back in range(days):
            day = last_day - timedelta(days=back)
            if back and self.manifest(asset, day) is None and self.is_beginning(asset, day, first_day):
                break
            found.append(self.require(asset, day))
        return found[::-1]

    def is_beginning(self, asset: str, day: date, first_day: date = date.min) -> bool:
        """Whether history begins after `day`: it is before `first_day`, or neither it nor the week before it
        has a partition. What lies further back is another history, which no window reaches."""
        if day < first_day:
            return True
        return all((day - known).days > LONGEST_HOLE_DAYS for known in self.days(asset) if known <= day)

    def read_file(self, asset: str, day: date, name: str) -> bytes:
        """The bytes of one file, checked against the manifest."""
        return self._read(self._present(asset, day), name)

    def local_file(self, manifest: Manifest, name: str) -> Path:
        """Where a file of a lake on disk lies, for those who read it by its path; it was found as written."""
        assert isinstance(self.store, LocalStore)
        entry = manifest.files[name]
        path = self.store.path(f"{_folder(manifest.asset, manifest.day)}/{entry.stored_as}")
        try:
            if self.verified.is_whole(path, entry.sha256):
                return path
        except FileNotFoundError as error:
            raise InputRefused(
                f"The file {path} is missing, which the manifest of {manifest.key} names.",
                _again(manifest),
            ) from error
        except OSError as error:
            raise InvalidInput(
                f"{path} could not be read ({error.strerror}).", "Check its rights and the disk."
            ) from error
        raise _damaged(str(path), manifest)

    def read_table(
        self, asset: str, day: date, name: str = "data", columns: Sequence[str] | None = None
    ) -> pa.Table:
        """The table `name` of a partition, only `columns` if given."""
        return self._decode(self._present(asset, day), name, columns)

    def read_manifests(
        self, manifests: Sequence[Manifest], columns: Sequence[str] | None = None, name: str = "data"
    ) -> pa.Table:
        """The tables of these partitions, one after the other; null where a day is older than a column."""
        held = [manifest for manifest in manifests if f"{name}.parquet" in manifest.files]
        if not held:
            asked = ", ".join(manifest.key for manifest in manifests[-2:])
            raise InputRefused(
                f"No partition up to {asked} holds the table {name!r}.", "Run earlier days first."
            )
        tables = [self._decode(manifest, name, columns) for manifest in held]
        return pa.concat_tables(tables, promote_options="default")

    def is_current(
        self,
        asset: str,
        day: date,
        inputs: Mapping[str, str],
        code_version: str,
        configuration_digest: str,
        *,
        may_be_aged_out: bool = False,
    ) -> Manifest | None:
        """The manifest, if the partition is good, whole and was made from exactly this; else None.

        Tables beside `data` may have aged out; `data` itself only where the caller says so.
        """
        manifest = self.manifest(asset, day)
        now = Origin(inputs, code_version, configuration_digest)
        if manifest is None or self.changes(manifest, now, may_be_aged_out=may_be_aged_out):
            return None
        return manifest

    def changes(self, manifest: Manifest, now: Origin, *, may_be_aged_out: bool = False) -> str:
        """Why the partition is not what the inputs, code and settings of `now` make; empty if it is."""
        if manifest.failed_verdicts:
            return f"it was judged bad by {manifest.failed_verdicts[0].check}"
        if manifest.code_version != now.code_version:
            return "its code has changed"
        if manifest.configuration_digest != now.configuration_digest:
            return "settings have changed"
        differing = sorted(
            key for key in {*manifest.inputs, *now.inputs} if manifest.inputs.get(key) != now.inputs.get(key)
        )
        if differing:
            more = f" and {len(differing) - 1} more of its inputs" if len(differing) > 1 else ""
            return f"{differing[-1]}{more} have changed" if more else f"{differing[-1]} has changed"
        if "data.parquet" in manifest.aged_out and not may_be_aged_out:
            return "its table has aged out"
        return "" if self.is_whole(manifest) else "one of its files is damaged"

    def is_whole(self, manifest: Manifest) -> bool:
        """Whether every file is there as it was written: a damaged one must not pass for finished work."""
        folder = _folder(manifest.asset, manifest.day)
        for name, entry in manifest.files.items():
            if name in manifest.aged_out:
                continue
            key = f"{folder}/{entry.stored_as}"
            if not self.store.exists(key):
                return False
            if hashlib.sha256(self.store.get(key)).hexdigest() != entry.sha256:
                return False
        return True

    def age_out(self, manifest: Manifest, file: str, on: date) -> Manifest:
        """Mark `file` as let go `on` that day, where it is not marked yet; `remove_aged_out` deletes it.

        From the mark on every reader is told so: one that is killed in between leaves nothing half true.
        """
        if file in manifest.aged_out:
            return manifest
        marked = replace(manifest, aged_out={**manifest.aged_out, file: on.isoformat()})
        self.store.put(f"{_folder(manifest.asset, manifest.day)}/{MANIFEST}", marked.to_json())
        return marked

    def remove_aged_out(self, manifest: Manifest, file: str) -> None:
        """Delete a file that the manifest marks as aged out."""
        if file not in manifest.aged_out:
            raise InputRefused(f"{manifest.key}/{file} is not marked as aged out.", "Mark it first.")
        self.store.delete(f"{_folder(manifest.asset, manifest.day)}/{manifest.files[file].stored_as}")

    def _present(self, asset: str, day: date) -> Manifest:
        manifest = self.manifest(asset, day)
        if manifest is None:
            raise InputRefused(f"There is no partition {asset}/{day}.", f"Run {asset} for {day} first.")
        return manifest

    def _decode(self, manifest: Manifest, name: str, columns: Sequence[str] | None) -> pa.Table:
        file = f"{name}.parquet"
        return decode_table(self._read(manifest, file), f"{manifest.key}/{file}", columns)

    def _read(self, manifest: Manifest, name: str) -> bytes:
        entry = manifest.files.get(name)
        if entry is None:
            why = f" ({manifest.note})" if manifest.note else ""
            raise InputRefused(
                f"{manifest.key} has no file {name}{why}.", "Run an earlier day, or this one again."
            )
        if name in manifest.aged_out:
            raise AgedOut(
                f"{manifest.key}/{name} aged out on {manifest.aged_out[name]} by retention.",
                f"Keep it for longer (retention in the settings) and run {manifest.asset} for {manifest.day}"
                " again.",
            )
        key = f"{_folder(manifest.asset, manifest.day)}/{entry.stored_as}"
        data = self.store.get(key)
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise _damaged(f"{self.store.url}/{key}", manifest)
        return data

    def _sweep(self, folder: str, manifest: Manifest) -> None:
        named = {f"{folder}/{entry.stored_as}" for entry in manifest.files.values()} | {
            f"{folder}/{MANIFEST}"
        }
        for key in self.store.list(f"{folder}/"):
            if key not in named:
                self.store.delete(key)


@lru_cache(maxsize=1024)
def _read_manifest(data: bytes, name: str) -> Manifest:
    """Read once: a plan and a window of weeks ask for the same manifests over and over."""
    return Manifest.from_json(data, name)


def content_hash_of(files: Mapping[str, bytes]) -> str:
    """The content hash that a partition of these files has, by logical name."""
    return content_hash({name: _entry(name, data) for name, data in files.items()})


def named_day(text: str) -> date | None:
    """The day that the end of a partition's folder names, None where it names none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None


def _damaged(where: str, manifest: Manifest) -> InputRefused:
    return InputRefused(f"The file {where} is damaged: its SHA-256 is not the manifest's.", _again(manifest))


def _again(manifest: Manifest) -> str:
    return f"Run {manifest.asset} for {manifest.day} again."


def _folder(asset: str, day: date) -> str:
    return f"{asset}/day={day.isoformat()}"


def _entry(name: str, data: bytes) -> FileEntry:
    sha256 = hashlib.sha256(data).hexdigest()
    path = PurePosixPath(name)
    stored_as = str(path.with_name(f"{path.stem}-{sha256[:12]}{path.suffix}"))
    rows = row_count(data) if path.suffix == ".parquet" else None
    return FileEntry(stored_as, sha256, len(data), rows)
