"""A put is all or nothing, on a directory and on a real S3 server."""

import errno
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from huracan.errors import InputRefused, InvalidInput, Unavailable
from huracan_resources.lake.s3_client import make_s3_client
from huracan_resources.lake.store import LocalStore, ObjectStore, S3Store, open_store

KEY, SECRET = "test-key", "test-secret-of-some-length"


def _client(endpoint: str, secret: str = SECRET) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=KEY,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=Config(
            retries={"max_attempts": 1},
            connect_timeout=2,
            read_timeout=5,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.server)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "local":
        return open_store(str(tmp_path / "objects"))
    endpoint = request.getfixturevalue("s3_endpoint")
    return open_store(f"s3://bucket/{tmp_path.name}", _client(endpoint))


def test_what_was_put_is_got_listed_and_deleted(store: ObjectStore) -> None:
    store.put("a/b/one.bin", b"one")
    store.put("a/two.bin", b"\0" * 100_000)
    store.put("a/b/one.bin", b"uno")
    assert store.get("a/b/one.bin") == b"uno"
    assert store.get("a/two.bin") == b"\0" * 100_000
    assert store.list() == ["a/b/one.bin", "a/two.bin"]
    assert store.list("a/b/") == ["a/b/one.bin"]
    assert store.list("a/t") == ["a/two.bin"]
    assert store.list("nowhere/") == []
    store.delete("a/two.bin")
    store.delete("a/two.bin")
    assert store.exists("a/b/one.bin") and not store.exists("a/two.bin")


def test_a_missing_object_is_refused_by_its_name(store: ObjectStore) -> None:
    with pytest.raises(InputRefused, match=r"'a/none\.bin'"):
        store.get("a/none.bin")


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/./b", "a/", "."])
def test_a_key_that_leaves_the_store_is_refused(store: ObjectStore, key: str) -> None:
    with pytest.raises(InvalidInput, match="clean relative path"):
        store.put(key, b"")


def test_a_wrong_secret_names_the_variables(s3_endpoint: str) -> None:
    store = S3Store(_client(s3_endpoint, "another-secret-altogether"), "bucket")
    with pytest.raises(InvalidInput, match="AWS_SECRET_ACCESS_KEY"):
        store.put("a", b"")
    with pytest.raises(InvalidInput, match="AWS_SECRET_ACCESS_KEY"):
        store.get("a")


def test_a_bucket_that_does_not_exist_is_named(s3_endpoint: str) -> None:
    with pytest.raises(InvalidInput, match="'nobucket'"):
        S3Store(_client(s3_endpoint), "nobucket").list()


def test_an_unreachable_server_is_transient() -> None:
    with pytest.raises(Unavailable, match="s3_endpoint_url"):
        S3Store(_client("http://127.0.0.1:1"), "bucket").put("a", b"")


def test_missing_credentials_are_permanent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    client = boto3.Session(region_name="us-east-1").client("s3", endpoint_url="http://127.0.0.1:1")
    with pytest.raises(InvalidInput, match="AWS_ACCESS_KEY_ID"):
        S3Store(client, "bucket").get("a")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_is_cut_off_leaves_the_old_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    store = LocalStore(tmp_path)
    store.put("a", b"old")

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os if step == "fsync" else Path, step, cut)
    with pytest.raises(KeyboardInterrupt):
        store.put("a", b"new")
    assert store.get("a") == b"old"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a"]


def test_a_full_disk_is_one_clear_line_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InvalidInput, match="The disk is full") as caught:
        LocalStore(tmp_path).put("folder/a", b"x")
    assert str(tmp_path / "folder/a") in str(caught.value)
    assert list((tmp_path / "folder").iterdir()) == []


