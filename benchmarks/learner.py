"""How fast Huracan learns beside others, and how fast its market is: steps per CPU-second.

    python benchmarks/learner.py                          every section
    python benchmarks/learner.py --json                   one line
    python benchmarks/learner.py --only learning --repeats 5 --seconds 6
    python benchmarks/learner.py --only time_to_policy --plot learner.png

Every contestant learns in a process of its own, on one thread, one after the other and round after round, so
that a busy machine slows all of them; the best round counts. They have the same compiled market, the same 36
observation columns, ten actions and two 64 x 64 tanh towers, and make four passes over what they collected.
Peers know no masks: what is illegal becomes waiting or holding. A peer that is not installed is named, and
its ratio is null.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from contest.report import PEERS, describe

HERE = Path(__file__).resolve().parent
WIDTH, ACTIONS, HIDDEN, EPOCHS = 36, 10, (64, 64), 4
RATIOS = {
    "ratio_sb3_default": ("sb3_default",),
    "ratio_sb3_tuned": ("sb3_64", "sb3_64_compiled"),
    "ratio_pufferlib": ("pufferlib",),
}
"""Against the fastest of the contestants named; all of them at four epochs."""
PACKAGES = ("torch", "numpy", "numba", "stable-baselines3", "gymnasium", "pufferlib")
SECTIONS = ("learning", "market", "shadow", "threads", "memory", "time_to_policy")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=SECTIONS, action="append", help="a section; may be repeated")
    parser.add_argument("--repeats", type=int, default=3, help="rounds; the best one counts")
    parser.add_argument("--seconds", type=float, default=4.0, help="CPU-seconds of learning a round")
    parser.add_argument("--contestant", choices=("huracan", *PEERS), action="append")
    parser.add_argument("--seeds", type=int, default=3, help="of time_to_policy")
    parser.add_argument("--budget", type=float, default=60.0, help="CPU-seconds of time_to_policy, each")
    parser.add_argument("--plot", type=Path, help="where time_to_policy draws its curves")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    report: dict[str, Any] = {"machine": describe_machine()}
    for section in arguments.only or SECTIONS:
        report |= {"learning": learning, "time_to_policy": time_to_policy}.get(
            section, lambda arguments, section=section: {section: child(section, arguments.seconds)}
        )(arguments)
    print(json.dumps(report) if arguments.json else describe(report))


def describe_machine() -> dict[str, Any]:
    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    names = [line.split(":")[1].strip() for line in _cpu_lines() if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "load_at_start": os.getloadavg()[0],
        "python": platform.python_version(),
        "versions": versions,
    }


def _cpu_lines() -> list[str]:
    listed = Path("/proc/cpuinfo")
    return listed.read_text().splitlines() if listed.exists() else []


def child(*arguments: object, threads: int = 1) -> dict[str, Any]:
    """One measurement in a process of its own; its answer, or `missing` with what is not installed."""
    one = {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "MKL", "OPENBLAS", "NUMBA")}
    path = os.pathsep.join([str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    # Elsewhere than here: PufferLib leaves a link in the directory that it is imported from.
    with tempfile.TemporaryDirectory(prefix="huracan-contest-") as nowhere:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "contest.child", *map(str, arguments)],
            env=os.environ | one | {"PYTHONPATH": path},
            cwd=nowhere,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, arguments))} failed:\n{done.stderr[-4000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def learning(arguments: argparse.Namespace) -> dict[str, Any]:
    """Steps per CPU-second of every contestant, the arithmetic limit, and the ratios."""
    names = arguments.contestant or ["huracan", *PEERS]
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    missing: dict[str, str] = {}
    limits = []
    for _ in range(arguments.repeats):
        limits.append(child("limit", 0))
        for name in (name for name in names if name not in missing):
            measured = child(name, arguments.seconds)
            if "missing" in measured:
                missing[name] = measured["missing"]
            else:
                rounds[name].append(measured)
    check_set_up(rounds)
    rates = {name: summarise(each) for name, each in rounds.items() if each}
    limit = max(each["multiply_adds_per_second"] for each in limits)
    needed = limits[0]["multiply_adds_per_step"]
    fastest = {name: each["steps_per_cpu_second"] for name, each in rates.items()}
    ours = fastest.get("huracan")
    ratios: dict[str, float | None] = {}
    for ratio, against in RATIOS.items():
        there = [fastest[name] for name in against if name in fastest]
        ratios[ratio] = ours / max(there) if ours and there else None
    return ratios | {
        "share_of_limit": ours / (limit / needed) if ours else None,
        "ratio_sb3_default_at": "4 epochs, the same as everybody's; sb3_default_10_epochs is beside it",
        "limit_steps_per_second": limit / needed,
        "multiply_adds_per_second": limit,
        "multiply_adds_per_step": needed,
        "contestants": rates,
        "missing": missing,
    }


def check_set_up(rounds: dict[str, list[dict[str, Any]]]) -> None:
    """Stops where a contestant did not learn the contest's network."""
    towers = [(WIDTH, *HIDDEN, outputs) for outputs in (ACTIONS, 1)]
    expected = sum(below * above + above for tower in towers for below, above in pairwise(tower))
    for name, measured in rounds.items():
        for each in measured:
            found = (each["width"], each["actions"], each["parameters"])
            if found != (WIDTH, ACTIONS, expected):
                raise SystemExit(
                    f"{name} learned {found[2]} numbers from {found[0]} columns and {found[1]} actions; the"
                    f" contest is about {expected}, {WIDTH} and {ACTIONS}."
                )


def summarise(measured: list[dict[str, Any]]) -> dict[str, Any]:
    by_cpu = [each["steps"] / each["cpu_seconds"] for each in measured]
    by_wall = [each["steps"] / each["wall_seconds"] for each in measured]
    return {
        "steps_per_cpu_second": max(by_cpu),
        "median_steps_per_cpu_second": median(by_cpu),
        "slowest_steps_per_cpu_second": min(by_cpu),
        "steps_per_wall_second": max(by_wall),
        "parameters": measured[0]["parameters"],
        "rounds": len(measured),
    }


def time_to_policy(arguments: argparse.Namespace) -> dict[str, Any]:
    """Held-out profit over CPU-seconds; see `contest.levels`."""
    from contest.levels import STYLES, compare, draw

    curves: dict[str, list[dict[str, Any]]] = {name: [] for name in STYLES}
    for seed in range(1, arguments.seeds + 1):
        for name, runs in curves.items():
            runs.append(child("policy", arguments.budget, name, seed))
    compared = compare(curves)
    if arguments.plot:
        draw(curves, arguments.plot)
    return {"time_to_policy": compared}


if __name__ == "__main__":
    main()
