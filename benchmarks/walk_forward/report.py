"""What a case's nights brought, beside its rivals: figures as JSON, a table, a picture."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from huracan.market.block import MarketBlock
from huracan_resources.lake.lake import Lake
from walk_forward.boosting import boost
from walk_forward.cases import CASES, LEAD_DAYS, RIVALS
from walk_forward.contestants import (
    BOOSTING,
    HOLDING,
    POLICY,
    RANDOM,
    TREND,
    Contestant,
    TradedDays,
    draw_rivals,
    follow_trend,
    hold_all,
)
from walk_forward.ledger import done_days, lake_of, read_block, read_policy, settings_of, traded_days_of
from walk_forward.nights import CaseRun, read_times
from walk_forward.statistics import Floats, sharpe_of

HEADER = (
    "| case | who | trades | net USD | net bps | Sharpe, a year | break-even fee, bps"
    " | turned over, USD a day | in the market |"
)
NONE = "-"
COLOURS = {POLICY: "C3", HOLDING: "0.6", RANDOM: "C1", BOOSTING: "C0", TREND: "C2"}
REPORT, MEASURED = "report.json", Path(__file__).parent / "measured"


@dataclass(frozen=True, eq=False)
class CaseReport:
    """Plain figures of a case, as they are kept beside its home."""

    figures: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.figures["case"])


def report_case(run: CaseRun) -> CaseReport | None:
    """The figures of the nights that are done by now; None where fewer than two are."""
    lake, settings = lake_of(run), settings_of(run)
    days = done_days(run, lake)
    if len(days) < 2:
        return None
    window, handover = settings.training.window_days, settings.market.handover
    block = read_block(lake, _block_days(lake, days, window + LEAD_DAYS), settings)
    traded = traded_days_of(block, days[0], settings)
    generator = np.random.default_rng(RIVALS.seed)
    policy = read_policy(lake, days, traded)
    random = draw_rivals(traded, policy.signals, RIVALS.draws, generator)
    contestants = [
        policy.contestant,
        hold_all(traded),
        random.mean,
        boost(block, traded, handover, window, RIVALS),
        follow_trend(traded, _lead(block, traded), RIVALS.fast_decisions, RIVALS.slow_decisions),
    ]
    times = read_times(run)
    closed_usd = policy.contestant.closed_net_usd
    return CaseReport(
        {
            "case": run.case.name,
            "decision": run.case.decision,
            "detail": run.case.detail,
            "symbols": list(run.case.symbols),
            "first_day": days[0].isoformat(),
            "last_day": days[-1].isoformat(),
            "days": len(days),
            "untraded_days": policy.untraded,
            "exit_reasons": policy.exit_reasons,
            "random_percentile": _percentile(random.net_usd, closed_usd, policy.contestant.trades),
            "night_wall_seconds": median(each.wall_seconds for each in times) if times else None,
            "night_cpu_seconds": median(each.cpu_seconds for each in times) if times else None,
            "timed_nights": len(times),
            "round_trip_bps": _round_trip_bps(traded),
            "contestants": [_figures(each, generator) for each in contestants],
        }
    )


def _block_days(lake: Lake, days: list[date], before: int) -> list[date]:
    """The days of the block: the traded ones and up to `before` that have regimes."""
    first = days[0]
    earlier: list[date] = []
    for back in range(1, before + 1):
        manifest = lake.manifest("regimes", first - timedelta(days=back))
        if manifest is None or "data.parquet" not in manifest.files:
            break
        earlier.append(manifest.day)
    return [*reversed(earlier), *days]


def _lead(block: MarketBlock, traded: TradedDays) -> Floats:
    """[symbols, decisions] the decision closes before those of the traded days."""
    ends = block.bar_count - traded.block.bar_count
    closes = block.decision_closes[block.decision_closes < ends]
    return np.asarray(block.close[:, closes], dtype=np.float64)


def _percentile(draws: Floats, net_usd: float, trades: float) -> float | None:
    return float(100.0 * (draws < net_usd).mean()) if trades else None


def _round_trip_bps(traded: TradedDays) -> float:
    """Fees and half-spreads of both sides, the mean of symbols and days; slippage comes on top."""
    block, costs = traded.block, traded.costs
    fee = block.taker_fee_bps if costs.taker_fee_bps is None else np.full(1, costs.taker_fee_bps)
    spread = block.half_spread_bps if costs.half_spread_bps is None else np.full(1, costs.half_spread_bps)
    return float(2.0 * (fee.mean() + np.maximum(spread, costs.half_spread_floor_bps).mean()))


def _figures(contestant: Contestant, generator: np.random.Generator) -> dict[str, Any]:
    sharpe = sharpe_of(contestant.daily_usd, generator, RIVALS.bootstraps)
    return {
        "who": contestant.name,
        "trades": contestant.trades,
        "net_usd": contestant.net_usd,
        "net_bps": contestant.net_bps,
        "sharpe": None if sharpe is None else sharpe.ratio,
        "sharpe_standard_error": None if sharpe is None else sharpe.standard_error,
        "break_even_fee_bps": contestant.break_even_fee_bps,
        "turned_over_usd_a_day": contestant.turned_over_usd / contestant.daily_usd.size,
        "held_share": contestant.held_share,
        "daily_usd": [round(float(each), 4) for each in contestant.daily_usd],
    }


def keep(report: CaseReport, folder: Path) -> None:
    """Beside the case's home."""
    (folder / REPORT).write_text(json.dumps(report.figures) + "\n", encoding="utf-8")


