"""A home is one history of one source: it remembers which, and lets no other in."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from huracan.errors import InvalidInput
from huracan.verdict import Verdict
from huracan_resources.home_source import named_source, refuse_another_source, remember_source
from huracan_resources.lake.manifest import Origin
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import explain, load_settings

KRAKEN = {"source.kind": "ccxt", "source.ccxt.exchange": "kraken"}
DAY = date(2025, 3, 1)


def _resources(home: Path, said: dict[str, Any] | None = None, **environ: str) -> Resources:
    return Resources(load_settings(said, {"HURACAN_HOME": str(home), **environ}))


def _remembered(home: Path, said: dict[str, Any], **environ: str) -> Resources:
    remember_source(_resources(home, said, **environ))
    return _resources(home)


def _write_candles(home: Path, said: dict[str, Any], day: date = DAY, *, are_good: bool = True) -> None:
    resources = _resources(home, said)
    label = resources.candle_source.identity.label
    verdict = Verdict("candle_sanity", are_good, "Seen.", blocking=True)
    resources.lake.write("ohlcv", day, {}, origin=Origin(source=label), verdicts=(verdict,))


def _refusal(resources: Resources) -> str:
    with pytest.raises(InvalidInput) as caught:
        refuse_another_source(resources)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({}, "simulated"),
        ({"source.simulated.seed": 9, "source.simulated.first_day": "2024-01-01"}, "simulated"),
        (KRAKEN, "ccxt:kraken"),
        ({**KRAKEN, "source.ccxt.base_url": "http://mirror", "universe.timeframe": "5m"}, "ccxt:kraken"),
        ({"source.kind": "files", "source.files.exchange": "okx"}, "files:/"),
    ],
)
def test_what_makes_the_source_again_is_remembered(said: dict[str, Any], name: str, tmp_path: Path) -> None:
    folder = {"source.files.directory": str(tmp_path / "x" / ".." / "candles")} if "files" in name else {}
    before = _resources(tmp_path, said | folder)
    after = _remembered(tmp_path, said | folder)
    assert named_source(after.settings).startswith(name)
    assert "source.kind" in after.settings.layers.home
    if folder:
        assert after.settings.source["files"].directory == tmp_path / "candles"
        assert after.settings.source["files"].exchange == "okx"
    else:
        assert after.candle_source.identity == before.candle_source.identity
    refuse_another_source(after)


def test_a_relative_directory_is_remembered_wherever_a_command_is_run_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "candles").mkdir()
    monkeypatch.chdir(tmp_path)
    said = {"source.kind": "files", "source.files.directory": "candles"}
    remember_source(_resources(tmp_path, said))
    refuse_another_source(_resources(tmp_path, said))
    monkeypatch.chdir("/")
    assert named_source(_resources(tmp_path).settings) == f"files:{tmp_path / 'candles'}"


def test_no_secret_is_remembered_and_no_patience(tmp_path: Path) -> None:
    said = {**KRAKEN, "source.ccxt.attempts": 9, "source.ccxt.secret": "hunter2"}
    after = _remembered(tmp_path, said, HURACAN_EXCHANGE_API_KEY="hunter3")
    text = (tmp_path / "huracan.yaml").read_text()
    assert "hunter" not in text and "attempts" not in text
    assert {key: value for key, (value, _) in after.settings.layers.home.items()} == KRAKEN
    shown = {key: origin for key, _, origin in explain(after.settings)}
    assert shown["source.ccxt.exchange"] == f"{tmp_path.name}/huracan.yaml, line 6"


def test_an_address_with_a_password_is_not_remembered_and_told_by_the_candles_alone(tmp_path: Path) -> None:
    said = {**KRAKEN, "source.ccxt.base_url": "http://me:hunter2@mirror"}
    _write_candles(tmp_path, said)
    _remembered(tmp_path, said)
    assert (tmp_path / "huracan.yaml").read_text().endswith("exchange: kraken\n")
    refuse_another_source(_resources(tmp_path, said))
    refusal = _refusal(_resources(tmp_path))
    assert "come from ccxt:kraken too, but by another universe.timeframe or source.ccxt" in refusal


def test_what_stands_in_the_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "huracan.yaml"
    file.write_text("# mine\nuniverse:\n  symbols: [BTC/EUR]   # one\n")
    settings = _remembered(tmp_path, KRAKEN).settings
    assert settings.universe.symbols == ("BTC/EUR",) and named_source(settings) == "ccxt:kraken"
    assert file.read_text().startswith("# mine\nuniverse:\n  symbols: [BTC/EUR]   # one\n")
    for text in ("source:\n  kind: simulated\n", "{mode: shadow}\n"):
        file.write_text(text)
        remember_source(_resources(tmp_path, KRAKEN))
        assert file.read_text() == text


@pytest.mark.parametrize(
    ("own", "said", "environ", "words"),
    [
        (
            KRAKEN,
            {"source.ccxt.exchange": "okx"},
            {},
            "ccxt:okx (command line) is another candle source than this home's, ccxt:kraken",
        ),
        (
            {},
            None,
            {"HURACAN__SOURCE__KIND": "ccxt"},
            "ccxt:binance (environment HURACAN__SOURCE__KIND) is another",
        ),
        (
            {},
            None,
            {"HURACAN_ENV": "production"},
            "ccxt:binance (profiles/production.yaml, line 5) is another",
        ),
        ({}, {"source.simulated.seed": 8}, {}, "simulated with seed 8 (command line) is another"),
        (
            {"source.simulated.seed": 8},
            {"source.simulated.seed": 7},
            {},
            "simulated with seed 7 (command line) is another candle source than this home's, simulated with"
            " seed 8",
        ),
        (
            {**KRAKEN, "universe.timeframe": "5m"},
            {"universe.timeframe": "1h"},
            {},
            "ccxt:kraken with timeframe 1h (command line) is another",
        ),
        (
            {"source.kind": "files", "source.files.directory": "/a"},
            {"source.files.directory": "/b"},
            {},
            "files:/b",
        ),
        (
            {**KRAKEN, "source.ccxt.base_url": "http://mirror"},
            {"source.ccxt.base_url": "http://me:hunter3@mirror"},
            {},
            "ccxt:kraken with base_url *** (command line)",
        ),
    ],
)
def test_another_source_than_the_homes_own_is_refused_with_who_names_it(
    own: dict[str, Any], said: dict[str, Any] | None, environ: dict[str, str], words: str, tmp_path: Path
) -> None:
    _remembered(tmp_path, own)
    refusal = _refusal(_resources(tmp_path, said, **environ))
    assert words in refusal and f"{tmp_path.name}/huracan.yaml, line" in refusal
    assert f"HURACAN_HOME of its own, such as {tmp_path}-" in refusal and "hunter" not in refusal


def test_the_same_source_said_again_is_let_in(tmp_path: Path) -> None:
    _remembered(tmp_path, KRAKEN)
    patient = {**KRAKEN, "source.ccxt.attempts": 2, "source.simulated.seed": 1}
    refuse_another_source(_resources(tmp_path, patient, HURACAN_EXCHANGE_API_KEY="key"))
    # The command line corrects a profile that is for other homes.
    refuse_another_source(_resources(tmp_path, KRAKEN, HURACAN_ENV="production"))
    refuse_another_source(_resources(tmp_path, HURACAN_ENV="production"))


def test_candles_of_another_source_are_refused_though_no_profile_says_so(tmp_path: Path) -> None:
    refuse_another_source(_resources(tmp_path, KRAKEN))
    _write_candles(tmp_path, KRAKEN)
    refuse_another_source(_resources(tmp_path, KRAKEN))
    refusal = _refusal(_resources(tmp_path))
    assert "ohlcv/2025-03-01, come from ccxt:kraken, but the settings name simulated (default)" in refusal
    assert "huracan init ccxt:kraken" in refusal


def test_a_profile_of_the_home_that_lies_is_refused(tmp_path: Path) -> None:
    _write_candles(tmp_path, KRAKEN)
    (tmp_path / "huracan.yaml").write_text("source:\n  kind: ccxt\n  ccxt: {exchange: okx}\n")
    refusal = _refusal(_resources(tmp_path))
    assert f"the settings name ccxt:okx ({tmp_path.name}/huracan.yaml, line 2)" in refusal
    assert "huracan init" not in refusal


def test_the_same_exchange_with_another_timeframe_is_another_source(tmp_path: Path) -> None:
    _write_candles(tmp_path, KRAKEN)
    refusal = _refusal(_resources(tmp_path, {**KRAKEN, "universe.timeframe": "5m"}))
    assert "come from ccxt:kraken too, but by another universe.timeframe or source.ccxt" in refusal


def test_the_newest_good_candles_decide(tmp_path: Path) -> None:
    _write_candles(tmp_path, {}, date(2025, 3, 1))
    _write_candles(tmp_path, KRAKEN, date(2025, 3, 2))
    _write_candles(tmp_path, {}, date(2025, 3, 3), are_good=False)
    damaged = tmp_path / "lake" / "ohlcv" / "day=2025-03-04"
    damaged.mkdir()
    (damaged / "manifest.json").write_text(json.dumps({}))
    refuse_another_source(_resources(tmp_path, KRAKEN))
    assert "ohlcv/2025-03-02" in _refusal(_resources(tmp_path))


def test_a_source_that_cannot_be_opened_is_told_by_who_asks_it(tmp_path: Path) -> None:
    _write_candles(tmp_path, {})
    refuse_another_source(_resources(tmp_path, {"source.kind": "files"}))
