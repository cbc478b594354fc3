"""Pictures and tables for the metadata of assets, small enough to live in the event log."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SMALL = 0.001
"""Below it four decimals would hide what the number is."""
REGIME_COLOURS = {"trend": "#2f9e44", "range": "#1c7ed6", "high_volatility": "#f08c00", "panic": "#e03131"}


def price_with_regimes(ohlcv: pa.Table, regimes: pa.Table) -> dg.MetadataValue:
    """The close of every symbol as a change since the day's first candle, coloured by regime."""
    figure = blank_figure(height=3.2)
    axes = figure.subplots()
    symbols = ohlcv["symbol"].to_numpy(zero_copy_only=False)
    hours = _hours(ohlcv)
    closes = ohlcv["close"].to_numpy()
    labels = regimes["regime"].to_numpy(zero_copy_only=False)
    for symbol in dict.fromkeys(symbols.tolist()):
        rows = symbols == symbol
        change_pct = 100 * (closes[rows] / closes[rows][np.isfinite(closes[rows])][0] - 1)
        for regime, colour in REGIME_COLOURS.items():
            # A line with holes draws many times faster than a marker per bar.
            here = np.where(labels[rows] == regime, change_pct, np.nan)
            axes.plot(hours[rows], here, color=colour, linewidth=1.1)
        axes.annotate(symbol, (hours[rows][-1], change_pct[np.isfinite(change_pct)][-1]), fontsize=7)
    for regime, colour in REGIME_COLOURS.items():
        axes.plot([], [], color=colour, label=regime)
    axes.legend(fontsize=7, ncols=4, loc="upper left", frameon=False)
    axes.set(xlabel="hour, UTC", ylabel="change since 00:00, %", xticks=range(0, 25, 4))
    return as_picture(figure, "price with regimes")


def equity_curve(session: pa.Table) -> dg.MetadataValue:
    """Equity less starting cash in USD, per symbol and in all."""
    figure = blank_figure(height=2.8)
    axes = figure.subplots()
    symbols = session["symbol"].to_numpy(zero_copy_only=False)
    names = list(dict.fromkeys(symbols.tolist()))
    equity = session["equity_usd"].to_numpy().reshape(len(names), -1)
    hours = _hours(session).reshape(len(names), -1)[0]
    gained = equity - equity[:, :1]
    for name, line in zip(names, gained, strict=True):
        axes.plot(hours, line, linewidth=0.8, label=name)
    axes.plot(hours, gained.sum(axis=0), color="black", linewidth=1.4, label="all")
    axes.axhline(0, color="#adb5bd", linewidth=0.6)
    axes.legend(fontsize=7, frameon=False)
    axes.set(xlabel="hour, UTC", ylabel="net, USD", xticks=range(0, 25, 4))
    return as_picture(figure, "equity curve")


def learning_curve(curve: pa.Table) -> dg.MetadataValue:
    """Reward, entropy and explained variance over the steps of the training."""
    figure = blank_figure(height=2.6)
    panels = figure.subplots(1, 3)
    steps = curve["steps"].to_numpy() / 1e6
    for axes, column in zip(panels, ("mean_reward", "entropy", "explained_variance"), strict=True):
        axes.plot(steps, curve[column].to_numpy(), linewidth=0.9)
        axes.set_title(column.replace("_", " "), fontsize=8)
        axes.set_xlabel("million steps", fontsize=7)
        axes.tick_params(labelsize=6)
    return as_picture(figure, "learning curve")


def held_out_table(report: Mapping[str, Any]) -> dg.MetadataValue:
    """The held-out result of a training, one row per figure."""
    records = [
        dg.TableRecord({"figure": name, "value": str(value)})
        for name, value in sorted(report["held_out"].items())
        if not isinstance(value, list | dict)
    ]
    return dg.MetadataValue.table(records)


def seeds_table(report: Mapping[str, Any]) -> dg.MetadataValue:
    """What every seed of a night did on the held-out tail, and which of them is published."""
    seeds = report["seeds"]
    records = [
        dg.TableRecord(
            {"seed": place, "is_published": place == seeds["published"]}
            | {name: _cell(value) for name, value in figures.items()}
        )
        for place, figures in enumerate(seeds["by_seed"])
    ]
    return dg.MetadataValue.table(records)


def win_loss_table(trades: pa.Table) -> dg.MetadataValue:
    """Per symbol, side and exit reason: trades, share of winners, net in bps and USD."""
    rows = trades.append_column("is_winner", pa.array(trades["net_usd"].to_numpy() > 0).cast(pa.float64()))
    keys = ["symbol", "side", "exit_reason"]
    grouped = rows.group_by(keys).aggregate(
        [("net_usd", "count"), ("is_winner", "mean"), ("net_bps", "mean"), ("net_usd", "sum")]
    )
    return top_rows(grouped.sort_by([(key, "ascending") for key in keys]), 60)


def count_table(table: pa.Table, keys: Sequence[str]) -> dg.MetadataValue:
    """How many rows there are of each combination of `keys`."""
    counted = table.group_by(list(keys)).aggregate([([], "count_all")])
    return top_rows(counted.sort_by([(key, "ascending") for key in keys]), 60)


def top_rows(table: pa.Table, count: int) -> dg.MetadataValue:
    """The first rows of a table, without its columns of lists."""
    plain = [
        field.name
        for field in table.schema
        if not (pa.types.is_list(field.type) or pa.types.is_fixed_size_list(field.type))
    ]
    rows = table.select(plain).slice(0, count).to_pylist()
    if not rows:
        return dg.MetadataValue.text("no rows")
    return dg.MetadataValue.table(
        [dg.TableRecord({name: _cell(value) for name, value in row.items()}) for row in rows]
    )


def lines(texts: Sequence[str]) -> dg.MetadataValue:
    """Sentences as a list."""
    return dg.MetadataValue.md("\n".join(f"- {text}" for text in texts))


def _cell(value: object) -> str | int | float | bool | None:
    if isinstance(value, float):
        digits = 4 if abs(value) >= _SMALL or value == 0.0 else 12
        return round(value, digits) if np.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else str(value)


def _hours(table: pa.Table) -> np.ndarray:
    milliseconds = table["open_time"].cast(pa.int64()).to_numpy()
    return (milliseconds - milliseconds[0]) / 3_600_000


def blank_figure(height: float) -> "Figure":
    """A figure of the width of the UI's column, with room for labels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, height), dpi=90)
    # Fixed margins: fitting them to the labels would cost half of the drawing.
    figure.subplots_adjust(left=0.09, right=0.91, bottom=0.17, top=0.9, wspace=0.3)
    return figure


def as_picture(figure: "Figure", title: str) -> dg.MetadataValue:
    """The figure as Dagster shows one: Markdown with a data URL; the bytes carry no date, so they repeat."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)  # a symbol may have a $ in it
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{encoded})")