def kept(work: Path) -> list[CaseReport]:
    """Of every case in their order the report that lies below the folder, else the one that is told in
    docs/horizons.md, as far as there is one."""
    places = [(work / case.name / REPORT, MEASURED / f"{case.name}.json") for case in CASES]
    found = [next((file for file in either if file.is_file()), None) for either in places]
    return [CaseReport(json.loads(file.read_text(encoding="utf-8"))) for file in found if file is not None]


def as_table(reports: list[CaseReport]) -> str:
    """Two tables in Markdown: the nights of every case, and everybody's figures."""
    lines = [
        "| case | decisions | candles | coins | traded days | of them untraded | round trip, bps"
        " | policy above random | a night, s | of the processor, s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_case_line(each.figures) for each in reports]
    lines += ["", HEADER, "|---" * (HEADER.count("|") - 1) + "|"]
    lines += [_who_line(each.name, who) for each in reports for who in each.figures["contestants"]]
    return "\n".join(lines)


def _case_line(figures: dict[str, Any]) -> str:
    coins = ", ".join(symbol.partition("/")[0] for symbol in figures["symbols"])
    cells = [
        *(figures["case"], figures["decision"], figures["detail"], coins),
        f"{figures['days']}, {figures['first_day']} to {figures['last_day']}",
        *(str(figures["untraded_days"]), _number(figures["round_trip_bps"], 1)),
        NONE if figures["random_percentile"] is None else f"{figures['random_percentile']:.0f} % of draws",
        *(_number(figures["night_wall_seconds"], 0), _number(figures["night_cpu_seconds"], 0)),
    ]
    return f"| {' | '.join(cells)} |"


def _who_line(case: str, who: dict[str, Any]) -> str:
    error = who["sharpe_standard_error"]
    cells = [
        *(case, who["who"], _number(who["trades"], 0)),
        *(_number(who["net_usd"], 0), _number(who["net_bps"], 1)),
        NONE if who["sharpe"] is None else f"{who['sharpe']:.1f} ± {error:.1f}",
        *(_number(who["break_even_fee_bps"], 1), _number(who["turned_over_usd_a_day"], 0)),
        f"{who['held_share']:.0%}",
    ]
    return f"| {' | '.join(cells)} |"


def _number(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:,.{digits}f}"


def draw(reports: list[CaseReport], file: Path) -> None:
    """Cumulated net by day, one panel for each case."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = -(-len(reports) // 2)
    figure = Figure(figsize=(11, 2.6 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for place, report in enumerate(reports):
        axes = figure.add_subplot(rows, 2, place + 1)
        for who in report.figures["contestants"]:
            total = np.cumsum(who["daily_usd"])
            colour, width = COLOURS[who["who"]], 2.2 if who["who"] == POLICY else 1.2
            axes.plot(np.arange(1, total.size + 1), total, label=who["who"], color=colour, linewidth=width)
        figures = report.figures
        axes.set_title(f"{figures['case']}: from {figures['first_day']}, USD net of costs", fontsize=9)
        axes.axhline(0.0, color="0.8", linewidth=0.8, zorder=0)
        axes.tick_params(labelsize=8)
        if place == 0:
            axes.legend(fontsize=7, frameon=False)
    figure.savefig(file, dpi=110, metadata={"Software": None})
