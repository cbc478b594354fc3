"""Can the tests fail? One change at a time to the code of the market, the evaluation and the gates.

    python benchmarks/mutations.py                  # a hundred, drawn at the seed below
    python benchmarks/mutations.py --only 17 42     # two of them again
    python benchmarks/mutations.py --list           # what is drawn, without a test

What is drawn stands in `mutation_draw`. A change is made in a copy of the packages, where the tests of its
room run with kernels in plain Python (`uncompiled`), first those that name its file, until one fails. Needs
cosmic-ray: `install_peers.py`.
"""

import argparse
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from mutation_draw import ROOMS, ROOT, Drawn, draw

SEED, COUNT = 20_250_601, 100
CPU_SECONDS = 150
"""More than the slowest room takes: what runs longer has no end."""
PROCESSES = 2
SLOW = ("scenarios", "baselines", "training_days", "replay", "held_entries", "judged_session")
"""Of the market: test files of five to seventy CPU-seconds of plain Python."""


def tests_about(file: str) -> list[str]:
    """The test files of the file's room: first those that name it, last those that are slow; else by size."""
    module = file.removesuffix(".py").replace("/", ".")
    found = (ROOT / "tests" / "huracan" / file.split("/")[1]).glob("test_*.py")
    told = [
        (f"{module} import" not in path.read_text(), path.stem.endswith(SLOW), path.stat().st_size, path)
        for path in found
    ]
    return [str(each[-1].relative_to(ROOT)) for each in sorted(told)]


def run_tests(folder: Path, file: str) -> str | None:
    """The first test that failed in a copy, or the signal that ended all; None where all passed."""
    command = [
        "-m",
        "pytest",
        "-x",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "-p",
        "uncompiled",
        "-rfE",
        "--tb=no",
    ]
    done = subprocess.run(
        [sys.executable, *command, *tests_about(file)],
        cwd=folder,
        env=os.environ
        | {
            "PYTHONPATH": f"{folder}:{folder / 'benchmarks'}",
            "NUMBA_DISABLE_JIT": "1",
            "NUMBA_CACHE_DIR": str(folder / "numba"),
            "COLUMNS": "300",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 10)),
    )
    if done.returncode == 0:
        return None
    failed = re.search(r"^(?:FAILED|ERROR) \S*?(test_\w+\.py\S*)", done.stdout, re.M)
    if failed:
        return failed[1]
    if done.returncode < 0:
        # SIGXCPU: it had no end.
        return signal.Signals(-done.returncode).name
    return f"at import: {done.stdout.strip().splitlines()[-1][:80]}"


def copy_of_packages(folder: Path) -> Path:
    """What the tests need, without the byte code."""
    leave_out = shutil.ignore_patterns("__pycache__", "*.so")
    for part in [*ROOT.glob("huracan*"), ROOT / "tests", ROOT / "benchmarks"]:
        if part.is_dir() and not part.name.endswith(".egg-info"):
            shutil.copytree(part, folder / part.name, ignore=leave_out)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of the drawn changes")
    parser.add_argument("--list", action="store_true")
    chosen = parser.parse_args()
    drawn = list(enumerate(draw(chosen.seed, chosen.count)))
    drawn = [(number, each) for number, each in drawn if not chosen.only or number in chosen.only]
    if chosen.list:
        for number, each in drawn:
            print(f"{number:3} {each.place}\n    - {each.before}\n    + {each.after}")
        return
    with tempfile.TemporaryDirectory(prefix="mutations-") as base:
        copies: SimpleQueue[Path] = SimpleQueue()
        for index in range(PROCESSES):
            copies.put(copy_of_packages(Path(base) / str(index)))

        def judge(number: int, each: Drawn | None, file: str) -> str | None:
            folder = copies.get()
            path, began = folder / file, time.monotonic()
            try:
                if each is not None:
                    path.write_text(each.source)
                    # Byte code is told by size and second of its source: no two changes share a second.
                    os.utime(path, (number + 1, number + 1))
                answer = run_tests(folder, file)
            finally:
                shutil.copy2(ROOT / file, path)
                copies.put(folder)
            if each is not None:
                took = f"{time.monotonic() - began:.0f} s"
                print(f"{number:3} {each.place} {each.mutation.operator} {took}")
                print(f"    - {each.before}\n    + {each.after}\n    {answer or 'SURVIVED'}", flush=True)
            return answer

        with ThreadPoolExecutor(PROCESSES) as pool:
            clean = list(pool.map(lambda room: judge(-1, None, f"huracan/{room}/__init__.py"), ROOMS))
            if any(clean):
                sys.exit(f"Tests fail without a change: {clean}")
            answers = list(pool.map(lambda one: judge(one[0], one[1], one[1].mutation.file), drawn))
    print(f"{sum(answer is not None for answer in answers)} of {len(answers)} found")


if __name__ == "__main__":
    main()
