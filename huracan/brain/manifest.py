"""The list of a bundle's files with their hashes, and the check of files against it. Signs nothing."""

import codecs
import hashlib
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import PurePath
from typing import Any

from huracan.candles.schema import day_end
from huracan.errors import InputRefused, InvalidInput
from huracan.models.canonical import canonical_json, read_json_object

SCHEMA_VERSION, READABLE = 3, (2, 3)
"""Bundles of version 2 say of no action what kind it is of; their policies take the most probable of all."""
MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "manifest.sig", "public_key.txt"
_TEXT = {".json", ".sig", ".txt"}
REMEDY = "Fetch the brain again; if it stays so, do not use it."


def write_manifest(
    files: Mapping[str, bytes], day: date, code_version: str, valid_days: int, facts: Mapping[str, object]
) -> bytes:
    """Canonical JSON: schema version, brain id, day, expiry, code version, `facts`, SHA-256 and size by file.

    The brain id is the day and 12 hex digits over all the rest: the same brain has the same id, and two with
    different manifests never share a folder, in which one of them could be left half written over the other.
    """
    manifest: dict[str, object] = {
        **facts,
        "schema_version": SCHEMA_VERSION,
        "day": day.isoformat(),
        "valid_from": day_end(day).isoformat(),
        "valid_until": (day_end(day) + timedelta(days=valid_days)).isoformat(),
        "code_version": code_version,
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for name, content in sorted(files.items())
        },
    }
    identity = hashlib.sha256(canonical_json(manifest)).hexdigest()[:12]
    return canonical_json({**manifest, "brain_id": f"{day.isoformat()}-{identity}"})


def check_files(files: Mapping[str, bytes]) -> dict[str, Any]:
    """The manifest, after every file was found as listed: none missing, none extra, size and hash equal.

    Raises InputRefused naming the file. The caller has verified the manifest's signature.
    """
    manifest = read_json_object(files[MANIFEST], MANIFEST)
    if manifest.get("schema_version") not in READABLE:
        raise InputRefused(
            f"{MANIFEST} has the schema version {manifest.get('schema_version')!r}, none of {READABLE}.",
            "Load the brain with the version of huracan that made it.",
        )
    listed: dict[str, dict[str, Any]] = manifest["files"]
    for name in sorted(set(files) - set(listed) - {MANIFEST, SIGNATURE}):
        raise InputRefused(f"The brain holds the file {name}, which its manifest does not list.", REMEDY)
    for name, entry in sorted(listed.items()):
        if name not in files:
            raise InputRefused(f"The brain lacks the file {name}.", REMEDY)
        if len(files[name]) != entry["bytes"]:
            says = "cut short" if len(files[name]) < entry["bytes"] else "too long"
            raise InputRefused(f"{name} is {says}: {len(files[name])} of {entry['bytes']} bytes.", REMEDY)
        if hashlib.sha256(files[name]).hexdigest() != entry["sha256"]:
            raise InputRefused(f"{name} was changed: its SHA-256 is not the manifest's.", REMEDY)
    return manifest


def refuse_converted(files: Mapping[str, bytes]) -> None:
    """InputRefused where whatever carried the files changed them: its name helps more than that of a hash."""
    for name, content in sorted(files.items()):
        if not isinstance(content, bytes):
            raise InvalidInput(f"{name} is a {type(content).__name__}.", "Give the bytes of each file.")
        if content.startswith(b"version https://git-lfs"):
            raise InputRefused(f"{name} is a pointer of Git LFS, not the file.", "Fetch it by git lfs pull.")
        if PurePath(name).suffix not in _TEXT:
            continue
        if b"\r\n" in content:
            raise InputRefused(
                f"{name} has the line ends of Windows (CRLF): git, an editor or a transfer as text has"
                " converted it.",
                "Fetch it again as binary files; for git, write '* -text' into .gitattributes beside it.",
            )
        if content.startswith(codecs.BOM_UTF8):
            raise InputRefused(
                f"{name} begins with a byte-order mark: an editor has saved it.", "Fetch the brain again."
            )
