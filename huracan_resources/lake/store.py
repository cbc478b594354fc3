"""Where objects lie: a local directory or a bucket on S3, behind one small interface.

A put is all or nothing. What the objects mean (partitions, brains) belongs elsewhere.
"""

import errno
import os
import re
from pathlib import Path
from typing import Any, NoReturn, Protocol
from urllib.parse import unquote

from huracan.errors import HuracanError, InputRefused, InvalidInput, Unavailable
from huracan_resources.folders import make_folder
from huracan_resources.lake.s3_client import as_wrong_settings
from huracan_resources.lake.whole_file import is_unfinished, write_whole

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class ObjectStore(Protocol):
    """Named bytes. Keys are relative POSIX paths such as `ohlcv/day=2023-06-30/manifest.json`."""

    @property
    def url(self) -> str:
        """Where the objects lie, for people; free of secrets."""
        ...

    def put(self, key: str, data: bytes) -> None:
        """Replace what is under `key` by `data`; a reader sees the old or the new, never a part."""
        ...

    def get(self, key: str) -> bytes:
        """The bytes under `key`; `InputRefused` naming the key if there are none."""
        ...

    def exists(self, key: str) -> bool: ...

    def list(self, prefix: str = "") -> list[str]:
        """The sorted keys that begin with `prefix`."""
        ...

    def delete(self, key: str) -> None:
        """Remove `key`; nothing happens if it is not there."""
        ...


def open_store(url: str, client: Any = None) -> ObjectStore:
    """The store at `url`: a plain path, `file:///path` or `s3://bucket/prefix`.

    `client` is a boto3 S3 client, needed for `s3://` only. InvalidInput, without the URL, which may hold a
    secret, for whatever of it would not be read.
    """
    scheme, is_url, rest = url.partition("://")
    if not is_url:
        return LocalStore(Path(url))
    if scheme not in ("s3", "file"):
        raise InvalidInput(
            f"The URL of a store has the scheme {scheme!r}, which is unknown.",
            "Use a path, file:// or s3://.",
        )
    if scheme == "file":
        if not rest.startswith("/"):
            raise InvalidInput("The file:// URL of a store has no absolute path.", "Write file:///path.")
        return LocalStore(Path(unquote(rest)))
    bucket, _, prefix = rest.partition("/")
    if "@" in rest or "?" in rest or "#" in rest:
        raise InvalidInput(
            "The s3:// URL of a store holds more than a bucket and a prefix.",
            "Write s3://bucket/prefix; keys go into the AWS variables, the region into storage.s3_region.",
        )
    if not _BUCKET.fullmatch(bucket):
        said = f"names the bucket {bucket!r}, which S3 does not allow" if bucket else "names no bucket"
        raise InvalidInput(
            f"The s3:// URL of a store {said}.",
            "Write s3://bucket/prefix; a bucket has small letters, digits, dots and hyphens.",
        )
    if client is None:
        raise InvalidInput(f"The store {url!r} needs an S3 client.", "Give one made by the S3 resource.")
    return S3Store(client, bucket, prefix.strip("/"))


def check_key(key: str) -> str:
    """`key` itself, or `InvalidInput` if it would leave the store."""
    if any(part in ("", ".", "..") for part in key.split("/")):
        raise InvalidInput(
            f"The object key {key!r} is not a clean relative path.", "Use names joined by single slashes."
        )
    return key


