"""`huracan sql --describe`: what a table's columns mean, without any data."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from huracan_console.main import main


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HURACAN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def _sql(*words: str) -> Result:
    return CliRunner().invoke(main, ("sql", *words))


def test_a_table_is_described_before_there_is_any_data(home: Path) -> None:
    result = _sql("--describe", "shadow_rivals")
    assert result.exit_code == 0
    first, *rows = [line.strip() for line in result.stdout.splitlines() if line.strip()]
    assert (
        first
        == "shadow_rivals: lake and database; made by shadow_scenarios, table rivals; kept forever by default"
    )
    (line,) = [row for row in rows if row.startswith("net_bps_low")]
    assert line.split()[:2] == ["net_bps_low", "double"] and "5 % quantile" in line
    assert line.endswith("[bps]")
    assert any("timestamp[ms, tz=UTC]" in row for row in _sql("--describe", "ohlcv").stdout.splitlines())
    assert not home.exists()


@pytest.mark.parametrize("name", ["trades", "brain_registry", "OHLCV"])
def test_a_description_is_one_json_object(home: Path, name: str) -> None:
    told = json.loads(_sql("--describe", name, "--json").stdout)
    assert told["table"] == name.lower()
    assert all(set(column) == {"name", "type", "unit", "meaning"} for column in told["columns"])
    day = next(column for column in told["columns"] if column["name"] == "day")
    assert (day["type"], day["unit"]) == ("date32[day]", "UTC day")


def test_the_trades_are_described_with_what_the_analyses_say_of_them(home: Path) -> None:
    columns = [each["name"] for each in json.loads(_sql("--describe", "trades", "--json").stdout)["columns"]]
    assert {"net_bps", "primary_reason", "pattern_strength", "outcome"} <= set(columns)


def test_an_unknown_table_is_refused_with_the_nearest(home: Path) -> None:
    result = _sql("--describe", "shadow_trade")
    assert result.exit_code == 2 and "Did you mean shadow_trades" in result.stderr


@pytest.mark.parametrize("words", [("SELECT 1",), ("--views",), ("--database",), ("--csv",)])
def test_a_description_is_asked_for_alone(home: Path, words: tuple[str, ...]) -> None:
    result = _sql("--describe", "trades", *words)
    assert result.exit_code == 2 and "--describe was given beside something else" in result.stderr