def test_a_really_full_disk_is_refused(tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this account may not mount a file system")
    try:
        store = LocalStore(tmp_path)
        store.put("a", b"small")
        with pytest.raises(InvalidInput, match="The disk is full"):
            store.put("a", b"x" * 1_000_000)
        assert store.list() == ["a"] and store.get("a") == b"small"
        assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a"]
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_what_a_killed_writer_left_goes_at_the_next_write(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put("folder/a", b"x")
    left = [tmp_path / place / ".writing-abc" for place in (".writing", "folder")]
    for path in left:
        path.write_bytes(b"ha")
    assert store.list() == store.list("folder/") == ["folder/a"]
    store.put("folder/b", b"y")
    assert not any(path.exists() for path in left)
    assert store.list() == ["folder/a", "folder/b"]


def test_a_write_under_way_is_not_swept_by_another_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync, store = os.fsync, LocalStore(tmp_path)

    def while_another_writes(handle: int) -> None:
        monkeypatch.setattr(os, "fsync", sync)
        LocalStore(tmp_path).put("b", b"theirs")
        sync(handle)

    monkeypatch.setattr(os, "fsync", while_another_writes)
    store.put("a", b"ours")
    assert (store.get("a"), store.get("b")) == (b"ours", b"theirs")


def test_a_folder_on_another_disk_is_written_too(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this machine has one disk alone")
    with TemporaryDirectory(dir=other) as there:
        (tmp_path / "far").symlink_to(there)
        store = LocalStore(tmp_path)
        store.put("far/folder/a", b"x")
        store.put("near", b"y")
        assert store.get("far/folder/a") == b"x" and store.list("far/") == ["far/folder/a"]


@pytest.mark.parametrize(
    ("variables", "endpoint", "region", "words"),
    [
        ({"AWS_PROFILE": "nosuch"}, None, None, ["AWS_PROFILE names the profile 'nosuch'"]),
        ({"AWS_ACCESS_KEY_ID": "AKIA"}, None, None, ["one half is missing: AWS_SECRET_ACCESS_KEY"]),
        ({"AWS_SECRET_ACCESS_KEY": "hunter2\n"}, None, None, ["AWS_SECRET_ACCESS_KEY holds a space"]),
        ({"AWS_CONFIG_FILE": "{folder}/bad"}, None, None, ["AWS cannot be read", "/bad"]),
        ({}, "minio:9000", None, ["s3_endpoint_url has no scheme", "http://host:port"]),
        ({}, "hunter2@minio", None, ["s3_endpoint_url has no scheme"]),
        ({}, "http://me:hunter2@minio:9000", None, ["holds a user or a password"]),
        ({}, "http://min io:9000", None, ["is no address"]),
        ({}, "http://minio:99999", None, ["is no address"]),
        ({}, "http://[minio", None, ["is no address"]),
        ({}, "", None, ["has no scheme"]),
        ({}, None, "eu central", ["'eu central'", "eu-central-1"]),
        ({"AWS_DEFAULT_REGION": "eu central"}, None, None, ["'eu central'", "AWS_DEFAULT_REGION"]),
    ],
)
def test_what_s3_is_given_wrongly_is_a_sentence(
    variables: dict[str, str],
    endpoint: str | None,
    region: str | None,
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "bad").write_text("not [ini\n")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(folder=tmp_path))
    with pytest.raises(InvalidInput) as caught:
        make_s3_client(endpoint, region)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert "hunter2" not in str(caught.value) and "\n" not in str(caught.value)


def test_urls_choose_the_store(tmp_path: Path) -> None:
    assert open_store(f"file://{tmp_path}/x%20y").url == f"{tmp_path}/x y"
    assert open_store("s3://bucket/a/b/", object()).url == "s3://bucket/a/b"
    for url in ("s3://", "ftp://host/x", "file://lake", "file://"):
        with pytest.raises(InvalidInput):
            open_store(url, object())
    for url in (
        "s3://bucket/lake?region=hunter2",
        "s3://bucket/lake#hunter2",
        "s3://hunter2:hunter2@bucket/lake",
        "ftp://me:hunter2@host/x",
    ):
        with pytest.raises(InvalidInput) as caught:
            open_store(url, object())
        assert "hunter2" not in str(caught.value)
    with pytest.raises(InvalidInput, match=r"the bucket 'Buc_ket', which S3 does not allow"):
        open_store("s3://Buc_ket/x", object())
    with pytest.raises(InvalidInput, match="client"):
        open_store("s3://bucket")
