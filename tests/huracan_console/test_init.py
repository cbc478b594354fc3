"""`huracan init` writes a profile that a newcomer can read and change, and that is read as it stands."""

import json
import os
import re
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner, Result

from huracan_console.configuring.init import CHANGED_MOST, meaning
from huracan_console.main import main
from huracan_resources.home_source import named_source
from huracan_resources.settings.settings import Settings, explain, load_settings
from tests.added_package import huracan_beside, write_package
from tests.huracan_resources.test_added_candle_source import TAPE

_COMMENTED = re.compile(r"^( *)# ([a-z_]+:)", re.MULTILINE)


def _init(home: Path, *words: str, **variables: str) -> Result:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HURACAN", "DATABASE"))}
    with mock.patch.dict(os.environ, kept | {"HURACAN_HOME": str(home)} | variables, clear=True):
        return CliRunner().invoke(main, ["init", *words])


def _settings(home: Path, **variables: str) -> Settings:
    return load_settings(environ={"HURACAN_HOME": str(home), **variables})


def _values(settings: Settings) -> dict[str, str]:
    return {key: value for key, value, _ in explain(settings)}


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ([], "simulated"),
        (["simulated", "--set", "source.simulated.seed=9"], "simulated"),
        (["ccxt:kraken"], "ccxt:kraken"),
        (["ccxt"], "ccxt:binance"),
        (["files:{home}"], "files:{home}"),
    ],
)
def test_the_profile_is_read_as_the_source_that_was_asked_for(
    words: list[str], name: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (tmp_path / "candles").mkdir()
    candles = str(tmp_path / "candles")
    answer = _init(home, *(word.format(home=candles) for word in words))
    assert answer.exit_code == 0, answer.output
    settings = _settings(home)
    assert named_source(settings) == name.format(home=candles)
    assert settings.layers.home["source.kind"][1] == "home/huracan.yaml, line 6"
    assert settings.source["simulated"].seed == (9 if "seed=9" in str(words) else 7)
    assert str(home / "huracan.yaml") in answer.stdout
    assert "Next: huracan doctor" in answer.stdout.splitlines()[-1]


@pytest.mark.parametrize("variables", [{}, {"HURACAN_ENV": "monitoring"}])
@pytest.mark.parametrize(
    "words",
    [
        ["simulated"],
        ["ccxt:kraken"],
        ["simulated", "--set", "market.decision_timeframe=1h"],
        ["simulated", "--set", "universe.timeframe=15m"],
    ],
)
def test_every_commented_line_says_what_holds_without_it(
    words: list[str], variables: dict[str, str], tmp_path: Path
) -> None:
    assert _init(tmp_path, *words, **variables).exit_code == 0
    as_written = _settings(tmp_path, **variables)
    file = tmp_path / "huracan.yaml"
    lines = _COMMENTED.findall(file.read_text())
    assert len(lines) >= len(CHANGED_MOST)
    file.write_text(_COMMENTED.sub(r"\1\2", file.read_text()))
    uncommented = _settings(tmp_path, **variables)
    assert _values(uncommented) == _values(as_written)
    assert set(CHANGED_MOST) <= set(uncommented.layers.home)


@pytest.mark.parametrize(
    ("words", "decides", "holds"),
    [
        (["ccxt:kraken"], "1h", "3d"),
        (["ccxt:kraken", "--set", "universe.timeframe=15m"], "1h", "3d"),
        (["ccxt:kraken", "--set", "universe.timeframe=1h"], None, "3d"),
        (["ccxt:kraken", "--set", "market.decision_timeframe=1m"], "1m", "2h"),
        (["simulated"], None, "2h"),
    ],
)
def test_a_home_of_real_minutes_begins_to_decide_every_hour(
    words: list[str], decides: str | None, holds: str, tmp_path: Path
) -> None:
    assert _init(tmp_path, *words).exit_code == 0
    market = _settings(tmp_path).market
    assert (market.decision_timeframe, market.rules.maximum_holding) == (decides, holds)


def test_what_does_not_go_with_decisions_of_an_hour_is_refused_and_nothing_written(tmp_path: Path) -> None:
    home, words = tmp_path / "home", ["ccxt:kraken", "--set", "market.rules.maximum_holding=30m"]
    answer = _init(home, *words)
    assert answer.exit_code == 2 and "shorter than a decision bar of 1h" in answer.stderr
    assert not (home / "huracan.yaml").exists()
    assert _init(home, *words, "--set", "market.decision_timeframe=1m").exit_code == 0


def test_what_is_changed_most_has_a_meaning_and_no_line_is_endless(tmp_path: Path) -> None:
    assert [key for key in CHANGED_MOST if not meaning(key)] == []
    assert (
        meaning("market.costs.taker_fee_bps") == "Exchange fee of all markets, of the value that was filled"
    )
    _init(tmp_path, "ccxt:kraken")
    assert max(map(len, (tmp_path / "huracan.yaml").read_text().splitlines())) <= 145


def test_what_the_command_line_says_stands_in_the_profile_and_a_secret_never(tmp_path: Path) -> None:
    said = ("universe.symbols=[BTC/EUR]", "universe.timeframe=5m", "promotion.minimum_trades=7")
    mirror = "source.ccxt.base_url=http://me:hunter2@mirror"
    secret = ("source.ccxt.secret=hunter2", "alerts.urls=json://hunter2", mirror)
    words = [word for each in (*said, *secret) for word in ("--set", each)]
    assert _init(tmp_path, "ccxt:kraken", *words, HURACAN_EXCHANGE_API_KEY="hunter3").exit_code == 0
    text = (tmp_path / "huracan.yaml").read_text()
    assert "hunter" not in text and "HURACAN_EXCHANGE_SECRET" in text
    settings = _settings(tmp_path)
    assert (settings.universe.symbols, settings.universe.timeframe) == (("BTC/EUR",), "5m")
    assert settings.promotion.minimum_trades == 7


def test_a_profile_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "huracan.yaml"
    file.write_text("mode: research\n")
    answer = _init(tmp_path, "ccxt:kraken")
    assert answer.exit_code == 2 and f"{file} exists already" in answer.stderr
    assert answer.stderr.count("\n") == 1 and file.read_text() == "mode: research\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["excel:x"], "'excel:x' is unknown. Use simulated, ccxt:EXCHANGE or files:DIRECTORY"),
        (["files"], "no directory is set"),
        (["files:/nowhere/at/all"], "/nowhere/at/all does not exist"),
    ],
)
def test_a_source_that_cannot_be_is_refused_and_nothing_written(
    words: list[str], said: str, tmp_path: Path
) -> None:
    answer = _init(tmp_path / "home", *words)
    assert answer.exit_code == 2 and said in answer.stderr
    assert not (tmp_path / "home").exists()


def test_a_source_of_another_package_has_its_profile_too(tmp_path: Path) -> None:
    write_package(tmp_path, "added_candles", "huracan.candle_sources", {"tape.py": TAPE})
    home = tmp_path / "home"
    commands = (["init", "tape:42.5", "--json"], ["config", "show", "--json"])
    made, shown = huracan_beside(tmp_path, *commands, HURACAN_HOME=str(home))
    told = {"profile": str(home / "huracan.yaml"), "source": "tape", "next": "huracan doctor"}
    assert (made.code, json.loads(made.out)) == (0, told)
    price = json.loads(shown.out)["source.tape.price"]
    assert price == {"value": "42.5", "origin": "home/huracan.yaml, line 8"}
    text = (home / "huracan.yaml").read_text()
    assert "    # patience_seconds: 1.0\n" in text and "HURACAN__SOURCE__TAPE__TOKEN" in text
    assert re.search(r"price: 42\.5 +# Of every candle", text)
