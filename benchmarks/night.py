"""Seconds and peak memory of each asset of a night, and what Dagster adds to them.

    python benchmarks/night.py --data DIRECTORY --date 2023-06-30 --nights 3

Uses a fresh home of its own, so that nothing is reused. Without --data the simulated market is used. History
is made first and timed as a whole; then each night is run as `huracan nightly` runs it.
"""

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import psutil

_MEGABYTE = 1024 * 1024
_SAMPLE_SECONDS = 0.02


@dataclass
class Meter:
    """Peak resident memory of this process, and how long each asset took."""

    seconds: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, float] = field(default_factory=dict)
    current: str = "between assets"
    peak_all_mb: float = 0.0
    _started: float = 0.0

    def begin(self, asset: str) -> None:
        self.current, self._started = asset, time.perf_counter()

    def end(self, asset: str) -> None:
        self.seconds[asset] = self.seconds.get(asset, 0.0) + time.perf_counter() - self._started
        self.current = "between assets"

    def sample(self) -> None:
        used = psutil.Process().memory_info().rss / _MEGABYTE
        self.peak_mb[self.current] = max(self.peak_mb.get(self.current, 0.0), used)
        self.peak_all_mb = max(self.peak_all_mb, used)


@contextmanager
def metering() -> Iterator[Meter]:
    from huracan_assets import progress

    meter, done = Meter(), threading.Event()

    def watch() -> None:
        while not done.wait(_SAMPLE_SECONDS):
            meter.sample()

    def hear(report: progress.Progress) -> None:
        if report.fraction == 0.0:
            meter.begin(report.asset)
        elif report.fraction >= 1.0:
            meter.end(report.asset)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        with progress.listening(hear):
            yield meter
    finally:
        done.set()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="a directory of candle files, read by the source `files`")
    parser.add_argument(
        "--exchange", default="binance", help="whose files, where the directory holds several"
    )
    parser.add_argument("--date", type=date.fromisoformat, default=date(2023, 6, 30), help="the first night")
    parser.add_argument("--nights", type=int, default=1)
    parser.add_argument("--history-days", type=int, help="made and timed before the first night")
    parser.add_argument("--set", dest="assignments", action="append", default=[], metavar="SECTION.KEY=VALUE")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="huracan-bench-") as home:
        os.environ["HURACAN_HOME"] = home
        report = measure(arguments)
    print(json.dumps(report) if arguments.json else describe(report))


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    from huracan_console.configuring.given import read_settings
    from huracan_console.plan import NIGHT, PlannedRun, history_days, plan_night
    from huracan_console.walk import open_workplace
    from huracan_resources.database.embedded_postgres import stop_embedded

    assignments = list(arguments.assignments)
    if arguments.data:
        assignments += ["source.kind=files", f"source.files.directory={arguments.data}"]
        assignments += [f"source.files.exchange={arguments.exchange}"]
    settings = read_settings(tuple(assignments))
    report: dict[str, object] = {"symbols": list(settings.universe.symbols), "nights": []}
    with open_workplace(settings) as workplace:

        def run(planned: PlannedRun) -> None:
            finished = workplace.starter.run(planned.job, planned.day, {})
            if not finished.is_success:
                raise SystemExit(f"{planned.job} of {planned.day}: {finished.error}\n{finished.trace}")

        before = arguments.date - timedelta(days=1)
        days = history_days(before, settings)
        if arguments.history_days:
            days = [arguments.date - timedelta(days=back) for back in range(arguments.history_days, 0, -1)]
        with metering() as meter:
            started = time.perf_counter()
            for day in days:
                run(PlannedRun("market", day, True))
            report["history"] = {
                "days": len(days),
                "seconds": time.perf_counter() - started,
                "asset_seconds": meter.seconds,
                "peak_mb": meter.peak_all_mb,
            }
        run(PlannedRun("learn", before, True))
        for offset in range(arguments.nights):
            day = arguments.date + timedelta(days=offset)
            with metering() as meter:
                started = time.perf_counter()
                for planned in plan_night(day, settings, workplace.freshness).runs:
                    run(planned)
                wall = time.perf_counter() - started
            report["nights"].append(  # type: ignore[attr-defined]
                {
                    "day": day.isoformat(),
                    "jobs": list(NIGHT),
                    "seconds": wall,
                    "asset_seconds": meter.seconds,
                    "peak_mb": meter.peak_mb,
                    "peak_all_mb": meter.peak_all_mb,
                    "overhead_seconds": wall - sum(meter.seconds.values()),
                }
            )
        stop_embedded(settings.storage.home)
    return report


def describe(report: dict[str, object]) -> str:
    history: dict[str, object] = report["history"]  # type: ignore[assignment]
    lines = [
        f"history: {history['days']} days of {len(report['symbols'])} symbols"  # type: ignore[arg-type]
        f" in {history['seconds']:.1f} s, peak {history['peak_mb']:.0f} MB"
    ]
    for asset, seconds in history["asset_seconds"].items():  # type: ignore[attr-defined]
        lines.append(f"  {asset:<22}{seconds:8.1f} s in all")
    for night in report["nights"]:  # type: ignore[attr-defined]
        lines.append(
            f"night {night['day']}: {night['seconds']:.1f} s, peak {night['peak_all_mb']:.0f} MB,"
            f" outside the assets {night['overhead_seconds']:.1f} s"
        )
        for asset, seconds in night["asset_seconds"].items():
            lines.append(f"  {asset:<22}{seconds:8.2f} s {night['peak_mb'].get(asset, 0):8.0f} MB")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
