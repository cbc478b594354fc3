"""Pictures of a day's ledger for the metadata of assets; how pictures look at large is in `pictures`."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from huracan.analysis.trades.exit_quality import ALL, EXIT_REASON
from huracan.analysis.trades.post_exit import HORIZONS_MINUTES
from huracan.evaluation.equity import worst_drawdown_usd
from huracan.market.what_if.scenario_tables import ALL_SYMBOLS, BRAIN, BUY_AND_HOLD, RANDOM_ENTRIES
from huracan_assets.pictures import (
    BLUE,
    GREEN,
    INK,
    LINES,
    RED,
    as_picture,
    blank_figure,
    dress,
    legend,
    zero_line,
)
from huracan_assets.shown import Shown, hours_of, top_rows

_SCENARIOS = {
    "as_traded": "as traded",
    "costs_x1.5": "all costs 1.5 times",
    "costs_x2": "all costs twice",
    "one_bar_later": "one bar later",
    "volatility_x1.5": "wider bars, more slippage",
}


def scenarios_and_rivals(scenarios: pa.Table, rivals: pa.Table, draws_usd: NDArray[np.float64]) -> Shown:
    """What the day made by scenario, and the brain's trades among the same at other times, USD."""
    figure = blank_figure(height=3.2)
    left, right = figure.subplots(1, 2)
    of_all = [row for row in scenarios.to_pylist() if row["symbol"] == ALL_SYMBOLS]
    held = {row["rival"]: row for row in rivals.to_pylist() if row["symbol"] == ALL_SYMBOLS}
    net = {_SCENARIOS.get(row["scenario"], row["scenario"]): row["result_usd"] for row in of_all}
    net["buying and holding"] = held[BUY_AND_HOLD]["net_usd"]
    left.barh(list(net), list(net.values()), color=[GREEN if usd > 0 else RED for usd in net.values()])
    left.invert_yaxis()
    zero_line(left, is_vertical=True)
    dress(left, "The day's decisions otherwise", "net of costs, USD", grid="x")
    told = f"as traded {of_all[0]['result_usd']:+,.2f} USD"
    if draws_usd.size:
        label = f"the same trades at {draws_usd.size} other times"
        right.hist(draws_usd, bins=30, color=INK, alpha=0.6, label=label)
        right.axvline(held[BRAIN]["net_usd"], color=BLUE, linewidth=2, label="the brain")
        right.margins(y=0.35)
        legend(right, loc="upper center")
        chance = 1.0 - held[RANDOM_ENTRIES]["brain_percentile"] / 100.0
        told += f"; the chance of doing as well at another time is {chance:.1%}"
    dress(right, "The day's trades among the same at other times", "net of costs, USD", "draws")
    return as_picture(figure, "scenarios and rivals", told)


def after_the_exit(quality: pa.Table) -> Shown:
    """By exit reason over the longest window: the mean return after the exit, and the mean quality."""
    longest = max(quality["window_days"].to_pylist())
    of_window = [row for row in quality.to_pylist() if row["window_days"] == longest]
    rows = [row for row in of_window if row["scope"] == EXIT_REASON and row["judged"]]
    figure = blank_figure(height=3.4)
    left, right = figure.subplots(1, 2)
    colours = dict(zip((row["value"] for row in rows), (BLUE, *LINES) * len(rows), strict=False))
    names = {row["value"]: f"{_spoken(row['value'])} ({row['judged']})" for row in rows}
    for row in rows:
        returns = [row[f"mean_return_after_{minutes}_minutes_bps"] for minutes in HORIZONS_MINUTES]
        shown = [np.nan if value is None else value for value in (0.0, *returns)]
        hours = [0.0, *(minutes / 60 for minutes in HORIZONS_MINUTES)]
        # Which is which, the bars beside it say.
        left.plot(hours, shown, marker="o", markersize=3.5, linewidth=1.4, color=colours[row["value"]])
    zero_line(left)
    dress(
        left,
        f"The price after the exits, {longest} days",
        "hours after the exit",
        "mean move in the trade's direction, bps",
    )
    right.barh(
        list(names.values()),
        [row["exit_quality"] for row in rows],
        xerr=[row["exit_quality_standard_error"] or 0.0 for row in rows],
        color=list(colours.values()),
        ecolor=INK,
    )
    right.invert_yaxis()
    right.set_xlim(0, 1)
    dress(right, "Quality of the exits", "saved of what was saved or missed, 0 to 1", grid="x")
    of_all = next(row for row in of_window if row["scope"] == ALL)
    told = f"{of_all['judged']} of {of_all['exits']} exits in {longest} days can be judged"
    if of_all["exit_quality"] is not None:
        told += f"; their mean quality is {of_all['exit_quality']:.2f} of 1"
    return as_picture(figure, "after the exit", told)


def equity_curve(session: pa.Table) -> Shown:
    """What the day has made so far in USD, per symbol and in all: the change of marked equity."""
    figure = blank_figure(height=3.6)
    axes = figure.subplots()
    hours, rows = np.unique(hours_of(session), return_inverse=True)
    names = session["symbol"].to_numpy(zero_copy_only=False)
    result = session["result_usd"].to_numpy()
    # At a bar's close; the day opens with nothing made.
    ends = np.append(hours, hours[-1] + (hours[1] - hours[0] if hours.size > 1 else 0.0))
    total = np.append(0.0, np.cumsum(np.bincount(rows, weights=result, minlength=hours.size)))
    for index, name in enumerate(dict.fromkeys(names.tolist())):
        own = np.bincount(rows, weights=np.where(names == name, result, 0.0), minlength=hours.size)
        made = np.append(0.0, np.cumsum(own))
        axes.plot(ends, made, color=LINES[index % len(LINES)], linewidth=1, label=name)
    axes.plot(ends, total, color=BLUE, linewidth=2.2, label="all together")
    zero_line(axes)
    axes.set(xticks=range(0, 25, 4), xlim=(0, 24))
    legend(axes, loc="upper left")
    dress(axes, f"The day on paper: {total[-1]:+,.2f} USD net of costs", "hour, UTC", "net of costs, USD")
    fell = worst_drawdown_usd(total.astype(np.float64))
    told = f"{total[-1]:+,.2f} USD net of costs; the deepest fall was {fell:,.2f} USD"
    return as_picture(figure, "equity curve", told)


def held_table(accounts: pa.Table) -> Shown:
    """What is open at the day's end: side, size, what it has come to so far, stop and target."""
    held = accounts.filter(accounts["side"].is_valid())
    names = [
        "symbol", "side", "entry_time", "quantity", "entry_price", "mark_price", "result_usd", "stop",
        "target",
    ]  # fmt: skip
    return top_rows(held.select(names), 60)


def win_loss_table(trades: pa.Table) -> Shown:
    """Per symbol, side and exit reason: trades, share of winners, net in bps and USD."""
    won_pct = 100.0 * (trades["net_usd"].to_numpy() > 0)
    rows = trades.append_column("won_pct", pa.array(won_pct, pa.float64()))
    keys = ["symbol", "side", "exit_reason"]
    grouped = rows.group_by(keys).aggregate(
        [("net_usd", "count"), ("won_pct", "mean"), ("net_bps", "mean"), ("net_usd", "sum")]
    )
    named = grouped.rename_columns([*keys, "trades", "won_pct", "mean_net_bps", "net_usd"])
    return top_rows(named.sort_by([(key, "ascending") for key in keys]), 60)


def _spoken(reason: str) -> str:
    return reason.replace("_", " ").lower()
