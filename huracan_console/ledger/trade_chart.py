"""The chart of one trade: its price with entry, exit, stop and target, for a terminal or as a PNG."""

import io
from datetime import datetime
from typing import Any

import numpy as np

MINUTE = 60.0


def draw_in_terminal(report: dict[str, Any], width: int) -> str:
    """Lines of text, about `width` columns; a sentence where there are no candles."""
    import plotille

    line = _line(report)
    if line is None:
        return "No candles of it are in the lake."
    minutes, closes = line
    trade = report["trade"]
    entered, left = 0.0, _minutes(trade["exit_time"], trade)
    figure = plotille.Figure()
    # The axis takes 14 columns on the left, and its name another 14 on the right.
    figure.width, figure.height = max(width - 28, 20), 16
    figure.origin, figure.with_colors = False, False
    figure.x_label, figure.y_label = "minutes", "price"
    figure.set_x_limits(minutes[0], max(minutes[-1], left + 1.0))
    figure.register_label_formatter(float, _label)
    figure.plot(minutes, closes)
    for name in ("stop_price", "target_price"):
        if trade[name] is not None:
            figure.plot([entered, left], [trade[name]] * 2)
    figure.text([entered], [trade["entry_reference_price"]], ["▲ in"])
    figure.text([left], [_left_at(report)], ["▼ out"])
    drawn: str = figure.show(legend=False)
    return drawn


def draw_png(report: dict[str, Any]) -> bytes:
    """The same as a picture."""
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    trade, line = report["trade"], _line(report)
    figure = Figure(figsize=(9, 4), dpi=110, layout="constrained")
    axes = figure.subplots()
    left = _minutes(trade["exit_time"], trade)
    if line is not None:
        axes.plot(*line, color="#495057", linewidth=0.9)
    for name, colour in (("stop_price", "#e03131"), ("target_price", "#2f9e44")):
        if trade[name] is not None:
            axes.plot(
                [0, left], [trade[name]] * 2, color=colour, linewidth=0.9, linestyle="--", label=name[:-6]
            )
    axes.plot([0], [trade["entry_reference_price"]], "^", color="#1c7ed6", label="entry")
    axes.plot([left], [_left_at(report)], "v", color="#1c7ed6", label="exit")
    axes.set(
        xlabel=f"minutes since {trade['entry_time']:%Y-%m-%d %H:%M} UTC",
        ylabel="price",
        title=f"{trade['symbol']} {trade['side']}, {trade['exit_reason']}, {trade['net_bps']:+.1f} bps net",
    )
    axes.legend(frameon=False, fontsize=8)
    for text in figure.findobj(Text):
        text.set_parse_math(False)  # a symbol may have a $ in it
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _line(report: dict[str, Any]) -> tuple[list[float], list[float]] | None:
    """Minutes since the entry and closes of the candles that were traded, at each candle's open."""
    known = [row for row in report["candles"] or [] if row["close"] is not None]
    if not known:
        return None
    return [_minutes(row["open_time"], report["trade"]) for row in known], [row["close"] for row in known]


def _left_at(report: dict[str, Any]) -> float:
    """Where the last part was closed; the trade's exit price is a mean over all parts."""
    fills = report["fills"]
    return float(fills[-1]["reference_price"] if fills else report["trade"]["exit_reference_price"])


def _minutes(moment: datetime, trade: dict[str, Any]) -> float:
    return float((moment - trade["entry_time"]).total_seconds() / MINUTE)


def _label(value: float, chars: int, delta: float, left: bool = False) -> str:
    """Minutes below, prices beside; prices to a hundredth of the range that is drawn."""
    if left:
        return f"{value:.0f}".ljust(chars)
    digits = int(np.clip(np.ceil(-np.log10(delta)) + 2, 0, 8)) if delta > 0 else 2
    return f"{value:.{digits}f}"[:chars].rjust(chars)
