"""The outside world made from settings: a directory or S3, by one URL."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from huracan.candles.simulate import SimulatedMarket
from huracan.errors import InputRefused, InvalidInput
from huracan_resources.brains import (
    LATEST,
    brain_id_of,
    bundle_key,
    last_promoted,
    mend_latest,
    move_latest,
    promoted_brains,
    read_bundle,
    read_latest,
    retract_latest,
    write_bundle,
)
from huracan_resources.candles.files import CandleFiles
from huracan_resources.lake.manifest import Origin
from huracan_resources.resources import Resources, open_candle_source
from huracan_resources.settings.settings import load_settings

DAY = date(2025, 3, 10)
FILES = {"manifest.json": b"{}", "manifest.sig": b"s", "policy.safetensors": b"weights"}


@pytest.fixture(params=["directory", pytest.param("s3", marks=pytest.mark.server)])
def resources(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Resources:
    environ = {"HURACAN_HOME": str(tmp_path)}
    if request.param == "s3":
        endpoint = request.getfixturevalue("s3_endpoint")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test-key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret-of-some-length")
        environ |= {
            "HURACAN__STORAGE__LAKE_URL": f"s3://bucket/{tmp_path.name}/lake",
            "HURACAN__STORAGE__BRAINS_URL": f"s3://bucket/{tmp_path.name}/brains",
            "HURACAN__STORAGE__S3_ENDPOINT_URL": endpoint,
            "HURACAN__STORAGE__S3_REGION": "us-east-1",
        }
    return Resources(load_settings(environ=environ))


def test_a_partition_written_to_the_lake_is_read_back(resources: Resources) -> None:
    resources.lake.write("ohlcv", DAY, {"note.txt": b"closed candles"}, origin=Origin(source="test"))
    assert resources.lake.read_file("ohlcv", DAY, "note.txt") == b"closed candles"
    assert resources.lake.days("ohlcv") == [DAY]


def test_a_bundle_is_complete_before_latest_points_at_it(resources: Resources) -> None:
    assert read_latest(resources.brains) is None
    url = write_bundle(resources.brains, DAY, "b1", FILES)
    assert url.endswith("2025/03/10/baseline_b1")
    assert read_latest(resources.brains) is None
    assert move_latest(resources.brains, resources.lake, DAY, "b1", FILES["manifest.json"])
    latest = read_latest(resources.brains)
    assert latest is not None and latest["bundle"] == bundle_key(DAY, "b1")
    assert read_bundle(resources.brains, latest["bundle"]) == FILES


def test_latest_never_moves_back_to_an_earlier_night(resources: Resources) -> None:
    move_latest(resources.brains, resources.lake, DAY, "b2", b"{}")
    before = resources.brains.get(LATEST)
    assert not move_latest(resources.brains, resources.lake, date(2025, 3, 9), "b1", b"{}")
    assert resources.brains.get(LATEST) == before


def _publish(resources: Resources, day: date, verdict: str) -> None:
    """A brain's partition and bundle, as the asset leaves them."""
    brain_id = f"b{day.day}"
    manifest = json.dumps({"day": day.isoformat(), "brain_id": brain_id}).encode()
    write_bundle(resources.brains, day, brain_id, {**FILES, "manifest.json": manifest})
    facts = {"verdict": verdict, "bundle": bundle_key(day, brain_id)}
    resources.lake.write("baseline_brain", day, {"brain.json": json.dumps(facts).encode()})
    if verdict == "promoted":
        move_latest(resources.brains, resources.lake, day, brain_id, manifest)


def test_a_brain_that_was_refused_after_all_does_not_stay_latest(resources: Resources) -> None:
    _publish(resources, date(2025, 3, 8), "promoted")
    _publish(resources, date(2025, 3, 9), "refused")
    _publish(resources, DAY, "promoted")
    assert not retract_latest(resources.brains, resources.lake, date(2025, 3, 9))
    assert retract_latest(resources.brains, resources.lake, DAY)
    latest = read_latest(resources.brains)
    assert latest is not None and latest["brain_id"] == "b8"
    assert list(promoted_brains(resources.lake, before=DAY)) == [bundle_key(date(2025, 3, 8), "b8")]


def _latest(resources: Resources) -> str:
    latest = read_latest(resources.brains)
    assert latest is not None
    return latest["brain_id"]


