"""Pictures of a day's ledger for the metadata of assets; the drawing of pictures at large is in `plots`."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.analysis.trades.exit_quality import EXIT_REASON
from huracan.analysis.trades.post_exit import HORIZONS_MINUTES
from huracan.market.what_if.scenario_tables import ALL_SYMBOLS, BRAIN, BUY_AND_HOLD
from huracan_assets.shown import Shown, as_picture, blank_figure, hours_of, top_rows


def scenarios_and_rivals(scenarios: pa.Table, rivals: pa.Table, draws_bps: NDArray[np.float64]) -> Shown:
    """Net of the day by scenario in USD, and the brain's mean trade among the random draws in bps."""
    figure = blank_figure(height=2.8)
    left, right = figure.subplots(1, 2)
    of_all = [row for row in scenarios.to_pylist() if row["symbol"] == ALL_SYMBOLS]
    names, net = [row["scenario"] for row in of_all], [row["net_usd"] for row in of_all]
    held = {row["rival"]: row for row in rivals.to_pylist() if row["symbol"] == ALL_SYMBOLS}
    names.append(BUY_AND_HOLD)
    net.append(held[BUY_AND_HOLD]["net_usd"])
    left.barh(names[::-1], net[::-1], color=["#2f9e44" if usd > 0 else "#e03131" for usd in net[::-1]])
    left.axvline(0, color="#868e96", linewidth=0.6)
    left.tick_params(labelsize=6)
    left.set_xlabel("net, USD", fontsize=7)
    if draws_bps.size:
        right.hist(draws_bps, bins=30, color="#adb5bd")
        right.axvline(held[BRAIN]["net_bps"], color="#1c7ed6", label="brain")
        right.legend(fontsize=7, frameon=False)
    right.tick_params(labelsize=6)
    right.set_xlabel("mean net of a trade, bps; random entries in grey", fontsize=7)
    figure.subplots_adjust(left=0.2, wspace=0.15)
    return as_picture(figure, "scenarios and rivals")


def after_the_exit(quality: pa.Table) -> Shown:
    """By exit reason over the longest window: the mean return after the exit, and the mean quality."""
    figure = blank_figure(height=2.4)
    left, right = figure.subplots(1, 2)
    longest = max(quality["window_days"].to_pylist())
    of_window = [row for row in quality.to_pylist() if row["window_days"] == longest]
    rows = [row for row in of_window if row["scope"] == EXIT_REASON and row["judged"]]
    for row in rows:
        returns = [row[f"mean_return_after_{minutes}_minutes_bps"] for minutes in HORIZONS_MINUTES]
        shown = [np.nan if value is None else value for value in (0.0, *returns)]
        left.plot([0, 1, 4, 24], shown, marker=".", linewidth=0.9, label=row["value"])
    left.axhline(0, color="#868e96", linewidth=0.6)
    if rows:
        left.legend(fontsize=6, frameon=False)
        right.barh(
            [row["value"] for row in rows],
            [row["exit_quality"] for row in rows],
            xerr=[row["exit_quality_standard_error"] or 0.0 for row in rows],
            color="#1c7ed6",
        )
    left.set_xlabel(f"hours after the exit; bps in the trade's direction, {longest} days", fontsize=7)
    right.set_xlabel("exit quality: saved / (saved + missed)", fontsize=7)
    right.set_xlim(0, 1)
    for axes in (left, right):
        axes.tick_params(labelsize=6)
    figure.subplots_adjust(wspace=0.5)
    return as_picture(figure, "after the exit")


def equity_curve(session: pa.Table) -> Shown:
    """Equity less starting cash in USD, per symbol and in all."""
    figure = blank_figure(height=2.8)
    axes = figure.subplots()
    symbols = session["symbol"].to_numpy(zero_copy_only=False)
    names = list(dict.fromkeys(symbols.tolist()))
    equity = session["equity_usd"].to_numpy().reshape(len(names), -1)
    hours = hours_of(session).reshape(len(names), -1)[0]
    gained = equity - equity[:, :1]
    for name, line in zip(names, gained, strict=True):
        axes.plot(hours, line, linewidth=0.8, label=name)
    axes.plot(hours, gained.sum(axis=0), color="black", linewidth=1.4, label="all")
    axes.axhline(0, color="#adb5bd", linewidth=0.6)
    axes.legend(fontsize=7, frameon=False)
    axes.set(xlabel="hour, UTC", ylabel="net, USD", xticks=range(0, 25, 4))
    return as_picture(figure, "equity curve")


def win_loss_table(trades: pa.Table) -> Shown:
    """Per symbol, side and exit reason: trades, share of winners, net in bps and USD."""
    rows = trades.append_column("is_winner", pa.array(trades["net_usd"].to_numpy() > 0).cast(pa.float64()))
    keys = ["symbol", "side", "exit_reason"]
    grouped = rows.group_by(keys).aggregate(
        [("net_usd", "count"), ("is_winner", "mean"), ("net_bps", "mean"), ("net_usd", "sum")]
    )
    return top_rows(grouped.sort_by([(key, "ascending") for key in keys]), 60)
