"""Every command, snippet and setting that README and docs show is run, or where it takes long tried."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import psutil  # type: ignore[import-untyped]
import pyarrow as pa
import pytest

from huracan.candles.schema import Timeframe
from huracan.candles.simulate import SimulatedMarket, SimulatedMarketConfig
from huracan_console.main import main
from huracan_resources.settings.settings import load_settings
from huracan_resources.settings.yaml_text import read_yaml
from tests.end_to_end.command import DAY, Home
from tests.exchange_emulator import running_emulator

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
VENV = Path(sys.executable).parent

_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"(?<!`)`(huracan [^`\n]+)`(?!`)")
_DAY = re.compile(r"\b20\d\d-\d\d-\d\d\b")


@dataclass(frozen=True)
class Snippet:
    """What stands between two fences, and where."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page.name}:{self.line}"


def _snippets() -> Iterator[Snippet]:
    for page in PAGES:
        content = page.read_text()
        for found in _FENCE.finditer(content):
            line = content[: found.start()].count("\n") + 1
            lines = found[2].splitlines()
            indent = min((len(each) - len(each.lstrip()) for each in lines if each), default=0)
            yield Snippet(page, line, found[1], "\n".join(each[indent:] for each in lines))


@dataclass(frozen=True)
class Command:
    """One command of a snippet, with the variables that are set above it there."""

    snippet: Snippet
    line: str
    variables: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line, comments=True)


def _commands(snippet: Snippet) -> Iterator[Command]:
    """Of a shell; elsewhere `$ ` begins a command among its answer."""
    lines = snippet.text.splitlines()
    if snippet.language != "sh":
        lines = [] if snippet.language else [line[2:] for line in lines if line.startswith("$ ")]
    variables = ""
    for line in _whole_lines(lines):
        if re.match(r"(un)?(set|export) |\w+=\S+$", line):
            variables += f"{line}\n"
        elif line and not line.startswith("#"):
            yield Command(snippet, line, variables)


def _whole_lines(lines: list[str]) -> list[str]:
    """With those joined that bash reads as one: a quote that spans several, or a backslash."""
    found, held = [], ""
    for line in lines:
        held = f"{held}\n{line}" if held else line
        is_open = held.endswith("\\") or subprocess.run(["bash", "-nc", held], capture_output=True).returncode
        if not is_open:
            found.append(held)
            held = ""
    assert not held, f"{held!r} is not closed"
    return found


SNIPPETS = list(_snippets())
COMMANDS = [each for snippet in SNIPPETS for each in _commands(snippet)]

_TRIED_ELSEWHERE = {"pip wheel": "test_wheel.py", "pip install": "test_wheel.py"}
"""Commands that another test runs."""
_THE_READERS_OWN = ("git clone", "source .venv/bin/activate")
_SHORT_PROOFS = {
    "learner": ["--case", "none", "--seeds", "1", "--steps", "8192"],
    "patterns": ["--case", "none", "--markets", "1"],
    "gates": ["--case", "cost_trap", "--markets", "1"],
    "promotion": ["--case", "power", "--markets", "2"],
}


@pytest.fixture(scope="module")
def exchange() -> Iterator[str]:
    """The address of an exchange that has the candles of last week."""
    yesterday, symbols = datetime.now(UTC).date() - timedelta(days=1), ("BTC/USDT", "ETH/USDT", "SOL/USDT")
    market = SimulatedMarket(SimulatedMarketConfig(), symbols, Timeframe("1m"))
    days = [yesterday - timedelta(days=back) for back in range(9, -1, -1)]
    served = {symbol: pa.concat_tables([market.fetch_day(symbol, day) for day in days]) for symbol in symbols}
    with running_emulator(served) as emulator:
        yield emulator.url


