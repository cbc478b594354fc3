"""What the commands print, in pipes and on terminals of a real width: whole there, within the edge here."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner

from huracan.candles.schema import TIME
from huracan_console.main import main
from huracan_resources.lake.lake import Lake
from huracan_resources.lake.parquet import encode_table
from huracan_resources.lake.store import LocalStore

DAY = date(2025, 6, 30)
COUNT = 60
IDENTITIES = [
    *("abcdef0123456789", "abcdef0123456700"),
    *(f"{number:08x}00000000" for number in range(COUNT - 2)),
]
_COMMAND = (sys.executable, "-c", "from huracan_console.main import main; main()")
_IDENTITY_AND_MONEY = ["id", "symbol", "net bps", "net USD"]
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty trades of one day, an untraded one after it, and candles of a day before them."""
    made = tmp_path_factory.mktemp("home")
    entered = [datetime(2025, 6, 30, 12, tzinfo=UTC) + timedelta(minutes=number) for number in range(COUNT)]
    trades = pa.table(
        {
            "trade_id": IDENTITIES,
            "symbol": ["1000PEPE/USDT", "BTC/USDT"] * (COUNT // 2),
            "side": ["long"] * COUNT,
            "mode": ["scalp"] * COUNT,
            "entry_time": pa.array(entered, TIME),
            "entry_price": [0.0000081234567, 104_250.314159] * (COUNT // 2),
            "exit_time": pa.array([time + timedelta(hours=2) for time in entered], TIME),
            "regime": ["high_volatility"] * COUNT,
            "exit_reason": ["END_OF_SESSION"] * COUNT,
            "net_bps": [-154.25, 12.125] * (COUNT // 2),
            "net_usd": [-15.425, 1_212.5] * (COUNT // 2),
            "is_simulated": [False] * COUNT,
        }
    )
    lake = Lake(LocalStore(made / "lake"))
    lake.write("shadow_trades", DAY, {"data.parquet": encode_table(trades)})
    lake.write("shadow_trades", DAY + timedelta(days=1), {}, note="There was no policy of the day before.")
    lake.write("ohlcv", DAY - timedelta(days=9), {"data.parquet": encode_table(trades.select(["symbol"]))})
    return made


def _environ(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HURACAN", "DATABASE"))}
    kept.pop("COLUMNS", None)
    return kept | {"HURACAN_HOME": str(home), "TERM": "xterm", "FORCE_COLOR": "1"}


def _piped(home: Path, *words: str) -> list[str]:
    """In this process, whose standard output is no terminal then either."""
    answer = CliRunner().invoke(main, words, env=_environ(home))
    assert answer.exit_code == 0, answer.output
    return answer.stdout.splitlines()


def _on_terminal(home: Path, width: int, *words: str) -> list[str]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    with subprocess.Popen([*_COMMAND, *words], env=_environ(home), stdout=theirs, stdin=theirs) as process:
        os.close(theirs)
        said = b""
        while part := _read(ours):
            said += part
        assert process.wait() == 0
    os.close(ours)
    return _COLOURS.sub("", said.decode()).replace("\r", "").splitlines()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # how a terminal says that nobody writes to it any more
        return b""


def _cells(line: str) -> list[str]:
    return re.split(" {2,}", line)


def _rows(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if "/USDT" in line]


@pytest.mark.slow
def test_the_trades_in_a_pipe_are_all_there_with_every_column_whole(home: Path) -> None:
    words = ("trades", "--date", DAY.isoformat())
    said = subprocess.run([*_COMMAND, *words], env=_environ(home), capture_output=True, text=True, check=True)
    title, heading, *rows = said.stdout.splitlines()
    assert title == "60 trades of 2025-06-30: 30 wins, net +35912.25 USD" and len(rows) == COUNT
    assert _cells(heading) == [
        *("id", "symbol", "side", "mode", "entry UTC", "held", "regime", "exit", "net bps", "net USD"),
        "why it lost",
    ]
    assert _cells(rows[0]) == [
        *("00000039", "BTC/USDT", "long", "scalp", "2025-06-30 12:59", "2h 00m", "high_volatility"),
        *("END_OF_SESSION", "+12.1", "+1212.50", "-"),
    ]
    assert "\x1b" not in title + heading + "".join(rows)


@pytest.mark.slow
def test_the_trades_on_a_narrow_terminal_keep_identity_and_money(home: Path) -> None:
    lines = _on_terminal(home, 60, "trades", "--date", DAY.isoformat())
    heading = next(line for line in lines if line.startswith("id "))
    assert _cells(heading) == ["id", "symbol", "entry UTC", "net bps", "net USD"]
    assert len(_rows(lines)) == 50 and max(map(len, lines)) <= 60
    assert any(line.startswith("+6 columns: side, mode, held, ") for line in lines)
    assert lines[-1] == "The newest 50 of 60; --limit 0 shows all."
    narrower = _on_terminal(home, 44, "trades", "--date", DAY.isoformat(), "--limit", "3")
    assert _cells(next(line for line in narrower if line.startswith("id "))) == _IDENTITY_AND_MONEY
    assert len(_rows(narrower)) == 3 and max(map(len, narrower)) <= 44
    wide = _on_terminal(home, 130, "trades", "--date", DAY.isoformat())
    assert any("why it lost" in line and "regime" in line for line in wide)


def test_every_identity_that_is_shown_is_one_trade_and_those_that_begin_alike_are_longer(home: Path) -> None:
    shown = [row.split()[0] for row in _rows(_piped(home, "trades", "--date", DAY.isoformat()))]
    assert len(set(shown)) == COUNT
    assert {len(each) for each in shown if not each.startswith("abc")} == {8}
    for each in shown:
        assert len([identity for identity in IDENTITIES if identity.startswith(each)]) == 1


def test_a_beginning_of_several_trades_names_each_by_one_that_is_its_own(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HURACAN_HOME", str(home))
    refused = CliRunner().invoke(main, ("trade", "abcdef"))
    assert refused.exit_code == 2 and refused.stderr == (
        "huracan: 2 trades begin with 'abcdef': abcdef012345670 (BTC/USDT, 2025-06-30 12:01),"
        " abcdef012345678 (1000PEPE/USDT, 2025-06-30 12:00). Give more of it.\n"
    )
    many = CliRunner().invoke(main, ("trade", "0000"))
    assert "and 48 more" in many.stderr


@pytest.mark.slow
def test_a_wide_answer_is_whole_in_a_pipe_and_one_column_a_line_on_a_terminal(home: Path) -> None:
    select = "SELECT * FROM trades ORDER BY entry_time LIMIT 1"
    heading, row = _piped(home, "sql", select)
    names = heading.split()
    assert len(names) > 60 and len(_cells(row)) == len(names)
    cells = dict(zip(names, _cells(row), strict=True))
    assert cells["trade_id"] == "abcdef0123456789" and cells["entry_price"] == "0.00000812346"
    lines = _on_terminal(home, 60, "sql", select)
    assert [line.split()[0] for line in lines] == names and max(map(len, lines)) <= 60
    many = _on_terminal(home, 60, "sql", "SELECT * FROM trades")
    assert any(line.startswith(f"+{len(names) - 4} columns: ") for line in many) and max(map(len, many)) <= 60


def test_csv_and_json_are_exact_where_the_table_is_rounded(home: Path) -> None:
    select = "SELECT DISTINCT entry_price FROM trades ORDER BY 1"
    assert _piped(home, "sql", select)[1:] == ["     0.00000812346", "104250.31"]
    assert _piped(home, "sql", "--csv", select)[1:] == ["8.1234567e-06", "104250.314159"]
    (told,) = _piped(home, "sql", "--json", select)
    assert [row["entry_price"] for row in json.loads(told)] == [0.0000081234567, 104_250.314159]


@pytest.mark.parametrize("words", [("sql", "SELECT 1"), ("trades",), ("trade", "abcdef")])
def test_csv_beside_json_is_wrong_use(
    words: tuple[str, ...], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HURACAN_HOME", str(home))
    both = CliRunner().invoke(main, (*words, "--csv", "--json"))
    assert both.exit_code == 2 and both.stdout.count("\n") == 1
    assert json.loads(both.stdout)["error"] == "--csv was given beside --json."


@pytest.mark.slow
@pytest.mark.parametrize("words", [("config", "show"), ("sql", "--describe", "trades"), ("status",)])
def test_a_list_is_whole_in_a_pipe_and_within_the_edge_of_a_terminal(
    home: Path, words: tuple[str, ...]
) -> None:
    lines = _piped(home, *words)
    assert not [line for line in lines if "…" in line]
    assert max(map(len, _on_terminal(home, 60, *words))) <= 60
    if words == ("config", "show"):
        assert all(len(_cells(line)) == 3 for line in lines)


def test_days_that_were_not_traded_say_why_and_days_that_are_not_there_which_are(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HURACAN_HOME", str(home))
    untraded = CliRunner().invoke(main, ("trades", "--date", "2025-07-01"))
    assert untraded.exit_code == 0
    assert untraded.stdout == "No such trade. 2025-07-01: There was no policy of the day before.\n"
    absent = CliRunner().invoke(main, ("trades", "--date", "2024-01-01"))
    assert absent.exit_code == 2
    assert (
        "No day that was asked for holds trades. Ask for days from 2025-06-30 to 2025-07-01." in absent.stderr
    )
    unknown = CliRunner().invoke(main, ("trades", "--symbol", "BTCUSDT"))
    assert "Did you mean 'BTC/USDT'? It has 1000PEPE/USDT, BTC/USDT, ETH/USDT, SOL/USDT." in unknown.stderr


def test_an_empty_lake_says_so_where_its_tables_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HURACAN_HOME", str(tmp_path / "none"))
    listed = CliRunner().invoke(main, ("sql",))
    assert (listed.exit_code, listed.stdout) == (0, "") and "the lake is empty" in listed.stderr
