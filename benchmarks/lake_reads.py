"""What it costs to verify the files of a lake that SQL reads: a year of trades, asked for at once.

    python benchmarks/lake_reads.py [--home DIRECTORY] [--days 365] [--repeats 9] [--json]

The newest traded day of a home (the configured one if none is given) is written again for every day of the
year, into a lake of its own. CPU-seconds of this process for every column of the view `trades`, and what of
them goes into verifying: for the first time (every file is hashed) and later the same day (none is).
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from huracan_resources.lake.lake import Lake
from huracan_resources.lake.store import LocalStore
from huracan_resources.lake.verified_files import VerifiedFiles
from huracan_resources.lake.views import LakeViews
from huracan_resources.resources import Resources
from huracan_resources.settings.settings import load_settings

ASSETS = ("shadow_trades", "loss_analysis", "win_analysis")
FIRST = date(2023, 1, 1)
_HOURS_LATER = 3600.0
"""A file is remembered once it has not changed for some seconds."""


class _Timed(VerifiedFiles):
    """Sums up the CPU-seconds that it takes itself."""

    seconds = 0.0

    def is_whole(self, path: Path, sha256: str) -> bool:
        before = time.process_time()
        is_whole = super().is_whole(path, sha256)
        self.seconds += time.process_time() - before
        return is_whole

    def save(self) -> None:
        before = time.process_time()
        super().save()
        self.seconds += time.process_time() - before


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, help="a HURACAN_HOME in which a day was traded")
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.home:
        os.environ["HURACAN_HOME"] = str(arguments.home.resolve())
    with tempfile.TemporaryDirectory(prefix="huracan-bench-") as place:
        files = fill(Resources(load_settings()).lake, Lake(LocalStore(Path(place) / "lake")), arguments.days)
        report = files | measure(Path(place), arguments.repeats)
    print(json.dumps(report) if arguments.json else describe(report))


def fill(source: Lake, target: Lake, days: int) -> dict[str, Any]:
    """The newest traded day as each of `days` days; what that makes."""
    newest = max(day for day in source.days("shadow_trades") if source.require("shadow_trades", day).files)
    sizes = list[int]()
    for asset in ASSETS:
        manifest = source.require(asset, newest)
        if "data.parquet" not in manifest.files:
            continue
        read = {"data.parquet": source.read_file(asset, newest, "data.parquet")}
        for number in range(days):
            target.write(asset, FIRST + timedelta(days=number), read)
        sizes += map(len, read.values())
    return {"files": days * len(sizes), "megabytes": days * sum(sizes) / 1e6}


def measure(place: Path, repeats: int) -> dict[str, Any]:
    """CPU-seconds of reading and of verifying, and the second in percent of the first."""
    store = LocalStore(place / "lake")
    taken: dict[str, list[tuple[float, float]]] = {"first": [], "remembered": []}
    rows = 0
    for repeat in range(repeats + 1):
        shutil.rmtree(place / "cache", ignore_errors=True)
        for times in taken.values():
            before, verified = time.process_time(), _Timed(LocalStore(place / "cache"), _later)
            with LakeViews(Lake(store, verified)) as views:
                rows = views.query("SELECT * FROM trades").num_rows
            if repeat:  # the first round imports
                times.append((time.process_time() - before - verified.seconds, verified.seconds))
    report: dict[str, Any] = {"rows": rows}
    for name, times in taken.items():
        reading, verifying = (median(each) for each in zip(*times, strict=True))
        report[name] = {"reading": reading, "verifying": verifying, "pct": 100.0 * verifying / reading}
    return report


def _later() -> float:
    return time.time() + _HOURS_LATER


def describe(report: dict[str, Any]) -> str:
    lines = [f"{report['rows']:,} trades in {report['files']:,} files, {report['megabytes']:.0f} MB"]
    for name in ("first", "remembered"):
        taken = report[name]
        lines.append(
            f"{name:<11} reading {taken['reading']:.2f} s, verifying {taken['verifying']:.3f} s:"
            f" {taken['pct']:+.1f} %"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
