"""A candle source of somebody else's: one file in an installed package, and everything knows it."""

import json
from pathlib import Path

import pytest

from huracan.candles.schema import Timeframe
from huracan.errors import InvalidInput
from huracan_resources.candle_sources import candle_sources, usages
from tests.added_package import huracan_beside, installed, python_beside, write_package
from tests.end_to_end.command import Answer

TAPE = '''
"""Candles of a tape: every one has the price that is written on it."""

from datetime import date, timedelta

import pyarrow as pa
from pydantic import SecretStr

from huracan.candles.funding import empty_funding
from huracan.candles.schema import RAW_SCHEMA, day_start
from huracan.candles.source import CandleSourceKind, SourceIdentity, unknown_symbol
from huracan.errors import InvalidInput
from huracan_resources.settings.sections import Section


class TapeSettings(Section):
    price: float | None = None
    """Of every candle."""
    token: SecretStr | None = None
    patience_seconds: float = 1.0


class Tape:
    def __init__(self, settings, symbols, timeframe):
        if settings.price is None:
            raise InvalidInput("The tape has no price.", "Use --source tape:PRICE.")
        self.price, self.symbols, self.timeframe = settings.price, symbols, timeframe
        self.identity = SourceIdentity("tape", False, {"price": str(settings.price)})

    def check_symbols(self, symbols):
        for symbol in symbols:
            if symbol not in self.symbols:
                raise unknown_symbol(symbol, self.symbols, "the tape")

    def fetch_day(self, symbol, day):
        count, step = self.timeframe.bars_per_day, timedelta(minutes=self.timeframe.minutes)
        prices = {name: [self.price] * count for name in ("open", "high", "low", "close")}
        rows = {"open_time": [day_start(day) + step * bar for bar in range(count)], "volume": [1.0] * count}
        known = {name: [None] * count for name in RAW_SCHEMA.names} | rows | prices
        return pa.table(known, schema=RAW_SCHEMA)

    def fetch_funding(self, symbol, day):
        return empty_funding()

    def market_info(self, symbol):
        return None


SOURCE = CandleSourceKind(
    name="tape", settings=TapeSettings, open=Tape, argument="price", changes_no_candle=("patience_seconds",)
)
'''


COMMANDS = {
    "shown": ("config", "show", "--json", "--set", "source.tape.price=3"),
    "well": ("doctor", "--json", "--set", "source.tape.price=42"),
    "broken": ("doctor", "--json"),
    "misspelt": ("nightly", "--source", "tabe:1"),
    "misset": ("config", "show", "--set", "source.kind=tabe"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package lies."""
    made = tmp_path_factory.mktemp("added")
    write_package(made, "added_candles", "huracan.candle_sources", {"tape.py": TAPE})
    return made


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, Answer]:
    """What each of the commands says where the package is."""
    variables = {"HURACAN__SOURCE__TAPE__TOKEN": "hunter2", "HURACAN__SOURCE__KIND": "tape"}
    nowhere = {"HURACAN_HOME": str(folder / "home"), "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"}
    answers = huracan_beside(folder, *COMMANDS.values(), **variables, **nowhere)
    return dict(zip(COMMANDS, answers, strict=True))


def test_ours_are_known_by_their_files() -> None:
    assert usages() == "simulated, ccxt:EXCHANGE or files:DIRECTORY"


def test_it_is_known_while_its_package_is_installed(folder: Path) -> None:
    with installed(folder):
        kind = candle_sources()["tape"]
        source = kind.open(kind.settings(price=7.0), ["BTC/USDT"], Timeframe("1h"))
        assert source.identity.label.startswith("tape#")
    assert "tape" not in candle_sources()


def test_its_settings_are_shown_and_its_secret_is_not(told: dict[str, Answer]) -> None:
    shown = json.loads(told["shown"].out)
    assert shown["source.kind"] == {"value": "tape", "origin": "environment HURACAN__SOURCE__KIND"}
    assert shown["source.tape.price"] == {"value": "3.0", "origin": "command line"}
    assert shown["source.tape.token"]["value"] == "********" and "hunter2" not in told["shown"].out
    assert shown["source.files.directory"]["value"] == "not set"


def test_it_is_opened_by_one_word_and_only_what_changes_candles_counts(folder: Path) -> None:
    code = """
import sys
from datetime import date
from huracan_console.configuring.given import read_settings
from huracan_resources.resources import open_candle_source
plain = read_settings((), sys.argv[1])
patient = read_settings(("source.tape.patience_seconds=9", "source.tape.token=t"), sys.argv[1])
assert plain.digest() == patient.digest() != read_settings((), "tape:8").digest()
assert plain.digest() != read_settings((), "simulated").digest()
print(open_candle_source(plain).fetch_day("BTC/USDT", date(2025, 1, 1))["close"].unique().to_pylist())
"""
    answer = python_beside(folder, code, "tape:42.5")
    assert answer.stdout.strip() == "[42.5]", answer.stderr


def test_doctor_looks_at_it(told: dict[str, Answer]) -> None:
    well, broken = (
        {each["part"]: each for each in json.loads(told[name].out)}["candle source"]
        for name in ("well", "broken")
    )
    assert well["is_ok"] and "tape: 1440 candles of BTC/USDT" in well["found"]
    assert not broken["is_ok"] and broken["remedy"] == "Use --source tape:PRICE."


def test_a_wrong_name_is_told_the_known_ones(told: dict[str, Answer]) -> None:
    answer = told["misspelt"]
    assert answer.code == 2 and "ccxt:EXCHANGE" in answer.err and "tape:PRICE" in answer.err
    answer = told["misset"]
    assert answer.code == 2 and "'tape'" in answer.err and "'simulated'" in answer.err


@pytest.mark.parametrize("name", ["simulated", "kind", "a-b"])
def test_a_name_that_is_taken_or_cannot_be_a_section_is_refused(name: str, tmp_path: Path) -> None:
    text = TAPE.replace('name="tape"', f'name="{name}"')
    write_package(tmp_path, "added_candles", "huracan.candle_sources", {"tape.py": text})
    with installed(tmp_path), pytest.raises(InvalidInput, match=name):
        candle_sources()