@pytest.fixture(scope="module")
def place(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory whose `.huracan` is the home of two nights, as the README has it."""
    folder = tmp_path_factory.mktemp("place")
    (folder / ".huracan").symlink_to(home.path)
    for name in ("benchmarks", "docs", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def _environ(home: Home, place: Path) -> dict[str, str]:
    return home.environ | {"PATH": f"{VENV}{os.pathsep}{os.environ['PATH']}", "HOME": str(place)}


def _shell(home: Home, place: Path, line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-ec", line],
        env=_environ(home, place),
        cwd=place,
        capture_output=True,
        text=True,
        timeout=280,
    )


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: f"{each.snippet.name} {each.line[:40]}")
def test_a_documented_command_works(command: Command, home: Home, place: Path, exchange: str) -> None:
    words, line, variables = command.words, command.line, command.variables
    first = " ".join(words[:2])
    if first in _TRIED_ELSEWHERE:
        assert (Path(__file__).parent / _TRIED_ELSEWHERE[first]).is_file()
        return
    if line.startswith(_THE_READERS_OWN):
        return
    if first in ("huracan up", "dagster dev"):
        _assert_serves(home, place, command)
        return
    if words[0] == "make":
        line = f"make --dry-run --directory {ROOT} {words[1]}"
    elif words[0] == "python":
        line = f"python {words[1]} --help"
    elif first == "huracan prove":
        line = f"{shlex.join([*words[:3], *_SHORT_PROOFS[words[2]]])} || test $? = 1"
    if "HURACAN_HOME=" in variables:
        # A home of its own, whose exchange is the emulated one.
        first_day = (datetime.now(UTC) - timedelta(days=7)).date()
        variables += f"export HURACAN__SOURCE__CCXT__BASE_URL={exchange}\n"
        variables += f"export HURACAN__UNIVERSE__FIRST_DAY={first_day}\n"
        # What such a home begins with decides every hour, so that a window of minutes is none.
        variables += "export HURACAN__TRAINING__WINDOW_DAYS=6\n"
    done = _shell(home, place, variables + _of_this_home(line, home))
    if words[0] == "python" and "No module named 'parso'" in done.stderr:
        pytest.skip("what benchmarks/install_peers.py installs is not there")
    assert done.returncode == 0 and "huracan: " not in done.stderr, done.stdout + done.stderr


def _of_this_home(line: str, home: Home) -> str:
    """The command with days and trades that this home has."""
    line = _DAY.sub(DAY.isoformat(), line).replace("SOL/USDT", "ETH/USDT")
    trade = home.lake.read_table("shadow_trades", DAY)["trade_id"][0].as_py()
    return re.sub(r"((?:huracan |--)trade )[0-9a-f]{6,}", rf"\g<1>{trade[:8]}", line)


def _assert_serves(home: Home, place: Path, command: Command) -> None:
    """The servers start and say where."""
    port, said = "3977", place / "said"
    with said.open("w") as output:
        started = subprocess.Popen(
            ["bash", "-ec", f"{command.variables}exec {command.line} --port {port}"],
            env=_environ(home, place),
            cwd=place,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    family = psutil.Process(started.pid)
    deadline = time.monotonic() + 120
    try:
        while f"http://127.0.0.1:{port}" not in said.read_text():
            assert started.poll() is None and time.monotonic() < deadline, said.read_text()
            time.sleep(0.2)
    finally:
        started_too = family.children(recursive=True)
        started.send_signal(signal.SIGINT)
        _, alive = psutil.wait_procs([family, *started_too], timeout=15)
        for process in alive:
            process.kill()
        started.wait()


@pytest.mark.parametrize(
    "snippet", [each for each in SNIPPETS if each.language == "python"], ids=lambda each: each.name
)
def test_a_documented_program_runs(snippet: Snippet, home: Home, place: Path) -> None:
    program = _DAY.sub(DAY.isoformat(), snippet.text)
    done = subprocess.run(
        [sys.executable, "-c", program], env=home.environ, cwd=place, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "snippet", [each for each in SNIPPETS if each.language == "yaml"], ids=lambda each: each.name
)
def test_documented_settings_are_accepted(snippet: Snippet, tmp_path: Path) -> None:
    (tmp_path / "local.yaml").write_text(snippet.text)
    settings = load_settings({}, {"HURACAN_CONFIG_DIR": str(tmp_path)})
    assert set(read_yaml(snippet.text, "").value) <= set(type(settings).model_fields)


SPANS = sorted({(page.name, span) for page in PAGES for span in _SPAN.findall(page.read_text())})


@pytest.mark.parametrize(("page", "span"), SPANS, ids=lambda each: each[:50])
def test_a_command_in_a_sentence_has_the_words_that_the_command_knows(page: str, span: str) -> None:
    shown = re.sub(r"\s+…|…\s*", " ", span).replace("[", "").replace("]", "")
    words = shlex.split(_DAY.sub(DAY.isoformat(), shown))[1:]
    command: click.Command = main
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.commands.get(words.pop(0))
        assert found is not None, f"{page}: {span}"
        command = found
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    asked = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert asked <= known | {"--help", "--version"}, f"{page}: {span}"


def test_this_test_can_fail(home: Home, place: Path) -> None:
    assert _shell(home, place, "huracan trades --regimen panic").returncode == 2
    assert shutil.which("bash") is not None