class LocalStore:
    """Objects as files below `root`, each written aside, synced to disk and renamed into place.

    A writer that is killed leaves nothing among the objects, and what it left aside goes at the next put.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()

    @property
    def url(self) -> str:
        return str(self.root)

    def path(self, key: str) -> Path:
        """The file that holds `key`."""
        return self.root / check_key(key)

    def put(self, key: str, data: bytes) -> None:
        path = self.path(key)
        try:
            make_folder(path.parent, self.root)
            write_whole(path, data, self.root)
        except OSError as error:
            _refuse_write(path, error)

    def get(self, key: str) -> bytes:
        path = self.path(key)
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise _missing(key, self.url) from error
        except OSError as error:
            raise InvalidInput(
                f"{path} could not be read ({error.strerror}).", "Check its rights."
            ) from error

    def exists(self, key: str) -> bool:
        return self.path(key).is_file()

    def list(self, prefix: str = "") -> list[str]:
        folder = prefix.rpartition("/")[0]
        start = self.root / check_key(folder) if folder else self.root
        found = []
        for directory, _, names in os.walk(start):
            inside = Path(directory).relative_to(self.root).as_posix()
            lead = "" if inside == "." else f"{inside}/"
            found += [lead + name for name in names if not is_unfinished(name)]
        return sorted(key for key in found if key.startswith(prefix))

    def delete(self, key: str) -> None:
        try:
            self.path(key).unlink(missing_ok=True)
        except OSError as error:
            _refuse_write(self.path(key), error)


class S3Store:
    """Objects below `prefix` of a bucket, through a boto3 client made by the caller."""

    def __init__(self, client: Any, bucket: str, prefix: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._lead = f"{check_key(prefix)}/" if prefix else ""

    @property
    def url(self) -> str:
        return f"s3://{self._bucket}/{self._lead}".rstrip("/")

    def put(self, key: str, data: bytes) -> None:
        try:
            self._client.put_object(Bucket=self._bucket, Key=self._lead + check_key(key), Body=data)
        except _s3_errors() as error:
            raise self._as_ours(error, key) from error

    def get(self, key: str) -> bytes:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._lead + check_key(key))
            data: bytes = answer["Body"].read()
        except _s3_errors() as error:
            raise self._as_ours(error, key) from error
        return data

    def exists(self, key: str) -> bool:
        try:
            self._client.head_object(Bucket=self._bucket, Key=self._lead + check_key(key))
        except _s3_errors() as error:
            ours = self._as_ours(error, key)
            if isinstance(ours, InputRefused):
                return False
            raise ours from error
        return True

    def list(self, prefix: str = "") -> list[str]:
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._lead + prefix
            )
            keys = [row["Key"][len(self._lead) :] for page in pages for row in page.get("Contents", [])]
        except _s3_errors() as error:
            raise self._as_ours(error, prefix) from error
        return sorted(keys)

    def delete(self, key: str) -> None:
        try:
            self._client.delete_object(Bucket=self._bucket, Key=self._lead + check_key(key))
        except _s3_errors() as error:
            ours = self._as_ours(error, key)
            if not isinstance(ours, InputRefused):
                raise ours from error

    def _as_ours(self, error: BaseException, key: str) -> HuracanError:
        """The error a user may see for what boto3 raised."""
        code = str(getattr(error, "response", {}).get("Error", {}).get("Code", type(error).__name__))
        if code in {"NoSuchKey", "404", "NotFound"}:
            return _missing(key, self.url)
        if code == "NoSuchBucket":
            return InvalidInput(
                f"The bucket {self._bucket!r} does not exist.", "Create it or correct the s3:// URL."
            )
        if isinstance(error, _before_asking()):
            return as_wrong_settings(error)
        if code in _DENIED:
            return InvalidInput(
                f"The object store {self.url} refused the credentials ({code}).",
                "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and the rights of that key.",
            )
        return Unavailable(
            f"The object store {self.url} did not answer ({code}).",
            "Check the network and storage.s3_endpoint_url, then run again.",
        )


_DENIED = {
    *("403", "401", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
    *("ExpiredToken", "InvalidToken", "AuthorizationHeaderMalformed"),
}


def _s3_errors() -> tuple[type[Exception], ...]:
    """What boto3 raises; imported late because most installations never open S3."""
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)


def _before_asking() -> tuple[type[Exception], ...]:
    """Of these, what is wrong before a server is asked."""
    from botocore import exceptions as known

    return (
        known.NoCredentialsError,
        known.PartialCredentialsError,
        known.CredentialRetrievalError,
        known.TokenRetrievalError,
        known.SSOError,
        known.ParamValidationError,
        known.EndpointResolutionError,
        known.InvalidRegionError,
    )


def _missing(key: str, url: str) -> InputRefused:
    return InputRefused(f"There is no object {key!r} in {url}.", "Run what makes it first.")


def _refuse_write(path: Path, error: OSError) -> NoReturn:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise InvalidInput(
            f"The disk is full: {path} could not be written.",
            "Free some space or move the storage (HURACAN_HOME), then run again.",
        ) from error
    raise InvalidInput(
        f"{path} could not be written ({error.strerror}).",
        "Check the directory and its rights, then run again.",
    ) from error
