"""CPU-seconds that the commands take to answer and the definitions to load, in processes of their own.

    python benchmarks/start.py [--home DIRECTORY] [--repeats 7] [--json]

The home (the configured one if none is given) must have traded a day. The code is copied aside, so that
the first load of the definitions is cold: no bytecode of Huracan's packages, nothing known of what its files
import. The libraries' bytecode is there, as after `make install`. Every later process is warm.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
GOALS = {"definitions, cold": 2.5, "definitions": 1.5}
COMMAND_GOAL = 0.7
_DEFINITIONS = ("-c", "from huracan_assets.definitions import defs; defs().get_repository_def()")
_COMMAND = ("-c", "from huracan_console.main import main; main()")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, help="a HURACAN_HOME in which a day was traded")
    parser.add_argument("--repeats", type=int, default=7, help="warm processes each")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.home:
        os.environ["HURACAN_HOME"] = str(arguments.home.resolve())
    with tempfile.TemporaryDirectory(prefix="huracan-bench-") as copy:
        report = measure(Path(copy), arguments.repeats)
    print(json.dumps(report) if arguments.json else describe(report))


def measure(copy: Path, repeats: int) -> dict[str, Any]:
    """Name of what was started -> its least and its median CPU-seconds and the goal."""
    left_out = shutil.ignore_patterns("__pycache__")
    for package in (*ROOT.glob("huracan*/"), ROOT / "config"):
        shutil.copytree(package, copy / package.name, ignore=left_out)
    os.environ["PYTHONPATH"] = str(copy)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    trades = json.loads(_started(*_COMMAND, "trades", "--json")[1])
    if not trades:
        raise SystemExit("No day was traded in that home.")
    for cache in copy.rglob("__pycache__"):
        shutil.rmtree(cache)
    seconds = {"definitions, cold": [_started(*_DEFINITIONS)[0]]}
    seconds["definitions"] = [_started(*_DEFINITIONS)[0] for _ in range(repeats)]
    trade = ["trade", trades[0]["trade_id"]]
    for words in (["--help"], ["config", "show"], ["status"], ["sql"], ["trades"], trade):
        seconds[f"huracan {words[0]}"] = [_started(*_COMMAND, *words)[0] for _ in range(repeats)]
    return {
        name: {"least": min(taken), "median": median(taken), "goal": GOALS.get(name, COMMAND_GOAL)}
        for name, taken in seconds.items()
    }


def _started(*words: str) -> tuple[float, str]:
    """CPU-seconds of `python WORDS` and of what it waits for, and what it says."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    elsewhere = os.environ["PYTHONPATH"]  # a program given by -c finds first what lies where it was started
    said = subprocess.run(
        [sys.executable, *words], check=True, stdout=subprocess.PIPE, text=True, cwd=elsewhere
    ).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, said


def describe(report: dict[str, Any]) -> str:
    return "\n".join(
        f"{name:<20}{taken['least']:6.2f} s, median {taken['median']:.2f} s, goal {taken['goal']:.1f} s"
        for name, taken in report.items()
    )


if __name__ == "__main__":
    main()