def _flip(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda text: text[:-30],
        lambda _: b"[]",
        lambda _: b'{"day": 1}',
        lambda _: b"\xff\xfe{",
        lambda text: text.replace(b"2025-03-10", b"2025-03-99"),
        lambda text: _flip(text, text.index(b"b10")),
        lambda text: _flip(text, text.index(b"2025/03/10")),
    ],
)
def test_a_damaged_pointer_is_one_sentence_and_the_next_night_mends_it(
    resources: Resources, damage: Callable[[bytes], bytes]
) -> None:
    _publish(resources, date(2025, 3, 9), "promoted")
    _publish(resources, DAY, "promoted")
    damaged = damage(resources.brains.get(LATEST))
    resources.brains.put(LATEST, damaged)
    with pytest.raises(InputRefused, match=r"latest\.json is damaged") as refused:
        read_latest(resources.brains)
    assert "\n" not in str(refused.value)
    _publish(resources, date(2025, 3, 8), "promoted")
    assert _latest(resources) == "b10"
    resources.brains.put(LATEST, damaged)
    _publish(resources, date(2025, 3, 11), "promoted")
    assert _latest(resources) == "b11"


def test_a_damaged_pointer_is_mended_from_the_lake_alone(resources: Resources) -> None:
    for day, verdict in ((8, "promoted"), (9, "refused")):
        _publish(resources, date(2025, 3, day), verdict)
    whole = resources.brains.get(LATEST)
    mend_latest(resources.brains, resources.lake)
    assert resources.brains.get(LATEST) == whole
    resources.brains.put(LATEST, b"{")
    mend_latest(resources.brains, resources.lake)
    assert resources.brains.get(LATEST) == whole
    resources.brains.put(LATEST, b"{")
    resources.brains.delete(f"{bundle_key(date(2025, 3, 8), 'b8')}/manifest.json")
    mend_latest(resources.brains, resources.lake)
    assert read_latest(resources.brains) is None


def test_the_last_promoted_brain_is_known_by_latest_where_the_lake_has_lost_its_day(
    resources: Resources,
) -> None:
    def last(day: int) -> str | None:
        key = last_promoted(resources.brains, resources.lake, date(2025, 3, day))
        return key and brain_id_of(key)

    assert last(11) is None
    for day in (8, 9):
        _publish(resources, date(2025, 3, day), "promoted")
    assert (last(9), last(10)) == ("b8", "b9")
    resources.lake.store.delete("baseline_brain/day=2025-03-09/manifest.json")
    assert (last(9), last(10)) == ("b8", "b9")
    resources.brains.put(LATEST, b"{")
    assert last(10) == "b8"


def test_a_damaged_pointer_is_mended_by_a_refused_night_too(resources: Resources) -> None:
    for day in (8, 9, 10):
        _publish(resources, date(2025, 3, day), "promoted")
    resources.brains.put(LATEST, b"{")
    assert retract_latest(resources.brains, resources.lake, date(2025, 3, 9))
    assert _latest(resources) == "b10"
    resources.brains.put(LATEST, b"{")
    resources.brains.delete(f"{bundle_key(date(2025, 3, 9), 'b9')}/manifest.json")
    assert retract_latest(resources.brains, resources.lake, DAY)
    assert _latest(resources) == "b8"


def test_wrong_credentials_are_one_sentence_that_names_the_variables(
    resources: Resources, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if not resources.settings.storage.lake.startswith("s3://"):
        pytest.skip("a directory has no credentials")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(InvalidInput, match="AWS_SECRET_ACCESS_KEY"):
        resources.lake.write("ohlcv", DAY, {"note.txt": b""})


def test_the_settings_choose_the_candle_source(tmp_path: Path) -> None:
    def source(**environ: str) -> object:
        return open_candle_source(load_settings(environ={"HURACAN_HOME": str(tmp_path), **environ}))

    assert isinstance(source(), SimulatedMarket)
    files = source(HURACAN__SOURCE__KIND="files", HURACAN__SOURCE__FILES__DIRECTORY=str(tmp_path))
    assert isinstance(files, CandleFiles)
    with pytest.raises(InvalidInput, match="binnance"):
        source(HURACAN__SOURCE__KIND="ccxt", HURACAN__SOURCE__CCXT__EXCHANGE="binnance").check_symbols(  # type: ignore[attr-defined]
            ["BTC/USDT"]
        )
