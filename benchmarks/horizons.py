"""Does it help, and at which decision timeframe? A walk-forward on real candles by the product's nights.

    python benchmarks/horizons.py --data DIRECTORY --work FOLDER
    python benchmarks/horizons.py --data DIRECTORY --work FOLDER --case 1h_seven --nights 90
    python benchmarks/horizons.py --data DIRECTORY --work FOLDER --report --picture docs/horizons.png

Cases, days, settings and rivals are fixed in `walk_forward/cases.py`. Each case has a home of its own below
the folder; whatever was killed goes on where it was. With `--report` nothing is run: the nights that are
done are set beside their rivals, and a table is printed. Two cases side by side are meant for two cores: each
trains one seed on one core.
"""

import argparse
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from walk_forward.cases import CASES, MOST_NIGHTS, NIGHTS
from walk_forward.nights import CaseRun, run_nights

_lock = threading.Lock()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a directory of candle files in parquet")
    parser.add_argument("--work", type=Path, required=True, help="where the homes of the cases lie")
    parser.add_argument("--case", action="append", choices=[case.name for case in CASES])
    parser.add_argument("--nights", type=int, default=NIGHTS, help="traded nights of each case")
    parser.add_argument("--jobs", type=int, default=2, help="cases side by side")
    parser.add_argument("--report", action="store_true", help="run nothing, read what is done")
    parser.add_argument("--picture", type=Path, help="where the cumulated results are drawn")
    arguments = parser.parse_args()
    if not 2 <= arguments.nights <= MOST_NIGHTS:
        parser.error(f"--nights is from 2 to {MOST_NIGHTS}")
    chosen = [case for case in CASES if not arguments.case or case.name in arguments.case]
    runs = [
        CaseRun(case, arguments.work.resolve() / case.name, arguments.data.resolve(), arguments.nights)
        for case in chosen
    ]
    if arguments.report:
        report(runs, arguments)
    elif failed := make(runs, arguments.jobs):
        sys.exit("\n".join(failed))


def make(runs: list[CaseRun], jobs: int) -> list[str]:
    """Runs the nights of every case; what failed, in words."""
    with ThreadPoolExecutor(jobs) as pool:
        return [failure for failure in pool.map(_make, runs) if failure]


def _make(run: CaseRun) -> str:
    def say(text: str) -> None:
        with _lock:
            print(f"{time.strftime('%H:%M:%S')} {run.case.name}: {text}", flush=True)

    if not run.is_there:
        say("skipped: no real data")
        return ""
    try:
        run_nights(run, say)
    except RuntimeError as error:
        say(str(error))
        return str(error)
    say("done")
    return ""


def report(runs: list[CaseRun], arguments: argparse.Namespace) -> None:
    """Prints the tables of all cases that have nights below the work folder."""
    from walk_forward.report import as_table, draw, keep, kept, report_case

    for run in runs:
        if (run.home / "lake").is_dir() and (found := report_case(run)) is not None:
            keep(found, run.folder)
    reports = kept(arguments.work.resolve())
    print(as_table(reports) if reports else "No case has nights yet.")
    if arguments.picture and reports:
        draw(reports, arguments.picture)


if __name__ == "__main__":
    main()
