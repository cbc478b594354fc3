"""The verdict's two errors in full: policies without skill, and the power, beside what stood before and what
else could be done.

    python benchmarks/promotion.py --json FILE --plot FILE [--only nulls|mirrored|power|leaks|trained]
        [--markets N] [--data DIRECTORY]
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy import stats

from huracan.evaluation.sharpe import deflated_sharpe, measure_returns
from huracan.promotion.evidence import DEVIATIONS, LARGEST_GAIN
from huracan.promotion.settings import bar_of
from huracan.proof.leaks.zoo import LeakSettings, run_zoo
from huracan.proof.promotion.nulls import NullSettings, prove_nulls
from huracan.proof.promotion.power import PowerSettings, power_row, prove_power
from huracan.proof.promotion.trained import TrainedSettings, prove_trained

PARTS = ("nulls", "mirrored", "power", "leaks", "trained")
SYMBOLS = ("BTC", "ETH", "SOL")
NIGHTS = 365
PROCEDURES = (1, 5, 20)
RATIOS = (2.0, 5.0, 10.0)
Floats = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--markets", type=int)
    parser.add_argument("--data", type=Path, help="with binance_BTC-USDT_1h.parquet and others")
    told = parser.parse_args()
    parts = PARTS if told.only is None else (told.only,)
    found: dict[str, Any] = {}
    settings = NullSettings() if told.markets is None else replace(NullSettings(), markets=told.markets)
    if "nulls" in parts:
        found["nulls"] = [asdict(row) for row in prove_nulls(settings, print)]
    if "mirrored" in parts:
        candles = real_candles(told.data)
        if candles is None:
            print("skipped: no real data")
        else:
            own = replace(settings, candles=candles)
            found["mirrored"] = [asdict(row) for row in prove_nulls(own, print)]
    if "leaks" in parts:
        found["leaks"] = [asdict(row) for row in run_zoo(LeakSettings(), print)]
    if "trained" in parts:
        brains = TrainedSettings()
        brains = brains if told.markets is None else replace(brains, markets=told.markets)
        found["trained"] = [asdict(row) for row in prove_trained(brains, print)]
    if "power" in parts:
        drawn = PowerSettings() if told.markets is None else replace(PowerSettings(), draws=told.markets)
        rows = prove_power(drawn, lambda row: print(row.sharpe, row.tail, row.median_night))
        found["power"] = [asdict(row) for row in rows]
        found["curves"] = curves(drawn)
        for name, shares in found["curves"].items():
            print(name, [round(shares[night - 1], 3) for night in (30, 60, 90, 120, 180, 240, NIGHTS)])
    if told.json:
        told.json.write_text(json.dumps(found, sort_keys=True))
    if told.plot and "curves" in found:
        draw(found["curves"], told.plot)


def real_candles(folder: Path | None) -> pa.Table | None:
    """Hours of three symbols, null where there is no bar; None where the files are not there."""
    files = [] if folder is None else [folder / f"binance_{name}-USDT_1h.parquet" for name in SYMBOLS]
    if not files or not all(file.exists() for file in files):
        return None
    tables = []
    for name, file in zip(SYMBOLS, files, strict=True):
        rows = pq.read_table(file).rename_columns({"timestamp": "open_time"})
        times = rows["open_time"].cast(pa.int64()).to_numpy()
        hour = (times[1:] - times[:-1]).min()
        every = pa.table({"at": np.arange(times[0], times[-1] + hour, hour)})
        rows = rows.append_column("at", pa.array(times))
        whole = every.join(rows, "at", join_type="left outer").sort_by("at")
        tables.append(whole.append_column("symbol", pa.array([name] * whole.num_rows)))
    return pa.concat_tables(tables)


def curves(settings: PowerSettings) -> dict[str, list[float]]:
    """Share promoted by each night, by rule and annual Sharpe ratio."""
    found: dict[str, list[float]] = {}
    for ratio in RATIOS:
        for number in PROCEDURES:
            row = power_row(ratio, "normal", number, settings)
            found[f"the verdict, procedure {number}, ratio {ratio:g}"] = list(row.promoted_by)
        results = _results(ratio, settings.draws)
        for name, rule in RULES.items():
            found[f"{name}, ratio {ratio:g}"] = _shares(results, rule)
    return found


def _results(ratio: float, draws: int) -> Floats:
    """[draws, nights] results of days in deviations."""
    generator = np.random.default_rng(7)
    return np.asarray(ratio / np.sqrt(365.0) + generator.standard_normal((draws, NIGHTS)))


def _shares(results: Floats, rule: Callable[[Floats], NDArray[np.bool_]]) -> list[float]:
    ever = np.maximum.accumulate(rule(results), axis=1)
    return [float(each) for each in ever.mean(axis=0)]


def _week_of_hours(results: Floats) -> NDArray[np.bool_]:
    """What stood before: 168 hourly returns of the last seven days, deflated by the number of nights."""
    generator = np.random.default_rng(11)
    passed = np.zeros(results.shape, np.bool_)
    for draw, days in enumerate(results):
        hours = days[:, None] / 24.0 + generator.standard_normal((NIGHTS, 24)) / np.sqrt(24.0)
        hours -= hours.mean(axis=1, keepdims=True) - days[:, None] / 24.0
        for night in range(7, NIGHTS):
            week = hours[night - 7 : night].ravel()
            moments = measure_returns(week)
            moments = replace(moments, skewness=min(moments.skewness, 0.0))
            passed[draw, night] = deflated_sharpe(moments, night + 1, 1.0 / (week.size - 1)) >= 0.95
    return passed


def _fixed_sample(results: Floats) -> NDArray[np.bool_]:
    """A t-test at 2.5 % on all days, valid on the one night that was chosen beforehand; looked at on each."""
    counts = np.arange(1, NIGHTS + 1)
    means = results.cumsum(axis=1) / counts
    squares = (results**2).cumsum(axis=1) / counts
    spread = np.sqrt(np.maximum(squares - means**2, 1e-12) * counts / np.maximum(counts - 1, 1))
    found: NDArray[np.bool_] = np.asarray(means / spread * np.sqrt(counts) > stats.norm.ppf(0.975))
    # The power of a look on that night alone, not of having looked before.
    return np.asarray(found & (counts >= 7))


def _best_stake(results: Floats) -> NDArray[np.bool_]:
    """Whoever knew the best single stake before, in the same unit."""
    best = np.zeros(results.shape, np.bool_)
    share = -1.0
    for stake in np.arange(0.1, 1.0, 0.1):
        wealth = np.cumprod(
            np.maximum(1.0 + stake * np.minimum(results / DEVIATIONS, LARGEST_GAIN), 0.0), axis=1
        )
        reached = wealth >= bar_of(1)
        if reached.any(axis=1).mean() > share:
            best, share = reached, float(reached.any(axis=1).mean())
    return best


RULES: dict[str, Callable[[Floats], NDArray[np.bool_]]] = {
    "one week of hours, deflated by nights": _week_of_hours,
    "t-test at 2.5 %, every night a look": _fixed_sample,
    "the best stake, known before": _best_stake,
}


def draw(shares: dict[str, list[float]], file: Path) -> None:
    """A panel for each ratio."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.8), layout="constrained")
    panels = figure.subplots(1, len(RATIOS), sharey=True)
    for axes, ratio in zip(panels, RATIOS, strict=True):
        for name, values in shares.items():
            rule, _, own = name.rpartition(", ratio ")
            if own == f"{ratio:g}":
                dashed = "-" if rule.startswith("the verdict") else "--"
                axes.plot(range(1, NIGHTS + 1), values, dashed, label=rule, linewidth=1.5)
        axes.set(title=f"annual Sharpe ratio {ratio:g}", xlabel="nights", ylim=(0, 1))
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("share promoted by then")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    figure.savefig(file, dpi=110)


if __name__ == "__main__":
    main()
