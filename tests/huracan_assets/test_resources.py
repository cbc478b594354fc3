"""The outside world made from settings: a directory or S3, by one URL."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from huracan.candles.simulate import SimulatedMarket
from huracan.errors import InputRefused, InvalidInput
from huracan.promotion.champion import (
    CHALLENGE,
    DEMOTE,
    IN_FORCE,
    PROMOTE,
    ROLLBACK,
    Act,
    row_of,
)
from huracan.promotion.trial_rows import TrialRow
from huracan_resources.brains import (
    LATEST,
    bundle_key,
    point_latest,
    read_latest,
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
    url = write_bundle(resources.brains, DAY, "b10", FILES)
    assert url.endswith("2025/03/10/baseline_b10")
    assert read_latest(resources.brains) is None
    point_latest(resources.brains, _decided(_brought(DAY)))
    latest = read_latest(resources.brains)
    assert latest is not None and latest["bundle"] == bundle_key(DAY, "b10")


def _brought(day: date, act: str = PROMOTE) -> dict[str, object]:
    """The decision that brings the brain of a day into force."""
    brain_id = f"b{day.day}"
    return row_of(
        Act(act, "p", "It earns.", True, brain_id, bundle_key(day, brain_id), day), day, "", "", None
    )


def _decided(*contents: dict[str, object]) -> list[TrialRow]:
    rows: list[TrialRow] = []
    for number, content in enumerate(contents):
        rows.append(TrialRow.after(rows, "decision", str(number), content))
    return rows


def _latest(resources: Resources) -> str | None:
    latest = read_latest(resources.brains)
    return latest and latest["brain_id"]


def test_latest_is_the_brain_in_force_and_goes_with_the_decision_that_ends_it(resources: Resources) -> None:
    earlier = date(2025, 3, 9)
    for day in (earlier, DAY):
        write_bundle(resources.brains, day, f"b{day.day}", FILES)
    ended = row_of(Act(DEMOTE, None, "It lost.", ended="p"), DAY, "", "", None)
    first, next_night = _brought(earlier), _brought(DAY, IN_FORCE)
    for decisions, wanted in (
        ((first,), "b9"),
        ((first, next_night), "b10"),
        ((first, next_night, ended), None),
        ((first, next_night, ended, _brought(earlier, ROLLBACK)), "b9"),
    ):
        point_latest(resources.brains, _decided(*decisions))
        assert _latest(resources) == wanted


def test_a_brain_whose_bundle_is_gone_is_not_latest(resources: Resources) -> None:
    write_bundle(resources.brains, DAY, "b10", FILES)
    point_latest(resources.brains, _decided(_brought(DAY)))
    resources.brains.delete(f"{bundle_key(DAY, 'b10')}/manifest.json")
    point_latest(resources.brains, _decided(_brought(DAY)))
    assert _latest(resources) is None


def test_where_nothing_was_ever_decided_the_pointer_of_an_earlier_version_stays(resources: Resources) -> None:
    write_bundle(resources.brains, DAY, "b10", FILES)
    point_latest(resources.brains, _decided(_brought(DAY)))
    whole = resources.brains.get(LATEST)
    challenge = row_of(Act(CHALLENGE, "q", "Challenger 1."), DAY, "", "", None)
    for rows in ([], _decided(challenge)):
        point_latest(resources.brains, rows)
        assert resources.brains.get(LATEST) == whole
    resources.brains.put(LATEST, b"{")
    point_latest(resources.brains, [])
    assert _latest(resources) is None


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
def test_a_damaged_pointer_is_one_sentence_and_is_mended_by_what_was_decided(
    resources: Resources, damage: Callable[[bytes], bytes]
) -> None:
    write_bundle(resources.brains, DAY, "b10", FILES)
    point_latest(resources.brains, _decided(_brought(DAY)))
    resources.brains.put(LATEST, damage(resources.brains.get(LATEST)))
    with pytest.raises(InputRefused, match=r"latest\.json is damaged") as refused:
        read_latest(resources.brains)
    assert "\n" not in str(refused.value)
    point_latest(resources.brains, _decided(_brought(DAY)))
    assert _latest(resources) == "b10"


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
