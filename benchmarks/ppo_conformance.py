"""Runs every task whose right outcome is known or published, and writes the table of what came out.

    python benchmarks/ppo_conformance.py             # all, some minutes; writes docs/ppo_conformance.md
    python benchmarks/ppo_conformance.py --quick     # probes and identity alone
    python benchmarks/ppo_conformance.py --only CartPole-v1 --seeds 1 --json

One process, one thread. --json prints one line. A table is written when all tasks ran, or where --table says.
The exit status is 1 where a bar was not met.
"""

import argparse
import sys
import time
from pathlib import Path

import torch

# Run by its path, Python looks for modules beside this file alone.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ppo_outcomes import Outcome, as_json, as_table
from ppo_tasks import TASKS, Task

_TABLE = Path(__file__).resolve().parent.parent / "docs" / "ppo_conformance.md"


def run_task(task: Task, seeds: list[int], engine: str) -> Outcome:
    """Trains once for each seed, telling each figure on stderr as it comes."""
    started, figures = time.process_time(), []
    for seed in seeds:
        figures.append(task.measure(seed, engine))
        print(f"{task.name} seed {seed}: {task.figure} {figures[-1]:.4f}", file=sys.stderr, flush=True)
    return Outcome(task, tuple(figures), time.process_time() - started)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="probes and identity alone")
    parser.add_argument("--only", nargs="+", metavar="TASK", choices=[task.name for task in TASKS])
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 1 on")
    parser.add_argument("--engine", choices=["compiled", "torch"], default="compiled")
    parser.add_argument("--json", action="store_true", help="one line instead of the table")
    parser.add_argument("--table", type=Path, help="where the table goes")
    asked = parser.parse_args()
    if asked.seeds < 1:
        parser.error("--seeds is at least 1")
    torch.set_num_threads(1)
    chosen = [
        task
        for task in TASKS
        if (asked.only is None or task.name in asked.only) and (task.is_quick or not asked.quick)
    ]
    if not chosen:
        parser.error("--quick leaves none of the tasks of --only")
    seeds = list(range(1, asked.seeds + 1))
    outcomes = [run_task(task, seeds, asked.engine) for task in chosen]
    table = as_table(outcomes, seeds, asked.engine)
    path = asked.table or (_TABLE if len(chosen) == len(TASKS) else None)
    if path is not None:
        path.write_text(table, encoding="utf-8")
    print(as_json(outcomes, seeds, asked.engine) if asked.json else table)
    return 0 if all(outcome.is_met for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
